//! What a chain is about: members, devices, environments, invitations.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::bytes::ByteArray;

use super::history::History;
use crate::device::DevicePublic;
use crate::id::{DeviceId, EnvId, Hash, InviteId, MemberId, VerifyKey};
use crate::links::{Right, Role};

/// Somebody who is or was in the workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub id: MemberId,
    /// The role now, or at the removal.
    pub role: Role,
    /// The position of the join.
    pub joined: u64,
    /// The position of the removal.
    pub removed: Option<u64>,
    /// The invitation that was used; the founder had none.
    pub invite: Option<InviteId>,
    pub(super) roles: History<Role>,
    pub(super) rights: BTreeMap<EnvId, History<Right>>,
}

/// A device that is or was somebody's.
#[derive(Clone, Debug)]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Whose.
    pub member: MemberId,
    /// Its keys.
    pub public: DevicePublic,
    /// The position from which it counts.
    pub since: u64,
    /// The position from which it no longer counts.
    pub until: Option<u64>,
}

/// An environment.
#[derive(Clone, Debug)]
pub struct Env {
    /// Which.
    pub id: EnvId,
    /// The position of its creation.
    pub created: u64,
    /// Its epochs, in their order, from number 1.
    pub epochs: Vec<Epoch>,
    /// Where people lost the right to write it, in the order of the links.
    pub cuts: Vec<CutAt>,
}

/// A key of an environment, from one link on.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Its number, from 1.
    pub n: u64,
    /// The position of its link.
    pub seq: u64,
    /// The devices that may have the key, sorted.
    pub recipients: Arc<[DeviceId]>,
    /// Commits to the key.
    pub commit_root: Hash,
    /// Commits to the key for names.
    pub commit_meta: Hash,
    /// The epoch whose key is wrapped; 0 for none.
    pub prev_n: u64,
    /// That key under this one.
    pub prev_wrap: Option<ByteArray<72>>,
}

/// The head of an environment, when somebody lost the right to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutAt {
    /// The position of the link that took the right away.
    pub w_seq: u64,
    /// The position of the environment's last commit then; 0 when there was none.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Who invites.
    pub by: MemberId,
    /// The role that it gives.
    pub role: Role,
    /// The rights that it gives.
    pub rights: Vec<(EnvId, Right)>,
    /// The last moment of a join, in milliseconds since 1970.
    pub expires: u64,
    /// The key that must sign the join.
    pub key: VerifyKey,
    /// Who joined with it.
    pub used: Option<MemberId>,
}

impl Member {
    /// Whether the member is in the workspace at a position.
    #[must_use]
    pub fn is_live_at(&self, seq: u64) -> bool {
        is_between(seq, self.joined, self.removed)
    }

    /// Where what the member may do with an environment may have changed.
    pub(super) fn changes(&self, env: &EnvId) -> impl Iterator<Item = u64> {
        let rights = self
            .rights
            .get(env)
            .into_iter()
            .flat_map(History::positions);
        self.roles.positions().chain(rights)
    }

    pub(super) fn role_at(&self, seq: u64) -> Option<Role> {
        self.roles.at(seq).filter(|_| self.is_live_at(seq))
    }

    /// The directory's rights follow the role; the others were given.
    pub(super) fn right_at(&self, env: &EnvId, seq: u64) -> Right {
        let Some(role) = self.role_at(seq) else {
            return Right::None;
        };
        match role {
            Role::Admin | Role::Owner if *env == EnvId::DIRECTORY => Right::Write,
            Role::Member if *env == EnvId::DIRECTORY => Right::Read,
            _ => self
                .rights
                .get(env)
                .and_then(|given| given.at(seq))
                .unwrap_or(Right::None),
        }
    }
}

impl Device {
    /// Whether the device counts at a position.
    #[must_use]
    pub fn is_live_at(&self, seq: u64) -> bool {
        is_between(seq, self.since, self.until)
    }
}

fn is_between(seq: u64, first: u64, end: Option<u64>) -> bool {
    first <= seq && end.is_none_or(|end| seq < end)
}
