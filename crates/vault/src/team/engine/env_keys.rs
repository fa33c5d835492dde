//! The keys of an environment that are here, and the names that they open.

use std::sync::Arc;

use minicbor::bytes::ByteVec;
use withheld_core::{Code, Refusal};
use withheld_team::chain::Chain;
use withheld_team::envelope::Envelope;
use withheld_team::id::EnvId;

use super::env_state::{EnvState, Opened, Shown};
use super::formats::Quarantined;
use crate::team::epoch::{EpochId, EpochKey};
use crate::team::keys::DeviceSeed;
use crate::team::{Unopened, envelope, sealed};

impl EnvState {
    /// The key that wraps the slots.
    pub(super) fn slot_key(&self) -> Option<&Arc<EpochKey>> {
        self.keys.get(&self.chain.epoch())
    }

    /// The key of the epoch in force.
    pub(super) fn newest_key(&self, w: &Chain) -> Option<&Arc<EpochKey>> {
        self.keys.get(&newest(w, &self.file.env))
    }

    /// Whether a key that is needed is not here.
    pub(super) fn is_locked(&self, w: &Chain) -> bool {
        needed(self, w).any(|n| !self.keys.contains_key(&n))
    }

    /// Opens the keys that are needed with the envelopes that are here. A bad envelope, or a bad key
    /// inside a good one, opens nothing; the next good one does.
    ///
    /// # Errors
    /// Only what is this machine's own: no locked memory.
    pub(super) fn open_keys(&mut self, w: &Chain, seed: &DeviceSeed) -> Result<(), Refusal> {
        let env = self.file.env;
        let wanted: Vec<u64> = needed(self, w).collect();
        let Some(lowest) = wanted.iter().min().copied() else {
            return Ok(());
        };
        self.keys.retain(|n, _| wanted.contains(n));
        let epochs = w.env(&env).map_or(&[][..], |env| &env.epochs);
        for epoch in epochs.iter().rev().take_while(|epoch| epoch.n >= lowest) {
            if wanted.iter().all(|n| self.keys.contains_key(n)) {
                break;
            }
            if self.keys.contains_key(&epoch.n) {
                self.open_before(Arc::clone(&self.keys[&epoch.n]), w, &wanted)?;
                continue;
            }
            let id = EpochId {
                ws: w.ws(),
                env,
                n: epoch.n,
            };
            let envelopes = self.file.envelopes.iter().map(|bytes| &bytes[..]);
            if let Some(key) = ours(envelope::find(envelopes, id, seed, w))? {
                self.open_before(Arc::new(key), w, &wanted)?;
            }
        }
        Ok(())
    }

    /// Keeps a key, and those of earlier epochs that it opens, as far as they are wanted.
    fn open_before(
        &mut self,
        key: Arc<EpochKey>,
        w: &Chain,
        wanted: &[u64],
    ) -> Result<(), Refusal> {
        let mut next = Some(key);
        while let Some(key) = next {
            let n = key.id().n;
            next = if wanted
                .iter()
                .any(|other| *other < n && !self.keys.contains_key(other))
            {
                ours(key.unwrap_prev(w))?.flatten().map(Arc::new)
            } else {
                None
            };
            if wanted.contains(&n) {
                self.keys.insert(n, key);
            }
        }
        Ok(())
    }

    /// Opens the names that are not open yet, as far as there is a key.
    ///
    /// # Errors
    /// Only what is this machine's own: no locked memory.
    pub(super) fn open_names(&mut self) -> Result<(), Refusal> {
        let key = self.slot_key().map(Arc::clone);
        for shown in self.records.values_mut() {
            if !matches!(shown.opened, Opened::Locked) {
                continue;
            }
            shown.opened = match (&shown.slot, &shown.kept.meta, &key) {
                (Some(slot), Some(meta), Some(key)) => {
                    match sealed::open_meta(&shown.record, slot, meta, key) {
                        Ok(meta) => Opened::Names(meta),
                        Err(Unopened::Broken(broken)) => Opened::Broken(broken),
                        Err(Unopened::Refused(refusal)) => return Err(refusal),
                    }
                }
                (None, None, _) => Opened::Deleted,
                _ => Opened::Locked,
            };
        }
        let there = |row: &Quarantined| {
            let shown = self.records.get(&row.rid);
            shown.is_some_and(|shown| shown.kept.ver == row.ver)
        };
        self.file.quarantine.retain(there);
        for shown in self.records.values() {
            if let Opened::Broken(why) = shown.opened
                && self.fault_of(shown).is_none()
            {
                self.file.quarantine.push(shown.set_aside(why));
            }
        }
        Ok(())
    }

    /// Whether there are names that a key would open.
    pub(super) fn has_locked_names(&self) -> bool {
        let locked = |shown: &Shown| matches!(shown.opened, Opened::Locked);
        self.records.values().any(locked)
    }

    /// Forgets envelopes of epochs before those that are needed.
    pub(super) fn drop_old_envelopes(&mut self, w: &Chain) {
        let Some(lowest) = needed(self, w).min() else {
            return;
        };
        let is_needed = |bytes: &ByteVec| {
            Envelope::read(bytes, w).is_ok_and(|envelope| envelope.epoch >= lowest)
        };
        self.file.envelopes.retain(is_needed);
    }
}

/// The epochs whose keys are needed: the newest to write and to wrap with, and that of the slots.
fn needed(env: &EnvState, w: &Chain) -> impl Iterator<Item = u64> + use<> {
    let newest = Some(newest(w, &env.file.env)).filter(|n| *n != 0);
    let slots = Some(env.chain.epoch()).filter(|n| env.has_live() && Some(*n) != newest);
    newest.into_iter().chain(slots)
}

fn newest(w: &Chain, env: &EnvId) -> u64 {
    w.epoch_at(env, w.head().seq).map_or(0, |epoch| epoch.n)
}

/// What came of opening something that others made: nothing where it is theirs that does not open, a
/// refusal where it is this machine that could not.
fn ours<T>(opened: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(refusal) if matches!(refusal.code, Code::Internal | Code::StoreUnavailable) => {
            Err(refusal)
        }
        Err(_) => Ok(None),
    }
}
