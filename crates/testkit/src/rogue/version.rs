//! One version of a secret: a signed record, its two sealed parts, and the slot with their keys.

use serde_json::{Value, json};

use super::crypto::{derive, labelled, pad, random, seal, sha256};
use super::device::signed;
use super::{Entry, EpochKey, Hand, Hash, Id, Item};
use crate::encode::base64url;
use crate::items;

/// A version. Each of its pieces can be changed before it is shown.
#[derive(Clone)]
pub struct Version {
    /// The secret.
    pub rid: Id,
    /// Its version.
    pub ver: u64,
    /// What its author signs: the header, and the commitments.
    pub body: Item,
    /// The sealed names.
    pub meta: Vec<u8>,
    /// The sealed value.
    pub value: Vec<u8>,
    /// The wrapped keys of both.
    pub slot: Item,
    /// The keys of names and value.
    pub deks: [Hash; 2],
    hand: Hand,
}

impl Version {
    /// The version after `before`, or the first, signed by a device's ops key; `names` is what stands beside the value: the name, and
    /// what the secret may be used for, if anything.
    pub fn new(
        key: &EpochKey,
        rid: Id,
        before: Option<Entry>,
        by: &Hand,
        (name, bindings): (&str, Option<&Item>),
        value: &[u8],
    ) -> Self {
        let ver = before.map_or(1, |before| before.ver + 1);
        let prev = before.map_or([0; 32], |before| before.record);
        let header = items![0, key.ws, key.env, rid, ver, prev, by.name.at(1).at(0), 0];
        let mut names = vec![name.into(), key.n.into(), key.tag(rid, value).into()];
        names.extend(bindings.cloned());
        let names = Item::Array(names).encode();
        let deks: [Hash; 2] = [random(), random()];
        let part = |part: &str, dek: &Hash, plain: &[u8], least| {
            let aad = labelled(&format!("aad/{part}"), &header.encode());
            seal(&derive(dek, "dek/key", b""), &aad, &pad(plain, least))
        };
        let meta = part("meta", &deks[0], &names, 128);
        let value = part("value", &deks[1], value, 256);
        let sealed = items![
            derive(&deks[0], "dek/commit", b""),
            derive(&deks[1], "dek/commit", b""),
            sha256(&meta),
            sha256(&value)
        ];
        Self {
            rid,
            ver,
            body: items![header, sealed],
            meta,
            value,
            slot: slot(key, (rid, ver), &deks),
            deks,
            hand: by.clone(),
        }
    }

    /// What a commit says of it.
    pub fn entry(&self) -> Entry {
        Entry {
            ver: self.ver,
            record: super::hash("record", &self.body.encode()),
            slot: Some(super::hash("slot", &self.slot.encode())),
        }
    }

    /// As a server hands it out.
    pub fn parts(&self) -> Value {
        json!({
            "record": base64url(&signed("record", &self.body, &self.hand)),
            "meta": base64url(&self.meta),
            "value": base64url(&self.value),
            "slot": base64url(&self.slot.encode()),
        })
    }
}

/// The slot of a version: both keys, wrapped.
pub(super) fn slot(key: &EpochKey, of: (Id, u64), [meta, value]: &[Hash; 2]) -> Item {
    items![
        0,
        key.env,
        of.0,
        of.1,
        key.n,
        key.wrap("meta", of, meta),
        key.wrap("value", of, value)
    ]
}
