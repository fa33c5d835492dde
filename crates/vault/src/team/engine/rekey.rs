//! New keys in a draft: an epoch begins, its key goes to everybody who may have it, and what there is
//! is wrapped anew under it.

use std::sync::Arc;

use minicbor::bytes::{ByteArray, ByteVec};
use withheld_core::{Code, Refusal};
use withheld_team::api::{Blob, CommitParts};
use withheld_team::chain::{Chain, recipients_hash};
use withheld_team::commit::{Changes, Entry};
use withheld_team::id::{DeviceId, EnvId, RecordId};
use withheld_team::links::{Op, Right};
use withheld_team::slot::Slot;

use super::draft::{Draft, locked};
use super::files::impossible;
use super::formats::KeptRecord;
use super::state::State;
use crate::team::epoch::{EpochId, EpochKey};
use crate::team::{envelope, sealed};

impl Draft<'_> {
    /// Begins a new epoch of an environment: a new key, in an envelope to each who may have it, and the
    /// key before it wrapped under it. What there is, is wrapped anew.
    ///
    /// # Errors
    /// As [`Draft::link`].
    pub(super) fn rotate(&mut self, env: &EnvId) -> Result<(), Refusal> {
        let chain = Arc::clone(&self.next.chain);
        let id = EpochId {
            ws: chain.ws(),
            env: *env,
            n: last_epoch(&self.next, env) + 1,
        };
        let key = Arc::new(EpochKey::random(id)?);
        let before = self.next.env_mut(env).keys.last_key_value();
        let before = before.map(|(n, key)| (*n, Arc::clone(key)));
        let (prev_n, prev_wrap) = match before {
            Some((n, before)) => (n, Some(wrapped(&key, &before)?)),
            None => (0, None),
        };
        let recipients = chain.recipients(env);
        self.link(Op::Epoch {
            env: *env,
            n: id.n,
            recipients: recipients_hash(&recipients),
            commit_root: key.commit_root(),
            commit_meta: key.commit_meta(),
            prev_n,
            prev_wrap,
        })?;
        for device in &recipients {
            self.envelope(&key, device)?;
        }
        let state = self.next.env_mut(env);
        state.keys.insert(id.n, key);
        self.rewrap(env)
    }

    /// Seals a key to a device of the chain. A device whose key nothing can be sealed to is left out:
    /// it made that key itself.
    pub(super) fn envelope(&mut self, key: &EpochKey, to: &DeviceId) -> Result<(), Refusal> {
        let me = self.next.file.device;
        let chain = Arc::clone(&self.next.chain);
        let to = &chain.device(to).ok_or_else(impossible)?.public;
        let sealed = match envelope::seal(key, to, me, self.seed) {
            Ok(sealed) => sealed,
            Err(refusal) if refusal.code == Code::SignatureInvalid => return Ok(()),
            Err(refusal) => return Err(refusal),
        };
        if to.id() == me {
            let kept = &mut self.next.env_mut(&key.id().env).file.envelopes;
            // The newest opens those before it.
            *kept = vec![ByteVec::from(sealed.clone())];
        }
        self.bundle.envelopes.push(Blob(sealed));
        Ok(())
    }

    /// Wraps everything in an environment under its newest key, where it is under another one.
    ///
    /// # Errors
    /// As [`Draft::link`].
    pub(super) fn rewrap(&mut self, env: &EnvId) -> Result<(), Refusal> {
        let chain = Arc::clone(&self.next.chain);
        let state = self.next.env_mut(env);
        let live: Vec<Entry> = state.chain.entries().copied().collect();
        let live: Vec<Entry> = live
            .into_iter()
            .filter(|entry| !entry.is_deleted())
            .collect();
        if live.is_empty() || state.chain.epoch() == last_epoch_of(&chain, env) {
            return Ok(());
        }
        let from = Arc::clone(state.slot_key().ok_or_else(locked)?);
        let to = Arc::clone(state.newest_key(&chain).ok_or_else(locked)?);
        let mut slots: Vec<(RecordId, Slot)> = Vec::new();
        for entry in &live {
            let shown = state.records.get(&entry.rid).ok_or_else(impossible)?;
            let slot = shown.slot.as_ref().ok_or_else(impossible)?;
            slots.push((entry.rid, sealed::rewrap(slot, &from, &to)?));
        }
        let changes = slots
            .iter()
            .map(|(rid, slot)| (*rid, slot.hash()))
            .collect();
        let commit = self.commit(env, Changes::Rewrap(changes))?;
        let state = self.next.env_mut(env);
        for (rid, slot) in &slots {
            let shown = state.records.get(rid).ok_or_else(impossible)?;
            let (kept, opened) = (shown.kept.clone(), shown.opened.clone());
            let kept = KeptRecord {
                slot: Some(ByteVec::from(slot.to_bytes())),
                ..kept
            };
            state.show(&chain, kept)?;
            // The names are the same; only their key was wrapped anew.
            if let Some(shown) = state.records.get_mut(rid) {
                shown.opened = opened;
            }
        }
        let newest = to.id().n;
        state.keys.retain(|n, _| *n == newest);
        self.bundle.commits.push(CommitParts {
            env: *env,
            commit: Blob(commit),
            records: Vec::new(),
            slots: slots
                .iter()
                .map(|(_, slot)| Blob(slot.to_bytes()))
                .collect(),
        });
        Ok(())
    }

    /// Makes an environment fit to be written: no stale key, nothing under an older one.
    ///
    /// # Errors
    /// As [`Draft::link`]; `unverified` where its key is not here.
    pub(super) fn refresh(&mut self, env: &EnvId) -> Result<(), Refusal> {
        let head = self.next.chain.head().seq;
        if last_epoch(&self.next, env) == 0 || self.next.chain.is_stale(env, head) {
            return self.rotate(env);
        }
        self.rewrap(env)
    }
}

impl State {
    /// Whether this device may write an environment and has what it needs to make it fit to be written. A
    /// new epoch needs the key of what is there, and not that of the epoch before it: nobody may have
    /// that, where who began it sealed it to nobody.
    pub(super) fn can_refresh(&self, env: &EnvId) -> bool {
        if self.my_right(env) < Right::Write {
            return false;
        }
        let is_stale = self.chain.is_stale(env, self.chain.head().seq);
        match self.envs.get(env) {
            _ if last_epoch(self, env) == 0 => true,
            Some(here) if is_stale => here.slot_key().is_some() || !here.has_live(),
            Some(here) => !here.is_locked(&self.chain),
            None => false,
        }
    }
}

fn wrapped(key: &EpochKey, before: &EpochKey) -> Result<ByteArray<72>, Refusal> {
    key.wrap_prev(before).map(ByteArray::from)
}

fn last_epoch(state: &State, env: &EnvId) -> u64 {
    last_epoch_of(&state.chain, env)
}

pub(super) fn last_epoch_of(chain: &Chain, env: &EnvId) -> u64 {
    let epochs = chain.env(env).map_or(&[][..], |env| &env.epochs);
    epochs.last().map_or(0, |epoch| epoch.n)
}
