//! What `withheld.status/1` is written from, by a broker and where none runs. What is said of a field here
//! is its description in the document's schema.

use std::net::SocketAddr;

use serde::Serialize;
use withheld_core::api::VaultKind;
use withheld_core::endpoint_path::EndpointPath;
use withheld_core::name::{AgentId, Environment, SecretName, SessionId, Workspace};
use withheld_core::refusal::Actor;
use withheld_core::team::WaitingId;
use withheld_core::{Moment, plain};

use super::next::Step;
use crate::team_api::{AsOf, Fault, WaitingKind};
use crate::view::SecretShown;

/// How isolated the programs of this user are, in this build.
pub(super) const MODE: &str = "M0";

// The address is not plain by type, and says nothing of anybody.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(withheld_core::schema::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(crate = "withheld_core::schema::schemars")
)]
pub(in crate::agent_api) struct Status {
    /// Who asks.
    pub(super) you: You,
    /// Whether there is a vault, and whether it is open.
    pub(super) vault: VaultShown,
    /// Where values rest; null before `init`, and where the vault's files cannot be read.
    pub(super) vault_kind: Option<VaultKind>,
    /// The process that stands between agents and the network.
    pub(super) broker: Broker,
    /// What is asked about.
    pub(super) project: Project,
    /// The secrets of the environment; an agent sees those that it is granted. Sorted by name.
    pub(super) secrets: Vec<SecretShown>,
    /// What only the owner can answer; the whole of it: `withheld pending`.
    pub(super) waiting: Vec<Waiting>,
    /// Commands that help, in the order of need; empty when all is well.
    pub(super) next: Vec<Step>,
    /// Whether the states are what the team's server says now; null where there is no team.
    pub(super) verified: Option<bool>,
    /// How old what is known of the team is; null where there is no team, and where nothing is known.
    pub(super) as_of: Option<AsOf>,
    /// Why the states are not verified; null where they are, and where there is no team.
    pub(super) fault: Option<Fault>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(withheld_core::schema::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(crate = "withheld_core::schema::schemars")
)]
pub(super) struct Broker {
    /// Whether it runs; the rest is null where it does not.
    pub(super) state: BrokerState,
    /// ADDRESS:PORT of its token port.
    pub(super) listen: Option<SocketAddr>,
    /// Its process.
    pub(super) pid: Option<u32>,
    /// Its version.
    pub(super) version: Option<&'static str>,
    /// The name of the program that started it; null where the system does not say.
    pub(super) started_by: Option<EndpointPath>,
}

plain! {
    #[derive(Clone, Copy, Debug)]
    #[serde(rename_all = "snake_case")]
    pub(super) enum BrokerState {
        Running,
        Stopped,
    }

    /// The vault in one word.
    #[derive(Clone, Copy, Debug)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum VaultShown {
        /// There is none: `withheld init`.
        None,
        /// Its owner has not unlocked it.
        Locked,
        /// It is open.
        Unlocked,
    }

    pub(super) struct You {
        /// An agent showed the token of a session; a program without one is the owner's own.
        pub(super) kind: Actor,
        /// Under which name the log has it; null where no broker runs.
        pub(super) agent: Option<AgentId>,
        /// The session; null where no broker runs.
        pub(super) session: Option<SessionId>,
        /// When the session ends; null: not by itself.
        pub(super) expires_at: Option<Moment>,
        /// How isolated programs of this user are from each other. M0: not.
        pub(super) mode: &'static str,
    }

    pub(super) struct Project {
        /// The team; `local` where there is none; null: the team's, whose name nobody can read while the
        /// vault is locked.
        workspace: Option<Workspace>,
        /// The first part of PROJECT/ENVIRONMENT.
        #[cfg_attr(feature = "schema", schemars(required))]
        project: Option<Workspace>,
        /// The second part.
        #[cfg_attr(feature = "schema", schemars(required))]
        environment: Option<Workspace>,
    }

    /// What waits for the owner.
    pub(super) struct Waiting {
        /// By which it is accepted or refused: `withheld approve ID`.
        pub(super) id: WaitingId,
        /// What it is.
        pub(super) kind: WaitingKind,
        /// The name of the secret that it is about.
        pub(super) secret: SecretName,
        /// When it was signed, by the clock of who signed it.
        pub(super) since: Moment,
        /// Whether the owner of this machine signed it too, and took it away here.
        #[serde(skip)]
        pub(super) own: bool,
        /// Whether it asks for nothing but places to go.
        #[serde(skip)]
        pub(super) plain: bool,
    }
}

impl Project {
    /// Both parts of an environment have the grammar of a workspace's name, so neither is ever null.
    pub(super) fn of(workspace: Option<Workspace>, environment: &Environment) -> Self {
        Self {
            workspace,
            project: Workspace::parse(environment.project()).ok(),
            environment: Workspace::parse(environment.short()).ok(),
        }
    }
}
