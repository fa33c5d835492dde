//! `withheld unlock [--change-passphrase]`.

use serde_json::{Value, json};
use withheld_core::api::{Deposit, OwnerRequest};
use withheld_core::plain;
#[cfg(test)]
use withheld_core::schema::Document;

use crate::cli::Unlock;
use crate::context::Context;
use crate::output::Outcome;
use crate::owner::{Owner, new_passphrase};

plain! {
    struct Unlocked {
        /// `unlocked`.
        vault: &'static str,
        /// `changed`; only there with `--change-passphrase`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(required))]
        passphrase: Option<&'static str>,
    }
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![Document::of::<Unlocked>(
        "unlock",
        "`withheld unlock --json`: the vault is open",
    )]
}

pub(super) fn run(context: &Context, arguments: &Unlock) -> Outcome {
    let owner = Owner::open(context)?;
    if arguments.change_passphrase {
        return change(context, &owner);
    }
    let proof = Deposit::to_come();
    owner.ask_proven(OwnerRequest::Unlock { proof }, "to unlock the vault")?;
    context.output.result(
        "withheld.unlock/1",
        document(None),
        "Unlocked until `withheld lock`, or until the broker ends.",
    )
}

fn change(context: &Context, owner: &Owner<'_>) -> Outcome {
    let passphrase = owner.passphrase("to change it")?;
    let new = new_passphrase(
        context,
        "Choose a new owner passphrase (Enter makes one for you):",
    )?;
    owner.change_passphrase(&passphrase, &new)?;
    context.output.result(
        "withheld.unlock/1",
        document(Some("changed")),
        "The owner passphrase is changed. The old one opens nothing any more.",
    )
}

fn document(passphrase: Option<&'static str>) -> Value {
    let vault = "unlocked";
    json!(Unlocked { vault, passphrase })
}
