//! `withheld rm NAME`.

use serde_json::json;
use withheld_core::api::{Deposit, OwnerRequest};
use withheld_core::name::{Environment, SecretName};
use withheld_core::plain;
#[cfg(test)]
use withheld_core::schema::Document;

use crate::cli::Rm;
use crate::context::Context;
use crate::drafts;
use crate::output::Outcome;
use crate::owner::Owner;

plain! {
    struct Removed {
        /// The secret's name.
        name: SecretName,
        /// PROJECT/ENVIRONMENT.
        environment: Environment,
    }
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![Document::of::<Removed>(
        "rm",
        "`withheld rm --json`: the secret that was removed, with its versions and bindings",
    )]
}

pub(super) fn run(context: &Context, arguments: &Rm) -> Outcome {
    let name = drafts::secret(&arguments.name)?;
    let target = context.target()?;
    let owner = Owner::open(context)?;
    let request = OwnerRequest::Remove {
        environment: target.environment.clone(),
        names: vec![name.clone()],
        proof: Deposit::to_come(),
    };
    let purpose = format!("to remove {name} with all its versions{}", target.signed());
    owner.ask_proven(request, &purpose)?;
    let text = format!(
        "Removed {name} with its bindings{}. At its provider the key is still valid.",
        target.said()
    );
    let removed = Removed {
        name,
        environment: target.environment,
    };
    context
        .output
        .result("withheld.rm/1", json!(removed), &text)
}
