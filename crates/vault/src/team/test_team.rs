//! A small workspace with real keys, for the tests of this module and of what stands on it.

use withheld_team::chain::{Chain, recipients_hash};
use withheld_team::device::DevicePublic;
use withheld_team::id::{DeviceId, EnvId, Hash, MemberId, RecordId, WorkspaceId};
use withheld_team::label::Label;
use withheld_team::links::{Body, Link, Op, Right, Role, SUITE, Signer};
use withheld_team::record::{Header, Kind};
use withheld_team::{VERSION, Verdict};

use super::epoch::{EpochId, EpochKey};
use super::keys::{DeviceSeed, InviteKey};
use crate::key::Key;
use crate::owner::OwnerProof;

pub(crate) const NOW: u64 = 1_795_539_600_000;
pub(crate) const ENV: EnvId = EnvId::of([0xE1; 16]);

/// The key of these bytes.
pub(crate) fn key(bytes: [u8; 32]) -> Key {
    Key::fill(|room| {
        *room = bytes;
        Ok(())
    })
    .unwrap()
}

/// Somebody with one device.
pub(crate) struct Person {
    pub(crate) seed: DeviceSeed,
    pub(crate) owner: OwnerProof,
    pub(crate) public: DevicePublic,
    pub(crate) device: DeviceId,
    pub(crate) member: MemberId,
}

impl Person {
    /// The same byte makes the same person.
    pub(crate) fn new(byte: u8) -> Self {
        let seed = DeviceSeed::of(key([byte; 32]));
        let owner = OwnerProof::new(key([byte ^ 0x80; 32]));
        let public = seed.public(owner.admin_key()).unwrap();
        Self {
            device: public.id(),
            member: MemberId::of([byte; 16]),
            seed,
            owner,
            public,
        }
    }
}

/// A workspace, as whoever has read all of it sees it.
#[derive(Clone)]
pub(crate) struct Team {
    pub(crate) chain: Chain,
}

impl Team {
    /// Founded by somebody who also makes [`ENV`].
    pub(crate) fn found(founder: &Person) -> Self {
        let op = Op::Genesis {
            suite: SUITE,
            member: founder.member,
            device: founder.public.clone(),
            salt: [5; 16].into(),
        };
        let body = Body {
            v: VERSION,
            ws: WorkspaceId::from(Hash::ZERO),
            seq: 1,
            prev: Hash::ZERO,
            ts: NOW,
            author: founder.device,
            op,
        }
        .to_bytes();
        let ws = WorkspaceId::from(Label::WLINK.hash(&body));
        let signature = founder.owner.sign_as_admin(Label::SIG_WLINK, &body);
        let link = Link::of(body, vec![(Signer::Admin(founder.device), signature)]);
        let mut team = Self {
            chain: Chain::begin(ws, &link).unwrap(),
        };
        team.add(founder, Op::EnvCreate { env: ENV }).unwrap();
        team
    }

    /// Adds a link that its author's owner key signs.
    pub(crate) fn add(&mut self, by: &Person, op: Op) -> Result<(), Verdict> {
        let body = self.next(by, op);
        let signature = by.owner.sign_as_admin(Label::SIG_WLINK, &body);
        self.chain
            .apply(&Link::of(body, vec![(Signer::Admin(by.device), signature)]))
    }

    /// Somebody joins, invited with this right to [`ENV`].
    pub(crate) fn join(&mut self, by: &Person, guest: &Person, right: Right) {
        let invite = InviteKey::of_secret(&guest.member.as_bytes()[..]).unwrap();
        let op = Op::Invite {
            invite: invite.id(),
            key: invite.public(),
            role: Role::Member,
            rights: vec![(ENV, right)],
            expires: NOW + 1000,
            confirm: false,
            card: vec![].into(),
        };
        self.add(by, op).unwrap();
        let op = Op::Join {
            invite: invite.id(),
            member: guest.member,
            device: guest.public.clone(),
        };
        let body = self.next(guest, op);
        let ops = guest.seed.sign(Label::SIG_WLINK, &body).unwrap();
        let admin = guest.owner.sign_as_admin(Label::SIG_WLINK, &body);
        let invited = invite.sign(Label::SIG_WLINK, &body);
        let signatures = vec![
            (Signer::Ops(guest.device), ops),
            (Signer::Admin(guest.device), admin),
            (Signer::Invite(invite.id()), invited),
        ];
        self.chain.apply(&Link::of(body, signatures)).unwrap();
    }

    /// Which epoch of [`ENV`].
    pub(crate) fn epoch_id(&self, n: u64) -> EpochId {
        EpochId {
            ws: self.chain.ws(),
            env: ENV,
            n,
        }
    }

    /// Puts an epoch on the chain, committed to `key`, with `wrapped` as the key of the one before.
    pub(crate) fn begin_epoch(&mut self, by: &Person, key: &EpochKey, wrapped: Option<[u8; 72]>) {
        let n = key.id().n;
        let op = Op::Epoch {
            env: ENV,
            n,
            recipients: recipients_hash(&self.chain.recipients(&ENV)),
            commit_root: key.commit_root(),
            commit_meta: key.commit_meta(),
            prev_n: if wrapped.is_some() { n - 1 } else { 0 },
            prev_wrap: wrapped.map(Into::into),
        };
        let body = self.next(by, op);
        let signature = by.seed.sign(Label::SIG_WLINK, &body).unwrap();
        self.chain
            .apply(&Link::of(body, vec![(Signer::Ops(by.device), signature)]))
            .unwrap();
    }

    /// The header of a version of a secret in [`ENV`].
    pub(crate) fn header(&self, by: &Person, rid: RecordId, ver: u64) -> Header {
        Header {
            v: VERSION,
            ws: self.chain.ws(),
            env: ENV,
            rid,
            ver,
            prev: Hash::ZERO,
            author: by.device,
            kind: Kind::Value,
        }
    }

    fn next(&self, by: &Person, op: Op) -> Vec<u8> {
        let head = self.chain.head();
        Body {
            v: VERSION,
            ws: self.chain.ws(),
            seq: head.seq + 1,
            prev: head.hash,
            ts: NOW,
            author: by.device,
            op,
        }
        .to_bytes()
    }
}
