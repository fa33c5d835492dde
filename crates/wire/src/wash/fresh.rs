//! Whether the needles of a reply are still those of its session. A value that is granted or changed
//! while a reply comes may be echoed in the rest of it, and nobody looked for it.

use std::sync::Arc;

/// Asks the session. Without a question, needles never grow old.
#[derive(Default)]
pub(super) struct Fresh(pub(super) Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Fresh {
    pub(super) fn is_stale(&self) -> bool {
        self.0.as_ref().is_some_and(|stale| stale())
    }
}
