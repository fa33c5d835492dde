//! A line that must not be seen: the bootstrap token, an invitation. Read by the vault's intake, so
//! that this program holds what was sealed of it and nothing else.

use std::path::Path;

use withheld_core::api::Deposit;
use withheld_core::{Code, Refusal};
use withheld_vault::intake::{self, How, PublicKey};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Outcome;

/// One such line, in words.
pub(super) struct Line {
    /// What the prompt says.
    pub(super) label: &'static str,
    /// What is said where nobody can be asked.
    pub(super) missing: &'static str,
    /// What is said where it cannot be read.
    pub(super) unread: &'static str,
    /// How it is given in a file.
    pub(super) hint: &'static str,
}

/// Reads the line from a file, else at a hidden prompt.
///
/// # Errors
/// `owner_needed` where nobody can be asked, `usage` where there is no such line.
pub(super) fn read(
    context: &Context,
    file: Option<&Path>,
    key: &PublicKey,
    line: &Line,
) -> Outcome<Deposit> {
    let taken = match file {
        Some(file) => intake::from_file(file, key, How::default()),
        None if context.terminal().is_none() => {
            return Err(Failure::refuse(Code::OwnerNeeded, line.missing, line.hint));
        }
        None => intake::prompt(line.label, key, How::default()),
    };
    let taken = taken.map_err(|refusal| match refusal.code {
        // The intake speaks of values of secrets there.
        Code::Usage | Code::TooLarge => Refusal::new(Code::Usage, line.unread, line.hint),
        _ => refusal,
    })?;
    Ok(taken.deposit)
}
