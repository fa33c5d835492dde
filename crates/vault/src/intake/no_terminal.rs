//! Windows has a console, and this build has no way to ask there without showing what is typed: the prompts
//! refuse and name what works.

use withheld_core::{Code, Refusal};

use super::{How, Invitation, Passphrase, PublicKey, Taken};

/// Refuses: a value comes from standard input or a file.
///
/// # Errors
/// `owner_needed`, always.
pub fn prompt(_: &str, _: &PublicKey, _: How<'_>) -> Result<Taken, Refusal> {
    Err(no_prompt())
}

/// Refuses: an invitation comes from a file.
///
/// # Errors
/// `owner_needed`, always.
pub fn prompt_invitation(_: &str) -> Result<Invitation, Refusal> {
    Err(no_prompt())
}

/// Refuses: a passphrase comes from a file.
///
/// # Errors
/// `owner_needed`, always.
pub fn prompt_passphrase(_: &str) -> Result<Passphrase, Refusal> {
    Err(no_prompt())
}

/// Refuses: a passphrase comes from a file.
///
/// # Errors
/// `owner_needed`, always.
pub fn prompt_new_passphrase(_: &str) -> Result<Passphrase, Refusal> {
    Err(no_prompt())
}

fn no_prompt() -> Refusal {
    Refusal::new(
        Code::OwnerNeeded,
        "on Windows there is no hidden prompt yet",
        "name a source: --stdin or --from-file FILE for a value, WITHHELD_PASSPHRASE_FILE for the passphrase",
    )
}
