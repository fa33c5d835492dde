//! One round of a sync: everything that the server has and this device may read is fetched and
//! verified, on a copy of the state. The caller keeps the copy only when all of it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use withheld_team::Verdict;
use withheld_team::api::{Commits, EnvHead, Envelopes, Heads};
use withheld_team::commit::Commit;
use withheld_team::envelope::Envelope;
use withheld_team::id::EnvId;
use withheld_team::links::Right;

use super::links::{Stop, fetch_links, proof};
use super::state::State;
use super::talk::Line;
use crate::team::keys::DeviceSeed;

/// Commits that are asked for at once; a longer page is not read.
pub(super) const PAGE: usize = 500;
/// At first contact, a longer history than this is skipped.
const HISTORY: u64 = 1_000;

/// Pages of envelopes that are read: a server that has more of them each time is not listened to for ever.
const PAGES: usize = 64;
/// Envelopes that are kept of one environment.
const ENVELOPES: usize = 1_000;

/// A round.
pub(super) struct Round<'a, 'b> {
    pub(super) line: &'a mut Line<'b>,
    pub(super) seed: &'a DeviceSeed,
    pub(super) next: State,
}

impl Round<'_, '_> {
    /// Goes through all of it; whether there was anything to go through. After a fault, or when asked
    /// to, the server may not say that all is as it was.
    pub(super) fn run(&mut self, fresh: bool) -> Result<bool, Stop> {
        let ws = self.next.file.ws;
        let etag = self.next.seen.etag.clone().filter(|_| !fresh);
        let path = format!("/v1/ws/{ws}/heads");
        let Some((heads, etag)) = self.line.get_changed::<Heads>(&path, etag.as_deref())? else {
            return Ok(false);
        };
        if heads.rev < self.next.seen.rev {
            self.next.forget_sealed();
        }
        self.next.seen.rev = heads.rev;
        self.links(&heads)?;
        let shown: BTreeMap<EnvId, EnvHead> =
            heads.envs.iter().map(|env| (env.env, *env)).collect();
        // What can be read is verified with everything else.
        let (chain, me) = (Arc::clone(&self.next.chain), self.next.me());
        let is_closed = |(env, _): &(EnvId, _)| chain.right(&me, env) < Right::Read;
        self.next.file.elsewhere.retain(is_closed);
        for env in self.next.chain.envs().collect::<Vec<_>>() {
            if self.next.my_right(&env) >= Right::Read {
                self.environment(&env, shown.get(&env))?;
            }
        }
        self.keys()?;
        // A key that is withheld is asked for again each time.
        let chain = &self.next.chain;
        let waits = self.next.envs.values().any(|env| env.is_locked(chain));
        self.next.seen.etag = etag.filter(|_| !waits);
        Ok(true)
    }

    /// The links that are new, up to the head that was shown or beyond.
    fn links(&mut self, heads: &Heads) -> Result<(), Stop> {
        let head = self.next.chain.head();
        if heads.w.seq < head.seq {
            return Err(self.proof(None, Verdict::Rollback));
        }
        if heads.w.seq > head.seq {
            fetch_links(self.line, &mut self.next, heads.w.seq)?;
        }
        match self.next.chain.hash_at(heads.w.seq) {
            Some(hash) if hash == heads.w.hash => Ok(()),
            Some(_) => Err(self.proof(None, Verdict::Fork)),
            None => Err(self.proof(None, Verdict::Rollback)),
        }
    }

    /// The commits of one environment that are new, and the records that they name.
    fn environment(&mut self, env: &EnvId, shown: Option<&EnvHead>) -> Result<(), Stop> {
        let known = self.next.envs.get(env).map(|env| env.chain.head());
        let (at, hash) = known.map_or((0, None), |head| (head.seq, Some(head.hash)));
        let (seq, shown_hash) = shown.map_or((0, None), |head| (head.seq, Some(head.hash)));
        if seq < at {
            return Err(self.proof(Some(*env), Verdict::Rollback));
        }
        if seq > at {
            if at == 0 && seq > HISTORY {
                self.snapshot(env)?;
            } else {
                self.commits(env, seq)?;
            }
        } else if at > 0 && shown_hash != hash {
            return Err(self.proof(Some(*env), Verdict::Fork));
        }
        let Some(state) = self.next.envs.get(env) else {
            return self.begun(env);
        };
        let chain = &self.next.chain;
        let stands = state
            .chain
            .holds_cuts(chain)
            .and_then(|()| state.chain.reaches_cuts(chain))
            .and_then(|()| match state.chain.hash_at(seq) {
                Some(hash) if seq == 0 || Some(hash) == shown_hash => Ok(()),
                Some(_) => Err(Verdict::Fork),
                None => Err(Verdict::Rollback),
            });
        stands.map_err(|verdict| self.proof(Some(*env), verdict))?;
        self.records(env)
    }

    /// An environment without a commit is here from its first sight on, because keys are kept with it.
    fn begun(&mut self, env: &EnvId) -> Result<(), Stop> {
        let state = self.next.env_mut(env);
        let begun = state.chain.clone();
        begun
            .reaches_cuts(&self.next.chain)
            .map_err(|verdict| self.proof(Some(*env), verdict))
    }

    fn commits(&mut self, env: &EnvId, until: u64) -> Result<(), Stop> {
        let ws = self.next.file.ws;
        loop {
            let at = self.next.env_mut(env).chain.head().seq;
            if at >= until {
                return Ok(());
            }
            let from = at + 1;
            let path = format!("/v1/ws/{ws}/envs/{env}/commits?from={from}&limit={PAGE}");
            let page: Commits = self.line.get(&path)?;
            if page.commits.is_empty() || page.commits.len() > PAGE {
                return Err(self.proof(Some(*env), Verdict::Rollback));
            }
            for commit in &page.commits {
                self.anchor(env, &commit.0)?;
                let chain = Arc::clone(&self.next.chain);
                let taken = self.next.env_mut(env).take(&chain, &commit.0);
                taken.map_err(|verdict| self.proof(Some(*env), verdict))?;
            }
        }
    }

    /// A commit may have seen links that were written since the heads were shown: they are asked for
    /// once more before anything is concluded.
    pub(super) fn anchor(&mut self, env: &EnvId, commit: &[u8]) -> Result<(), Stop> {
        let read = Commit::read(commit);
        let read = read.map_err(|verdict| self.proof(Some(*env), verdict))?;
        if read.body.w_seq <= self.next.chain.head().seq {
            return Ok(());
        }
        fetch_links(self.line, &mut self.next, read.body.w_seq)
    }

    /// The keys of what may be read: with the envelopes that are here, else with those that the server
    /// has; then the names.
    fn keys(&mut self) -> Result<(), Stop> {
        let (chain, me) = (Arc::clone(&self.next.chain), self.next.me());
        let readable = |env: &EnvId| chain.right(&me, env) >= Right::Read;
        let envs: Vec<EnvId> = chain.envs().filter(readable).collect();
        let mut locked = Vec::new();
        for env in &envs {
            let lacks =
                |state: &State| state.envs.get(env).is_some_and(|env| env.is_locked(&chain));
            if lacks(&self.next) {
                self.next.env_mut(env).open_keys(&chain, self.seed)?;
            }
            if lacks(&self.next) {
                locked.push(*env);
            }
        }
        if !locked.is_empty() {
            self.envelopes(&locked)?;
        }
        for env in &envs {
            if self
                .next
                .envs
                .get(env)
                .is_some_and(|env| env.has_locked_names())
            {
                self.next.env_mut(env).open_names()?;
            }
        }
        Ok(())
    }

    /// The envelopes to this device for these environments. A bad one is passed over.
    fn envelopes(&mut self, locked: &[EnvId]) -> Result<(), Stop> {
        let (ws, me) = (self.next.file.ws, self.next.file.device);
        let chain = Arc::clone(&self.next.chain);
        let mut since = 0;
        let mut pages = 0;
        loop {
            pages += 1;
            if pages > PAGES {
                return Err(too_many_envelopes());
            }
            let page: Envelopes = self
                .line
                .get(&format!("/v1/ws/{ws}/envelopes?since={since}"))?;
            if page.envelopes.is_empty() || page.rev <= since {
                break;
            }
            since = page.rev;
            for bytes in page.envelopes {
                let Ok(read) = Envelope::read(&bytes.0, &chain) else {
                    continue;
                };
                if read.device != me || !locked.contains(&read.env) {
                    continue;
                }
                let kept = &mut self.next.env_mut(&read.env).file.envelopes;
                let bytes = ByteVec::from(bytes.0);
                if kept.contains(&bytes) {
                    continue;
                }
                if kept.len() == ENVELOPES {
                    return Err(too_many_envelopes());
                }
                kept.push(bytes);
            }
        }
        for env in locked {
            let state = self.next.env_mut(env);
            state.open_keys(&chain, self.seed)?;
            state.drop_old_envelopes(&chain);
        }
        Ok(())
    }

    pub(super) fn proof(&mut self, env: Option<EnvId>, verdict: Verdict) -> Stop {
        proof(self.line, env, verdict)
    }
}

fn too_many_envelopes() -> Stop {
    Stop::Refused(Verdict::Unverified("an end of the envelopes to this device").into())
}
