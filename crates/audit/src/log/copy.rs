//! The copy of the anchor is kept by a thread of its own: a keychain may take seconds to answer, and
//! a sync must not wait for it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::anchor::{Anchor, Anchored};

/// The copy is at most this many records behind the anchor,
const RECORDS: u64 = 256;
/// or this long.
const AGE: Duration = Duration::from_secs(5);

pub(super) struct Copier {
    place: Arc<dyn Anchor>,
    slot: Mutex<Slot>,
    bell: Condvar,
}

#[derive(Default)]
struct Slot {
    /// The newest anchor, while it is not in its place.
    waiting: Option<Anchored>,
    /// The number of the last record that was tried.
    tried: u64,
    urgent: bool,
    stop: bool,
}

impl Copier {
    pub(super) fn new(place: Arc<dyn Anchor>) -> Self {
        Self {
            place,
            slot: Mutex::default(),
            bell: Condvar::new(),
        }
    }

    /// The copy as it is now.
    pub(super) fn load(&self) -> Option<Anchored> {
        self.place.load()
    }

    /// A newer anchor; `urgent` when it is not to wait.
    pub(super) fn offer(&self, anchored: Anchored, urgent: bool) {
        let mut slot = self.lock();
        slot.waiting = Some(anchored);
        slot.urgent |= urgent;
        drop(slot);
        self.bell.notify_one();
    }

    /// Ends the thread after a last try.
    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.bell.notify_one();
    }

    /// The thread.
    pub(super) fn run(&self) {
        let mut last: Option<Instant> = None;
        while let Some(anchored) = self.next(last) {
            let stored = self.place.store(&anchored);
            last = Some(Instant::now());
            let mut slot = self.lock();
            slot.tried = anchored.head.seq;
            if !stored && !slot.stop && slot.waiting.is_none() {
                slot.waiting = Some(anchored);
            }
        }
    }

    fn next(&self, last: Option<Instant>) -> Option<Anchored> {
        let mut slot = self.lock();
        loop {
            let behind = slot
                .waiting
                .map(|anchored| anchored.head.seq.saturating_sub(slot.tried));
            let left = last.map_or(Duration::ZERO, |last| AGE.saturating_sub(last.elapsed()));
            let due = slot.stop || slot.urgent || left.is_zero();
            if behind.is_some_and(|records| due || records >= RECORDS) {
                slot.urgent = false;
                return slot.waiting.take();
            }
            if slot.stop {
                return None;
            }
            let left = if behind.is_some() { left } else { AGE * 12 };
            slot = self
                .bell
                .wait_timeout(slot, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
