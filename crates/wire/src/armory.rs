//! What the replies of each session are searched for, and whether that is still all of it.
//!
//! The owner may give a session more while a request of it is on its way, or its reply is open. What
//! is given is here before it can be sent to anybody; so whoever looks here behind the last byte that
//! came knows everything that those bytes may hold.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use arc_swap::ArcSwap;
use withheld_core::destination::{Host, HostPattern};
use withheld_core::name::{SecretName, SessionId};
use withheld_secret::{Expose as _, SecretValue};

use crate::Armed;
use crate::wash::{Needles, Secret};

/// What one session's replies are searched for.
pub(crate) struct Arms {
    pub(crate) needles: Arc<Needles>,
    names: BTreeSet<SecretName>,
    /// Each value under a hash whose key is this process's own.
    values: BTreeSet<u64>,
}

impl Arms {
    /// Whether replies are searched for a secret of this name.
    pub(crate) fn has(&self, name: &SecretName) -> bool {
        self.names.contains(name)
    }

    /// Whether these needles find everything that the others do.
    fn covers(&self, other: &Self) -> bool {
        self.values.is_superset(&other.values)
    }
}

/// Says whether what an open reply is washed of is no longer everything.
pub(crate) type Stale = Arc<dyn Fn() -> bool + Send + Sync>;

/// The arms of every session, and the hosts whose replies are washed whoever asks.
#[derive(Default)]
pub(crate) struct Armory {
    sessions: Arc<ArcSwap<HashMap<SessionId, Arc<Arms>>>>,
    hosts: Arc<ArcSwap<BTreeSet<HostPattern>>>,
    hasher: RandomState,
}

impl Armory {
    pub(crate) fn give(&self, session: SessionId, secrets: &[Armed]) {
        let values = secrets.iter().map(|one| hash(&self.hasher, &one.value));
        let arms = Arc::new(Arms {
            needles: Arc::new(needles_of(secrets)),
            names: secrets.iter().map(|one| one.name.clone()).collect(),
            values: values.collect(),
        });
        self.sessions.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(session, Arc::clone(&arms));
            all
        });
    }

    pub(crate) fn take(&self, session: &SessionId) {
        self.sessions.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.remove(session);
            all
        });
    }

    pub(crate) fn retain(&self, keep: impl Fn(&SessionId) -> bool) {
        self.sessions.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.retain(|session, _| keep(session));
            all
        });
    }

    pub(crate) fn of(&self, session: &SessionId) -> Option<Arc<Arms>> {
        self.sessions.load().get(session).cloned()
    }

    /// What a reply is washed of whose head has come, to a request that was sent under `sent`. `None`
    /// where no needles there are find everything. A session that was locked out was given nothing.
    pub(crate) fn at_head(&self, session: &SessionId, sent: Arc<Arms>) -> Option<Arc<Arms>> {
        match self.of(session) {
            Some(now) if now.covers(&sent) => Some(now),
            Some(now) if !sent.covers(&now) => None,
            _ => Some(sent),
        }
    }

    /// Watches over a reply that is washed of `arms`.
    pub(crate) fn watch(&self, session: SessionId, arms: Arc<Arms>) -> Stale {
        let all = Arc::clone(&self.sessions);
        Arc::new(move || {
            let all = all.load();
            let now = all.get(&session);
            now.is_some_and(|now| !Arc::ptr_eq(now, &arms) && !arms.covers(now))
        })
    }

    pub(crate) fn add_hosts<'a>(&self, hosts: impl IntoIterator<Item = &'a HostPattern>) {
        let known = self.hosts.load();
        let new: Vec<_> = hosts
            .into_iter()
            .filter(|one| !known.contains(one))
            .collect();
        if !new.is_empty() {
            self.hosts.rcu(|all| {
                let mut all = BTreeSet::clone(all);
                all.extend(new.iter().copied().cloned());
                all
            });
        }
    }

    /// Whether the replies of this host are washed whoever asks.
    pub(crate) fn washes(&self, host: &Host) -> bool {
        self.hosts.load().iter().any(|one| one.matches(host))
    }

    /// Watches over a reply of this host that is not washed.
    pub(crate) fn watch_host(&self, host: Host) -> Stale {
        let hosts = Arc::clone(&self.hosts);
        Arc::new(move || hosts.load().iter().any(|one| one.matches(&host)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "two values are told apart by a hash that is kept in memory and whose key nobody has"
)]
fn hash(hasher: &RandomState, value: &SecretValue) -> u64 {
    value.expose(|bytes| hasher.hash_one(bytes))
}

fn needles_of(secrets: &[Armed]) -> Needles {
    let markers: Vec<String> = secrets
        .iter()
        .map(|one| format!("[withheld:{}]", one.name))
        .collect();
    let secrets = secrets.iter().zip(&markers).map(|(one, marker)| Secret {
        replacement: if one.replacement.is_empty() {
            marker
        } else {
            &one.replacement
        },
        value: &one.value,
        prefix: &one.prefix,
    });
    Needles::new(&secrets.collect::<Vec<_>>())
}
