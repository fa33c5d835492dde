//! A commit: what one device changed in one environment, on top of the commit before it, in sight of one
//! link of the membership chain. This file is its format, and the rules that need the membership chain
//! only; what needs the environment's history is in [`EnvChain`].

mod env_chain;
mod state;

use minicbor::{Decode, Encode};

use crate::Verdict;
use crate::cbor;
use crate::chain::Chain;
use crate::count::counts;
use crate::id::{DeviceId, EnvId, Hash, RecordId, Signature, WorkspaceId};
use crate::label::Label;
use crate::links::Right;
use crate::signed::{Signed, of_this_version};

pub use env_chain::{Applied, EnvChain};
pub(crate) use state::Came;
pub use state::Changed;

/// Records that one commit may bring.
pub const MAX_RECORDS: usize = 1_000;
/// Live secrets that one environment may have, so that one commit can re-wrap all of them.
pub const MAX_LIVE: usize = 20_000;
/// Entries that the state of one environment may have, deleted ones among them: a server stores no more,
/// and a client reads no more.
pub const MAX_ENTRIES: usize = 4 * MAX_LIVE;

/// One secret in the state of an environment; also one change in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// The secret.
    #[n(0)]
    pub rid: RecordId,
    /// Its version, from 1.
    #[n(1)]
    pub ver: u64,
    /// The record of that version.
    #[n(2)]
    pub record: Hash,
    /// The slot of its keys; nothing when it is deleted.
    #[n(3)]
    pub slot: Option<Hash>,
}

impl Entry {
    /// Whether the secret is deleted. It stays in the state, so that it cannot come back unseen.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.slot.is_none()
    }
}

/// What a commit changes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Changes {
    /// New versions, sorted by secret, 1 to [`MAX_RECORDS`] of them.
    #[n(0)]
    Records(#[n(0)] Vec<Entry>),
    /// A new slot for every live secret, sorted by secret: the environment has a new key.
    #[n(1)]
    Rewrap(#[n(0)] Vec<(RecordId, Hash)>),
}

/// What an author signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Body {
    /// The format's version.
    #[n(0)]
    pub v: u8,
    /// The workspace.
    #[n(1)]
    pub ws: WorkspaceId,
    /// The environment.
    #[n(2)]
    pub env: EnvId,
    /// Its place in the environment's chain, from 1.
    #[n(3)]
    pub seq: u64,
    /// The commit before it; for the first, [`env_genesis`](crate::links::env_genesis).
    #[n(4)]
    pub prev: Hash,
    /// The newest link of the membership chain that its author had seen: the anchor.
    #[n(5)]
    pub w_seq: u64,
    /// That link's hash.
    #[n(6)]
    pub w_hash: Hash,
    /// The epoch whose key wraps every live slot.
    #[n(7)]
    pub epoch: u64,
    /// When its author says it was made, in ms since 1970. No rule looks at it.
    #[n(8)]
    pub ts: u64,
    /// The device that made it.
    #[n(9)]
    pub author: DeviceId,
    /// What it changes.
    #[n(10)]
    pub changes: Changes,
    /// The hash of the state after it.
    #[n(11)]
    pub root: Hash,
}

impl Body {
    /// The bytes that are signed, under `SIG_COMMIT`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

/// The verdict on a version that is none.
pub(crate) const NO_VERSION: Verdict = Verdict::Invalid("a version that no secret can have");

fn versions_count(entries: &[Entry]) -> Result<(), Verdict> {
    if entries.iter().all(|entry| counts(entry.ver)) {
        Ok(())
    } else {
        Err(NO_VERSION)
    }
}

/// The root of a state: the hash of all its entries, deleted ones too, sorted by secret.
#[must_use]
pub fn root<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Hash {
    let entries: Vec<&Entry> = entries.into_iter().collect();
    Label::STATE.hash(&cbor::encode(&entries))
}

/// A commit that was read. Not verified until a chain applied it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// What its author signed.
    pub body: Body,
    /// What names it.
    pub hash: Hash,
    bytes: Vec<u8>,
    signature: Signature,
}

impl Commit {
    /// The commit that these bytes are.
    ///
    /// # Errors
    /// `Unknown` for another version, `Invalid` for other bytes, for changes that are too many or not
    /// in order, and for a place or a version that is none.
    pub fn read(bytes: &[u8]) -> Result<Self, Verdict> {
        let Signed {
            body: bytes,
            signature,
        } = cbor::decode(bytes)?;
        let body: Body = of_this_version(&bytes, "the format of this commit")?;
        if body.seq == 0 {
            return Err(Verdict::Invalid("a commit before the first"));
        }
        if !counts(body.seq) {
            return Err(Verdict::Invalid(
                "a commit at a place that no commit can have",
            ));
        }
        let (many, sorted) = match &body.changes {
            Changes::Records(records) => (
                (1..=MAX_RECORDS).contains(&records.len()),
                records.is_sorted_by(|a, b| a.rid < b.rid),
            ),
            Changes::Rewrap(slots) => (
                slots.len() <= MAX_LIVE,
                slots.is_sorted_by(|a, b| a.0 < b.0),
            ),
        };
        if !many {
            return Err(Verdict::Invalid(
                "a commit with no changes, or with too many",
            ));
        }
        if !sorted {
            return Err(Verdict::Invalid(
                "a commit whose changes are out of order or double",
            ));
        }
        if let Changes::Records(records) = &body.changes {
            versions_count(records)?;
        }
        Ok(Self {
            hash: Label::COMMIT.hash(&bytes),
            body,
            bytes,
            signature,
        })
    }

    /// The rules that need no history of the environment.
    fn standing(self, w: &Chain, env: &EnvId) -> Result<Self, Verdict> {
        let body = &self.body;
        self.is_signed(w)?;
        if (body.ws, body.env) != (w.ws(), *env) {
            return Err(Verdict::Invalid("a commit of another environment"));
        }
        if body.w_seq > w.head().seq {
            return Err(Verdict::Rollback);
        }
        if w.hash_at(body.w_seq) != Some(body.w_hash) {
            return Err(Verdict::Fork);
        }
        self.author_may_write(w)?;
        stands_beside_cuts(w, env, body.seq, self.hash, body.w_seq)?;
        self.is_under_the_key_in_force(w)?;
        Ok(self)
    }

    fn is_signed(&self, w: &Chain) -> Result<(), Verdict> {
        let Some(author) = w.device(&self.body.author) else {
            // Its author may have joined in a link that was not shown.
            return Err(if self.body.w_seq > w.head().seq {
                Verdict::Rollback
            } else {
                Verdict::Invalid("a commit by a device that is not in the workspace")
            });
        };
        (author.public.ops).verify(Label::SIG_COMMIT, &self.bytes, &self.signature)
    }

    fn author_may_write(&self, w: &Chain) -> Result<(), Verdict> {
        let at = self.body.w_seq;
        let author = w
            .device(&self.body.author)
            .filter(|author| author.is_live_at(at))
            .ok_or(Verdict::Invalid(
                "a commit by a device that was not in the workspace at its anchor",
            ))?;
        if w.right_at(&author.member, &self.body.env, at) == Right::Write {
            Ok(())
        } else {
            Err(Verdict::Invalid(
                "a commit by somebody without the right to write",
            ))
        }
    }

    fn is_under_the_key_in_force(&self, w: &Chain) -> Result<(), Verdict> {
        let Body {
            env, w_seq, epoch, ..
        } = &self.body;
        let in_force = w.epoch_at(env, *w_seq).map(|epoch| epoch.n);
        if in_force != Some(*epoch) {
            return Err(Verdict::Invalid(
                "a commit under a key that was not in force at its anchor",
            ));
        }
        if w.is_stale(env, *w_seq) {
            return Err(Verdict::Invalid(
                "a commit under a key that somebody who lost access still has",
            ));
        }
        Ok(())
    }
}

/// Whether a commit at this place can stand beside what removals pinned. Whoever was removed could
/// still write commits that claim to be older; so a removal names the last commit before it, and what
/// follows that one must have seen the removal.
fn stands_beside_cuts(
    w: &Chain,
    env: &EnvId,
    seq: u64,
    hash: Hash,
    w_seq: u64,
) -> Result<(), Verdict> {
    for cut in w.cuts(env) {
        if seq == cut.seq && hash != cut.hash {
            return Err(Verdict::Invalid(
                "a commit other than the one that a removal pinned",
            ));
        }
        if seq > cut.seq && w_seq < cut.w_seq {
            return Err(Verdict::Invalid(
                "a commit after a removal that had not seen it",
            ));
        }
    }
    Ok(())
}
