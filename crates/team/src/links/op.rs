//! The operations of the membership chain, and what they are made of.

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};

use crate::device::DevicePublic;
use crate::id::{EnvId, Hash, InviteId, MemberId, VerifyKey};

/// What a link does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Op {
    /// Founds the workspace; its author is the first owner.
    #[n(0)]
    Genesis {
        /// The set of algorithms: [`SUITE`].
        #[n(0)]
        suite: u8,
        /// The founder.
        #[n(1)]
        member: MemberId,
        /// The founder's device.
        #[n(2)]
        device: DevicePublic,
        /// Random, so that no two workspaces are one.
        #[n(3)]
        salt: ByteArray<16>,
    },
    /// Makes an environment; its author may write it.
    #[n(1)]
    EnvCreate {
        /// The new environment.
        #[n(0)]
        env: EnvId,
    },
    /// Sets what a member may do with an environment.
    #[n(2)]
    Grant {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// Where.
        #[n(1)]
        env: EnvId,
        /// What, from this link on.
        #[n(2)]
        right: Right,
        /// The environment's head, exactly when the member loses the right to write.
        #[n(3)]
        cut: Option<Position>,
    },
    /// Invites somebody, once.
    #[n(4)]
    Invite {
        /// The hash of the key, see [`invite_id`](super::invite_id).
        #[n(0)]
        invite: InviteId,
        /// The key that must sign the join.
        #[n(1)]
        key: VerifyKey,
        /// The role that it gives.
        #[n(2)]
        role: Role,
        /// The rights that it gives, sorted by environment.
        #[n(3)]
        rights: Vec<(EnvId, Right)>,
        /// The last moment of a join, in milliseconds since 1970.
        #[n(4)]
        expires: u64,
        /// Whether a join waits to be confirmed.
        #[n(5)]
        confirm: bool,
        /// Names for who is invited, sealed under the invitation's secret; at most 1,024 bytes. No
        /// rule looks inside.
        #[n(6)]
        card: ByteVec,
    },
    /// Makes a member of who holds an invitation.
    #[n(5)]
    Join {
        /// The invitation.
        #[n(0)]
        invite: InviteId,
        /// The new member.
        #[n(1)]
        member: MemberId,
        /// The new member's first device.
        #[n(2)]
        device: DevicePublic,
    },
    /// Adds a device of its author's own member.
    #[n(6)]
    DeviceAdd {
        /// Whose it is.
        #[n(0)]
        member: MemberId,
        /// The new device.
        #[n(1)]
        device: DevicePublic,
    },
    /// Removes a member and all devices of it.
    #[n(8)]
    MemberRemove {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// The head of every environment that the member could write, sorted by environment.
        #[n(1)]
        cuts: Vec<Cut>,
    },
    /// Begins a new key of an environment.
    #[n(9)]
    Epoch {
        /// Which environment.
        #[n(0)]
        env: EnvId,
        /// The number of the epoch, from 1.
        #[n(1)]
        n: u64,
        /// [`recipients_hash`](crate::chain::recipients_hash) of the devices that may have the key.
        #[n(2)]
        recipients: Hash,
        /// Commits to the key.
        #[n(3)]
        commit_root: Hash,
        /// Commits to the key for names.
        #[n(4)]
        commit_meta: Hash,
        /// The epoch whose key is wrapped; 0 for none.
        #[n(5)]
        prev_n: u64,
        /// The key of `prev_n` under this one.
        #[n(6)]
        prev_wrap: Option<ByteArray<72>>,
    },
    /// Sets a member's role.
    #[n(10)]
    RoleSet {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// The role from this link on.
        #[n(1)]
        role: Role,
        /// The directory's head, exactly when the member loses the right to write it.
        #[n(2)]
        cut: Option<Position>,
    },
}

impl Op {
    /// The positions of the cuts in it; 0 is before an environment's first commit.
    pub(super) fn cuts_at(&self) -> Vec<u64> {
        match self {
            Self::Grant { cut, .. } | Self::RoleSet { cut, .. } => {
                cut.iter().map(|cut| cut.seq).collect()
            }
            Self::MemberRemove { cuts, .. } => cuts.iter().map(|cut| cut.seq).collect(),
            _ => Vec::new(),
        }
    }
}

/// The only set of algorithms: Ed25519, X-Wing, SHA-256.
pub const SUITE: u8 = 1;

/// What somebody may do with people. A higher one may all that a lower one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// A machine; not in this version.
    #[n(0)]
    Machine,
    /// Reads the directory, and has what was granted.
    #[n(1)]
    Member,
    /// Invites, grants, removes members, makes environments, writes the directory.
    #[n(2)]
    Admin,
    /// Sets roles, invites and removes anybody.
    #[n(3)]
    Owner,
}

/// What somebody may do with an environment. A higher one may all that a lower one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Right {
    /// Nothing.
    #[n(0)]
    None,
    /// Names and versions; not in this version.
    #[n(1)]
    Meta,
    /// Opens values.
    #[n(2)]
    Read,
    /// Sets values, and begins epochs.
    #[n(3)]
    Write,
}

/// A position in a chain, and the hash of what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Position {
    /// From 1; 0 is before the first.
    #[n(0)]
    pub seq: u64,
    /// The hash there.
    #[n(1)]
    pub hash: Hash,
}

/// The head of an environment that somebody could write, when that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cut {
    /// Which environment.
    #[n(0)]
    pub env: EnvId,
    /// The position of the last commit; 0 when there was none.
    #[n(1)]
    pub seq: u64,
    /// Its hash; [`env_genesis`](super::env_genesis) when there was none.
    #[n(2)]
    pub hash: Hash,
}
