//! `withheld unlock [--change-passphrase]`.

use serde_json::json;
use withheld_core::api::{Deposit, OwnerRequest};

use crate::cli::Unlock;
use crate::context::Context;
use crate::output::Outcome;
use crate::owner::{Owner, new_passphrase};

pub(super) fn run(context: &Context, arguments: &Unlock) -> Outcome {
    let owner = Owner::open(context)?;
    if arguments.change_passphrase {
        return change(context, &owner);
    }
    let proof = Deposit::to_come();
    owner.ask_proven(OwnerRequest::Unlock { proof }, "to unlock the vault")?;
    context.output.result(
        "withheld.unlock/1",
        json!({ "vault": "unlocked" }),
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
        json!({ "vault": "unlocked", "passphrase": "changed" }),
        "The owner passphrase is changed. The old one opens nothing any more.",
    )
}
