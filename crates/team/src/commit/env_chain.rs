//! An environment's history as one client has verified it: the state, and what is kept of each commit
//! so that a removal which is heard of later is still checked against them.

use minicbor::{Decode, Encode};

use super::state::{Came, State};
use super::{Changed, Changes, Commit, Entry, stands_beside_cuts};
use crate::Verdict;
use crate::chain::{Chain, Head};
use crate::id::{EnvId, Hash, RecordId, WorkspaceId};
use crate::links::env_genesis;

/// A verified environment. Its encoding is for the local copy only, which is believed because it is
/// kept under a key of this device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EnvChain {
    #[n(0)]
    env: EnvId,
    /// The place before the first commit in `seen`, and the hash there.
    #[n(1)]
    before_seq: u64,
    #[n(2)]
    before_hash: Hash,
    #[n(3)]
    seen: Vec<Seen>,
    #[n(4)]
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Seen {
    #[n(0)]
    hash: Hash,
    #[n(1)]
    w_seq: u64,
}

/// What a commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The commit.
    pub commit: Commit,
    /// Every entry that it changed, sorted by secret.
    pub changes: Vec<Changed>,
}

impl EnvChain {
    /// An environment without a commit.
    #[must_use]
    pub fn begin(ws: &WorkspaceId, env: &EnvId) -> Self {
        Self {
            env: *env,
            before_seq: 0,
            before_hash: env_genesis(ws, env),
            seen: Vec::new(),
            state: State::default(),
        }
    }

    /// The environment at one commit, without the history before it: its author vouches for the whole
    /// state with the root that it signed.
    ///
    /// # Errors
    /// As [`EnvChain::apply`].
    pub fn from_snapshot(
        w: &Chain,
        env: &EnvId,
        commit: &[u8],
        entries: &[Entry],
    ) -> Result<Self, Verdict> {
        let read = Commit::read(commit)?.standing(w, env)?;
        let body = &read.body;
        let state = State::shown(body, entries)?;
        let mut chain = Self::begin(&w.ws(), env);
        if body.seq == 1 {
            // The whole history is at hand.
            chain.apply(w, commit)?;
        } else {
            chain.before_seq = body.seq - 1;
            chain.before_hash = body.prev;
            chain.state = state;
            chain.seen.push(Seen::of(&read));
        }
        Ok(chain)
    }

    /// Takes the next commit. Nothing changes when it is refused.
    ///
    /// # Errors
    /// `Rollback` for a commit that has seen more of the membership chain than `w` is; `Fork` for one
    /// that belongs to another history; `Invalid` for one that breaks a rule.
    pub fn apply(&mut self, w: &Chain, commit: &[u8]) -> Result<Applied, Verdict> {
        let commit = Commit::read(commit)?.standing(w, &self.env)?;
        self.is_next(&commit)?;
        let (state, changes) = self.state.after(&commit.body)?;
        self.state = state;
        self.seen.push(Seen::of(&commit));
        Ok(Applied { commit, changes })
    }

    /// The root that the state will have after these changes, which the author of a commit signs.
    ///
    /// # Errors
    /// `Invalid`: no commit can bring them.
    pub fn root_after(&self, epoch: u64, changes: &Changes) -> Result<Hash, Verdict> {
        self.state.root_after(epoch, changes)
    }

    /// Whether what was accepted still stands beside the removals that `w` knows by now.
    ///
    /// # Errors
    /// `Invalid`: a commit was accepted that whoever removed its author does not know.
    pub fn holds_cuts(&self, w: &Chain) -> Result<(), Verdict> {
        self.seen.iter().enumerate().try_for_each(|(at, seen)| {
            let seq = self.seq_after(at + 1);
            stands_beside_cuts(w, &self.env, seq, seen.hash, seen.w_seq)
        })
    }

    /// Whether every commit that a removal pinned was shown. To be asked when everything was taken that
    /// the server has.
    ///
    /// # Errors
    /// `Rollback`.
    pub fn reaches_cuts(&self, w: &Chain) -> Result<(), Verdict> {
        let reached = self.head().seq;
        if w.cuts(&self.env).iter().all(|cut| cut.seq <= reached) {
            Ok(())
        } else {
            Err(Verdict::Rollback)
        }
    }

    /// Whether this is, or goes on from, a head that was seen before: here, in a lock file, elsewhere.
    ///
    /// # Errors
    /// `Rollback` when it is older, `Fork` when another commit stands there, `Unverified` when the
    /// history was not read from there on.
    pub fn extends(&self, seen: &Head) -> Result<(), Verdict> {
        if seen.seq > self.head().seq {
            return Err(Verdict::Rollback);
        }
        match self.hash_at(seen.seq) {
            Some(hash) if hash == seen.hash => Ok(()),
            Some(_) => Err(Verdict::Fork),
            None => Err(Verdict::Unverified(
                "the history since a head that was seen",
            )),
        }
    }

    /// The environment.
    #[must_use]
    pub fn env(&self) -> EnvId {
        self.env
    }

    /// The last commit. Before the first: place 0, and the hash that the first one names.
    #[must_use]
    pub fn head(&self) -> Head {
        let seq = self.seq_after(self.seen.len());
        let hash = self.seen.last().map_or(self.before_hash, |seen| seen.hash);
        Head { seq, hash }
    }

    /// The hash of the commit at a place, if it was seen.
    #[must_use]
    pub fn hash_at(&self, seq: u64) -> Option<Hash> {
        let Some(after) = seq.checked_sub(self.before_seq)?.checked_sub(1) else {
            return Some(self.before_hash);
        };
        let seen = self.seen.get(usize::try_from(after).ok()?);
        seen.map(|seen| seen.hash)
    }

    /// Every entry, deleted ones too, sorted by secret.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.state.entries()
    }

    /// The entry of a secret.
    #[must_use]
    pub fn entry(&self, rid: &RecordId) -> Option<&Entry> {
        self.state.entry(rid)
    }

    /// The epoch whose key wraps every live slot; 0 before the first commit.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.state.epoch()
    }

    /// The anchor of the last commit; 0 before the first.
    #[must_use]
    pub fn w_seq(&self) -> u64 {
        self.seen.last().map_or(0, |seen| seen.w_seq)
    }

    /// Every live entry, and where the commit that brought it was anchored.
    pub(crate) fn live(&self) -> impl Iterator<Item = (&Entry, Came)> {
        self.state.live()
    }

    /// The place of the last of so many commits.
    fn seq_after(&self, seen: usize) -> u64 {
        self.before_seq + seen as u64
    }

    fn is_next(&self, commit: &Commit) -> Result<(), Verdict> {
        let (body, head) = (&commit.body, self.head());
        if (self.hash_at(body.seq)).is_some_and(|known| known != commit.hash) {
            return Err(Verdict::Fork);
        }
        if body.seq.checked_sub(1) != Some(head.seq) {
            return Err(Verdict::Invalid("a commit out of its place"));
        }
        if body.prev != head.hash {
            return Err(if head.seq == 0 {
                Verdict::Invalid("a first commit that is another environment's")
            } else {
                Verdict::Fork
            });
        }
        if body.w_seq < self.w_seq() {
            return Err(Verdict::Invalid(
                "a commit that had seen less than the one before it",
            ));
        }
        Ok(())
    }
}

impl Seen {
    fn of(commit: &Commit) -> Self {
        Self {
            hash: commit.hash,
            w_seq: commit.body.w_seq,
        }
    }
}
