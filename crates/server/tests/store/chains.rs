//! A database is compared with the chains in it: here the chains are real.

use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::bytes::ByteArray;
use sha2::{Digest as _, Sha256};
use withheld_server::store::{
    Append, DeviceRow, EntryRow, NewCommit, NewLink, NewRecord, NewSlot, Store as _,
};
use withheld_team::VERSION;
use withheld_team::api::{Limits, Position};
use withheld_team::chain::recipients_hash;
use withheld_team::commit::{Body as CommitBody, Changes, Entry, root};
use withheld_team::device::DevicePublic;
use withheld_team::id::{
    DeviceId, EnvId, Hash, KemKey, MemberId, RecordId, Signature, VerifyKey, WorkspaceId,
};
use withheld_team::label::Label;
use withheld_team::links::{Body, Link, Op, SUITE, Signer, env_genesis};
use withheld_team::record::{Body as RecordBody, Header, Kind, Sealed};
use withheld_team::signed::Signed;
use withheld_team::slot::{Slot, WRAP};

use crate::made::{NOW, Place, done, rid};

const DIR: EnvId = EnvId::DIRECTORY;

/// A founder, and the workspace while it is being written.
struct Founder {
    ops: SigningKey,
    admin: SigningKey,
    public: DevicePublic,
    ws: WorkspaceId,
    w: Position,
    links: Vec<NewLink>,
}

impl Founder {
    fn new() -> Self {
        let (ops, admin) = (
            SigningKey::from_bytes(&[1; 32]),
            SigningKey::from_bytes(&[2; 32]),
        );
        let public = DevicePublic {
            ops: VerifyKey::of(ops.verifying_key().to_bytes()),
            admin: VerifyKey::of(admin.verifying_key().to_bytes()),
            kem: KemKey::of([3; KemKey::LEN]),
        };
        let w = Position {
            seq: 0,
            hash: Hash::ZERO,
        };
        let ws = WorkspaceId::of([0; 32]);
        let mut founder = Self {
            ops,
            admin,
            public,
            ws,
            w,
            links: vec![],
        };
        let device = founder.public.clone();
        founder.say(Op::Genesis {
            suite: SUITE,
            member: MemberId::of([4; 16]),
            device,
            salt: ByteArray::from([5; 16]),
        });
        founder.ws = founder.w.hash.into();
        founder.say(Op::Epoch {
            env: DIR,
            n: 1,
            recipients: recipients_hash(&[founder.id()]),
            commit_root: Hash::of([6; 32]),
            commit_meta: Hash::of([7; 32]),
            prev_n: 0,
            prev_wrap: None,
        });
        founder
    }

    fn id(&self) -> DeviceId {
        self.public.id()
    }

    fn say(&mut self, op: Op) {
        let (signer, key) = match op {
            Op::Epoch { .. } => (Signer::Ops(self.id()), &self.ops),
            _ => (Signer::Admin(self.id()), &self.admin),
        };
        let seq = self.w.seq + 1;
        let body = Body {
            v: VERSION,
            ws: self.ws,
            seq,
            prev: self.w.hash,
            ts: NOW,
            author: self.id(),
            op,
        };
        let body = body.to_bytes();
        let hash = Label::WLINK.hash(&body);
        let signature = sign(key, Label::SIG_WLINK, &body);
        let signed = Link::of(body, vec![(signer, signature)]);
        self.links.push(NewLink { hash, signed });
        self.w = Position { seq, hash };
    }

    fn slot(&self, rid: RecordId) -> Slot {
        let wrap = [rid.as_bytes()[0]; WRAP];
        Slot {
            v: VERSION,
            env: DIR,
            rid,
            ver: 1,
            epoch: 1,
            wrap_meta: wrap,
            wrap_value: wrap,
        }
    }

    fn record(&self, rid: RecordId) -> NewRecord {
        let (meta, value) = (b"sealed name".to_vec(), b"sealed value".to_vec());
        let digest = |part: &[u8]| Hash::of(Sha256::digest(part).into());
        let header = Header {
            v: VERSION,
            ws: self.ws,
            env: DIR,
            rid,
            ver: 1,
            prev: Hash::ZERO,
            author: self.id(),
            kind: Kind::Value,
        };
        let sealed = Sealed {
            commit_meta: Hash::of([8; 32]),
            commit_value: Hash::of([9; 32]),
            meta: digest(&meta),
            value: digest(&value),
        };
        let body = RecordBody {
            header,
            sealed: Some(sealed),
        }
        .to_bytes();
        let hash = Label::RECORD.hash(&body);
        let signature = sign(&self.ops, Label::SIG_RECORD, &body);
        let signed = Signed { body, signature }.to_bytes();
        NewRecord {
            rid,
            ver: 1,
            hash,
            signed,
            meta: Some(meta),
            value: Some(value),
        }
    }

    /// The first commit of the directory, with two secrets.
    fn commit(&self) -> NewCommit {
        let ids = [rid(1), rid(2)];
        let records = ids.map(|rid| self.record(rid)).to_vec();
        let slots = ids.map(|rid| self.slot(rid));
        let entry = |(record, slot): (&NewRecord, &Slot)| Entry {
            rid: record.rid,
            ver: 1,
            record: record.hash,
            slot: Some(slot.hash()),
        };
        let entries: Vec<Entry> = records.iter().zip(&slots).map(entry).collect();
        let first = env_genesis(&self.ws, &DIR);
        let body = CommitBody {
            v: VERSION,
            ws: self.ws,
            env: DIR,
            seq: 1,
            prev: first,
            w_seq: self.w.seq,
            w_hash: self.w.hash,
            epoch: 1,
            ts: NOW,
            author: self.id(),
            root: root(&entries),
            changes: Changes::Records(entries.clone()),
        };
        let body = body.to_bytes();
        let hash = Label::COMMIT.hash(&body);
        let signature = sign(&self.ops, Label::SIG_COMMIT, &body);
        let row = |entry: &Entry| EntryRow {
            rid: entry.rid,
            ver: entry.ver,
            record: entry.record,
            slot: entry.slot,
        };
        let put = |slot: &Slot| NewSlot {
            rid: slot.rid,
            ver: 1,
            body: slot.to_bytes(),
        };
        NewCommit {
            env: DIR,
            after: Position {
                seq: 0,
                hash: first,
            },
            hash,
            signed: Signed { body, signature }.to_bytes(),
            epoch: 1,
            entries: entries.iter().map(row).collect(),
            records,
            slots: slots.iter().map(put).collect(),
        }
    }

    fn append(&self) -> Append {
        Append {
            ws: self.ws,
            by: self.id(),
            at: NOW,
            after: Position {
                seq: 0,
                hash: Hash::ZERO,
            },
            links: self.links.clone(),
            begun: vec![(DIR, env_genesis(&self.ws, &DIR))],
            epochs: vec![(DIR, 1)],
            devices: vec![DeviceRow {
                device: self.id(),
                ops: self.public.ops,
                live: true,
            }],
            cuts: vec![],
            commits: vec![self.commit()],
            envelopes: vec![],
        }
    }
}

fn sign(key: &SigningKey, label: Label, body: &[u8]) -> Signature {
    Signature::of(key.sign(&label.before(body)).to_bytes())
}

async fn founded<P: Place>(place: &P) -> Founder {
    let (store, founder) = (place.open().await, Founder::new());
    done(
        store
            .create(&founder.append(), &Limits::default())
            .await
            .unwrap(),
    );
    P::close(store).await;
    assert_eq!(place.verify().await, [""; 0]);
    founder
}

/// Meddles, looks, and puts it back.
async fn found(place: &impl Place, planted: &'static str, back: &'static str) -> Vec<String> {
    place.meddle(planted).await;
    let found = place.verify().await;
    place.meddle(back).await;
    assert_eq!(place.verify().await, [""; 0], "after {back}");
    found
}

pub(crate) async fn a_planted_difference_is_found(place: &impl Place) {
    founded(place).await;
    let steps = [
        (
            "UPDATE device SET live = 0",
            "UPDATE device SET live = 1",
            "the list of devices",
        ),
        (
            "UPDATE env SET epoch = 2",
            "UPDATE env SET epoch = 1",
            "the list of epochs",
        ),
        (
            "UPDATE env SET seq = 2",
            "UPDATE env SET seq = 1",
            "the head is not the last commit",
        ),
        (
            "UPDATE ws SET w_hash = (SELECT hash FROM wlink WHERE seq = 1)",
            "UPDATE ws SET w_hash = (SELECT hash FROM wlink WHERE seq = 2)",
            "the head is not the last link",
        ),
        (
            "UPDATE entry SET ver = 2",
            "UPDATE entry SET ver = 1",
            "the state is not that of the last commit",
        ),
        (
            "UPDATE ws SET w_seq = 3",
            "UPDATE ws SET w_seq = 2",
            "a stored chain ends before its head",
        ),
        (
            "UPDATE slot SET ver = 7",
            "UPDATE slot SET ver = 1",
            "a slot is missing",
        ),
    ];
    for (planted, back, says) in steps {
        let found = found(place, planted, back).await;
        assert!(
            found.first().is_some_and(|what| what.contains(says)),
            "{planted}: {found:?}"
        );
    }
}

pub(crate) async fn a_record_that_is_gone_is_found(place: &impl Place) {
    founded(place).await;
    for (planted, says) in [
        ("UPDATE record SET value = meta", "a record is not the one"),
        ("UPDATE record SET value = NULL", "a part of a record"),
        ("DELETE FROM record", "a record is missing"),
    ] {
        place.meddle(planted).await;
        let found = place.verify().await;
        assert_eq!(found.len(), 2, "one a secret: {found:?}");
        assert!(found.iter().all(|what| what.contains(says)), "{found:?}");
    }
}

pub(crate) async fn a_chain_that_breaks_a_rule_is_found(place: &impl Place) {
    founded(place).await;
    for (planted, says) in [
        ("UPDATE ecommit SET signed = hash", "commit 1"),
        ("DELETE FROM ecommit", "the head is not the last commit"),
        (
            "UPDATE wlink SET signed = hash WHERE seq = 2",
            "a stored link",
        ),
        ("DELETE FROM wlink WHERE seq = 2", "a stored chain ends"),
        ("DELETE FROM wlink", "a stored chain ends"),
    ] {
        place.meddle(planted).await;
        let found = place.verify().await;
        assert!(
            found.first().is_some_and(|what| what.contains(says)),
            "{planted}: {found:?}"
        );
    }
}
