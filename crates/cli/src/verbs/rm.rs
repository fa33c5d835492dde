//! `withheld rm NAME`.

use serde_json::json;
use withheld_core::api::{Deposit, OwnerRequest};

use crate::cli::Rm;
use crate::context::Context;
use crate::drafts;
use crate::output::Outcome;
use crate::owner::Owner;

pub(super) fn run(context: &Context, arguments: &Rm) -> Outcome {
    let name = drafts::secret(&arguments.name)?;
    let environment = context.environment()?;
    let owner = Owner::open(context)?;
    let request = OwnerRequest::Remove {
        environment: environment.clone(),
        names: vec![name.clone()],
        proof: Deposit::to_come(),
    };
    owner.ask_proven(request, &format!("to remove {name} with all its versions"))?;
    context.output.result(
        "withheld.rm/1",
        json!({ "name": name, "environment": environment }),
        &format!("Removed {name} with its bindings. At its provider the key is still valid."),
    )
}
