//! Refusals of one session and rule within a minute are one record with a count: an agent in a loop
//! fills neither the log nor the owner's screen.
//!
//! The first is written at once. The count follows under the same `request`, and readers take the
//! last record of a request: so a crash loses a count and never a refusal.

use std::collections::BTreeMap;

use withheld_core::Moment;
use withheld_core::name::SessionId;

use crate::record::RequestRecord;

const MINUTE_MS: i64 = 60_000;

#[derive(Default)]
pub(super) struct Groups(BTreeMap<(SessionId, &'static str), Group>);

struct Group {
    record: RequestRecord,
    since: Moment,
    count: u64,
    written: u64,
}

impl Groups {
    /// Counts a refusal. `true` when it is the first of its minute and has to be written.
    pub(super) fn count(&mut self, record: &RequestRecord, now: Moment) -> bool {
        let Some(rule) = record.refusal else {
            return true;
        };
        let key = (record.session, rule.as_str());
        if let Some(group) = self.0.get_mut(&key) {
            group.count += 1;
            return false;
        }
        let group = Group {
            record: record.clone(),
            since: now,
            count: 1,
            written: 1,
        };
        self.0.insert(key, group);
        true
    }

    /// Takes back what [`Self::count`] began, for it could not be written.
    pub(super) fn forget(&mut self, record: &RequestRecord) {
        if let Some(rule) = record.refusal {
            self.0.remove(&(record.session, rule.as_str()));
        }
    }

    /// The counts that grew since they were written.
    pub(super) fn grown(&mut self) -> Vec<RequestRecord> {
        self.0.values_mut().filter_map(Group::take).collect()
    }

    /// Ends the groups whose minute is over. The counts that are still to be written.
    pub(super) fn over(&mut self, now: Moment) -> Vec<RequestRecord> {
        let mut grown = Vec::new();
        self.0.retain(|_, group| {
            let age = now.as_ms().saturating_sub(group.since.as_ms());
            // A clock that was set back ends the minute too.
            let over = !(0..MINUTE_MS).contains(&age);
            if over {
                grown.extend(group.take());
            }
            !over
        });
        grown
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Group {
    fn take(&mut self) -> Option<RequestRecord> {
        if self.count == self.written {
            return None;
        }
        self.written = self.count;
        let mut record = self.record.clone();
        record.count = Some(self.count);
        Some(record)
    }
}
