//! The letterbox of the command line: every reading of a value or a passphrase. Each function reads
//! straight into locked memory and hands back what was sealed of it, with a few plain facts, or what
//! can only be sealed; the value itself never reaches its caller.

mod letterbox;
mod shape;
mod source;
#[cfg_attr(windows, path = "no_terminal.rs")]
mod terminal;

use withheld_core::api::Deposit;
use withheld_core::{Code, Refusal};
use withheld_secret::SecretValue;

use crate::team;

pub use letterbox::{IntakeKey, PublicKey, Purpose, misused};
pub use shape::{KeyShape, Shape};
pub use source::{from_file, from_stdin, from_variable, invitation_file, passphrase_file};
pub use terminal::{prompt, prompt_invitation, prompt_new_passphrase, prompt_passphrase};

/// The shortest value that is taken, in bytes: shorter ones stand in replies by chance.
pub const MIN_VALUE: usize = 8;
/// The longest value that is taken, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

/// How a value is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct How<'a> {
    /// Keep a final newline.
    pub raw: bool,
    /// The shapes to compare it with.
    pub shapes: &'a [KeyShape],
}

/// A value that was read: sealed, and what may be said of it.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The ciphertext for the broker.
    pub deposit: Deposit,
    /// Whether a final newline was removed.
    pub trimmed_newline: bool,
    /// What it looks like.
    pub shape: Shape,
}

/// Judges a value by the rules and seals it.
fn take_value(value: SecretValue, to: &PublicKey, how: How<'_>) -> Result<Taken, Refusal> {
    let (value, trimmed_newline) = if how.raw {
        (value, false)
    } else {
        shape::without_newline(value)?
    };
    fits(value.len())?;
    Ok(Taken {
        deposit: to.seal(&value, Purpose::Value)?,
        trimmed_newline,
        shape: shape::of(&value, how.shapes),
    })
}

/// The owner's passphrase as it was read: in locked memory, and good for nothing but to be sealed,
/// once for each call that needs it. How long it must be is the vault's to say.
pub struct Passphrase(SecretValue);

impl Passphrase {
    /// Seals it to the broker, for the call whose `OwnerRequest::proof_context` this is.
    ///
    /// # Errors
    /// `internal` where the key cannot be used or the system gives no randomness.
    pub fn seal(&self, to: &PublicKey, context: &[u8]) -> Result<Deposit, Refusal> {
        to.seal(&self.0, Purpose::Passphrase(context))
    }
}

fn take_passphrase(value: SecretValue) -> Result<Passphrase, Refusal> {
    let (value, _) = shape::without_newline(value)?;
    if value.is_empty() {
        return Err(Refusal::new(
            Code::OwnerNeeded,
            "the owner passphrase is missing",
            "type it at the prompt, or name a file in WITHHELD_PASSPHRASE_FILE",
        ));
    }
    Ok(Passphrase(value))
}

/// The invitation to a team as it was read, before there need be a vault: in locked memory, and good for
/// nothing but to be sealed to one.
pub struct Invitation(SecretValue);

impl Invitation {
    /// Seals it to a vault.
    ///
    /// # Errors
    /// `internal` where the key cannot be used or the system gives no randomness.
    pub fn seal(&self, to: &PublicKey) -> Result<Deposit, Refusal> {
        to.seal(&self.0, Purpose::Value)
    }
}

/// Judges whether it can be one, which needs nobody else.
fn take_invitation(value: SecretValue) -> Result<Invitation, Refusal> {
    let (value, _) = shape::without_newline(value)?;
    team::Team::server_of(&value)?;
    Ok(Invitation(value))
}

/// Whether a value of this length may be stored.
pub(crate) fn fits(len: usize) -> Result<(), Refusal> {
    if len < MIN_VALUE {
        return Err(Refusal::new(
            Code::Usage,
            "the value is shorter than 8 bytes",
            "store a longer one: anything shorter could not be told from ordinary text in a reply",
        ));
    }
    if len > MAX_VALUE {
        return Err(too_large());
    }
    Ok(())
}

fn too_large() -> Refusal {
    Refusal::new(
        Code::TooLarge,
        "the value is longer than 64 KiB",
        "store at most 64 KiB under one name",
    )
}
