//! The refusals that several modules give, each worded once.

use withheld_core::{Code, Refusal, Text};
use withheld_secret::FillError;

/// A file or item of the vault does not verify. `what` names it.
pub(crate) fn corrupt(what: &'static str) -> Refusal {
    Refusal::new(
        Code::StoreCorrupt,
        withheld_core::text!("`{}` is not what Withheld wrote", what),
        "put back a copy of it that was taken after the last change; do not start anew before you looked",
    )
}

/// The disk took no more, or gave nothing back. `what` names the file.
pub(crate) fn unavailable(what: impl Into<Text>) -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        withheld_core::text!("`{}` could not be written or read", what.into()),
        "make room on the disk, or make it writable, and try again",
    )
}

/// Locked memory is used up. Values never move to ordinary memory instead.
pub(crate) fn no_memory() -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        "there is no locked memory left for another value",
        "raise the limit and start again: ulimit -l unlimited",
    )
}

/// The system gave no random bytes.
pub(crate) fn no_randomness() -> Refusal {
    Refusal::new(
        Code::Internal,
        "the system gave no random bytes",
        "try again; see what this machine offers: withheld doctor",
    )
}

/// Something that cannot happen did.
pub(crate) fn internal(what: &'static str) -> Refusal {
    Refusal::new(
        Code::Internal,
        what,
        "this is a bug in Withheld: report it with this sentence",
    )
}

/// A value could not be made in locked memory.
pub(crate) fn unfilled(fault: FillError<Refusal>) -> Refusal {
    match fault {
        FillError::Full => no_memory(),
        FillError::Fill(refusal) => refusal,
    }
}
