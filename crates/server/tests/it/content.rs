//! What a team writes into its environments. What it seals are bytes of the test: the server cannot tell.

use withheld_team::api::{Blob, Bundle, CommitParts, RecordParts};
use withheld_team::commit::{self, Changes, Entry, EnvChain};
use withheld_team::envelope::Envelope;
use withheld_team::id::{EnvId, Hash, RecordId};
use withheld_team::label::Label;
use withheld_team::record::{self, Header, Kind, Sealed};
use withheld_team::signed::Signed;
use withheld_team::slot::Slot;

use crate::team::{Device, NOW, Team, sign};

/// An environment, as its members know it.
#[derive(Clone)]
pub(crate) struct Env {
    pub(crate) id: EnvId,
    pub(crate) chain: EnvChain,
}

impl Team {
    /// An envelope with the newest key of an environment.
    pub(crate) fn envelope(&self, env: &EnvId, by: &Device, to: &Device) -> Vec<u8> {
        let epochs = &self.chain.env(env).unwrap().epochs;
        let body = Envelope {
            v: 0,
            ws: self.ws,
            env: *env,
            epoch: epochs.last().unwrap().n,
            device: to.id,
            class: 2,
            by: by.id,
            enc: [4; 1120],
            ct: [5; 48],
        }
        .to_bytes();
        let signature = sign(&by.ops, Label::SIG_ENVELOPE, &body);
        Signed { body, signature }.to_bytes()
    }

    /// A commit of new versions of these secrets, applied here. Each is a number and what is sealed.
    pub(crate) fn set(&self, env: &mut Env, by: &Device, secrets: &[(u8, &[u8])]) -> CommitParts {
        let parts = self.drafted(env, by, secrets);
        env.chain.apply(&self.chain, &parts.commit.0).unwrap();
        parts
    }

    /// The same, not applied.
    pub(crate) fn drafted(&self, env: &Env, by: &Device, secrets: &[(u8, &[u8])]) -> CommitParts {
        let secrets = secrets
            .iter()
            .map(|(number, sealed)| (*number, Some(*sealed)));
        self.versions(env, by, &secrets.collect::<Vec<_>>())
    }

    /// A commit that deletes a secret, applied here.
    pub(crate) fn delete(&self, env: &mut Env, by: &Device, number: u8) -> CommitParts {
        let parts = self.versions(env, by, &[(number, None)]);
        env.chain.apply(&self.chain, &parts.commit.0).unwrap();
        parts
    }

    fn versions(&self, env: &Env, by: &Device, secrets: &[(u8, Option<&[u8]>)]) -> CommitParts {
        let (mut entries, mut records, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        let epoch = self.chain.env(&env.id).unwrap().epochs.last().unwrap().n;
        for (number, sealed) in secrets {
            let rid = RecordId::of([*number; 16]);
            let before = env.chain.entry(&rid);
            let ver = before.map_or(1, |before| before.ver + 1);
            let prev = before.map_or(Hash::ZERO, |before| before.record);
            let (record, hash) = self.record(env, by, rid, ver, prev, *sealed);
            let slot = sealed.map(|_| slot(env, rid, ver, epoch));
            entries.push(Entry {
                rid,
                ver,
                record: hash,
                slot: slot.as_ref().map(Slot::hash),
            });
            records.push(record);
            slots.extend(slot.map(|slot| Blob(slot.to_bytes())));
        }
        let commit = self.commit(env, by, epoch, Changes::Records(entries));
        CommitParts {
            env: env.id,
            commit: Blob(commit),
            records,
            slots,
        }
    }

    /// A re-wrap of everything under the newest key, applied here.
    pub(crate) fn rewrap(&self, env: &mut Env, by: &Device) -> CommitParts {
        let epoch = self.chain.env(&env.id).unwrap().epochs.last().unwrap().n;
        let live = env.chain.entries().filter(|entry| !entry.is_deleted());
        let wrapped: Vec<_> = live
            .map(|entry| (entry.rid, slot(env, entry.rid, entry.ver, epoch)))
            .collect();
        let hashes = wrapped.iter().map(|(rid, slot)| (*rid, slot.hash()));
        let commit = self.commit(env, by, epoch, Changes::Rewrap(hashes.collect()));
        env.chain.apply(&self.chain, &commit).unwrap();
        let slots = wrapped.iter().map(|(_, slot)| Blob(slot.to_bytes()));
        CommitParts {
            env: env.id,
            commit: Blob(commit),
            records: Vec::new(),
            slots: slots.collect(),
        }
    }

    /// A commit with these changes, signed.
    pub(crate) fn commit(&self, env: &Env, by: &Device, epoch: u64, changes: Changes) -> Vec<u8> {
        let (head, w) = (env.chain.head(), self.chain.head());
        let root = env.chain.root_after(epoch, &changes);
        let body = commit::Body {
            v: 0,
            ws: self.ws,
            env: env.id,
            seq: head.seq + 1,
            prev: head.hash,
            w_seq: w.seq,
            w_hash: w.hash,
            epoch,
            ts: NOW,
            author: by.id,
            changes,
            root: root.unwrap_or(Hash::ZERO),
        }
        .to_bytes();
        let signature = sign(&by.ops, Label::SIG_COMMIT, &body);
        Signed { body, signature }.to_bytes()
    }

    fn record(
        &self,
        env: &Env,
        by: &Device,
        rid: RecordId,
        ver: u64,
        prev: Hash,
        value: Option<&[u8]>,
    ) -> (RecordParts, Hash) {
        let meta = value.map(|value| [b"name of ", value].concat());
        let body = record::Body {
            header: Header {
                v: 0,
                ws: self.ws,
                env: env.id,
                rid,
                ver,
                prev,
                author: by.id,
                kind: value.map_or(Kind::Deleted, |_| Kind::Value),
            },
            sealed: meta.as_deref().zip(value).map(|(meta, value)| Sealed {
                commit_meta: Hash::of([8; 32]),
                commit_value: Hash::of([9; 32]),
                meta: sha256(meta),
                value: sha256(value),
            }),
        }
        .to_bytes();
        let hash = Label::RECORD.hash(&body);
        let signature = sign(&by.ops, Label::SIG_RECORD, &body);
        let parts = RecordParts {
            record: Blob(Signed { body, signature }.to_bytes()),
            meta: meta.map(Blob),
            value: value.map(|value| Blob(value.to_vec())),
        };
        (parts, hash)
    }
}

/// A bundle of commits alone.
pub(crate) fn of_commits(commits: Vec<CommitParts>) -> Bundle {
    Bundle {
        commits,
        ..Bundle::default()
    }
}

fn slot(env: &Env, rid: RecordId, ver: u64, epoch: u64) -> Slot {
    Slot {
        v: 0,
        env: env.id,
        rid,
        ver,
        epoch,
        wrap_meta: [6; 72],
        wrap_value: [7; 72],
    }
}

fn sha256(bytes: &[u8]) -> Hash {
    use sha2::Digest as _;
    Hash::of(sha2::Sha256::digest(bytes).into())
}
