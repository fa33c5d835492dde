//! A team with keys of its own, that writes the links that a client would write.

use ed25519_dalek::{Signer as _, SigningKey};
use withheld_team::api::{Blob, Bundle};

use withheld_team::chain::{Chain, recipients_hash};
use withheld_team::commit::EnvChain;
use withheld_team::device::DevicePublic;
use withheld_team::http_signature::KeyId;
use withheld_team::id::{
    DeviceId, EnvId, Hash, KemKey, MemberId, Signature, VerifyKey, WorkspaceId,
};
use withheld_team::label::Label;
use withheld_team::links::{self, Body, Cut, Link, Op, Right, Role, invite_id};

use crate::content::Env;

/// When every test happens, in milliseconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000_000;
/// A day.
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;

/// Who can sign a request.
pub(crate) trait Signer {
    fn key_id(&self) -> KeyId;
    fn sign_request(&self, bytes: &[u8]) -> Signature;
}

/// A device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) ops: SigningKey,
    admin: SigningKey,
    pub(crate) public: DevicePublic,
    pub(crate) id: DeviceId,
    pub(crate) member: MemberId,
}

/// An invitation.
pub(crate) struct Ticket {
    key: SigningKey,
}

/// A workspace, as its members know it.
#[derive(Clone)]
pub(crate) struct Team {
    pub(crate) ws: WorkspaceId,
    pub(crate) chain: Chain,
    pub(crate) owner: Device,
}

impl Device {
    /// The one of this number; each has other keys.
    pub(crate) fn new(number: u8) -> Self {
        let ops = SigningKey::from_bytes(&[number; 32]);
        let admin = SigningKey::from_bytes(&[number ^ 0x80; 32]);
        let public = DevicePublic {
            ops: verify_key(&ops),
            admin: verify_key(&admin),
            kem: KemKey::of([number; 1216]),
        };
        Self {
            id: public.id(),
            member: MemberId::of([number; 16]),
            ops,
            admin,
            public,
        }
    }

    fn as_admin(&self, body: &[u8]) -> (links::Signer, Signature) {
        let signature = sign(&self.admin, Label::SIG_WLINK, body);
        (links::Signer::Admin(self.id), signature)
    }

    fn as_ops(&self, body: &[u8]) -> (links::Signer, Signature) {
        let signature = sign(&self.ops, Label::SIG_WLINK, body);
        (links::Signer::Ops(self.id), signature)
    }
}

impl Signer for Device {
    fn key_id(&self) -> KeyId {
        KeyId::Device(self.id)
    }

    fn sign_request(&self, bytes: &[u8]) -> Signature {
        Signature::of(self.ops.sign(bytes).to_bytes())
    }
}

impl Ticket {
    pub(crate) fn new(number: u8) -> Self {
        Self {
            key: SigningKey::from_bytes(&[number; 32]),
        }
    }
}

impl Signer for Ticket {
    fn key_id(&self) -> KeyId {
        KeyId::Invite(invite_id(&verify_key(&self.key)))
    }

    fn sign_request(&self, bytes: &[u8]) -> Signature {
        Signature::of(self.key.sign(bytes).to_bytes())
    }
}

impl Team {
    /// A new workspace, and the bundle that makes it.
    pub(crate) fn found(owner: Device) -> (Self, Bundle) {
        let body = Body {
            v: 0,
            ws: Hash::ZERO.into(),
            seq: 1,
            prev: Hash::ZERO,
            ts: NOW,
            author: owner.id,
            op: Op::Genesis {
                suite: links::SUITE,
                member: owner.member,
                device: owner.public.clone(),
                salt: [7; 16].into(),
            },
        }
        .to_bytes();
        let signed = vec![owner.as_admin(&body)];
        let link = Link::of(body, signed);
        let ws = WorkspaceId::from(Link::read(&link).unwrap().hash());
        let chain = Chain::begin(ws, &link).unwrap();
        (Self { ws, chain, owner }, of_links(vec![link]))
    }

    /// A path below this workspace.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/ws/{}{rest}", self.ws)
    }

    /// A path below an environment of it.
    pub(crate) fn env_path(&self, env: &EnvId, rest: &str) -> String {
        self.path(&format!("/envs/{env}{rest}"))
    }

    /// The next link by the owner, applied here.
    pub(crate) fn link(&mut self, op: Op) -> Vec<u8> {
        let owner = self.owner.clone();
        let link = self.draft(&owner, op, NOW);
        self.chain.apply(&link).unwrap();
        link
    }

    /// The next link, not applied.
    pub(crate) fn draft(&self, by: &Device, op: Op, ts: u64) -> Vec<u8> {
        let is_epoch = matches!(op, Op::Epoch { .. });
        let body = self.body(by, op, ts);
        let signed = if is_epoch {
            by.as_ops(&body)
        } else {
            by.as_admin(&body)
        };
        Link::of(body, vec![signed])
    }

    fn body(&self, by: &Device, op: Op, ts: u64) -> Vec<u8> {
        let head = self.chain.head();
        Body {
            v: 0,
            ws: self.ws,
            seq: head.seq + 1,
            prev: head.hash,
            ts,
            author: by.id,
            op,
        }
        .to_bytes()
    }

    /// An environment with its first key.
    pub(crate) fn environment(&mut self, number: u8) -> (Env, Bundle) {
        let id = EnvId::of([number; 16]);
        let made = self.link(Op::EnvCreate { env: id });
        let epoch = self.epoch(&id);
        let env = Env {
            id,
            chain: EnvChain::begin(&self.ws, &id),
        };
        (env, of_links(vec![made, epoch]))
    }

    /// The next key of an environment, by the owner.
    pub(crate) fn epoch(&mut self, env: &EnvId) -> Vec<u8> {
        let last = self.chain.env(env).unwrap().epochs.last();
        let last = last.map_or(0, |last| last.n);
        self.link(Op::Epoch {
            env: *env,
            n: last + 1,
            recipients: recipients_hash(&self.chain.recipients(env)),
            commit_root: Hash::of([1; 32]),
            commit_meta: Hash::of([2; 32]),
            prev_n: last,
            prev_wrap: (last > 0).then(|| [3; 72].into()),
        })
    }

    /// An invitation by the owner, not applied.
    pub(crate) fn invite(ticket: &Ticket, rights: &[(EnvId, Right)], expires: u64) -> Op {
        let key = verify_key(&ticket.key);
        Op::Invite {
            invite: invite_id(&key),
            key,
            role: Role::Member,
            rights: rights.to_vec(),
            expires,
            confirm: false,
            card: Vec::new().into(),
        }
    }

    /// A join with an invitation, not applied.
    pub(crate) fn join(&self, ticket: &Ticket, who: &Device, ts: u64) -> Vec<u8> {
        let op = Op::Join {
            invite: invite_id(&verify_key(&ticket.key)),
            member: who.member,
            device: who.public.clone(),
        };
        let body = self.body(who, op, ts);
        let invited = sign(&ticket.key, Label::SIG_WLINK, &body);
        let invite = links::Signer::Invite(invite_id(&verify_key(&ticket.key)));
        let signed = vec![who.as_ops(&body), who.as_admin(&body), (invite, invited)];
        Link::of(body, signed)
    }

    /// Invites and joins: both links, applied here.
    pub(crate) fn admit(&mut self, who: &Device, rights: &[(EnvId, Right)]) -> Bundle {
        let ticket = Ticket::new(who.id.as_bytes()[0]);
        let invited = self.link(Self::invite(&ticket, rights, NOW + DAY));
        let joined = self.join(&ticket, who, NOW);
        self.chain.apply(&joined).unwrap();
        of_links(vec![invited, joined])
    }

    /// The removal of a member who can write these environments, not applied.
    pub(crate) fn removal(who: &Device, envs: &[&Env]) -> Op {
        let cuts = envs.iter().map(|env| Cut {
            env: env.id,
            seq: env.chain.head().seq,
            hash: env.chain.head().hash,
        });
        Op::MemberRemove {
            member: who.member,
            cuts: cuts.collect(),
        }
    }
}

/// A bundle of links alone.
pub(crate) fn of_links(links: Vec<Vec<u8>>) -> Bundle {
    Bundle {
        links: links.into_iter().map(Blob).collect(),
        ..Bundle::default()
    }
}

pub(crate) fn sign(key: &SigningKey, label: Label, bytes: &[u8]) -> Signature {
    Signature::of(key.sign(&label.before(bytes)).to_bytes())
}

fn verify_key(key: &SigningKey) -> VerifyKey {
    VerifyKey::of(key.verifying_key().to_bytes())
}
