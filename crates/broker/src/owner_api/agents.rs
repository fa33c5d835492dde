//! Agent records and their sessions.

use std::sync::Arc;

use withheld_audit::{Act, OwnerAct, SessionAct};
use withheld_core::name::AgentId;
use withheld_core::record::AgentRecord;
use withheld_core::{Code, Refusal, plain, text};

use super::proof::{Proven, Sealed, proven};
use crate::answer::Answer;
use crate::house::House;
use crate::session::Caller;
use crate::visitor::Visitor;

/// The longest life of a session, in seconds: a year.
const MAX_TTL_S: u64 = 365 * 24 * 60 * 60;

plain! {
    struct Gone {
        agent: AgentId,
        sessions: usize,
    }
}

/// Signs a record, in place of one of the same name, and starts a first session.
pub(super) fn add(
    house: &Arc<House>,
    record: AgentRecord,
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    if record.ttl_s == 0 || record.ttl_s > MAX_TTL_S {
        return Err(Refusal::new(
            Code::Usage,
            "the life of a session is from a second to a year",
            "write it so: --ttl 8h",
        ));
    }
    let Proven { vault, proof } = proven(house, proof)?;
    let act = OwnerAct {
        environment: Some(record.environment.clone()),
        agent: Some(record.agent.clone()),
        hosts: record.hosts.iter().map(|one| one.host.clone()).collect(),
        ..OwnerAct::of(Act::AgentAdd)
    };
    house.change_policy(&vault, &proof, act, |content| {
        if record.workspace != content.workspace {
            return Err(Refusal::new(
                Code::Usage,
                text!("the workspace here is `{}`", content.workspace),
                "leave the workspace out",
            ));
        }
        content.agents.retain(|one| one.agent != record.agent);
        content.agents.push(record.clone());
        Ok(())
    })?;
    if record.agent == AgentId::local() {
        house.sessions.revive_local();
    }
    house.begin_session(&vault, &record)
}

/// Takes a record away and ends its sessions.
pub(super) fn remove(
    house: &Arc<House>,
    agent: &AgentId,
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    let act = OwnerAct {
        agent: Some(agent.clone()),
        ..OwnerAct::of(Act::AgentRemove)
    };
    house.change_policy(&vault, &proof, act, |content| {
        let before = content.agents.len();
        content.agents.retain(|one| one.agent != *agent);
        if content.agents.len() == before {
            return Err(no_agent(agent));
        }
        Ok(())
    })?;
    let ended = house.sessions.end(agent);
    for session in &ended {
        house.wire.disarm(&session.id);
    }
    house.save_sessions()?;
    for session in &ended {
        let who = Visitor::of(Caller::of(session)).who();
        house.log()?.session(&who, SessionAct::Ended)?;
    }
    let gone = Gone {
        agent: agent.clone(),
        sessions: ended.len(),
    };
    Answer::of("withheld.agent_rm/1", &gone)
}

/// Starts a further session of a record.
pub(super) fn session(
    house: &Arc<House>,
    agent: &AgentId,
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, .. } = proven(house, proof)?;
    let policy = house.policy()?;
    let record = policy
        .content()
        .agent(agent)
        .ok_or_else(|| no_agent(agent))?;
    house.begin_session(&vault, record)
}

pub(super) fn no_agent(agent: &AgentId) -> Refusal {
    Refusal::new(
        Code::NotFound,
        text!("there is no agent `{}`", *agent),
        "see which there are: withheld agent ls",
    )
}
