//! Places for a store, and appends of arbitrary bytes.

use withheld_server::store::{
    Append, Appended, DeviceRow, EntryRow, NewCommit, NewEnvelope, NewLink, NewRecord, NewSlot,
    Store,
};
use withheld_team::api::{Heads, Limits, Position};
use withheld_team::id::{DeviceId, EnvId, Hash, RecordId, VerifyKey, WorkspaceId};

/// Where one store is, which can be opened more than once.
pub(crate) trait Place {
    type Store: Store + Clone;

    fn open(&self) -> impl Future<Output = Self::Store> + Send;

    fn close(store: Self::Store) -> impl Future<Output = ()> + Send;

    /// Changes the tables behind the store's back.
    fn meddle(&self, sql: &'static str) -> impl Future<Output = ()> + Send;

    /// What the command that judges a database says of it.
    fn verify(&self) -> impl Future<Output = Vec<String>> + Send;
}

pub(crate) const WS: WorkspaceId = WorkspaceId::of([0x11; 32]);
pub(crate) const ENV: EnvId = EnvId::of([0x22; 16]);
pub(crate) const ALICE: DeviceId = DeviceId::of([0xaa; 16]);
pub(crate) const BOB: DeviceId = DeviceId::of([0xbb; 16]);
pub(crate) const NOW: u64 = 1_795_539_600_000;

pub(crate) fn hash(n: u64) -> Hash {
    let mut bytes = [0xcc; 32];
    bytes[24..].copy_from_slice(&n.to_be_bytes());
    Hash::of(bytes)
}

pub(crate) fn rid(n: u8) -> RecordId {
    RecordId::of([n; 16])
}

pub(crate) fn alive(device: DeviceId) -> DeviceRow {
    let ops = VerifyKey::of([device.as_bytes()[0]; 32]);
    DeviceRow {
        device,
        ops,
        live: true,
    }
}

pub(crate) fn link(n: u64) -> NewLink {
    NewLink {
        hash: hash(n),
        signed: format!("link {n}").into_bytes(),
    }
}

/// A workspace with one link, one device, the directory and one environment.
pub(crate) fn genesis(ws: WorkspaceId) -> Append {
    Append {
        ws,
        by: ALICE,
        at: NOW,
        after: Position {
            seq: 0,
            hash: Hash::ZERO,
        },
        links: vec![link(1)],
        begun: vec![(EnvId::DIRECTORY, hash(10)), (ENV, hash(20))],
        epochs: vec![],
        devices: vec![alive(ALICE)],
        cuts: vec![],
        commits: vec![],
        envelopes: vec![],
    }
}

pub(crate) async fn begun<P: Place>(place: &P) -> (P::Store, Heads) {
    let store = place.open().await;
    let heads = done(
        store
            .create(&genesis(WS), &Limits::default())
            .await
            .unwrap(),
    );
    (store, heads)
}

/// An append of nothing yet, on top of these heads.
pub(crate) fn on(heads: &Heads) -> Append {
    Append {
        after: heads.w,
        links: vec![],
        begun: vec![],
        devices: vec![],
        ..genesis(WS)
    }
}

pub(crate) fn head_of(heads: &Heads, env: EnvId) -> Position {
    let head = heads.envs.iter().find(|head| head.env == env).unwrap();
    Position {
        seq: head.seq,
        hash: head.hash,
    }
}

/// A commit that changes nothing yet.
pub(crate) fn commit(after: Position, n: u64) -> NewCommit {
    NewCommit {
        env: ENV,
        after,
        hash: hash(n),
        signed: format!("commit {n}").into_bytes(),
        epoch: 1,
        entries: vec![],
        records: vec![],
        slots: vec![],
    }
}

impl With for NewCommit {
    fn with(mut self, n: u8, ver: u64) -> Self {
        let label = u64::from(n) * 100 + ver;
        self.entries.push(EntryRow {
            rid: rid(n),
            ver,
            record: hash(1000 + label),
            slot: Some(hash(2000 + label)),
        });
        self.records.push(NewRecord {
            rid: rid(n),
            ver,
            hash: hash(1000 + label),
            signed: format!("record {n}.{ver}").into_bytes(),
            meta: Some(format!("meta {n}.{ver}").into_bytes()),
            value: Some(format!("value {n}.{ver}").into_bytes()),
        });
        self.slots.push(NewSlot {
            rid: rid(n),
            ver,
            body: format!("slot {n}.{ver} of {}", self.epoch).into_bytes(),
        });
        self
    }

    fn without(mut self, n: u8, ver: u64) -> Self {
        self = self.with(n, ver);
        self.slots.pop();
        self.entries.last_mut().unwrap().slot = None;
        let record = self.records.last_mut().unwrap();
        (record.meta, record.value) = (None, None);
        self
    }
}

pub(crate) trait With {
    /// With a version of a secret.
    fn with(self, n: u8, ver: u64) -> Self;
    /// With a version that says that the secret is deleted.
    fn without(self, n: u8, ver: u64) -> Self;
}

pub(crate) fn envelope(to: DeviceId, by: DeviceId, bytes: &[u8]) -> NewEnvelope {
    NewEnvelope {
        env: ENV,
        epoch: 1,
        device: to,
        by,
        signed: bytes.to_vec(),
    }
}

pub(crate) async fn put<S: Store>(store: &S, append: &Append) -> Heads {
    done(store.append(append, &Limits::default()).await.unwrap())
}

pub(crate) fn done(appended: Appended) -> Heads {
    match appended {
        Appended::Done(heads) => heads,
        other => panic!("not stored: {other:?}"),
    }
}

/// Everything that can be read of the workspace.
pub(crate) async fn everything<S: Store>(store: &S) -> impl PartialEq + std::fmt::Debug + use<S> {
    let ids: Vec<_> = (0..20).flat_map(|n| [(rid(n), 1), (rid(n), 2)]).collect();
    let parts = [
        withheld_team::api::Part::Meta,
        withheld_team::api::Part::Value,
        withheld_team::api::Part::Slot,
    ];
    (
        store.heads(&WS).await.unwrap(),
        store.links(&WS, 1, 100).await.unwrap(),
        store.commits(&WS, &ENV, 1, 100).await.unwrap(),
        store.snapshot(&WS, &ENV, None, 100).await.unwrap(),
        store.records(&WS, &ENV, &ids, &parts).await.unwrap(),
        store.envelopes(&WS, &BOB, 0).await.unwrap(),
        store.usage(&WS).await.unwrap(),
        store.caches(&WS).await.unwrap(),
    )
}
