//! What an environment holds, as the server shows it: its state without the history, and the records
//! that a state names.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use withheld_core::Refusal;
use withheld_team::Verdict;
use withheld_team::api::{self, Get, GotRecord, Part, Snapshot};
use withheld_team::commit::{Commit, Entry, MAX_ENTRIES};
use withheld_team::id::{EnvId, RecordId};

use super::env_state::{EnvState, Showing};
use super::formats::KeptRecord;
use super::links::Stop;
use super::round::Round;

/// Records that are asked for at once.
const RECORDS: usize = 500;
/// Entries of a snapshot that are asked for at once.
const ENTRIES: usize = 2_000;

impl Round<'_, '_> {
    /// The state without its history. It may be longer by now than the heads said.
    pub(super) fn snapshot(&mut self, env: &EnvId) -> Result<(), Stop> {
        let ws = self.next.file.ws;
        let mut entries: Vec<Entry> = Vec::new();
        let mut after = String::new();
        let mut first: Option<(Vec<u8>, u64)> = None;
        loop {
            let seq = first
                .as_ref()
                .map_or(String::new(), |(_, seq)| format!("seq={seq}&"));
            let path = format!("/v1/ws/{ws}/envs/{env}/snapshot?{seq}{after}limit={ENTRIES}");
            let page: Snapshot = self.line.get(&path)?;
            let commit = page.commit.map(|commit| commit.0).unwrap_or_default();
            let same = first.as_ref().is_none_or(|(first, _)| *first == commit);
            let more = entries.len() + page.entries.len();
            if !same || page.entries.len() > ENTRIES || more > MAX_ENTRIES {
                return Err(Stop::Refused(moved()));
            }
            entries.extend(page.entries.iter().map(entry));
            if first.is_none() {
                let read = Commit::read(&commit);
                let read = read.map_err(|verdict| self.proof(Some(*env), verdict))?;
                self.anchor(env, &commit)?;
                first = Some((commit, read.body.seq));
            }
            match page.next {
                Some(rid) if !page.entries.is_empty() => after = format!("after={rid}&"),
                _ => break,
            }
        }
        let (commit, _) = first.ok_or_else(|| Stop::Refused(moved()))?;
        let begun = EnvState::of_snapshot(&self.next.chain, env, &commit, entries);
        let begun = begun.map_err(|verdict| self.proof(Some(*env), verdict))?;
        self.next.env_mut(env).begin_with(begun);
        Ok(())
    }

    /// Every record that the state names and that is not here as it is now.
    pub(super) fn records(&mut self, env: &EnvId) -> Result<(), Stop> {
        let state = &self.next.envs[env];
        let (mut slots, mut all) = (Vec::new(), Vec::new());
        for entry in state.chain.entries() {
            match state.shows(entry) {
                Showing::All => {}
                Showing::OtherSlot => slots.push((entry.rid, entry.ver)),
                Showing::Nothing => all.push((entry.rid, entry.ver)),
            }
        }
        self.fetch_records(env, all, &[Part::Meta, Part::Slot])?;
        self.fetch_records(env, slots, &[Part::Slot])
    }

    fn fetch_records(
        &mut self,
        env: &EnvId,
        wanted: Vec<(RecordId, u64)>,
        parts: &[Part],
    ) -> Result<(), Stop> {
        let ws = self.next.file.ws;
        let mut wanted: BTreeMap<RecordId, u64> = wanted.into_iter().collect();
        while !wanted.is_empty() {
            let ids = wanted.iter().take(RECORDS);
            let ids = ids.map(|(rid, ver)| (*rid, *ver)).collect();
            let question = Get {
                ids,
                parts: parts.to_vec(),
            };
            let path = format!("/v1/ws/{ws}/envs/{env}/records:get");
            let got: api::Got = self.line.ask(&path, &question)?;
            let before = wanted.len();
            for record in got.records.into_iter().take(RECORDS) {
                if wanted.get(&record.rid) != Some(&record.ver) {
                    continue;
                }
                wanted.remove(&record.rid);
                let kept = self.kept(env, record);
                let chain = Arc::clone(&self.next.chain);
                let shown = self.next.env_mut(env).show(&chain, kept);
                shown.map_err(|verdict| self.proof(Some(*env), verdict))?;
            }
            if wanted.len() == before {
                let missing = Verdict::Unverified("a record that the signed state names");
                return Err(Stop::Refused(missing.into()));
            }
        }
        Ok(())
    }

    /// A record as it is kept: what was not asked for again is here already.
    fn kept(&self, env: &EnvId, got: GotRecord) -> KeptRecord {
        let here = self
            .next
            .envs
            .get(env)
            .and_then(|env| env.records.get(&got.rid));
        let here = here.filter(|here| here.kept.ver == got.ver);
        let meta = got.meta.map(|meta| ByteVec::from(meta.0));
        KeptRecord {
            rid: got.rid,
            ver: got.ver,
            record: ByteVec::from(got.record.0),
            meta: meta.or_else(|| here.and_then(|here| here.kept.meta.clone())),
            slot: got.slot.map(|slot| ByteVec::from(slot.0)),
        }
    }
}

fn entry(json: &api::EntryJson) -> Entry {
    Entry {
        rid: json.rid,
        ver: json.ver,
        record: json.record,
        slot: json.slot,
    }
}

/// Pages of a state that do not belong together: it changed meanwhile.
fn moved() -> Refusal {
    Verdict::Unverified("a state that was changed while it was read").into()
}
