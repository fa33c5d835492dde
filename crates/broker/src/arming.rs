//! What a session is given: a placeholder for each secret it is granted, and to the wire the values
//! that its replies are washed of.
//!
//! A request may have read its value just before a change and be sent just after, and an upstream may
//! show tomorrow what it was sent today. So needles are given before a change is made, and stay: for
//! the versions before, for what was removed, for what is no longer granted.

use std::collections::BTreeSet;
use std::sync::Arc;

use withheld_core::api::StoreItem;
use withheld_core::name::{Environment, SecretName};
use withheld_core::placeholder::Placeholders;
use withheld_core::policy_doc::Policy;
use withheld_core::record::AgentRecord;
use withheld_core::{Code, Refusal};
use withheld_vault::Unlocked;
use withheld_vault::team::Fetched;
use withheld_wire::Armed;

use crate::clock;
use crate::house::House;
use crate::session::{Session, random};
use crate::stages::record_of;

#[cfg(test)]
mod tests;

/// Draws before the system's randomness is held to be broken.
const DRAWS: usize = 64;

/// Values that are about to be stored.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) source: Source<'a>,
}

/// Where they come from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// The owner.
    Owner(&'a [StoreItem]),
    /// The team.
    Team(&'a Fetched),
}

impl Source<'_> {
    fn names(self) -> Vec<SecretName> {
        match self {
            Self::Owner(items) => items.iter().map(|item| item.name.clone()).collect(),
            Self::Team(fetched) => fetched.names().cloned().collect(),
        }
    }
}

impl House {
    /// Gives every session what the policy and the vault now say, and writes the placeholders down.
    ///
    /// # Errors
    /// What the vault or the disk refuses. A session that could not be armed has no needles, and so
    /// gets no reply.
    pub(crate) fn arm_all(&self, vault: &Unlocked) -> Result<(), Refusal> {
        let policy = self.policy()?;
        self.arm_for(vault, &[&policy], None)
    }

    /// The same for a change: what any of these policies grants, the newest first, and what is about
    /// to be stored. Hosts that any of them binds a secret to are washed from now on.
    ///
    /// # Errors
    /// As [`House::arm_all`]; then the change must not be made.
    pub(crate) fn arm_for(
        &self,
        vault: &Unlocked,
        policies: &[&Policy],
        incoming: Option<Incoming<'_>>,
    ) -> Result<(), Refusal> {
        for policy in policies {
            let bindings = policy.bindings().iter();
            self.wire.bound(bindings.map(|binding| &binding.host));
        }
        for session in self.sessions.active(clock::now()) {
            let records: Vec<_> = policies
                .iter()
                .filter_map(|policy| Some((*policy, record_of(policy, &session).ok()?)))
                .collect();
            if records.is_empty() {
                self.wire.disarm(&session.id);
            } else {
                self.arm(vault, &records, incoming, &session)?;
            }
        }
        self.save_sessions()
    }

    /// Gives one session what its records grant.
    ///
    /// # Errors
    /// What the vault refuses, `vault_locked` where it was locked meanwhile; then the session is
    /// disarmed.
    pub(crate) fn arm(
        &self,
        vault: &Unlocked,
        records: &[(&Policy, &AgentRecord)],
        incoming: Option<Incoming<'_>>,
        session: &Arc<Session>,
    ) -> Result<(), Refusal> {
        let armed = armed(vault, records, incoming, session).and_then(|armed| {
            self.wire.arm(session.id, armed);
            // A lock does not wait for this: what it could not drop yet is dropped here.
            self.still(vault).map(drop)
        });
        armed.inspect_err(|_| self.wire.disarm(&session.id))
    }
}

fn armed(
    vault: &Unlocked,
    records: &[(&Policy, &AgentRecord)],
    incoming: Option<Incoming<'_>>,
    session: &Session,
) -> Result<Vec<Armed>, Refusal> {
    let environment = &session.environment;
    let incoming = incoming
        .filter(|one| one.environment == environment)
        .map(|one| one.source);
    let mut placeholders = Placeholders::clone(&session.placeholders.load());
    let held = vault.names(environment).into_iter().map(|held| held.name);
    let new = incoming.map(Source::names).unwrap_or_default();
    let granted = held
        .chain(new)
        .filter(|name| records.iter().any(|(_, record)| record.grants(name)));
    let once = placeholders.iter().map(|(name, _)| name.clone());
    let names: BTreeSet<SecretName> = granted.chain(once).collect();
    let mut armed = Vec::new();
    for name in names {
        let prefix = records
            .iter()
            .find_map(|(policy, _)| prefix_of(policy, environment, &name))
            .unwrap_or_default();
        if placeholders.of(&name).is_none() {
            placeholders.insert(name.clone(), placeholder(prefix, &name)?);
        }
        let mut values = vault.every_value(environment, &name)?;
        match incoming {
            Some(Source::Owner(items)) => {
                for item in items.iter().filter(|item| item.name == name) {
                    values.push(vault.open(&item.value)?);
                }
            }
            Some(Source::Team(fetched)) => values.extend(fetched.copy_of(&name)?),
            None => {}
        }
        armed.extend(values.into_iter().map(|value| Armed {
            replacement: placeholders.of(&name).unwrap_or_default().to_owned(),
            value,
            prefix: prefix.to_owned(),
            name: name.clone(),
        }));
    }
    // What is no longer granted keeps its placeholder: so it is known what was granted once.
    session.placeholders.store(Arc::new(placeholders));
    Ok(armed)
}

/// The public beginning of a key, which its placeholder shares, as the owner signed it.
fn prefix_of<'a>(
    policy: &'a Policy,
    environment: &'a Environment,
    name: &'a SecretName,
) -> Option<&'a str> {
    policy
        .bindings_of(environment, name)
        .find_map(|binding| binding.prefix.as_ref())
        .map(|prefix| prefix.as_str())
}

fn placeholder(prefix: &str, name: &SecretName) -> Result<String, Refusal> {
    for _ in 0..DRAWS {
        if let Some(text) = Placeholders::make(prefix, name, &random()?) {
            return Ok(text);
        }
    }
    Err(Refusal::new(
        Code::Internal,
        "no placeholder could be made",
        "report this, with: withheld doctor --json",
    ))
}
