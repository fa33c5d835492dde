//! The background of the log: one thread puts records on disk, one sync in flight, and writes the
//! anchor after it. So the order is always anchor, then disk, then file.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::copy::Copier;
use super::writer::{Job, Writer};
use crate::anchor::Anchored;

/// How long records are gathered for one sync; with the sync itself they are on disk within 100 ms.
const WINDOW: Duration = Duration::from_millis(80);
/// How often an idle log looks for what is due, while counts of refusals are open.
const BUSY_TICK: Duration = Duration::from_secs(1);
/// And else.
const IDLE_TICK: Duration = Duration::from_secs(60);

/// What the log's handles and its thread share.
pub(super) struct Shared {
    writer: Mutex<Writer>,
    /// There is something to sync.
    work: Condvar,
    /// A sync ended, or the anchor was written.
    done: Condvar,
    pub(super) copier: Option<Copier>,
}

impl Shared {
    pub(super) fn new(writer: Writer, copier: Option<Copier>) -> Self {
        Self {
            writer: Mutex::new(writer),
            work: Condvar::new(),
            done: Condvar::new(),
            copier,
        }
    }

    /// The lock. A panic under it cannot leave half a record: state changes after the write.
    pub(super) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something under the lock, and wakes the thread when that left something to sync.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Writer) -> T) -> T {
        let mut writer = self.lock();
        let idle = !writer.dirty && !writer.urgent;
        let done = act(&mut writer);
        let wake = writer.urgent || writer.stop || (idle && writer.dirty);
        drop(writer);
        if wake {
            self.work.notify_one();
        }
        done
    }

    /// Waits until `ready` has an answer; it is asked after every sync and every anchor.
    pub(super) fn wait<T>(&self, mut ready: impl FnMut(&mut Writer) -> Option<T>) -> T {
        let mut writer = self.lock();
        loop {
            if let Some(answer) = ready(&mut writer) {
                return answer;
            }
            writer.urgent = true;
            self.work.notify_one();
            writer = self
                .done
                .wait(writer)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The thread.
    pub(super) fn run(&self) {
        let mut stale = None;
        while let Some(job) = self.next_job(&mut stale) {
            let setting = Arc::clone(&self.lock().setting);
            let ok = (setting.sync)(&job.file).is_ok();
            let mut writer = self.lock();
            if writer.end_sync(&job, ok) {
                stale = Some(job.anchored);
            }
            drop(self.tell(writer));
            self.write_anchor(&mut stale);
        }
        let mut writer = self.lock();
        writer.finish();
        drop(self.tell(writer));
    }

    /// Wakes whoever waits for the disk: threads and tasks.
    fn tell<'a>(&self, mut writer: MutexGuard<'a, Writer>) -> MutexGuard<'a, Writer> {
        self.done.notify_all();
        for waker in std::mem::take(&mut writer.wakers) {
            waker.wake();
        }
        writer
    }

    /// Waits for something to sync; `None` when the log closes.
    fn next_job(&self, stale: &mut Option<Anchored>) -> Option<Job> {
        let mut writer = self.lock();
        loop {
            if writer.dirty || writer.urgent {
                writer = self.gather(writer);
                if let Some(job) = writer.begin_sync() {
                    return Some(job);
                }
                // No segment, and none could be made: those who wait learn it now.
                writer = self.tell(writer);
            }
            if writer.stop {
                return None;
            }
            let tick = if writer.is_busy() {
                BUSY_TICK
            } else {
                IDLE_TICK
            };
            let (woken, waited) = self
                .work
                .wait_timeout(writer, tick)
                .unwrap_or_else(PoisonError::into_inner);
            writer = woken;
            if waited.timed_out() {
                writer.tick();
                drop(writer);
                self.write_anchor(stale);
                writer = self.lock();
            }
        }
    }

    /// Lets more records join the sync, unless somebody waits for it.
    fn gather<'a>(&'a self, mut writer: MutexGuard<'a, Writer>) -> MutexGuard<'a, Writer> {
        let until = Instant::now() + WINDOW;
        while !writer.urgent && !writer.stop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            writer = self
                .work
                .wait_timeout(writer, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        writer
    }

    /// Writes the anchor of the last sync. One that fails stays stale, which is safe, and is written
    /// with the next.
    fn write_anchor(&self, stale: &mut Option<Anchored>) {
        let Some(anchored) = *stale else {
            return;
        };
        let folder = self.lock().setting.folder.clone();
        let ok = anchored.write(&folder).is_ok();
        if ok {
            *stale = None;
        }
        let mut writer = self.lock();
        let hurry = writer.note_anchor(anchored, ok);
        drop(writer);
        self.done.notify_all();
        if let (true, Some(copier)) = (ok, &self.copier) {
            copier.offer(anchored, hurry);
        }
    }
}
