//! Where values rest, how they come in, and who may open them: envelopes, keychain and files, the
//! letterbox, the owner's key, the certificate authority.
//!
//! This crate must never know: what an agent asked, sockets, what goes over a wire, the time. A
//! value leaves it only as [`withheld_secret::Values`] for a permit, or as a `SecretValue` for
//! the wire's needles; nothing here can turn one into text.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ca;
mod envelope;
mod fault;
pub mod home;
mod index;
pub mod intake;
mod keeper;
mod key;
pub mod origin;
pub mod owner;
mod rest;
pub mod sealer;
pub mod team;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests look at their own canaries"
)]
mod test_values;
pub mod vault;
// Only what is shown on a terminal needs them.
#[cfg(unix)]
mod words;

use withheld_core::{Code, Refusal};
use withheld_secret::Descriptors;

pub use ca::Authority;
pub use home::Home;
pub use keeper::Facts;
pub use origin::Origin;
pub use owner::OwnerProof;
pub use sealer::VaultSealer;
pub use vault::{Held, Locked, Unlocked, Vault};

/// First lines of `main`: makes the process undumpable and untraceable by its own user and forbids
/// core files. The broker closes inherited descriptors, the command line marks them.
///
/// # Errors
/// `internal` where the system refuses; the caller must not go on.
pub fn harden(broker: bool) -> Result<(), Refusal> {
    let descriptors = if broker {
        Descriptors::Close
    } else {
        Descriptors::MarkCloseOnExec
    };
    withheld_secret::harden(descriptors).map_err(|_| {
        Refusal::new(
            Code::Internal,
            "this process could not be closed to others",
            "see what this machine offers: withheld doctor",
        )
    })
}

/// What kind of memory holds the values of this process; `None` before the first.
#[must_use]
pub fn secret_memory() -> Option<SecretMemory> {
    withheld_secret::memory().map(|kind| match kind {
        withheld_secret::Memory::MemfdSecret => SecretMemory::MemfdSecret,
        withheld_secret::Memory::LockedPages => SecretMemory::LockedPages,
    })
}

/// A kind of memory that may hold values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMemory {
    /// Unreadable even by root's debugger.
    MemfdSecret,
    /// Locked, kept out of swap, core files and children.
    LockedPages,
}
