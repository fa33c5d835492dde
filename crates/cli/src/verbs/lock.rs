//! `withheld lock`: no proof, for closing needs none.

use serde_json::json;
use withheld_core::api::{OwnerCall, OwnerRequest};
use withheld_core::plain;
#[cfg(test)]
use withheld_core::schema::Document;

use crate::context::Context;
use crate::output::Outcome;
use crate::socket::{ACT, Socket};

plain! {
    struct Locked {
        /// `locked`.
        vault: &'static str,
    }
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![Document::of::<Locked>(
        "lock",
        "`withheld lock --json`: the vault is closed",
    )]
}

pub(super) fn run(context: &Context) -> Outcome {
    let home = context.owner_home()?;
    home.check()?;
    if !crate::owner::has_vault(&home)? {
        return Err(crate::owner::no_vault());
    }
    // Without a broker nothing is open.
    Socket::owner(&home)?.ask_if_there(&OwnerCall::plain(OwnerRequest::Lock), ACT)?;
    context.output.result(
        "withheld.lock/1",
        json!(Locked { vault: "locked" }),
        "Locked. Open it again: withheld unlock",
    )
}
