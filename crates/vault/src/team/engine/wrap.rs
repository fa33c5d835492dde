//! What this device does for the others without being asked: it seals keys to those who came after an
//! epoch began, and begins a new epoch where somebody who lost access still has the key.

use std::collections::BTreeSet;

use withheld_core::name::Environment;
use withheld_core::{Moment, Refusal};
use withheld_team::api::Bundle;
use withheld_team::id::{DeviceId, EnvId, MemberId};
use withheld_team::links::Right;

use super::Team;
use super::draft::Draft;
use super::reached::Reached;
use super::state::State;
use super::sync::TRIES;
use super::talk::{Sent, json};
use crate::team::post::Post;

/// Envelopes that are sent at once.
const ENVELOPES: usize = 1_000;

impl Team {
    /// Both; the environments that have a new key, and how many keys were sealed. The caller has
    /// the turn.
    pub(super) fn serve_others(
        &self,
        post: &mut dyn Post,
        now: Moment,
    ) -> Result<(Vec<Environment>, u64), Refusal> {
        let rotated = self.rotate_stale(post, now)?;
        Ok((rotated, self.seal_to_newcomers(post, now, None)?))
    }

    /// The same after a change of the owner's, which stands whatever becomes of this: what cannot be done
    /// now is done at the next sync.
    pub(super) fn finish(&self, post: &mut dyn Post, now: Moment) -> Vec<Environment> {
        self.serve_others(post, now)
            .map(|(rotated, _)| rotated)
            .unwrap_or_default()
    }

    /// The same after a change that is about somebody: the keys go to all their devices once more,
    /// whatever became of those that were sealed before.
    pub(super) fn finish_for(&self, post: &mut dyn Post, member: MemberId, now: Moment) {
        let rotated = self.rotate_stale(post, now);
        // What cannot be done now is done at the next sync, or by whoever is asked to set it again.
        let _ = rotated.and_then(|_| self.seal_to_newcomers(post, now, Some(member)));
    }

    /// Seals the newest keys that are here to devices that may have them and were not there when the
    /// epoch began, once each, and to those of this member in any case; how many. Nobody else need do it,
    /// and anybody may.
    fn seal_to_newcomers(
        &self,
        post: &mut dyn Post,
        now: Moment,
        again: Option<MemberId>,
    ) -> Result<u64, Refusal> {
        let mut done = BTreeSet::new();
        let mut sealed = 0;
        loop {
            let before = self.state();
            let mut newcomers = newcomers(&before, again);
            newcomers.retain(|one| !done.contains(one));
            newcomers.truncate(ENVELOPES);
            if newcomers.is_empty() {
                return Ok(sealed);
            }
            done.extend(newcomers.iter().copied());
            let mut draft = Draft::on(&before, &self.seed, None, now);
            for (env, n, device) in &newcomers {
                let key = before.envs.get(env).and_then(|env| env.keys.get(n));
                if let Some(key) = key {
                    draft.envelope(key, device)?;
                }
                let wrapped = &mut draft.next.env_mut(env).file.wrapped;
                if !wrapped.contains(&(*n, *device)) {
                    wrapped.push((*n, *device));
                }
            }
            let envelopes = draft.bundle.envelopes.len() as u64;
            if envelopes > 0 {
                let path = format!("/v1/ws/{}/envelopes", before.file.ws);
                let bundle = Bundle {
                    envelopes: draft.bundle.envelopes,
                    ..Bundle::default()
                };
                let mut line = self.line(post, now);
                match line.store(&path, json(&bundle)?, &Reached::default())? {
                    Sent::Stored => {
                        sealed += envelopes;
                        draft.next.seen.rev = line.rev;
                    }
                    // Somebody was removed meanwhile: the next sync sees it, and asks again.
                    Sent::Moved | Sent::Refused(_) => return Ok(sealed),
                }
            }
            self.keep(draft.next)?;
        }
    }

    /// Begins a new epoch in every environment whose key somebody has who lost access, as far as this
    /// device may; and wraps anew what a new epoch left behind.
    fn rotate_stale(&self, post: &mut dyn Post, now: Moment) -> Result<Vec<Environment>, Refusal> {
        let mut rotated = Vec::new();
        for _ in 0..self.state().envs.len() + TRIES {
            let before = self.state();
            let Some(env) = first_unfit(&before) else {
                break;
            };
            let mut draft = Draft::on(&before, &self.seed, None, now);
            draft.refresh(&env)?;
            if self.submit(post, now, &before, draft)? {
                rotated.extend(before.name_of(&env).cloned());
            } else {
                // Somebody else was faster, most likely with the same.
                self.catch_up(post, now)?;
            }
        }
        Ok(rotated)
    }
}

/// Devices that may have a key which is here, and were not among those it was sealed to at first; and all
/// of this member.
fn newcomers(state: &State, again: Option<MemberId>) -> Vec<(EnvId, u64, DeviceId)> {
    let mut found = Vec::new();
    for (env, here) in &state.envs {
        let head = state.chain.head().seq;
        let Some(epoch) = state.chain.epoch_at(env, head) else {
            continue;
        };
        if !here.keys.contains_key(&epoch.n) || state.my_right(env) < Right::Read {
            continue;
        }
        for device in state.chain.recipients(env) {
            let has = epoch.recipients.contains(&device)
                || here.file.wrapped.contains(&(epoch.n, device));
            let owner = state.chain.device(&device).map(|device| device.member);
            if !has || (again.is_some() && owner == again) {
                found.push((*env, epoch.n, device));
            }
        }
    }
    found
}

/// An environment that this device may and should make fit to be written.
fn first_unfit(state: &State) -> Option<EnvId> {
    let head = state.chain.head().seq;
    let unfit = state.envs.iter().find(|(env, here)| {
        let newest = state.chain.epoch_at(env, head).map_or(0, |epoch| epoch.n);
        let is_left_behind = newest != here.chain.epoch() && here.has_live();
        state.can_refresh(env) && (is_left_behind || state.chain.is_stale(env, head))
    });
    unfit.map(|(env, _)| *env)
}
