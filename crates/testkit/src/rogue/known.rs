//! A secret as a member sees it who has the key.

use serde_json::Value;

use super::crypto::{derive, labelled, open, unpad};
use super::member::unblob;
use super::{Entry, EpochKey, Hash, Id, Item};

/// One secret as a reader knows it.
#[derive(Clone)]
pub struct Known {
    /// The secret.
    pub rid: Id,
    /// What the state says of it.
    pub entry: Entry,
    /// What it may be used for, if anything.
    pub bindings: Option<Item>,
    /// The keys of names and value.
    pub deks: [Hash; 2],
}

/// The name of a secret and what stands with it; nothing where its slot does not open.
pub(super) fn known_by(
    rid: Id,
    entry: Entry,
    got: &Value,
    key: &EpochKey,
) -> Option<(String, Known)> {
    let bytes = |part: &str| unblob(&got[part]);
    let slot = Item::decode(&bytes("slot"));
    let of = (rid, entry.ver);
    let deks = [
        key.unwrap("meta", of, slot.at(5).blob())?,
        key.unwrap("value", of, slot.at(6).blob())?,
    ];
    let header = Item::decode(Item::decode(&bytes("record")).at(0).blob());
    let aad = labelled("aad/meta", &header.at(0).encode());
    let padded = open(&derive(&deks[0], "dek/key", b""), &aad, &bytes("meta"))?;
    let names = Item::decode(unpad(&padded));
    let known = Known {
        rid,
        entry,
        bindings: names.items().get(3).cloned(),
        deks,
    };
    Some((names.at(0).text().to_owned(), known))
}
