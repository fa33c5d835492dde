//! A pull: what the team has newer comes into the vault. First what to do is decided, then every value
//! is fetched, opened and checked, then all of it is applied in one step; a journal on the disk says
//! what that step was about to do, so that a kill in between leaves the old values or the new ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use withheld_core::name::{Environment, SecretName};
use withheld_core::{Moment, Refusal, plain};
use withheld_secret::{Expose as _, SecretValue};
use withheld_team::drift::{Local, State as Drift, Trust};
use withheld_team::id::{EnvId, RecordId};
use withheld_team::links::Right;

use super::Team;
use super::formats::{Quarantined, Row};
use super::sides::{Sides, are_there, chosen, open_env, sides};
use super::state::State;
use super::tags::Tags;
use super::values::Values;
use crate::fault;
use crate::team::post::Post;
use crate::vault::{Standing, Unlocked};

plain! {
    /// A secret and a version of the team's.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct NamedVersion {
        /// The secret.
        pub name: SecretName,
        /// The version.
        pub version: u64,
    }

    /// What a pull did.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Pulled {
        /// Secrets that are the team's now, and which version of theirs.
        pub pulled: Vec<NamedVersion>,
        /// Secrets that the team does not have any more, and neither has the vault.
        pub removed: Vec<SecretName>,
        /// Secrets that both sides changed: left as they were.
        pub diverged: Vec<SecretName>,
        /// Secrets whose record breaks a rule: set aside, what was here stays in use.
        pub tampered: Vec<SecretName>,
        /// Secrets that the team has in this environment.
        pub total: u64,
        /// The commit of the environment that this is the state of.
        pub at: u64,
    }
}

/// What is to be done.
#[derive(Default)]
struct Plan {
    take: Vec<(SecretName, RecordId)>,
    /// What becomes the base when it is done, and the version in the vault that this was planned on.
    rows: Vec<(Row, Option<u64>)>,
    remove: Vec<SecretName>,
    /// What was removed here and comes back, with what its owner may do: nothing is taken back any more.
    back: Vec<SecretName>,
    /// What is here is the team's already, or is gone on both sides.
    settled: Vec<Row>,
    done: Pulled,
}

/// A pull that is ready: every value is here and was checked, and nothing is applied. Dropped, it never
/// was.
pub struct Fetched {
    environment: Environment,
    env: EnvId,
    before: Arc<State>,
    plan: Plan,
    items: BTreeMap<SecretName, SecretValue>,
    bad: Vec<(SecretName, Quarantined)>,
}

impl Fetched {
    /// The secrets whose values it brings.
    pub fn names(&self) -> impl Iterator<Item = &SecretName> {
        self.items.keys()
    }

    /// What it is about to do: the secrets, and the team's numbers of their versions; 0 for one that goes.
    #[must_use]
    pub fn about(&self) -> Vec<(SecretName, u64)> {
        let done = &self.plan.done;
        let pulled = done.pulled.iter();
        let pulled = pulled.map(|row| (row.name.clone(), row.version));
        let removed = done.removed.iter().map(|name| (name.clone(), 0));
        pulled.chain(removed).collect()
    }

    /// A copy of the value that it brings for a secret, so that replies are searched for it before the
    /// first request carries it.
    ///
    /// # Errors
    /// `store_unavailable` without locked memory.
    #[expect(
        clippy::disallowed_methods,
        reason = "from locked memory into locked memory"
    )]
    pub fn copy_of(&self, name: &SecretName) -> Result<Option<SecretValue>, Refusal> {
        let Some(value) = self.items.get(name) else {
            return Ok(None);
        };
        let copied = SecretValue::with_len::<Refusal>(value.len(), |room| {
            value.expose(|value| room.copy_from_slice(value));
            Ok(value.len())
        });
        copied.map(Some).map_err(fault::unfilled)
    }
}

impl Team {
    /// Fetches what brings an environment, or the named secrets of it, to what the team has. Secrets
    /// that both sides changed are left alone; with `take_remote` the team's are taken, for named ones
    /// also over a change that was only made here.
    ///
    /// # Errors
    /// `not_found` for an environment that the team does not have and for a name that is nowhere,
    /// `no_grant` without the right to read, `unverified` where a key or a value is missing,
    /// `signature_invalid` where the server hands out another value than was signed; as [`Team::sync`].
    pub fn fetch(
        &self,
        post: &mut dyn Post,
        environment: &Environment,
        names: Option<&[SecretName]>,
        take_remote: bool,
        now: Moment,
    ) -> Result<Fetched, Refusal> {
        let _talking = self.talk(post)?;
        self.finish_journals()?;
        self.catch_up(post, now)?;
        self.serve_others(post, now)?;
        let before = self.state();
        let (env, here) = open_env(&before, environment, Right::Read)?;
        let all = sides(&before, environment, self.vault.names(environment));
        let take = Take {
            changed: take_remote,
            own_changes: take_remote && names.is_some(),
        };
        let mut plan = Plan::default();
        plan.done.total = all.iter().filter(|sides| sides.is_live()).count() as u64;
        plan.done.at = here.chain.head().seq;
        let mut tags = Tags::new(here, &before.chain);
        are_there(&all, names)?;
        for sides in chosen(all, names) {
            let local = tags.local(&self.vault, environment, &sides)?;
            plan.add(&sides, local, take);
        }
        let Values { good, bad } = self.values_of(post, &before, &env, &plan.take, now)?;
        plan.set_aside(&bad);
        let taken = plan.take.iter().map(|(name, _)| name.clone());
        Ok(Fetched {
            environment: environment.clone(),
            env,
            items: taken.zip(good).collect(),
            // What was held against the server for a value may be forgotten since.
            before: self.state(),
            plan,
            bad,
        })
    }

    /// Applies a pull, in one step. `None` where anything of the environment has changed since it was
    /// fetched, here or in the copy of the team, or where somebody talks to the server at this moment:
    /// then nothing was applied, and it is to be fetched anew.
    ///
    /// # Errors
    /// As [`Unlocked::store`](crate::vault::Unlocked::store). Killed or refused in between, the old
    /// values are in force or the new ones.
    pub fn apply(&self, fetched: Fetched, now: Moment) -> Result<Option<Pulled>, Refusal> {
        let Ok(_talking) = self.turn.wait(Some(Duration::ZERO)) else {
            return Ok(None);
        };
        let Fetched {
            environment,
            env,
            before,
            mut plan,
            items,
            bad,
        } = fetched;
        let newest = self.state();
        if !is_as_planned(&before, &newest, &env) {
            return Ok(None);
        }
        let items: Vec<_> = items.into_iter().collect();
        let planned = plan.stand(&self.vault, &environment);
        let mut next = State::clone(&newest);
        let file = &mut next.env_mut(&env).file;
        file.quarantine
            .extend(bad.iter().map(|(_, row)| row.clone()));
        file.settle(plan.settled);
        file.journal = plan.rows.iter().map(|(row, _)| row.clone()).collect();
        self.keep(next)?;
        self.take_back(&environment, &plan.back)?;
        if plan.rows.is_empty() {
            return Ok(Some(plan.done));
        }
        match self
            .vault
            .replace(&environment, &items, &plan.remove, &planned, now)
        {
            Ok(true) => self.finish_journals()?,
            Ok(false) => {
                self.drop_journal(&env)?;
                return Ok(None);
            }
            Err(refusal) => {
                // It may have been applied all the same, to the last write. If this is refused too, the
                // next pull or start sees to it.
                let _ = self.finish_journals();
                return Err(refusal);
            }
        }
        Ok(Some(plan.done))
    }
}

impl Team {
    /// Forgets what was signed for secrets that come back and is not with the team yet.
    fn take_back(&self, environment: &Environment, names: &[SecretName]) -> Result<(), Refusal> {
        if names.is_empty() {
            return Ok(());
        }
        let mut saying = self.say();
        let rows = &mut saying.next.file.bindings;
        rows.retain(|row| {
            row.pushed || row.environment != *environment || !names.contains(&row.secret)
        });
        saying.keep()
    }
}

/// Whether all that a plan was made on is as it was. That the server was only asked in between, or that
/// another environment has moved on, changes no plan.
fn is_as_planned(before: &State, newest: &State, env: &EnvId) -> bool {
    let (Some(then), Some(now)) = (before.envs.get(env), newest.envs.get(env)) else {
        return false;
    };
    let is_same = || {
        let (then, now) = (&then.file, &now.file);
        (&then.base, &then.journal, &then.quarantine, &then.outbox)
            == (&now.base, &now.journal, &now.quarantine, &now.outbox)
    };
    before.chain.head() == newest.chain.head()
        && before.file.faults == newest.file.faults
        && then.chain.head() == now.chain.head()
        && (Arc::ptr_eq(then, now) || is_same())
}

/// Whose changes give way.
#[derive(Clone, Copy)]
struct Take {
    /// Those that were made here, where the team changed the secret too.
    changed: bool,
    /// Those that were only made here.
    own_changes: bool,
}

impl Plan {
    fn add(&mut self, sides: &Sides<'_>, local: Local, take: Take) {
        let name = || sides.name.clone();
        match sides.state(Trust::Verified, local) {
            Drift::Behind | Drift::RemoteOnly => self.follow(sides, local),
            Drift::Diverged if take.changed => self.follow(sides, local),
            Drift::Diverged => self.done.diverged.push(name()),
            Drift::Ahead if take.own_changes => self.follow(sides, local),
            Drift::InSync => self.settled.extend(sides.unknown_match()),
            Drift::Tampered => self.done.tampered.push(name()),
            Drift::Ahead | Drift::LocalOnly | Drift::Unverified | Drift::Missing => {}
        }
    }

    /// Does as the team did.
    fn follow(&mut self, sides: &Sides<'_>, local: Local) {
        let shown = sides.theirs.as_ref().and_then(|theirs| theirs.shown);
        match (shown, local) {
            (Some(shown), _) => {
                self.take.push((sides.name.clone(), shown.kept.rid));
                if sides.base.is_some() && local == Local::Absent {
                    self.back.push(sides.name.clone());
                }
                self.done.pulled.push(NamedVersion {
                    name: sides.name.clone(),
                    version: shown.kept.ver,
                });
                // Which version of the vault's it will be is seen later.
                self.step(sides, sides.row(u64::MAX));
            }
            (None, Local::Absent) => self.settled.extend(sides.row(0)),
            (None, _) => {
                self.remove.push(sides.name.clone());
                self.done.removed.push(sides.name.clone());
                self.step(sides, sides.row(0));
            }
        }
    }

    fn step(&mut self, sides: &Sides<'_>, row: Option<Row>) {
        let planned_on = sides.held.as_ref().map(|held| held.version);
        self.rows.extend(row.map(|row| (row, planned_on)));
    }

    /// How every name stands that is to be changed. A value that came since the plan was made does not
    /// stand as planned.
    fn stand(
        &mut self,
        vault: &Unlocked,
        environment: &Environment,
    ) -> Vec<(SecretName, Standing)> {
        let rows = self.rows.iter_mut().map(|(row, planned_on)| {
            let now = vault.standing(environment, &row.name);
            if row.local != 0 {
                row.local = now.next;
            }
            let stood = Standing {
                current: *planned_on,
                ..now
            };
            (row.name.clone(), stood)
        });
        rows.collect()
    }

    /// Takes out what cannot be taken.
    fn set_aside(&mut self, bad: &[(SecretName, Quarantined)]) {
        let is_good = |name: &SecretName| !bad.iter().any(|(other, _)| other == name);
        self.take.retain(|(name, _)| is_good(name));
        self.rows.retain(|(row, _)| is_good(&row.name));
        self.done.pulled.retain(|row| is_good(&row.name));
        self.done
            .tampered
            .extend(bad.iter().map(|(name, _)| name.clone()));
        self.done.tampered.sort();
    }
}
