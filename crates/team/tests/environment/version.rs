//! Builds records, slots and envelopes for tests.

use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};
use withheld_team::commit::Entry;
use withheld_team::envelope::Envelope;
use withheld_team::id::{EnvId, Hash, RecordId};
use withheld_team::record::{self, Header, Kind, Sealed};
use withheld_team::slot::Slot;

use crate::common::{Book, Device, labelled};
use crate::pages::{Pages, sealed};

/// A version of a secret that is being written: the record, what is sealed beside it, and its slot.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) body: record::Body,
    pub(crate) key: SigningKey,
    pub(crate) meta: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) slot: Option<Slot>,
}

impl Version {
    pub(crate) fn after(
        pages: &Pages,
        before: Option<&Entry>,
        rid: RecordId,
        author: &Device,
    ) -> Self {
        let ver = before.map_or(1, |before| before.ver + 1);
        let byte = rid.as_bytes()[0] ^ u8::try_from(ver).unwrap();
        let (meta, value) = (vec![byte; 20], vec![byte; 40]);
        let sha256 = |bytes: &[u8]| Hash::of(Sha256::digest(bytes).into());
        let body = record::Body {
            header: Header {
                v: 0,
                ws: pages.ws,
                env: pages.env,
                rid,
                ver,
                prev: before.map_or(Hash::of([0; 32]), |before| before.record),
                author: author.id,
                kind: Kind::Value,
            },
            sealed: Some(Sealed {
                commit_meta: Hash::of([byte; 32]),
                commit_value: Hash::of([byte ^ 0xff; 32]),
                meta: sha256(&meta),
                value: sha256(&value),
            }),
        };
        Self {
            body,
            key: author.ops.clone(),
            meta,
            value,
            slot: Some(slot(pages.env, rid, ver, 1)),
        }
    }

    pub(crate) fn deleted(mut self) -> Self {
        self.body.header.kind = Kind::Deleted;
        self.body.sealed = None;
        self.slot = None;
        self
    }

    /// Wrapped under the key of this epoch.
    pub(crate) fn under(mut self, epoch: u64) -> Self {
        if let Some(slot) = &mut self.slot {
            slot.epoch = epoch;
            slot.wrap_meta = [u8::try_from(epoch).unwrap(); 72];
        }
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut record::Body)) -> Self {
        change(&mut self.body);
        self
    }

    pub(crate) fn slot_with(mut self, change: impl FnOnce(&mut Slot)) -> Self {
        change(self.slot.as_mut().unwrap());
        self
    }

    pub(crate) fn signed_by(mut self, key: &SigningKey) -> Self {
        self.key = key.clone();
        self
    }

    pub(crate) fn seal(&self) -> Vec<u8> {
        sealed(&self.body.to_bytes(), &self.key, "withheld/v0/sig/record")
    }

    pub(crate) fn entry(&self) -> Entry {
        let header = &self.body.header;
        Entry {
            rid: header.rid,
            ver: header.ver,
            record: Hash::of(labelled("withheld/v0/record", &self.body.to_bytes())),
            slot: self.slot.as_ref().map(slot_hash),
        }
    }

    /// The entry, with something about it changed.
    pub(crate) fn entry_with(&self, change: impl FnOnce(&mut Entry)) -> Entry {
        let mut entry = self.entry();
        change(&mut entry);
        entry
    }
}

/// A slot whose bytes say under which epoch it is.
pub(crate) fn slot(env: EnvId, rid: RecordId, ver: u64, epoch: u64) -> Slot {
    Slot {
        v: 0,
        env,
        rid,
        ver,
        epoch,
        wrap_meta: [u8::try_from(epoch).unwrap(); 72],
        wrap_value: [0x55; 72],
    }
}

pub(crate) fn slot_hash(slot: &Slot) -> Hash {
    Hash::of(labelled("withheld/v0/slot", &slot.to_bytes()))
}

/// An envelope that is being written.
#[derive(Clone)]
pub(crate) struct Letter {
    pub(crate) body: Envelope,
    pub(crate) key: SigningKey,
}

impl Letter {
    pub(crate) fn new(book: &Book, env: EnvId, epoch: u64, to: &Device, by: &Device) -> Self {
        let body = Envelope {
            v: 0,
            ws: book.ws,
            env,
            epoch,
            device: to.id,
            class: 2,
            by: by.id,
            enc: [0xee; 1120],
            ct: [0xcc; 48],
        };
        Self {
            body,
            key: by.ops.clone(),
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Envelope)) -> Self {
        change(&mut self.body);
        self
    }

    pub(crate) fn signed_by(mut self, key: &SigningKey) -> Self {
        self.key = key.clone();
        self
    }

    pub(crate) fn seal(&self) -> Vec<u8> {
        sealed(&self.body.to_bytes(), &self.key, "withheld/v0/sig/envelope")
    }
}
