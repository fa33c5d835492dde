//! The state of an environment, and how a commit may change it.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{Body, Changes, Entry, MAX_LIVE, root, versions_count};
use crate::Verdict;
use crate::id::{Hash, RecordId};

const NOT_ALL: Verdict = Verdict::Invalid("a re-wrap of other secrets than the live ones");
const TOO_MANY: Verdict = Verdict::Invalid("an environment with too many secrets");
const OTHER_ROOT: Verdict = Verdict::Invalid("a state other than the one that was signed");

/// Every secret that there is or was, and the epoch whose key wraps the live ones; 0 for none yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct State {
    #[n(0)]
    epoch: u64,
    #[n(1)]
    rows: BTreeMap<RecordId, Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Row {
    #[n(0)]
    entry: Entry,
    #[n(1)]
    came: Came,
}

/// Where the commit that brought a version was anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Came {
    /// At this link.
    #[n(0)]
    At(#[n(0)] u64),
    /// At this link or before: the version was found in a snapshot.
    #[n(1)]
    AtOrBefore(#[n(0)] u64),
}

/// An entry before and after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Before; nothing for a secret that was never there.
    pub before: Option<Entry>,
    /// After.
    pub now: Entry,
}

impl State {
    /// The state that a server shows with the commit after which it stood. The commit's author vouches
    /// for all of it; that the commit's own changes are in it is still seen to.
    pub(super) fn shown(body: &Body, entries: &[Entry]) -> Result<Self, Verdict> {
        if !entries.is_sorted_by(|a, b| a.rid < b.rid) {
            return Err(Verdict::Invalid("a state that is out of order or double"));
        }
        versions_count(entries)?;
        let came = Came::AtOrBefore(body.w_seq);
        let row = |entry: &Entry| {
            (
                entry.rid,
                Row {
                    entry: *entry,
                    came,
                },
            )
        };
        let mut state = Self {
            epoch: body.epoch,
            rows: entries.iter().map(row).collect(),
        };
        state.is_signed(body)?;
        match &body.changes {
            Changes::Records(records) => state.holds(records, body.w_seq)?,
            Changes::Rewrap(slots) => state.is_wrapped(slots)?,
        }
        Ok(state)
    }

    /// The state after a commit, and every entry that it changed.
    pub(super) fn after(&self, body: &Body) -> Result<(Self, Vec<Changed>), Verdict> {
        let changes = self.changes(body.epoch, &body.changes)?;
        let state = self.with(&changes, body.epoch, body.w_seq);
        state.is_signed(body)?;
        Ok((state, changes))
    }

    pub(super) fn root_after(&self, epoch: u64, changes: &Changes) -> Result<Hash, Verdict> {
        let changes = self.changes(epoch, changes)?;
        Ok(root(self.with(&changes, epoch, 0).entries()))
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.rows.values().map(|row| &row.entry)
    }

    pub(super) fn entry(&self, rid: &RecordId) -> Option<&Entry> {
        self.rows.get(rid).map(|row| &row.entry)
    }

    pub(super) fn live(&self) -> impl Iterator<Item = (&Entry, Came)> {
        let live = self.rows.values().filter(|row| !row.entry.is_deleted());
        live.map(|row| (&row.entry, row.came))
    }

    fn changes(&self, epoch: u64, changes: &Changes) -> Result<Vec<Changed>, Verdict> {
        let new_key = epoch != self.epoch;
        match changes {
            Changes::Records(_) if new_key && self.live().next().is_some() => Err(
                Verdict::Invalid("a new key without a re-wrap of every secret"),
            ),
            Changes::Records(records) => records.iter().map(|now| self.succeeded(now)).collect(),
            Changes::Rewrap(slots) if new_key => self.rewrapped(slots),
            Changes::Rewrap(_) => Err(Verdict::Invalid("a re-wrap without a new key")),
        }
    }

    fn succeeded(&self, now: &Entry) -> Result<Changed, Verdict> {
        let before = self.entry(&now.rid).copied();
        if now.ver.checked_sub(1) != Some(before.map_or(0, |before| before.ver)) {
            return Err(Verdict::Invalid("a version that is not the next one"));
        }
        if now.is_deleted() && before.is_none_or(|before| before.is_deleted()) {
            return Err(Verdict::Invalid("a deletion of what is not there"));
        }
        Ok(Changed { before, now: *now })
    }

    fn rewrapped(&self, slots: &[(RecordId, Hash)]) -> Result<Vec<Changed>, Verdict> {
        let live = self.live().map(|(entry, _)| entry.rid);
        if !live.eq(slots.iter().map(|(rid, _)| *rid)) {
            return Err(NOT_ALL);
        }
        let changed = |((before, _), (_, slot)): ((&Entry, Came), &(RecordId, Hash))| Changed {
            before: Some(*before),
            now: Entry {
                slot: Some(*slot),
                ..*before
            },
        };
        Ok(self.live().zip(slots).map(changed).collect())
    }

    fn with(&self, changes: &[Changed], epoch: u64, w_seq: u64) -> Self {
        let mut rows = self.rows.clone();
        for Changed { now, .. } in changes {
            let came = match rows.get(&now.rid) {
                // Wrapped anew, it is still the version that came before.
                Some(row) if row.entry.ver == now.ver => row.came,
                _ => Came::At(w_seq),
            };
            rows.insert(now.rid, Row { entry: *now, came });
        }
        Self { epoch, rows }
    }

    fn is_signed(&self, body: &Body) -> Result<(), Verdict> {
        if self.live().count() > MAX_LIVE {
            return Err(TOO_MANY);
        }
        if root(self.entries()) != body.root {
            return Err(OTHER_ROOT);
        }
        Ok(())
    }

    /// Whether a commit's own records are in its state.
    fn holds(&mut self, records: &[Entry], w_seq: u64) -> Result<(), Verdict> {
        for record in records {
            match self.rows.get_mut(&record.rid) {
                Some(row) if row.entry == *record => row.came = Came::At(w_seq),
                _ => return Err(OTHER_ROOT),
            }
        }
        Ok(())
    }

    /// Whether a commit's own slots are in its state.
    fn is_wrapped(&self, slots: &[(RecordId, Hash)]) -> Result<(), Verdict> {
        let live = self.live().map(|(entry, _)| (entry.rid, entry.slot));
        if live.eq(slots.iter().map(|(rid, slot)| (*rid, Some(*slot)))) {
            Ok(())
        } else {
            Err(NOT_ALL)
        }
    }
}
