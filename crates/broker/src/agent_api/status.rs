//! `withheld.status/1`: one look.

use std::net::SocketAddr;

use serde::Serialize;
use withheld_core::name::{AgentId, Environment, SecretName, SessionId, Workspace};
use withheld_core::refusal::Actor;
use withheld_core::{Moment, Refusal, plain};

use crate::answer::Answer;
use crate::house::{House, VaultState};
use crate::process::Process;
use crate::session::Caller;
use crate::stages::record_of;
use crate::view::{self, SecretShown};

plain! {
    struct You {
        kind: &'static str,
        agent: AgentId,
        session: SessionId,
        expires_at: Option<Moment>,
        mode: &'static str,
    }

    struct Project {
        workspace: Workspace,
        project: Option<Workspace>,
        environment: Option<Workspace>,
    }

    /// What waits for the owner. Nothing does yet: there are no requests.
    struct Waiting {
        since: Moment,
    }

    struct Step {
        who: Actor,
        argv: Vec<&'static str>,
        why: &'static str,
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
}

#[derive(Serialize)]
struct Broker {
    state: &'static str,
    listen: Option<SocketAddr>,
    pid: u32,
    version: &'static str,
    started_by: Option<withheld_core::endpoint_path::EndpointPath>,
}

pub(super) fn status(house: &House, caller: &Caller, has_token: bool) -> Result<Answer, Refusal> {
    let state = house.vault_state();
    let process = Process::now(house.started_by.as_ref());
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
        project: project(&caller.session.environment),
        secrets: secrets(house, caller),
        waiting: Vec::new(),
        next: next(&state),
    };
    Answer::private("withheld.status/1", &status)
}

/// Before `init`, and for an agent whose record is gone, there is nothing to show: that is no error.
fn secrets(house: &House, caller: &Caller) -> Vec<SecretShown> {
    let Ok(policy) = house.policy() else {
        return Vec::new();
    };
    let Ok(record) = record_of(&policy, &caller.session) else {
        return Vec::new();
    };
    let vault = house.unlocked().ok();
    let environment = &record.environment;
    let is_granted = |name: &SecretName| record.grants(name);
    view::names(&policy, vault.as_deref(), environment, is_granted)
        .iter()
        .map(|(name, held)| {
            view::in_status(&policy, environment, name, held.as_ref(), vault.is_some())
        })
        .collect()
}

/// Both parts of an environment have the grammar of a workspace's name.
fn project(environment: &Environment) -> Project {
    Project {
        workspace: Workspace::local(),
        project: Workspace::parse(environment.project()).ok(),
        environment: Workspace::parse(environment.short()).ok(),
    }
}

fn next(state: &VaultState) -> Vec<Step> {
    let owner = |argv, why| {
        vec![Step {
            who: Actor::Owner,
            argv,
            why,
        }]
    };
    match state {
        VaultState::Absent => owner(vec!["withheld", "init"], "no_vault"),
        VaultState::Locked(_) | VaultState::Shut => {
            owner(vec!["withheld", "unlock"], "vault_locked")
        }
        VaultState::Unlocked(_) => Vec::new(),
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
