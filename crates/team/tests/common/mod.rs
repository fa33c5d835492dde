//! Builds membership chains for tests: keys from fixed seeds, hashes from SHA-256 and written-out
//! labels, never from the code under test.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, reason = "each test binary uses its part")]

mod book;

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use withheld_team::device::DevicePublic;
use withheld_team::id::{
    DeviceId, EnvId, Hash, InviteId, KemKey, MemberId, Signature, VerifyKey, WorkspaceId,
};
use withheld_team::links::{Op, Position, Right, Role, Signer};

pub(crate) use book::{Book, Draft, genesis, seal};

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const DAY: u64 = 24 * 60 * MINUTE;
/// When the genesis is written: 2026-01-01T00:00:00Z.
pub(crate) const START: u64 = 1_767_225_600_000;

/// SHA-256 over a label, a zero byte, and bytes.
pub(crate) fn labelled(label: &str, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(label.as_bytes());
    hasher.update([0]);
    hasher.update(bytes);
    hasher.finalize().into()
}

pub(crate) fn half(hash: [u8; 32]) -> [u8; 16] {
    hash[..16].try_into().unwrap()
}

pub(crate) fn link_hash(body: &[u8]) -> Hash {
    Hash::of(labelled("withheld/v0/wlink", body))
}

/// A device with its keys.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) member: MemberId,
    pub(crate) ops: SigningKey,
    pub(crate) admin: SigningKey,
    pub(crate) public: DevicePublic,
    pub(crate) id: DeviceId,
}

impl Device {
    /// The device of a member, both named by a byte.
    pub(crate) fn new(member: u8, device: u8) -> Self {
        let ops = SigningKey::from_bytes(&[device; 32]);
        let admin = SigningKey::from_bytes(&[device | 0x80; 32]);
        let public = DevicePublic {
            ops: verify_key(&ops),
            admin: verify_key(&admin),
            kem: KemKey::of([device; KemKey::LEN]),
        };
        // An array of three byte strings: 32, 32 and 1216 bytes long.
        let mut keys = vec![0x83, 0x58, 0x20];
        keys.extend_from_slice(public.ops.as_bytes());
        keys.extend_from_slice(&[0x58, 0x20]);
        keys.extend_from_slice(public.admin.as_bytes());
        keys.extend_from_slice(&[0x59, 0x04, 0xc0]);
        keys.extend_from_slice(public.kem.as_bytes());
        let id = DeviceId::of(half(labelled("withheld/v0/device-id", &keys)));
        let member = MemberId::of([member; 16]);
        Self {
            member,
            ops,
            admin,
            public,
            id,
        }
    }

    pub(crate) fn by_admin(&self) -> (Signer, SigningKey) {
        (Signer::Admin(self.id), self.admin.clone())
    }

    pub(crate) fn by_ops(&self) -> (Signer, SigningKey) {
        (Signer::Ops(self.id), self.ops.clone())
    }
}

pub(crate) fn verify_key(key: &SigningKey) -> VerifyKey {
    VerifyKey::of(key.verifying_key().to_bytes())
}

/// An invitation's key, named by a byte.
#[derive(Clone)]
pub(crate) struct Invitation {
    pub(crate) id: InviteId,
    pub(crate) key: SigningKey,
}

impl Invitation {
    pub(crate) fn new(n: u8) -> Self {
        let key = SigningKey::from_bytes(&[n; 32]);
        let id = labelled("withheld/v0/invite-id", verify_key(&key).as_bytes());
        let id = InviteId::of(half(id));
        Self { id, key }
    }

    pub(crate) fn by(&self) -> (Signer, SigningKey) {
        (Signer::Invite(self.id), self.key.clone())
    }

    /// The operation that makes it.
    pub(crate) fn op(&self, role: Role, rights: &[(EnvId, Right)], expires: u64) -> Op {
        Op::Invite {
            invite: self.id,
            key: verify_key(&self.key),
            role,
            rights: rights.to_vec(),
            expires,
            confirm: false,
            card: vec![].into(),
        }
    }
}

/// What stands before an environment's first commit.
pub(crate) fn nothing_committed(ws: &WorkspaceId, env: EnvId) -> Position {
    let mut both = vec![0x82, 0x58, 0x20];
    both.extend_from_slice(ws.as_bytes());
    both.push(0x50);
    both.extend_from_slice(env.as_bytes());
    let hash = Hash::of(labelled("withheld/v0/env-genesis", &both));
    Position { seq: 0, hash }
}

/// The hash of the devices that are to have a key; fewer than 24.
pub(crate) fn recipients(devices: &[&Device]) -> Hash {
    let mut ids: Vec<_> = devices.iter().map(|device| device.id).collect();
    ids.sort();
    let mut set = vec![0x80 + u8::try_from(ids.len()).unwrap()];
    for id in ids {
        set.extend_from_slice(&[0x82, 0x50]);
        set.extend_from_slice(id.as_bytes());
        set.push(2);
    }
    Hash::of(labelled("withheld/v0/recipients", &set))
}

/// A signature under a label.
pub(crate) fn sign(key: &SigningKey, label: &str, body: &[u8]) -> Signature {
    let message = [label.as_bytes(), &[0], body].concat();
    Signature::of(key.sign(&message).to_bytes())
}
