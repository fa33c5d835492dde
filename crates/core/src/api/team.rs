//! What the owner asks about the team. What needs a proof says so.

use serde::{Deserialize, Serialize};

use super::Deposit;
use crate::name::{Environment, Workspace};
use crate::team::{Access, PersonName, Role, ShownDigest, WaitingId};

/// What the owner asks about the team. Everything but what is marked needs the proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum TeamAct {
    /// Found a team on a server.
    Create {
        /// The team's name.
        name: Workspace,
        /// `https://HOST[:PORT]`.
        server: String,
        /// The server's bootstrap token, sealed to the vault's intake key.
        token: Option<Deposit>,
        /// What the team calls the founder.
        founder: PersonName,
    },
    /// Make the line by which one person may join.
    Invite {
        /// What the team will call that person.
        member: PersonName,
        /// The role.
        role: Role,
        /// What the person may open.
        to: Vec<Access>,
        /// How long the line is good for, in seconds.
        expires_s: u64,
    },
    /// What an invitation is for (no proof).
    Look {
        /// The line, sealed to the vault's intake key.
        invitation: Deposit,
    },
    /// Join by an invitation.
    Join {
        /// The line, sealed to the vault's intake key.
        invitation: Deposit,
    },
    /// Share an environment with the team.
    Share {
        /// The environment.
        environment: Environment,
    },
    /// Change what a member may do.
    Set {
        /// The member.
        member: PersonName,
        /// The rights to change; others stay.
        to: Vec<Access>,
        /// The new role.
        role: Option<Role>,
    },
    /// What a removal would do (no proof).
    RemoveLook {
        /// The member.
        member: PersonName,
    },
    /// Remove a member.
    Remove {
        /// The member.
        member: PersonName,
    },
    /// The members (no proof).
    Members,
    /// What was done about members, oldest first (no proof).
    Log,
    /// What waits for the owner (no proof).
    Pending,
    /// Accept what waits, if it is what was shown.
    Approve {
        /// Which.
        shown: Vec<Shown>,
    },
    /// Refuse what waits.
    Deny {
        /// Which.
        ids: Vec<WaitingId>,
    },
}

/// Something that waits, as it was shown to whoever accepts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// What.
    pub id: WaitingId,
    /// All that it would allow.
    pub digest: ShownDigest,
}
