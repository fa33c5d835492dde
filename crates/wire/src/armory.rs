//! What the replies of each session are searched for, and whether that is still all of it.
//!
//! The owner may give a session more while a request of it is on its way, or its reply is open. What
//! is given is here before it can be sent to anybody; so whoever looks here behind the last byte that
//! came knows everything that those bytes may hold.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use withheld_core::destination::{Host, HostPattern};
use withheld_core::name::{SecretName, SessionId};
use withheld_secret::Expose as _;

use crate::Armed;
use crate::wash::{Needles, Secret};

/// What one session's replies are searched for.
pub(crate) struct Arms {
    pub(crate) needles: Arc<Needles>,
    arming: Arming,
    names: BTreeSet<SecretName>,
    /// Each value under a hash whose key is this process's own.
    values: BTreeSet<u64>,
    /// The same beside that of all that was said of the value.
    given: BTreeSet<(u64, u64)>,
}

/// What a session was given, told from everything that any session is given later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arming {
    number: u64,
    values: usize,
}

impl Arming {
    /// How many values replies are searched for.
    #[must_use]
    pub fn values(&self) -> usize {
        self.values
    }
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
    armings: AtomicU64,
}

impl Armory {
    pub(crate) fn give(&self, session: SessionId, secrets: &[Armed]) -> Arming {
        let arms = Arc::new(self.arms(None, secrets));
        self.sessions.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(session, Arc::clone(&arms));
            all
        });
        arms.arming
    }

    /// Gives a session more, in one step; `None` where what it has is not what it was given by `had`.
    pub(crate) fn give_more(
        &self,
        session: SessionId,
        had: Arming,
        secrets: Vec<Armed>,
    ) -> Option<Arming> {
        let is_that = |known: &Arc<Arms>| known.arming == had;
        let known = self.of(&session).filter(is_that)?;
        let is_new = |one: &Armed| !known.given.contains(&self.hashes(one));
        let new: Vec<Armed> = secrets.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return Some(had);
        }
        let arms = Arc::new(self.arms(Some(&known), &new));
        let before = self.sessions.rcu(|all| {
            let mut all = HashMap::clone(all);
            if all.get(&session).is_some_and(is_that) {
                all.insert(session, Arc::clone(&arms));
            }
            all
        });
        before
            .get(&session)
            .is_some_and(is_that)
            .then_some(arms.arming)
    }

    /// What was known, and more.
    fn arms(&self, known: Option<&Arms>, secrets: &[Armed]) -> Arms {
        let mut names = known.map_or_else(BTreeSet::new, |known| known.names.clone());
        let mut values = known.map_or_else(BTreeSet::new, |known| known.values.clone());
        let mut given = known.map_or_else(BTreeSet::new, |known| known.given.clone());
        for one in secrets {
            names.insert(one.name.clone());
            let hashes = self.hashes(one);
            values.insert(hashes.0);
            given.insert(hashes);
        }
        Arms {
            needles: Arc::new(needles_of(known.map(|known| &*known.needles), secrets)),
            arming: Arming {
                number: self.armings.fetch_add(1, Ordering::Relaxed),
                values: given.len(),
            },
            names,
            values,
            given,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "two values are told apart by hashes that are kept in memory and whose key nobody has"
    )]
    fn hashes(&self, one: &Armed) -> (u64, u64) {
        one.value.expose(|value| {
            let all = (&one.name, &one.replacement, &one.prefix, value);
            (self.hasher.hash_one(value), self.hasher.hash_one(all))
        })
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

fn needles_of(known: Option<&Needles>, secrets: &[Armed]) -> Needles {
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
    let secrets: Vec<_> = secrets.collect();
    known.map_or_else(|| Needles::new(&secrets), |known| known.with(&secrets))
}
