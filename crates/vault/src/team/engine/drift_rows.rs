//! How every secret here and in the team stand to each other, told from the local copy: nothing is
//! carried, nothing opened.

use std::collections::BTreeMap;

use withheld_core::name::{Environment, PersonName, SecretName};
use withheld_core::{Moment, plain};
use withheld_team::drift::{Cause, Flag, State as Drift, Trust};
use withheld_team::exposure::{self, Exposed};
use withheld_team::id::RecordId;
use withheld_team::links::Right;

use super::Team;
use super::create::moment;
use super::directory::People;
use super::env_state::EnvState;
use super::sides::{Sides, sides};
use super::state::State;

plain! {
    /// One secret of an environment.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DriftRow {
        /// Its name.
        pub name: SecretName,
        /// How it stands.
        pub state: Drift,
        /// How it would stand if what is here were the truth: the same, unless that is unverified.
        pub provisional: Drift,
        /// The team's version that was last applied here; none where the secret is not here any more.
        pub version: Option<u64>,
        /// The team's version.
        pub remote_version: Option<u64>,
        /// Who made that; none where the directory does not say.
        pub changed_by: Option<PersonName>,
        /// When, by that device's clock; none where its commit is not here.
        pub changed_at: Option<Moment>,
        /// The rule that the team's record breaks, where it is set aside.
        pub fault: Option<&'static str>,
        /// What else is to be said.
        pub flags: Vec<Flag>,
    }

    /// How far the local copy of an environment is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AsOf {
        /// The last link of the membership chain.
        pub w: u64,
        /// The last commit of the environment.
        pub e: u64,
        /// The newest time that either of them was signed, by the clock of who signed it. A server that
        /// keeps back what is new can renew its own word, and not this.
        pub signed: Moment,
    }
}

impl DriftRow {
    /// Whether it was removed here and is still the team's.
    #[must_use]
    pub fn is_removed_here(&self) -> bool {
        self.provisional == Drift::Ahead && self.version.is_none()
    }
}

impl Team {
    /// How every secret of an environment stands, by name. From the local copy only. A value that was
    /// set again to what it was counts as changed until a pull or push has looked.
    #[must_use]
    pub fn drift(&self, environment: &Environment, now: Moment) -> Vec<DriftRow> {
        let state = self.state();
        let trust = self.trust(&state, environment, now);
        let env = state
            .env_named(environment)
            .and_then(|env| state.envs.get(&env));
        let exposed = env.map(|env| exposure::exposed(&state.chain, &env.chain));
        let exposed = exposed.unwrap_or_default();
        let look = Look {
            state: &state,
            env: env.map(AsRef::as_ref),
            trust,
            exposed,
        };
        let mut people = state.people();
        let sides = sides(&state, environment, self.vault.names(environment));
        sides
            .iter()
            .filter(|sides| sides.held.is_some() || sides.is_live())
            .map(|sides| look.row(sides, &mut people))
            .collect()
    }

    /// How far the local copy of an environment is; `None` where the team has none of this name that
    /// this device may read.
    #[must_use]
    pub fn as_of(&self, environment: &Environment) -> Option<AsOf> {
        let state = self.state();
        let env = state.envs.get(&state.env_named(environment)?)?;
        Some(AsOf {
            w: state.chain.head().seq,
            e: env.chain.head().seq,
            signed: moment(env.signed_ms.max(state.chain.ts())),
        })
    }

    /// How far what is here of an environment can be believed. An environment that is not shared has
    /// only this side.
    fn trust(&self, state: &State, environment: &Environment, now: Moment) -> Trust {
        let Some(env) = state.env_named(environment) else {
            return Trust::Verified;
        };
        let concerns = |at: &Option<_>| at.is_none_or(|at| at == env);
        if state.file.faults.iter().any(|fault| concerns(&fault.env)) {
            return Trust::Tampered;
        }
        let here = state.envs.get(&env);
        let is_open = here.is_some_and(|here| !here.is_locked(&state.chain));
        let may_read = state.is_in_it().is_ok() && state.my_right(&env) >= Right::Read;
        if is_open && may_read && self.freshness(now).verified {
            Trust::Verified
        } else {
            Trust::Unverified
        }
    }
}

/// What is known of an environment, for each of its secrets.
struct Look<'a> {
    state: &'a State,
    env: Option<&'a EnvState>,
    trust: Trust,
    exposed: BTreeMap<RecordId, Exposed>,
}

impl Look<'_> {
    fn row(&self, sides: &Sides<'_>, people: &mut People<'_>) -> DriftRow {
        let shown = sides.theirs.as_ref().and_then(|theirs| theirs.shown);
        let came = shown.and_then(|shown| self.env?.came.get(&shown.kept.rid));
        let author = came
            .map(|came| came.by)
            .or(shown.map(|shown| shown.record.header.author));
        let author = author.and_then(|author| self.state.chain.device(&author));
        DriftRow {
            name: sides.name.clone(),
            state: told(sides, self.trust),
            provisional: told(sides, Trust::Verified),
            version: sides.held.as_ref().and(sides.base).map(|base| base.ver),
            remote_version: sides.theirs.as_ref().map(|theirs| theirs.entry.ver),
            changed_by: author.and_then(|author| people.name(&author.member)),
            changed_at: came.map(|came| moment(came.at_ms)),
            fault: sides
                .theirs
                .as_ref()
                .and_then(|theirs| Some(theirs.fault?.rule())),
            flags: flags(sides, &self.exposed),
        }
    }
}

/// A secret whose bindings are to be pushed is ahead, although its value is not.
fn told(sides: &Sides<'_>, trust: Trust) -> Drift {
    match sides.state(trust, sides.local()) {
        Drift::InSync if sides.is_newly_bound && sides.is_live() => Drift::Ahead,
        state => state,
    }
}

fn flags(sides: &Sides<'_>, exposed: &BTreeMap<RecordId, Exposed>) -> Vec<Flag> {
    let mut flags = Vec::new();
    let Some(theirs) = &sides.theirs else {
        return flags;
    };
    if let Some(exposed) = exposed.get(&theirs.entry.rid) {
        let removed = exposed
            .to
            .values()
            .any(|cause| *cause == Cause::MemberRemoved);
        flags.push(Flag::NeedsUpstreamRotation(if removed {
            Cause::MemberRemoved
        } else {
            Cause::RightLowered
        }));
    }
    if !theirs.doubles.is_empty() {
        flags.push(Flag::DuplicateName);
    }
    flags
}
