//! `withheld.status/1`: one look.

mod at_rest;
mod next;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use withheld_core::name::{Environment, SecretName, Workspace};
use withheld_core::refusal::Actor;
use withheld_core::{Code, Refusal, text};
use withheld_vault::team::{Drift, DriftRow, Team, is_in_team};

use self::shown::{Broker, BrokerState, MODE, Project, Waiting, You};
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

pub use at_rest::status_at_rest;
pub(super) use shown::Status;
pub(crate) use shown::VaultShown;

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
            kind: if has_token {
                Actor::Agent
            } else {
                Actor::Owner
            },
            agent: Some(caller.session.agent.clone()),
            session: Some(caller.session.id),
            expires_at: caller.expires,
            mode: MODE,
        },
        vault: vault_word(&state),
        vault_kind: state.facts().map(|facts| facts.kind),
        broker: Broker {
            state: BrokerState::Running,
            listen: house.listen(),
            pid: Some(process.pid),
            version: Some(process.version),
            started_by: process.started_by,
        },
        project: Project::of(workspace(team.as_ref()), environment),
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

/// An agent sees what waits of its own secrets. What the owner signed, and took away here, waits for
/// nobody where a push takes it away for the team as well.
fn waiting(team: Option<&Look>, secrets: &[SecretShown], has_token: bool) -> Vec<Waiting> {
    let is_any = |one: &WaitingShown, is_it: fn(&SecretShown) -> bool| {
        let mut same = secrets.iter().filter(|secret| secret.name == one.secret);
        same.any(is_it)
    };
    let is_shown = |one: &&WaitingShown| {
        let is_pushed_away = one.own && is_any(one, |secret| secret.state == Drift::Ahead);
        !is_pushed_away && (!has_token || is_any(one, |_| true))
    };
    let waiting = team.iter().flat_map(|team| &team.waiting).filter(is_shown);
    let row = |one: &WaitingShown| Waiting {
        id: one.id.clone(),
        kind: one.kind,
        secret: one.secret.clone(),
        since: one.since,
        own: one.own,
        plain: one.is_plain(),
    };
    waiting.map(row).collect()
}

fn workspace(team: Option<&Look>) -> Option<Workspace> {
    team.map_or_else(|| Some(Workspace::local()), |team| team.workspace.clone())
}

/// The vault in one word.
pub(crate) fn vault_word(state: &VaultState) -> VaultShown {
    match state {
        VaultState::Absent => VaultShown::None,
        VaultState::Locked(_) | VaultState::Shut => VaultShown::Locked,
        VaultState::Unlocked(_) => VaultShown::Unlocked,
    }
}
