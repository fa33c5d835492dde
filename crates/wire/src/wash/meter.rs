//! What went through one exchange, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one request and its reply. They only grow.
#[derive(Debug, Default)]
pub struct Meter {
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    redactions: AtomicU64,
    partial: AtomicU64,
}

impl Meter {
    /// Counts body bytes written to the upstream.
    pub fn add_up(&self, bytes: usize) {
        add(&self.bytes_up, bytes);
    }

    /// Counts body bytes given to the agent.
    pub fn add_down(&self, bytes: usize) {
        add(&self.bytes_down, bytes);
    }

    /// Counts one place where a value, or a part of one, was taken out.
    pub(super) fn add_redaction(&self, partial: bool) {
        add(&self.redactions, 1);
        if partial {
            add(&self.partial, 1);
        }
    }

    /// Body bytes written to the upstream.
    #[must_use]
    pub fn bytes_up(&self) -> u64 {
        self.bytes_up.load(Ordering::Relaxed)
    }

    /// Body bytes given to the agent.
    #[must_use]
    pub fn bytes_down(&self) -> u64 {
        self.bytes_down.load(Ordering::Relaxed)
    }

    /// Places where something was taken out, the partial ones included.
    #[must_use]
    pub fn redactions(&self) -> u64 {
        self.redactions.load(Ordering::Relaxed)
    }

    /// Places where only a part of a value stood. Three in a session end it.
    #[must_use]
    pub fn partial(&self) -> u64 {
        self.partial.load(Ordering::Relaxed)
    }
}

fn add(counter: &AtomicU64, by: usize) {
    counter.fetch_add(u64::try_from(by).unwrap_or(u64::MAX), Ordering::Relaxed);
}
