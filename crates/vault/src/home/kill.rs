//! A process that is killed between two writes, for tests: from one of them on, nothing that this thread
//! writes or removes reaches the disk.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use withheld_core::Refusal;

use crate::fault;

thread_local! {
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    static HIT: Cell<bool> = const { Cell::new(false) };
    static SEEN: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

/// Kills the process after so many writes.
pub(crate) fn after(writes: usize) {
    LEFT.set(Some(writes));
    HIT.set(false);
}

/// Lets the process live again; whether it was killed.
pub(crate) fn never() -> bool {
    LEFT.set(None);
    HIT.get()
}

/// The files that were written or removed since the last time.
pub(crate) fn seen() -> Vec<PathBuf> {
    SEEN.take()
}

/// Before each write.
pub(super) fn point(file: &Path) -> Result<(), Refusal> {
    if LEFT.get() == Some(0) {
        HIT.set(true);
        return Err(fault::unavailable("the disk of a process that was killed"));
    }
    LEFT.set(LEFT.get().map(|left| left - 1));
    SEEN.with_borrow_mut(|seen| seen.push(file.to_owned()));
    Ok(())
}
