//! `withheld.status/1`: one look.

mod next;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;
use withheld_core::name::{AgentId, Environment, SecretName, SessionId, Workspace};
use withheld_core::team::WaitingId;
use withheld_core::{Code, Moment, Refusal, plain, text};
use withheld_vault::team::{DriftRow, Team, is_in_team};

use self::next::Step;
use crate::answer::Answer;
use crate::house::{House, VaultState};
use crate::process::Process;
use crate::session::Caller;
use crate::stages::record_of;
use crate::team_api::{self, AsOf, Fault, WaitingShown};
use crate::view::{self, SecretShown};

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests")]
mod tests;

plain! {
    struct You {
        kind: &'static str,
        agent: AgentId,
        session: SessionId,
        expires_at: Option<Moment>,
        mode: &'static str,
    }

    struct Project {
        /// `null`: the team's, whose name nobody can read now.
        workspace: Option<Workspace>,
        project: Option<Workspace>,
        environment: Option<Workspace>,
    }

    /// What waits for the owner.
    struct Waiting {
        id: WaitingId,
        kind: &'static str,
        secret: SecretName,
        since: Moment,
        /// Whether the owner of this machine signed it too, and took it away here.
        #[serde(skip)]
        own: bool,
    }
}

/// The address is not plain by type, and says nothing of anybody.
#[derive(Serialize)]
struct Status {
    you: You,
    vault: &'static str,
    broker: Broker,
    project: Project,
    secrets: Vec<SecretShown>,
    waiting: Vec<Waiting>,
    next: Vec<Step>,
    /// Whether the states are what the team's server says now; `null` without a team.
    verified: Option<bool>,
    as_of: Option<AsOf>,
    /// Why they are not.
    fault: Option<Fault>,
}

#[derive(Serialize)]
struct Broker {
    state: &'static str,
    listen: Option<SocketAddr>,
    pid: u32,
    version: &'static str,
    started_by: Option<withheld_core::endpoint_path::EndpointPath>,
}

/// # Errors
/// `owner_needed` where an agent asks for another environment than its own.
pub(super) fn status(
    house: &Arc<House>,
    caller: &Caller,
    has_token: bool,
    environment: &Environment,
) -> Result<Answer, Refusal> {
    if has_token && *environment != caller.session.environment {
        return Err(Refusal::new(
            Code::OwnerNeeded,
            text!("this session is for `{}`", caller.session.environment),
            "have the owner start a session for the other environment",
        ));
    }
    let state = house.vault_state();
    let process = Process::now(house.started_by.as_ref());
    let team = Look::of(house, environment)?;
    let secrets = secrets(house, caller, environment, team.as_ref());
    let waiting = waiting(team.as_ref(), &secrets, has_token);
    let status = Status {
        you: You {
            kind: if has_token { "agent" } else { "owner" },
            agent: caller.session.agent.clone(),
            session: caller.session.id,
            expires_at: caller.expires,
            mode: "M0",
        },
        vault: vault_word(&state),
        broker: Broker {
            state: "running",
            listen: house.listen(),
            pid: process.pid,
            version: process.version,
            started_by: process.started_by,
        },
        project: project(team.as_ref(), environment),
        next: next::steps(
            house,
            &state,
            &next::Seen {
                has_token,
                environment,
                secrets: &secrets,
                waiting: &waiting,
                fault: team.as_ref().and_then(|team| team.fault.as_ref()),
            },
        ),
        secrets,
        waiting,
        verified: team.as_ref().map(|team| team.fault.is_none()),
        as_of: team.as_ref().and_then(|team| team.as_of),
        fault: team.and_then(|team| team.fault),
    };
    Answer::private("withheld.status/1", &status)
}

/// What the team has to say of an environment.
struct Look {
    workspace: Option<Workspace>,
    rows: BTreeMap<SecretName, DriftRow>,
    as_of: Option<AsOf>,
    /// `None` where it is verified.
    fault: Option<Fault>,
    waiting: Vec<WaitingShown>,
}

impl Look {
    /// `None` without a team. While the vault is locked, or the copy here is not to be believed, nobody
    /// knows more than that there is one.
    fn of(house: &Arc<House>, environment: &Environment) -> Result<Option<Self>, Refusal> {
        match house.team() {
            Ok(team) => Ok(Some(Self::at(house, &team, environment))),
            // One that was only begun is none yet.
            Err(refusal) if refusal.code == Code::NotFound => Ok(None),
            Err(refusal) if is_in_team(&house.home)? => Ok(Some(Self::unknown(refusal))),
            Err(_) => Ok(None),
        }
    }

    fn at(house: &Arc<House>, team: &Arc<Team>, environment: &Environment) -> Self {
        let looked = house.glance(team);
        let (rows, verified) = team_api::told(team, environment, looked.as_ref());
        let rows = rows.into_iter().map(|row| (row.name.clone(), row));
        let mut waiting = team_api::waiting(house, team).unwrap_or_default();
        waiting.retain(|one| one.environment == *environment);
        Self {
            workspace: team.workspace(),
            rows: rows.collect(),
            as_of: Some(team_api::as_of(team, environment)),
            fault: Fault::of(team, environment, verified, looked.as_ref()),
            waiting,
        }
    }

    fn unknown(why: Refusal) -> Self {
        Self {
            workspace: None,
            rows: BTreeMap::new(),
            as_of: None,
            fault: Some(Fault::from(why)),
            waiting: Vec::new(),
        }
    }

    /// How a secret stands: as told, or not known.
    fn shown(&self, shown: SecretShown) -> SecretShown {
        match self.rows.get(&shown.name) {
            Some(row) => shown.in_team(row),
            None if self.as_of.is_none() => shown.unverified(),
            None => shown,
        }
    }
}

/// Before `init`, and for an agent whose record is gone, there is nothing to show: that is no error.
fn secrets(
    house: &House,
    caller: &Caller,
    environment: &Environment,
    team: Option<&Look>,
) -> Vec<SecretShown> {
    let Ok(policy) = house.policy() else {
        return Vec::new();
    };
    let record = record_of(&policy, &caller.session).ok();
    // Only the user's own programs look at an environment that is not their session's.
    let is_own = *environment == caller.session.environment;
    if is_own && record.is_none() {
        return Vec::new();
    }
    let vault = house.unlocked().ok();
    let is_granted =
        |name: &SecretName| !is_own || record.is_some_and(|record| record.grants(name));
    let mut names = view::names(&policy, vault.as_deref(), environment, is_granted);
    for name in team.iter().flat_map(|team| team.rows.keys()) {
        if is_granted(name) && !names.contains_key(name) {
            names.insert(name.clone(), None);
        }
    }
    names
        .iter()
        .map(|(name, held)| {
            let held = held.as_ref();
            let shown = view::in_status(&policy, environment, name, held, vault.is_some());
            let shown = match team {
                Some(team) => team.shown(shown),
                None => shown,
            };
            let suspect = held.and_then(|held| {
                let suspects = &house.suspects;
                suspects.of(environment, name, held.version)
            });
            match suspect {
                Some(suspect) => shown.refused_with(suspect.status),
                None => shown,
            }
        })
        .collect()
}

/// An agent sees what waits of its own secrets.
fn waiting(team: Option<&Look>, secrets: &[SecretShown], has_token: bool) -> Vec<Waiting> {
    let is_shown =
        |one: &&WaitingShown| !has_token || secrets.iter().any(|secret| secret.name == one.secret);
    let waiting = team.iter().flat_map(|team| &team.waiting).filter(is_shown);
    let row = |one: &WaitingShown| Waiting {
        id: one.id.clone(),
        kind: one.kind,
        secret: one.secret.clone(),
        since: one.since,
        own: one.own,
    };
    waiting.map(row).collect()
}

/// Both parts of an environment have the grammar of a workspace's name.
fn project(team: Option<&Look>, environment: &Environment) -> Project {
    Project {
        workspace: match team {
            Some(team) => team.workspace.clone(),
            None => Some(Workspace::local()),
        },
        project: Workspace::parse(environment.project()).ok(),
        environment: Workspace::parse(environment.short()).ok(),
    }
}

/// The vault in one word.
pub(crate) fn vault_word(state: &VaultState) -> &'static str {
    match state {
        VaultState::Absent => "none",
        VaultState::Locked(_) | VaultState::Shut => "locked",
        VaultState::Unlocked(_) => "unlocked",
    }
}
