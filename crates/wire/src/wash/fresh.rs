//! Whether the needles of a reply are still those of its session. A value that is granted or changed
//! while a reply comes may be echoed in the rest of it, and nobody looked for it.

use std::sync::Arc;

use withheld_core::{Code, Refusal};

/// Asks the session. Without a question, needles never grow old.
#[derive(Default)]
pub(super) struct Fresh(pub(super) Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Fresh {
    pub(super) fn is_stale(&self) -> bool {
        self.0.as_ref().is_some_and(|stale| stale())
    }

    /// # Errors
    /// [`Stale`] where the session has others by now.
    pub(super) fn check(&self) -> Result<(), Stale> {
        if self.is_stale() { Err(Stale) } else { Ok(()) }
    }
}

/// A reply that was searched for the values its session had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stale;

impl From<Stale> for Refusal {
    fn from(_: Stale) -> Self {
        Self::new(
            Code::Conflict,
            "the keys of this session changed while the reply was open",
            "send the request again",
        )
    }
}
