//! The membership chain: who belongs to a workspace, with which devices, roles and rights, and which
//! epochs its environments have. What it says at any position is a function of the links alone.

mod effects;
mod environments;
mod history;
mod invites;
mod parts;
mod people;
mod rules;
mod signatures;

use std::collections::BTreeMap;

pub use self::parts::{CutAt, Device, Env, Epoch, Invited, Member};
use crate::Verdict;
use crate::cbor;
use crate::id::{DeviceId, EnvId, Hash, InviteId, MemberId, WorkspaceId};
use crate::label::Label;
use crate::links::{Body, Link, Op, Right, Role};

/// A verified membership chain, up to its head.
#[derive(Clone, Debug)]
pub struct Chain {
    ws: WorkspaceId,
    /// The hash of every link; the first is the genesis.
    hashes: Vec<Hash>,
    /// The latest of all links.
    ts: u64,
    members: BTreeMap<MemberId, Member>,
    devices: BTreeMap<DeviceId, Device>,
    envs: BTreeMap<EnvId, Env>,
    invites: BTreeMap<InviteId, Invited>,
}

/// The last link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its position, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

impl Chain {
    /// Begins the chain of this workspace with its genesis.
    ///
    /// # Errors
    /// `Fork` when the genesis is another workspace's; otherwise the rule that it breaks.
    pub fn begin(ws: WorkspaceId, genesis: &[u8]) -> Result<Self, Verdict> {
        let mut chain = Self::before_genesis(ws);
        let link = Link::read(genesis)?;
        if link.hash() != ws.into() {
            return Err(Verdict::Fork);
        }
        let body = Body::read(&link.body)?;
        rules::genesis(&body)?;
        signatures::verify(&chain, &link, &body)?;
        chain.record(link.hash(), &body);
        Ok(chain)
    }

    /// Adds the next link. On an error nothing has changed.
    ///
    /// # Errors
    /// The rule that the link breaks. `Fork` when it is signed as it must be, but stands beside a link
    /// that is known, or follows one that is not.
    pub fn apply(&mut self, link: &[u8]) -> Result<(), Verdict> {
        let link = Link::read(link)?;
        let body = Body::read(&link.body)?;
        if body.ws != self.ws {
            return Err(Verdict::Invalid("a link of another workspace"));
        }
        // Anybody can sign one, with keys that it brings itself: no proof of another history.
        if matches!(body.op, Op::Genesis { .. }) {
            return Err(rules::SECOND_GENESIS);
        }
        // Before its place is judged: only what somebody signed is proof of another history.
        let co_signer = signatures::verify(self, &link, &body)?;
        rules::place(self, &link.hash(), &body)?;
        rules::judge(self, &body, co_signer)?;
        self.record(link.hash(), &body);
        Ok(())
    }

    /// The workspace.
    #[must_use]
    pub fn ws(&self) -> WorkspaceId {
        self.ws
    }

    /// The last link.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: self.hashes.len() as u64,
            hash: self.hashes.last().copied().unwrap_or(Hash::ZERO),
        }
    }

    /// The hash of the link at a position.
    #[must_use]
    pub fn hash_at(&self, seq: u64) -> Option<Hash> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.hashes.get(index).copied()
    }

    /// The latest time that a link was dated, in milliseconds since 1970, by its author's clock.
    #[must_use]
    pub fn ts(&self) -> u64 {
        self.ts
    }

    /// Somebody who is or was in the workspace.
    #[must_use]
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        self.members.get(id)
    }

    /// Everybody who is or was in the workspace.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// A device that is or was somebody's.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// Every device that is or was somebody's.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.values()
    }

    /// An invitation, used or not.
    #[must_use]
    pub fn invite(&self, id: &InviteId) -> Option<&Invited> {
        self.invites.get(id)
    }

    /// Every invitation there was, by its id.
    pub fn invitations(&self) -> impl Iterator<Item = (&InviteId, &Invited)> {
        self.invites.iter()
    }

    /// Every environment, the directory among them.
    pub fn envs(&self) -> impl Iterator<Item = EnvId> {
        self.envs.keys().copied()
    }

    /// An environment.
    #[must_use]
    pub fn env(&self, id: &EnvId) -> Option<&Env> {
        self.envs.get(id)
    }

    /// Where people lost the right to write an environment.
    #[must_use]
    pub fn cuts(&self, env: &EnvId) -> &[CutAt] {
        self.envs.get(env).map_or(&[], |env| &env.cuts)
    }

    /// Somebody's role at a position; none when not in the workspace then.
    #[must_use]
    pub fn role_at(&self, member: &MemberId, seq: u64) -> Option<Role> {
        self.members.get(member)?.role_at(seq)
    }

    /// What somebody may do with an environment at a position.
    #[must_use]
    pub fn right_at(&self, member: &MemberId, env: &EnvId, seq: u64) -> Right {
        let member = self.members.get(member);
        member.map_or(Right::None, |member| member.right_at(env, seq))
    }

    /// What somebody may do with an environment now.
    #[must_use]
    pub fn right(&self, member: &MemberId, env: &EnvId) -> Right {
        self.right_at(member, env, self.head().seq)
    }

    /// The epoch in force at a position.
    #[must_use]
    pub fn epoch_at(&self, env: &EnvId, seq: u64) -> Option<&Epoch> {
        let epochs = &self.envs.get(env)?.epochs;
        epochs.iter().rfind(|epoch| epoch.seq <= seq)
    }

    /// The devices that may have an environment's key now, sorted.
    #[must_use]
    pub fn recipients(&self, env: &EnvId) -> Vec<DeviceId> {
        let now = self.head().seq;
        let entitled = |id: &&DeviceId| self.may_read(id, env, now);
        self.devices.keys().filter(entitled).copied().collect()
    }

    /// Whether somebody may have the key of the epoch in force at a position and may not read the
    /// environment then: a new value must wait for a new epoch. Whoever may read is given the key by
    /// any holder, also who came after the epoch began and is not among its recipients.
    #[must_use]
    pub fn is_stale(&self, env: &EnvId, w_seq: u64) -> bool {
        self.epoch_at(env, w_seq).is_some_and(|epoch| {
            self.devices.values().any(|device| {
                self.could_read(device, env, epoch.seq, w_seq)
                    && !self.may_read(&device.id, env, w_seq)
            })
        })
    }

    /// Whether a device could read an environment at any of these positions.
    fn could_read(&self, device: &Device, env: &EnvId, first: u64, last: u64) -> bool {
        let Some(member) = self.members.get(&device.member) else {
            return false;
        };
        let first = first.max(device.since);
        let could = |seq| member.right_at(env, seq) >= Right::Read;
        let mut changes = member
            .changes(env)
            .filter(|seq| (first..=last).contains(seq));
        device.is_live_at(first) && first <= last && (could(first) || changes.any(could))
    }

    /// In this version a device ends with its member, so either half would do for who left.
    fn may_read(&self, device: &DeviceId, env: &EnvId, seq: u64) -> bool {
        self.devices.get(device).is_some_and(|device| {
            device.is_live_at(seq) && self.right_at(&device.member, env, seq) >= Right::Read
        })
    }
}

/// The hash of a set of devices that may have a key, in whatever order.
#[must_use]
pub fn recipients_hash(devices: &[DeviceId]) -> Hash {
    /// Opens values; the only class in this version.
    const FULL: u8 = 2;
    let mut set: Vec<(DeviceId, u8)> = devices.iter().map(|device| (*device, FULL)).collect();
    set.sort_unstable();
    Label::RECIPIENTS.hash(&cbor::encode(&set))
}
