//! A bundle in the making: links, commits and envelopes are written on a copy of the state, which they
//! change as they will for everybody. So a bundle that breaks a rule is found here and never sent, and
//! the copy becomes the state when the server has stored the bundle.

use std::sync::Arc;

use minicbor::bytes::ByteVec;
use withheld_core::{Code, Moment, Refusal};
use withheld_team::api::{Blob, Bundle, CommitParts, RecordParts};
use withheld_team::commit::{Body, Changes, Entry};
use withheld_team::id::{EnvId, Hash, RecordId};
use withheld_team::label::Label;
use withheld_team::links::{self, Link, Op, Position, Signer};
use withheld_team::signed::Signed;
use withheld_team::{VERSION, Verdict};

use super::files::impossible;
use super::formats::KeptRecord;
use super::rekey::last_epoch_of;
use super::state::{State, position};
use super::talk::json;
use crate::owner::OwnerProof;
use crate::team::keys::DeviceSeed;
use crate::team::sealed::NewRecord;

/// Bytes of a bundle, from which on nothing more is put in that can wait.
const FULL: usize = 5 << 20;
/// How far a link may be dated before the one that it follows.
pub(super) const LAG_MS: u64 = 5 * 60 * 1000;

/// A bundle, and the state that it makes.
pub(super) struct Draft<'a> {
    pub(super) next: State,
    pub(super) bundle: Bundle,
    pub(super) seed: &'a DeviceSeed,
    proof: Option<&'a OwnerProof>,
    now: Moment,
}

/// A version of a record that is to be committed.
pub(super) enum New {
    Value(Box<NewRecord>),
    Deletion { record: Vec<u8>, hash: Hash },
}

impl<'a> Draft<'a> {
    /// On top of a state. Without a proof only what a device signs unattended can be written.
    pub(super) fn on(
        state: &State,
        seed: &'a DeviceSeed,
        proof: Option<&'a OwnerProof>,
        now: Moment,
    ) -> Self {
        Self {
            next: state.clone(),
            bundle: Bundle::default(),
            seed,
            proof,
            now,
        }
    }

    /// Writes a link, signed by whoever must sign it.
    ///
    /// # Errors
    /// `no_grant` where the team's rules do not let this device do it.
    pub(super) fn link(&mut self, op: Op) -> Result<(), Refusal> {
        let head = self.next.chain.head();
        let body = links::Body {
            v: VERSION,
            ws: self.next.file.ws,
            seq: head.seq + 1,
            prev: head.hash,
            ts: self.ts().max(self.next.chain.ts().saturating_sub(LAG_MS)),
            author: self.next.file.device,
            op,
        };
        let bytes = body.to_bytes();
        let me = self.next.file.device;
        let signature = match (&body.op, self.proof) {
            (Op::Epoch { .. }, _) => (Signer::Ops(me), self.seed.sign(Label::SIG_WLINK, &bytes)?),
            (_, Some(proof)) => (
                Signer::Admin(me),
                proof.sign_as_admin(Label::SIG_WLINK, &bytes),
            ),
            (_, None) => return Err(impossible()),
        };
        let link = Link::of(bytes, vec![signature]);
        let taken = Arc::make_mut(&mut self.next.chain).apply(&link);
        taken.map_err(not_allowed)?;
        self.next.file.links.push(ByteVec::from(link.clone()));
        self.bundle.links.push(Blob(link));
        Ok(())
    }

    /// Commits records to an environment whose key is good: nobody who lost access has it.
    ///
    /// # Errors
    /// As [`Draft::link`].
    pub(super) fn records(
        &mut self,
        env: &EnvId,
        mut records: Vec<(Entry, New)>,
    ) -> Result<(), Refusal> {
        records.sort_by_key(|(entry, _)| entry.rid);
        let entries = records.iter().map(|(entry, _)| *entry).collect();
        let commit = self.commit(env, Changes::Records(entries))?;
        let chain = Arc::clone(&self.next.chain);
        let state = self.next.env_mut(env);
        let (mut parts, mut slots) = (Vec::new(), Vec::new());
        for (entry, new) in records {
            let (part, slot) = new.into_parts();
            state.show(
                &chain,
                KeptRecord {
                    rid: entry.rid,
                    ver: entry.ver,
                    record: ByteVec::from(part.record.0.clone()),
                    meta: part.meta.clone().map(|meta| ByteVec::from(meta.0)),
                    slot: slot.clone().map(ByteVec::from),
                },
            )?;
            parts.push(part);
            slots.extend(slot.map(Blob));
        }
        state.open_names()?;
        self.bundle.commits.push(CommitParts {
            env: *env,
            commit: Blob(commit),
            records: parts,
            slots,
        });
        Ok(())
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.bundle == Bundle::default()
    }

    /// Whether what can wait should.
    pub(super) fn is_full(&self) -> bool {
        let links = self.bundle.links.iter().map(|link| link.0.len());
        let envelopes = self
            .bundle
            .envelopes
            .iter()
            .map(|envelope| envelope.0.len());
        let commits = self.bundle.commits.iter().map(|parts| {
            let slots: usize = parts.slots.iter().map(|slot| slot.0.len()).sum();
            parts.commit.0.len() + slots
        });
        links.chain(envelopes).chain(commits).sum::<usize>() > FULL
    }

    /// The position of an environment, for who is cut off there. Where it cannot be read, it was verified
    /// for this ([`Team::look_elsewhere`](super::Team)).
    pub(super) fn cut(&self, env: &EnvId) -> Result<Position, Refusal> {
        let readable = self.next.my_right(env) >= links::Right::Read;
        if let Some(state) = self.next.envs.get(env).filter(|_| readable) {
            let head = state.chain.head();
            return Ok(position(head.seq, head.hash));
        }
        let mut elsewhere = self.next.file.elsewhere.iter();
        let verified = elsewhere.find(|(other, _)| other == env);
        verified.map(|(_, head)| *head).ok_or_else(|| {
            Verdict::Unverified("the head of an environment that must be closed").into()
        })
    }

    /// The body of the request that stores it.
    pub(super) fn body(&self) -> Result<Vec<u8>, Refusal> {
        json(&self.bundle)
    }

    pub(super) fn commit(&mut self, env: &EnvId, changes: Changes) -> Result<Vec<u8>, Refusal> {
        let chain = Arc::clone(&self.next.chain);
        let (author, ts) = (self.next.file.device, self.ts());
        let state = self.next.env_mut(env);
        let epoch = last_epoch_of(&chain, env);
        let (head, w) = (state.chain.head(), chain.head());
        let root = state
            .chain
            .root_after(epoch, &changes)
            .map_err(not_allowed)?;
        let body = Body {
            v: VERSION,
            ws: chain.ws(),
            env: *env,
            seq: head.seq + 1,
            prev: head.hash,
            w_seq: w.seq,
            w_hash: w.hash,
            epoch,
            ts,
            author,
            changes,
            root,
        }
        .to_bytes();
        let signature = self.seed.sign(Label::SIG_COMMIT, &body)?;
        let commit = Signed { body, signature }.to_bytes();
        state.take(&chain, &commit).map_err(not_allowed)?;
        Ok(commit)
    }

    pub(super) fn ts(&self) -> u64 {
        u64::try_from(self.now.as_ms()).unwrap_or(0)
    }
}

impl New {
    /// The entry that names it.
    pub(super) fn entry(&self, rid: RecordId, ver: u64) -> Entry {
        let (record, slot) = match self {
            Self::Value(new) => (new.hash, Some(new.slot.hash())),
            Self::Deletion { hash, .. } => (*hash, None),
        };
        Entry {
            rid,
            ver,
            record,
            slot,
        }
    }

    fn into_parts(self) -> (RecordParts, Option<Vec<u8>>) {
        match self {
            Self::Value(new) => (
                RecordParts {
                    record: Blob(new.record),
                    meta: Some(Blob(new.meta)),
                    value: Some(Blob(new.value)),
                },
                Some(new.slot.to_bytes()),
            ),
            Self::Deletion { record, .. } => (
                RecordParts {
                    record: Blob(record),
                    meta: None,
                    value: None,
                },
                None,
            ),
        }
    }
}

/// A rule of the team's that this device would break.
pub(super) fn not_allowed(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Invalid(rule) => Refusal::new(
            Code::NoGrant,
            withheld_core::text!("the team does not accept {}", rule),
            "see who may do what: withheld team members",
        ),
        other => other.into(),
    }
}

/// The key of an environment is not here.
pub(super) fn locked() -> Refusal {
    Verdict::Unverified("an envelope with the key of this environment").into()
}
