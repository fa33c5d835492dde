//! What is shown to the owner without a proof: states and names.

use std::collections::BTreeSet;

use serde::Serialize;
use withheld_core::api::{IntakePublic, Nonce, VaultKind};
use withheld_core::name::Environment;
use withheld_core::record::{AgentRecord, AllowedHost};
use withheld_core::{Refusal, plain};

use crate::agent_api::{VaultShown, vault_word};
use crate::answer::Answer;
use crate::clock;
use crate::house::{House, VaultState};
use crate::process::Process;
use crate::view::{self, BindingShown, SecretLong};

plain! {
    struct Hello {
        vault: Option<VaultKind>,
        unlocked: bool,
        /// What passphrases are sealed to.
        proof_key: IntakePublic,
        /// What the next passphrase is sealed with, for one call.
        nonce: Nonce,
        /// What values are sealed to.
        intake_key: Option<IntakePublic>,
        version: &'static str,
        sessions: usize,
    }

    struct Listed {
        secrets: Vec<SecretLong>,
        bindings: Vec<BindingShown>,
        allowed: Vec<AllowedHost>,
        agents: Vec<AgentRecord>,
    }

    struct PolicyShown {
        counter: u64,
        bindings: usize,
        agents: usize,
    }

    struct LogShown {
        /// The last record that is on the disk.
        seq: u64,
        policy_counter: u64,
    }
}

#[derive(Serialize)]
struct Status {
    vault: VaultShown,
    kind: Option<VaultKind>,
    auto_unlock: bool,
    broker: Broker,
    policy: Option<PolicyShown>,
    audit: Option<LogShown>,
    sessions: usize,
    /// The standing session of `local` was ended by what its replies held.
    local_blocked: bool,
}

#[derive(Serialize)]
struct Broker {
    state: &'static str,
    listen: Option<std::net::SocketAddr>,
    #[serde(flatten)]
    process: Process,
}

pub(super) fn hello(house: &House) -> Result<Answer, Refusal> {
    let state = house.vault_state();
    let facts = state.facts();
    let hello = Hello {
        vault: facts.map(|facts| facts.kind),
        unlocked: matches!(*state, VaultState::Unlocked(_)),
        proof_key: house.intake.public().written().clone(),
        nonce: house.nonces.give()?,
        intake_key: facts.map(|facts| facts.intake_public.written().clone()),
        version: env!("CARGO_PKG_VERSION"),
        sessions: house.sessions.count(clock::now()),
    };
    Answer::of("withheld.hello/1", &hello)
}

pub(super) fn status(house: &House) -> Result<Answer, Refusal> {
    let state = house.vault_state();
    let facts = state.facts();
    let policy = house.policy().ok();
    let status = Status {
        vault: vault_word(&state),
        kind: facts.map(|facts| facts.kind),
        auto_unlock: facts.is_some_and(|facts| facts.auto_unlock),
        broker: Broker {
            state: "running",
            listen: house.listen(),
            process: Process::now(house.started_by.as_ref()),
        },
        policy: policy.map(|policy| PolicyShown {
            counter: policy.content().counter,
            bindings: policy.bindings().len(),
            agents: policy.content().agents.len(),
        }),
        audit: house.log().ok().map(|log| LogShown {
            seq: log.anchor().map_or(0, |anchored| anchored.head.seq),
            policy_counter: log.policy_counter(),
        }),
        sessions: house.sessions.count(clock::now()),
        local_blocked: house.sessions.local().session.check().is_err(),
    };
    Answer::private("withheld.owner_status/1", &status)
}

/// Every secret, binding, allowed host and record; of one environment, where one is given.
pub(super) fn list(house: &House, only: Option<&Environment>) -> Result<Answer, Refusal> {
    let policy = house.policy()?;
    let content = policy.content();
    let vault = house.unlocked().ok();
    let known = || {
        let bound = content.bindings.iter().map(|one| &one.environment);
        bound.chain(content.agents.iter().map(|one| &one.environment))
    };
    let environments: BTreeSet<Environment> = match only {
        Some(only) => [only.clone()].into(),
        None => known().cloned().chain([Environment::dev()]).collect(),
    };
    let mut secrets = Vec::new();
    for environment in &environments {
        let used = house.last_used(environment);
        let names = view::names(&policy, vault.as_deref(), environment, |_| true);
        secrets.extend(
            names
                .into_iter()
                .map(|(name, held)| view::in_list(&policy, environment, name, held, &used)),
        );
    }
    let mut agents: Vec<AgentRecord> = content.agents.iter().map(in_order).collect();
    agents.sort_by(|one, other| one.agent.cmp(&other.agent));
    let listed = Listed {
        secrets,
        bindings: view::in_order(policy.bindings().iter())
            .into_iter()
            .filter(|one| environments.contains(&one.environment))
            .map(|one| BindingShown::of(one))
            .collect(),
        allowed: by_host(&content.allowed),
        agents,
    };
    Answer::of("withheld.list/1", &listed)
}

/// A record with its lists in order.
fn in_order(record: &AgentRecord) -> AgentRecord {
    let mut record = record.clone();
    record.grants.sort();
    record.hosts = by_host(&record.hosts);
    record
}

fn by_host(hosts: &[AllowedHost]) -> Vec<AllowedHost> {
    let mut hosts = hosts.to_vec();
    hosts.sort_by(|one, other| (&one.host, one.port).cmp(&(&other.host, other.port)));
    hosts
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use withheld_core::destination::HostPattern;

    use super::*;

    #[test]
    fn hosts_stand_in_their_order() {
        let host = |written: &str, port| AllowedHost {
            host: HostPattern::parse(written).unwrap(),
            port,
            foreign: false,
        };
        let sorted = by_host(&[
            host("b.test", None),
            host("a.test", Some(8443)),
            host("a.test", Some(444)),
        ]);
        let shown: Vec<_> = sorted
            .iter()
            .map(|one| (one.host.to_string(), one.port))
            .collect();
        let expected = [
            ("a.test", Some(444)),
            ("a.test", Some(8443)),
            ("b.test", None),
        ];
        assert_eq!(shown, expected.map(|(host, port)| (host.to_owned(), port)));
    }
}
