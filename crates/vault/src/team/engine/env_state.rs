//! One environment of the state: its chain, one record a secret, the keys of its epochs.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use withheld_core::Refusal;
use withheld_team::Verdict;
use withheld_team::chain::Chain;
use withheld_team::commit::{Commit, Entry, EnvChain};
use withheld_team::id::{DeviceId, EnvId, RecordId, WorkspaceId};
use withheld_team::record::Record;
use withheld_team::slot::Slot;

use super::files::{FileOf, corrupt, older};
use super::formats::{EnvFile, EnvHead, KeptRecord, KeptSnapshot};
use crate::home::Home;
use crate::team::Broken;
use crate::team::epoch::EpochKey;
use crate::team::keys::DeviceSeed;
use crate::team::meta::Meta;

/// One environment that this device may read, or could.
#[derive(Clone)]
pub(super) struct EnvState {
    /// Its records are in `records` instead, while it is in memory.
    pub(super) file: EnvFile,
    pub(super) chain: EnvChain,
    pub(super) records: BTreeMap<RecordId, Shown>,
    /// The keys that are here of the epochs that are needed: that of the newest, and that of the slots.
    pub(super) keys: BTreeMap<u64, Arc<EpochKey>>,
    /// Who brought a version and when; not known of what a snapshot showed.
    pub(super) came: BTreeMap<RecordId, Came>,
    /// The newest time of a commit that is here, by its author's clock.
    pub(super) signed_ms: u64,
}

/// Who committed a version, and when by that device's clock.
#[derive(Clone, Copy)]
pub(super) struct Came {
    pub(super) by: DeviceId,
    pub(super) at_ms: u64,
}

/// One verified record, and as much of it as could be opened.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) kept: KeptRecord,
    pub(super) record: Record,
    pub(super) slot: Option<Slot>,
    pub(super) opened: Opened,
}

/// The name of a record.
#[derive(Clone)]
pub(super) enum Opened {
    Names(Meta),
    /// A deletion has none.
    Deleted,
    /// There is no key here yet.
    Locked,
    /// It breaks a rule that only holders of the key can check.
    Broken(Broken),
}

impl EnvState {
    /// An environment of which nothing is here.
    pub(super) fn begin(ws: &WorkspaceId, env: &EnvId) -> Self {
        Self {
            file: EnvFile::new(*env),
            chain: EnvChain::begin(ws, env),
            records: BTreeMap::new(),
            keys: BTreeMap::new(),
            came: BTreeMap::new(),
            signed_ms: 0,
        }
    }

    /// Takes the next commit.
    ///
    /// # Errors
    /// The rule that it breaks; nothing changed then.
    pub(super) fn take(&mut self, w: &Chain, commit: &[u8]) -> Result<(), Verdict> {
        let applied = self.chain.apply(w, commit)?;
        let body = &applied.commit.body;
        let came = Came {
            by: body.author,
            at_ms: body.ts,
        };
        for changed in &applied.changes {
            if changed
                .before
                .is_none_or(|before| before.ver != changed.now.ver)
            {
                self.came.insert(changed.now.rid, came);
            }
        }
        self.signed_ms = self.signed_ms.max(body.ts);
        self.file.commits.push(ByteVec::from(commit.to_vec()));
        Ok(())
    }

    /// Begins with a state that was shown without its history.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn of_snapshot(
        w: &Chain,
        env: &EnvId,
        commit: &[u8],
        entries: Vec<Entry>,
    ) -> Result<Self, Verdict> {
        let mut state = Self::begin(&w.ws(), env);
        state.chain = EnvChain::from_snapshot(w, env, commit, &entries)?;
        state.signed_ms = Commit::read(commit)?.body.ts;
        state.file.snapshot = Some(KeptSnapshot {
            commit: ByteVec::from(commit.to_vec()),
            entries,
        });
        Ok(state)
    }

    /// Takes the record of an entry, once all that is public of it was verified.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn show(&mut self, w: &Chain, kept: KeptRecord) -> Result<(), Verdict> {
        const NOT_THERE: Verdict = Verdict::Invalid("a record that the signed state does not name");
        let env = self.file.env;
        let entry = *self.chain.entry(&kept.rid).ok_or(NOT_THERE)?;
        let record = Record::read(&kept.record)?;
        record.stands(w, &env, &entry)?;
        let parts = (&kept.meta, &kept.slot);
        let slot = match parts {
            (Some(meta), Some(slot)) if !entry.is_deleted() => {
                record.parts(Some(meta), None)?;
                let slot = Slot::read(slot)?;
                slot.stands(&entry, &env, self.chain.epoch())?;
                Some(slot)
            }
            (None, None) if entry.is_deleted() => None,
            _ => {
                return Err(Verdict::Invalid(
                    "a record without its parts, or with one too many",
                ));
            }
        };
        let shown = Shown {
            kept,
            record,
            slot,
            opened: Opened::Locked,
        };
        self.records.insert(entry.rid, shown);
        Ok(())
    }

    /// Whether the record that is here is the one of this entry.
    pub(super) fn shows(&self, entry: &Entry) -> Showing {
        match self.records.get(&entry.rid) {
            // The hash alone is not enough: a commit could name it as that of a later version.
            Some(shown)
                if (shown.record.hash, shown.record.header.ver) == (entry.record, entry.ver) =>
            {
                if shown.slot.as_ref().map(Slot::hash) == entry.slot {
                    Showing::All
                } else {
                    Showing::OtherSlot
                }
            }
            _ => Showing::Nothing,
        }
    }

    /// Whether anything in it is not deleted.
    pub(super) fn has_live(&self) -> bool {
        self.chain.entries().any(|entry| !entry.is_deleted())
    }

    /// Takes over a state that begins with a snapshot; what is kept of this machine's own stays.
    pub(super) fn begin_with(&mut self, begun: Self) {
        self.file.snapshot = begun.file.snapshot;
        self.file.commits = begun.file.commits;
        self.chain = begun.chain;
        self.records = begun.records;
        self.came = begun.came;
        self.signed_ms = begun.signed_ms;
    }

    /// As it is written.
    pub(super) fn to_file(&self) -> EnvFile {
        let mut file = self.file.clone();
        file.records = self
            .records
            .values()
            .map(|shown| shown.kept.clone())
            .collect();
        file
    }

    pub(super) fn read(
        mut file: EnvFile,
        env: &EnvId,
        w: &Chain,
        seed: &DeviceSeed,
        (home, file_of): (&Home, &FileOf),
    ) -> Result<Self, Refusal> {
        let corrupt = |_: Verdict| corrupt(home, file_of);
        let snapshot = file.snapshot.take();
        let commits = std::mem::take(&mut file.commits);
        let records = std::mem::take(&mut file.records);
        let mut state = match snapshot {
            Some(KeptSnapshot { commit, entries }) => {
                Self::of_snapshot(w, env, &commit, entries).map_err(corrupt)?
            }
            None => Self::begin(&w.ws(), env),
        };
        file.snapshot = state.file.snapshot.take();
        state.file = file;
        if state.file.env != *env {
            return Err(corrupt(Verdict::Fork));
        }
        for commit in &commits {
            state.take(w, commit).map_err(corrupt)?;
        }
        for kept in records {
            state.show(w, kept).map_err(corrupt)?;
        }
        let all = state
            .chain
            .entries()
            .all(|entry| state.shows(entry) == Showing::All);
        if !all {
            return Err(corrupt(Verdict::Rollback));
        }
        state.open_keys(w, seed)?;
        state.open_names()?;
        Ok(state)
    }

    /// Whether it is not older than what rests beside the envelopes.
    pub(super) fn is_latest(
        &self,
        known: Option<&EnvHead>,
        (home, file_of): (&Home, &FileOf),
    ) -> Result<(), Refusal> {
        let Some(known) = known else {
            return if self.file.n <= 1 {
                Ok(())
            } else {
                Err(older(home, file_of))
            };
        };
        let stands = self.chain.hash_at(known.head.seq) == Some(known.head.hash);
        if self.file.n >= known.n && stands {
            Ok(())
        } else {
            Err(older(home, file_of))
        }
    }
}

/// How much of an entry's record is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    All,
    /// The record, with the slot of another epoch.
    OtherSlot,
    Nothing,
}
