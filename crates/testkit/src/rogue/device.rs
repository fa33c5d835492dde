//! A device and its keys, and what they sign.

use ed25519_dalek::{Signer as _, SigningKey};
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, Serializable as _};

use super::crypto::{derive, half, hash, labelled, random};
use super::{Id, Item};
use crate::items;

pub(super) type Private = <XWing as Kem>::PrivateKey;

/// A key that signs, and in whose name.
#[derive(Clone)]
pub struct Hand {
    /// The signer as a link names it.
    pub name: Item,
    key: SigningKey,
}

impl Hand {
    pub(super) fn new(kind: u64, id: Id, key: SigningKey) -> Self {
        let name = items![kind, items![id]];
        Self { name, key }
    }

    /// This key, in the name of another device's.
    #[must_use]
    pub fn in_the_name_of(&self, device: Id) -> Self {
        Self {
            name: self.name.clone().with(1, items![device]),
            key: self.key.clone(),
        }
    }

    /// A signature of bytes as they are.
    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }
}

/// A device whose keys are at hand.
#[derive(Clone)]
pub struct Device {
    seed: [u8; 32],
    owner: [u8; 32],
    /// Its public keys: ops, owner, envelopes.
    pub public: Item,
    /// The beginning of their hash.
    pub id: Id,
}

impl Device {
    /// A new one.
    pub fn fresh() -> Self {
        Self::of(random(), random())
    }

    /// The one of this seed and this owner key.
    pub fn of(seed: [u8; 32], owner: [u8; 32]) -> Self {
        let kem = XWing::sk_to_pk(&kem(&seed)).to_bytes();
        let public = items![
            ops(&seed).verifying_key().to_bytes(),
            SigningKey::from_bytes(&owner).verifying_key().to_bytes(),
            &kem[..]
        ];
        let id = half(hash("device-id", &public.encode()));
        Self {
            seed,
            owner,
            public,
            id,
        }
    }

    /// The key that signs unattended.
    pub fn ops(&self) -> Hand {
        Hand::new(0, self.id, ops(&self.seed))
    }

    /// The owner's key.
    pub fn admin(&self) -> Hand {
        Hand::new(1, self.id, SigningKey::from_bytes(&self.owner))
    }

    /// What opens envelopes to it.
    pub(super) fn kem(&self) -> Private {
        kem(&self.seed)
    }
}

fn ops(seed: &[u8; 32]) -> SigningKey {
    SigningKey::from_bytes(&derive(seed, "device/ed25519", b""))
}

fn kem(seed: &[u8; 32]) -> Private {
    Private::from_bytes(&derive(seed, "device/x-wing", b"")).expect("an X-Wing seed")
}

/// A link of these bytes, signed by all of these.
pub fn link(body: &[u8], hands: &[Hand]) -> Vec<u8> {
    link_under("sig/wlink", body, hands)
}

/// The same, signed as something else.
pub fn link_under(label: &str, body: &[u8], hands: &[Hand]) -> Vec<u8> {
    let message = labelled(label, body);
    let mut signatures: Vec<_> = hands
        .iter()
        .map(|hand| items![&hand.name, hand.sign(&message)])
        .collect();
    signatures.sort_by_key(|signature| signature.at(0).encode());
    items![body, signatures].encode()
}

/// A commit, record or envelope of these bytes.
pub fn signed(what: &str, body: &Item, hand: &Hand) -> Vec<u8> {
    signed_under(&format!("sig/{what}"), body, hand)
}

/// The same, signed as something else.
pub fn signed_under(label: &str, body: &Item, hand: &Hand) -> Vec<u8> {
    let body = body.encode();
    let signature = hand.sign(&labelled(label, &body));
    items![body, signature].encode()
}
