//! What a session is given: a placeholder for each secret it is granted, and to the wire the values
//! that its replies are washed of.
//!
//! A request may have read its value just before a change and be sent just after, and an upstream may
//! show tomorrow what it was sent today. So needles are given before a change is made, and stay: for
//! the versions before, for what was removed, for what is no longer granted.
//!
//! Only what a session does not have yet is opened and given: to open every value at each change would
//! take seconds with many. What it has is known by the versions; where that is not certain, by a lock,
//! a value that could not be opened, or another hand, all of it is given anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use withheld_core::api::StoreItem;
use withheld_core::name::{Environment, SecretName};
use withheld_core::placeholder::Placeholders;
use withheld_core::policy_doc::Policy;
use withheld_core::record::AgentRecord;
use withheld_core::{Code, Refusal};
use withheld_vault::Unlocked;
use withheld_vault::team::Fetched;
use withheld_vault::vault::Earlier;
use withheld_wire::{Armed, Arming};

use crate::clock;
use crate::house::{House, lock};
use crate::session::{Session, random};
use crate::stages::record_of;

#[cfg(test)]
mod tests;

/// Draws before the system's randomness is held to be broken.
const DRAWS: usize = 64;
/// Values that a session may have beside as many as it needs are at most this many more than those: then
/// what nobody looks for any more is let go.
const SPARE: usize = 64;

/// What a session was given last.
pub(crate) struct Given {
    arming: Arming,
    names: BTreeMap<SecretName, Known>,
}

/// What it was given of a name, all of it.
#[derive(Clone, PartialEq, Eq)]
struct Known {
    versions: Vec<u64>,
    prefix: String,
}

/// What a session is to be given.
#[derive(Default)]
struct Gift {
    armed: Vec<Armed>,
    /// What it has then.
    names: BTreeMap<SecretName, Known>,
}

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
    fn names(self) -> BTreeSet<SecretName> {
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
        let mut given = lock(&session.given);
        let grant = Grant::of(vault, records, incoming, session);
        let armed = self.give(&grant, given.take()).and_then(|now| {
            *given = Some(now);
            // A lock does not wait for this: what it could not drop yet is dropped here.
            self.still(vault).map(drop)
        });
        armed.inspect_err(|_| self.wire.disarm(&session.id))
    }

    fn give(&self, grant: &Grant<'_>, before: Option<Given>) -> Result<Given, Refusal> {
        let id = grant.session.id;
        if let Some(Given { arming, names }) = before.filter(|before| !grant.is_outgrown(before)) {
            let gift = grant.beside(&names)?;
            if let Some(arming) = self.wire.arm_more(id, arming, gift.armed) {
                let names = gift.names;
                return Ok(Given { arming, names });
            }
        }
        let gift = grant.beside(&BTreeMap::new())?;
        Ok(Given {
            arming: self.wire.arm(id, gift.armed),
            names: gift.names,
        })
    }
}

/// What is granted to a session, and what of it there is.
struct Grant<'a> {
    vault: &'a Unlocked,
    records: &'a [(&'a Policy, &'a AgentRecord)],
    incoming: Option<Source<'a>>,
    session: &'a Session,
    versions: BTreeMap<SecretName, Vec<u64>>,
    /// The public beginning of a key, which its placeholder shares, as the owner signed it.
    prefixes: BTreeMap<&'a SecretName, &'a str>,
}

impl<'a> Grant<'a> {
    fn of(
        vault: &'a Unlocked,
        records: &'a [(&'a Policy, &'a AgentRecord)],
        incoming: Option<Incoming<'a>>,
        session: &'a Session,
    ) -> Self {
        let environment = &session.environment;
        let mut prefixes = BTreeMap::new();
        let bindings = records.iter().flat_map(|(policy, _)| policy.bindings());
        for binding in bindings.filter(|one| one.environment == *environment) {
            if let Some(prefix) = &binding.prefix {
                prefixes.entry(&binding.secret).or_insert(prefix.as_str());
            }
        }
        Self {
            vault,
            records,
            incoming: incoming
                .filter(|one| one.environment == environment)
                .map(|one| one.source),
            session,
            versions: vault.every_version(environment),
            prefixes,
        }
    }

    /// Whether most of what was given is looked for no longer.
    fn is_outgrown(&self, given: &Given) -> bool {
        let known = given.names.keys();
        let needed = known.filter_map(|name| self.versions.get(name).map(Vec::len));
        given.arming.values() > 2 * needed.sum::<usize>() + SPARE
    }

    /// What is to be given beside what is known. Afterwards each name has a placeholder.
    fn beside(&self, known: &BTreeMap<SecretName, Known>) -> Result<Gift, Refusal> {
        let environment = &self.session.environment;
        let mut placeholders = Placeholders::clone(&self.session.placeholders.load());
        let mut gift = Gift::default();
        let new: BTreeSet<SecretName> = self.incoming.map(Source::names).unwrap_or_default();
        for name in self.names(&new, &placeholders) {
            let prefix = self.prefixes.get(&name).copied().unwrap_or_default();
            let now = Known {
                versions: self.versions.get(&name).cloned().unwrap_or_default(),
                prefix: prefix.to_owned(),
            };
            let is_known = known.get(&name) == Some(&now) && placeholders.of(&name).is_some();
            if is_known && !new.contains(&name) {
                gift.names.insert(name, now);
                continue;
            }
            let text = match placeholders.of(&name) {
                Some(text) => text.to_owned(),
                None => placeholder(prefix, &name)?,
            };
            let mut earlier = self.vault.every_value(environment, &name)?;
            self.add_incoming(&name, &mut earlier)?;
            gift.armed
                .extend(earlier.values.into_iter().map(|value| Armed {
                    replacement: text.clone(),
                    value,
                    prefix: prefix.to_owned(),
                    name: name.clone(),
                }));
            placeholders.insert(name.clone(), text);
            if earlier.is_whole {
                gift.names.insert(name, now);
            }
        }
        // What is no longer granted keeps its placeholder: so it is known what was granted once.
        self.session.placeholders.store(Arc::new(placeholders));
        Ok(gift)
    }

    /// What is granted and there, or about to be, and what was granted once.
    fn names(
        &self,
        new: &BTreeSet<SecretName>,
        placeholders: &Placeholders,
    ) -> BTreeSet<SecretName> {
        let held = self.vault.names(&self.session.environment).into_iter();
        let granted = held
            .map(|held| held.name)
            .chain(new.iter().cloned())
            .filter(|name| self.records.iter().any(|(_, record)| record.grants(name)));
        let once = placeholders.iter().map(|(name, _)| name.clone());
        granted.chain(once).collect()
    }

    fn add_incoming(&self, name: &SecretName, to: &mut Earlier) -> Result<(), Refusal> {
        match self.incoming {
            Some(Source::Owner(items)) => {
                for item in items.iter().filter(|item| item.name == *name) {
                    to.values.push(self.vault.open(&item.value)?);
                }
            }
            Some(Source::Team(fetched)) => to.values.extend(fetched.copy_of(name)?),
            None => {}
        }
        Ok(())
    }
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
