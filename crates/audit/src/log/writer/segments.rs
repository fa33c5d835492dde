//! Segments come and go: closed in their time, given up when their file failed, certified by the vault.

use std::time::Instant;

use withheld_core::{Moment, Refusal};

use super::{Abandoned, Class, Writer};
use crate::chain::Head;
use crate::log::segment::{Fault, Segment};
use crate::log::{rescue, unavailable};

impl Writer {
    /// Closes the segment, whose key is wiped, and begins the next.
    pub(super) fn rotate(&mut self, now: Moment) -> Result<(), Refusal> {
        self.seal();
        let Some(old) = self.segment.as_ref() else {
            return Err(unavailable());
        };
        // Before the next segment has a record, every record of this one is on disk: a sync looks
        // at one file only.
        if (self.setting.sync)(&old.file).is_err() {
            self.sync_failed();
            return self.recover();
        }
        self.synced = self.head.seq;
        if self.next_segment().is_err()
            && let Some(old) = self.segment.as_mut()
        {
            old.prolong(now);
        }
        Ok(())
    }

    pub(super) fn next_segment(&mut self) -> Result<(), Fault> {
        let number = self.number + 1;
        let made = match self.create(number) {
            Err(Fault::Full) if self.reserve.give_up() => self.create(number)?,
            other => other?,
        };
        let public = made.0.key.public();
        self.number = number;
        self.head = made.1;
        self.segment = Some(made.0);
        self.dirty = true;
        self.uncertified.insert(number, public);
        self.certify();
        Ok(())
    }

    fn create(&self, number: u64) -> Result<(Segment, Head), Fault> {
        let key = self.setting.sealer.segment_key().ok_or(Fault::Failed)?;
        Segment::create(&self.setting.folder, number, self.head, self.now(), key)
    }

    /// Writes the vault's word for every segment that has none yet, as far as the vault gives it.
    pub(in crate::log) fn certify(&mut self) {
        for (number, public) in self.uncertified.clone() {
            let Some(word) = self.setting.sealer.certify(number, &public) else {
                return;
            };
            let line = self.head.certificate(self.now(), number, &public, &word);
            if self.put(line, Class::Due).is_err() {
                return;
            }
            self.uncertified.remove(&number);
        }
    }

    /// Gives the segment up. Its key goes with it.
    pub(super) fn abandon(&mut self) {
        if let Some(segment) = self.segment.take() {
            self.abandoned = Some(Abandoned {
                number: segment.number,
                length: segment.length,
                next_attempt: None,
            });
        }
    }

    pub(super) fn sync_failed(&mut self) {
        self.failed = self.head.seq;
        self.abandon();
    }

    /// Puts a verified copy in the place of the abandoned file and begins a new segment.
    pub(super) fn recover(&mut self) -> Result<(), Refusal> {
        let rest = self.setting.rest;
        if let Some(old) = self.abandoned.as_mut() {
            let now = Instant::now();
            if old.next_attempt.is_some_and(|next| now < next) {
                return Err(unavailable());
            }
            old.next_attempt = Some(now + rest);
            rescue::copy(&self.setting, old.number, old.length, self.head)?;
            self.abandoned = None;
            self.synced = self.head.seq;
        }
        self.next_segment().map_err(|_| unavailable())
    }
}
