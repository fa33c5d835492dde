//! What the background asks of the writer: what to put on disk, what came of it, and what is due
//! without anybody asking.

use std::sync::Arc;

use withheld_core::{Moment, Refusal};

use super::{Class, Job, Writer};
use crate::anchor::Anchored;
use crate::log::unavailable;
use crate::record::RequestRecord;

impl Writer {
    /// What a sync that begins now will put on disk; `None` while there is no segment.
    pub(in crate::log) fn begin_sync(&mut self) -> Option<Job> {
        self.urgent = false;
        self.reserve.refill();
        if self.segment.is_none() && self.recover().is_err() {
            self.failed = self.head.seq;
        }
        self.seal();
        self.dirty = false;
        let anchored = self.anchored();
        let segment = self.segment.as_ref()?;
        Some(Job {
            file: Arc::clone(&segment.file),
            number: segment.number,
            anchored,
        })
    }

    /// Takes note of how a sync ended; whether it put its records on disk.
    pub(in crate::log) fn end_sync(&mut self, job: &Job, ok: bool) -> bool {
        if ok {
            self.synced = self.synced.max(job.anchored.head.seq);
        } else if self
            .segment
            .as_ref()
            .is_some_and(|open| open.number == job.number)
        {
            self.sync_failed();
        }
        ok
    }

    /// Whether a record is on disk, or will not be known to be; `None` while that is open.
    pub(in crate::log) fn settled(&self, seq: u64) -> Option<Result<(), Refusal>> {
        if self.synced >= seq {
            return Some(Ok(()));
        }
        (self.failed >= seq || self.done).then(|| Err(unavailable()))
    }

    /// The anchor for the records so far, once they are on disk.
    pub(in crate::log) fn anchored(&self) -> Anchored {
        let first = |numbers: Option<&u64>| numbers.copied().unwrap_or(self.number);
        Anchored {
            head: self.head,
            segment: self.number,
            policy: self.policy,
            from: first(self.uncertified.keys().next())
                .min(first(self.open.values().min()))
                .min(self.number),
        }
    }

    /// Takes note of an attempt to write the anchor. Whether its copy is in a hurry.
    pub(in crate::log) fn note_anchor(&mut self, anchored: Anchored, ok: bool) -> bool {
        self.anchor_attempts += 1;
        if ok {
            self.anchor = Some(anchored);
        }
        ok && std::mem::take(&mut self.hurry_copy)
    }

    pub(in crate::log) fn anchor(&self) -> Option<Anchored> {
        self.anchor
    }

    pub(in crate::log) fn anchor_attempts(&self) -> u64 {
        self.anchor_attempts
    }

    /// Whether the anchor knows a policy's counter. The second attempt after `tried` began after the
    /// counter was raised, so its failure is an answer.
    pub(in crate::log) fn anchor_settled(
        &self,
        counter: u64,
        tried: u64,
    ) -> Option<Result<(), Refusal>> {
        if self.anchor.is_some_and(|anchor| anchor.policy >= counter) {
            return Some(Ok(()));
        }
        let failed = self.done || self.anchor_attempts >= tried + 2 || self.segment.is_none();
        failed.then(|| Err(unavailable()))
    }

    pub(in crate::log) fn hurry_copy(&mut self) {
        self.hurry_copy = true;
    }

    /// Whether something is due soon.
    pub(in crate::log) fn is_busy(&self) -> bool {
        !self.groups.is_empty() || !self.owed.is_empty() || self.segment.is_none()
    }

    /// What is due without anybody asking: counts of refusals, a segment's day.
    pub(in crate::log) fn tick(&mut self) {
        let now = self.now();
        self.end_minutes(now);
        if !self.stop {
            // Nobody waits for this; the next record finds out itself.
            let _ = self.ready();
        }
    }

    /// Writes the counts of refusals whose minute is over.
    pub(in crate::log) fn end_minutes(&mut self, now: Moment) {
        for record in self.groups.over(now) {
            self.write_count(&record);
        }
    }

    /// Writes the counts of refusals that grew.
    pub(in crate::log) fn settle(&mut self) {
        for record in self.groups.grown() {
            self.write_count(&record);
        }
    }

    fn write_count(&mut self, record: &RequestRecord) {
        let dated = |at| RequestRecord {
            at,
            ..record.clone()
        };
        if self.write(Class::Due, dated).is_err() {
            self.owed.push_back(record.clone());
        }
    }

    /// Drops the segment and its key.
    pub(in crate::log) fn finish(&mut self) {
        self.segment = None;
        self.done = true;
    }
}
