//! What stands under the log's one lock: the open segment, where the chain ends, and what is owed.

mod disk;
mod segments;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use withheld_core::name::RequestId;
use withheld_core::{Moment, Plain, Refusal};

use super::groups::Groups;
use super::reserve::Reserve;
use super::segment::{Fault, Segment};
use super::{Clock, SyncFile, ended, unavailable};
use crate::anchor::Anchored;
use crate::chain::{Head, Line, Unwritable};
use crate::key::Sealer;
use crate::record::RequestRecord;

/// What the log was opened with.
pub(super) struct Setting {
    pub(super) folder: PathBuf,
    pub(super) sealer: Arc<dyn Sealer>,
    pub(super) clock: Clock,
    pub(super) sync: SyncFile,
    /// How long a log that could not be brought back rests before the next attempt.
    pub(super) rest: Duration,
}

/// Who may use the room that is kept for a full disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Something new: refused before the room runs out.
    New,
    /// The end of something that is in the log, or an act of the owner.
    Due,
}

pub(super) struct Writer {
    pub(super) setting: Arc<Setting>,
    /// The last record that was written.
    pub(super) head: Head,
    /// The last record that is on disk.
    pub(super) synced: u64,
    /// The last record whose sync failed.
    failed: u64,
    segment: Option<Segment>,
    abandoned: Option<Abandoned>,
    /// The number of the newest segment.
    number: u64,
    pub(super) dirty: bool,
    pub(super) urgent: bool,
    /// No more records: the log is closing, or closed.
    pub(super) stop: bool,
    pub(super) done: bool,
    pub(super) groups: Groups,
    /// Outcomes and counts that could not be written yet, in their order.
    owed: VecDeque<RequestRecord>,
    /// The intents without an outcome, and the segment each is in.
    open: BTreeMap<RequestId, u64>,
    uncertified: BTreeMap<u64, [u8; 32]>,
    pub(super) policy: u64,
    pub(super) wakers: Vec<Waker>,
    reserve: Reserve,
    /// The last anchor that was written, and how often one was tried.
    anchor: Option<Anchored>,
    anchor_attempts: u64,
    /// The next anchor's copy is not to wait.
    hurry_copy: bool,
}

/// A segment that nothing more is written to, because its end or its sync failed.
struct Abandoned {
    number: u64,
    length: u64,
    next_attempt: Option<Instant>,
}

/// A sync that is about to begin.
pub(super) struct Job {
    pub(super) file: Arc<std::fs::File>,
    number: u64,
    pub(super) anchored: Anchored,
}

impl Writer {
    /// Goes on behind `head`, in a new segment.
    pub(super) fn new(
        setting: Arc<Setting>,
        head: Head,
        last: u64,
        policy: u64,
        uncertified: BTreeMap<u64, [u8; 32]>,
    ) -> Result<Self, Fault> {
        let reserve = Reserve::of(&setting.folder);
        let mut writer = Self {
            setting,
            head,
            synced: head.seq,
            failed: 0,
            segment: None,
            abandoned: None,
            number: last,
            dirty: false,
            urgent: false,
            stop: false,
            done: false,
            groups: Groups::default(),
            owed: VecDeque::new(),
            open: BTreeMap::new(),
            uncertified,
            policy,
            wakers: Vec::new(),
            reserve,
            anchor: None,
            anchor_attempts: 0,
            hurry_copy: false,
        };
        writer.next_segment()?;
        Ok(writer)
    }

    pub(super) fn now(&self) -> Moment {
        (self.setting.clock)()
    }

    /// Writes a record; its number. The record is dated under the lock and after the log has been
    /// made ready, or it would be older than the one before it.
    pub(super) fn write<R: Plain>(
        &mut self,
        class: Class,
        record: impl FnOnce(Moment) -> R,
    ) -> Result<u64, Refusal> {
        if self.stop {
            return Err(ended());
        }
        self.ready()?;
        let record = record(self.now());
        self.put(self.head.record(&record), class)
    }

    /// Writes the intent of a request, and dates it; its number.
    pub(super) fn intend(&mut self, intent: &mut RequestRecord) -> Result<u64, Refusal> {
        let dated = &mut *intent;
        let seq = self.write(Class::New, move |at| {
            dated.at = at;
            &*dated
        })?;
        self.open.insert(intent.request, self.number);
        Ok(seq)
    }

    /// Writes the outcome of a request, or owes it: then readers find `otherwise` once the log can be
    /// written again, for nobody knows what the request did meanwhile.
    pub(super) fn conclude(
        &mut self,
        request: RequestId,
        record: impl FnOnce(Moment) -> RequestRecord,
        otherwise: impl FnOnce() -> RequestRecord,
    ) -> Result<(), Refusal> {
        let written = self.write(Class::Due, record).map(|_| ());
        match written {
            Ok(()) => drop(self.open.remove(&request)),
            Err(_) => self.owed.push_back(otherwise()),
        }
        written
    }

    /// Brings the log to where a record can be written.
    fn ready(&mut self) -> Result<(), Refusal> {
        if self.segment.is_none() {
            self.recover()?;
        }
        let now = self.now();
        if self.segment.as_ref().is_some_and(|open| open.is_due(now)) {
            self.rotate(now)?;
        }
        while let Some(mut record) = self.owed.pop_front() {
            record.at = self.now();
            if let Err(refusal) = self.put(self.head.record(&record), Class::Due) {
                self.owed.push_front(record);
                return Err(refusal);
            }
            self.open.remove(&record.request);
        }
        Ok(())
    }

    /// Writes a line of the chain; its number.
    fn put(&mut self, line: Result<Line, Unwritable>, class: Class) -> Result<u64, Refusal> {
        let line = line.map_err(|_| unavailable())?;
        if class == Class::New && !self.reserve.admits_intents() {
            return Err(unavailable());
        }
        let segment = self.segment.as_mut().ok_or_else(unavailable)?;
        let mut written = segment.append(&line.bytes);
        if written == Err(Fault::Full) && self.reserve.give_up() {
            written = segment.append(&line.bytes);
        }
        match written {
            Ok(()) => {
                self.reserve.spent(line.bytes.len());
                self.head = line.head;
                self.dirty = true;
                Ok(line.head.seq)
            }
            Err(Fault::Full | Fault::Failed) => Err(unavailable()),
            Err(Fault::Torn) => {
                self.abandon();
                Err(unavailable())
            }
        }
    }

    /// Signs the head, where records came since the last seal.
    fn seal(&mut self) {
        let now = self.now();
        let Some(open) = self.segment.as_ref() else {
            return;
        };
        if open.sealed == self.head.seq {
            return;
        }
        let line = self.head.seal(now, open.number, &*open.key);
        // A seal that finds no room is left out; the next one covers the same records.
        if let (Ok(seq), Some(open)) = (self.put(line, Class::Due), self.segment.as_mut()) {
            open.sealed = seq;
        }
    }
}
