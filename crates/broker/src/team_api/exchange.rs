//! How what is here stands to what the team has, and both ways between.

mod fault;
mod names;
mod shown;

use std::sync::Arc;

use withheld_audit::SyncAct;
use withheld_core::name::{Environment, SecretName};
use withheld_core::team::Take;
use withheld_core::{Code, Refusal, text};
use withheld_vault::team::{Drift, DriftRow, NamedVersion, Pulled, Team};

use self::shown::Row;
use super::Scope;
use crate::answer::Answer;
use crate::arming::{Incoming, Source};
use crate::clock;
use crate::config::{AutoPull, Config};
use crate::house::House;

pub(crate) use fault::Fault;
pub(crate) use shown::AsOf;
pub(super) use shown::{Diff, PullShown, PushShown};

/// Rounds after which somebody else is changing the same things all the time.
const ROUNDS: usize = 4;

/// How the secrets of an environment stand, after a look at the server. While nobody can say what the
/// server has, what is shared is `unverified`.
pub(crate) fn drift(
    house: &Arc<House>,
    team: &Arc<Team>,
    environment: &Environment,
) -> (Vec<DriftRow>, bool) {
    told(team, environment, house.glance(team).as_ref())
}

/// The same after a look that came to this; `None` where all is well.
pub(crate) fn told(
    team: &Team,
    environment: &Environment,
    looked: Option<&Refusal>,
) -> (Vec<DriftRow>, bool) {
    let now = clock::now();
    let is_open = !team.has(environment) || team.has_keys(environment);
    let verified = looked.is_none() && team.freshness(now).verified && is_open;
    let mut rows = team.drift(environment, now);
    if !verified {
        rows.iter_mut().for_each(doubt);
    }
    (rows, verified)
}

/// The age of what is known.
pub(crate) fn as_of(team: &Team, environment: &Environment) -> AsOf {
    let heads = team.as_of(environment);
    AsOf {
        w: heads.map_or(0, |heads| heads.w),
        e: heads.map_or(0, |heads| heads.e),
        age_s: age_s(team),
        signed_at: heads.map(|heads| heads.signed),
    }
}

/// What was never shared has only this side, and evidence stays evidence.
fn doubt(row: &mut DriftRow) {
    if !matches!(row.state, Drift::LocalOnly | Drift::Tampered) {
        row.state = Drift::Unverified;
    }
}

pub(super) fn diff(house: &Arc<House>, scope: &Scope, deep: bool) -> Result<Answer, Refusal> {
    let team = house.team()?;
    let environment = &scope.environment;
    let looked = house.glance(&team);
    if deep {
        team.compare(environment)?;
    }
    let (rows, verified) = told(&team, environment, looked.as_ref());
    if rows.is_empty() && !team.has(environment) && !scope.is_agent() {
        return Err(Refusal::new(
            Code::NotFound,
            text!("neither the team nor this machine has `{}`", *environment),
            "see what there is: withheld team members",
        ));
    }
    let shown = rows.into_iter().filter(|row| scope.shows(&row.name));
    let diff = Diff {
        environment: environment.clone(),
        verified,
        as_of: as_of(&team, environment),
        fault: Fault::of(&team, environment, verified, looked.as_ref()),
        secrets: shown.map(Row::of).collect(),
    };
    Answer::of("withheld.diff/1", &diff)
}

pub(super) fn pull(
    house: &Arc<House>,
    scope: &Scope,
    take: Option<Take>,
) -> Result<Answer, Refusal> {
    if scope.is_agent() && Config::of(&house.home)?.auto_pull != AutoPull::Verified {
        return Err(Refusal::new(
            Code::OwnerNeeded,
            "the owner has not let agents pull here",
            "the owner runs this in a terminal of their own",
        ));
    }
    scope.may_decide(take)?;
    let team = house.team()?;
    let environment = &scope.environment;
    let names = scope.names(house, &team, |row| {
        !matches!(row.provisional, Drift::Ahead | Drift::LocalOnly)
    });
    let pulled = fetched_and_applied(house, scope, &team, names.as_deref(), take)?;
    let shown = PullShown {
        environment: environment.clone(),
        pulled: pulled.pulled,
        removed: pulled.removed,
        diverged: pulled.diverged,
        tampered: pulled.tampered,
        total: pulled.total,
        at: pulled.at,
        age_s: age_s(&team),
    };
    Answer::of("withheld.pull/1", &shown)
}

/// Replies are searched for the new values before the first request can carry one: no session begins
/// between the two.
fn fetched_and_applied(
    house: &Arc<House>,
    scope: &Scope,
    team: &Arc<Team>,
    names: Option<&[SecretName]>,
    take: Option<Take>,
) -> Result<Pulled, Refusal> {
    let environment = &scope.environment;
    let mut courier = scope.courier(house, team)?;
    for _ in 0..ROUNDS {
        let now = clock::now();
        let is_remote = take == Some(Take::Remote);
        let fetched = team.fetch(&mut courier, environment, names, is_remote, now)?;
        let _turn = house.owner_turn();
        let vault = house.unlocked()?;
        // Locked and opened again meanwhile, it was planned on what another vault had.
        house.still_team(team)?;
        let incoming = Incoming {
            environment,
            source: Source::Team(&fetched),
        };
        house.arm_for(&vault, &[&*house.policy()?], Some(incoming))?;
        // First what is about to be done: whatever becomes of it, the log has it.
        logged(house, scope, SyncAct::Pulling, &fetched.about())?;
        let applied = team.apply(fetched, clock::now())?;
        if let Some(pulled) = applied {
            logged(house, scope, SyncAct::Pulled, &versions(&pulled.pulled))?;
            logged(house, scope, SyncAct::Removed, &gone(&pulled.removed))?;
            return Ok(pulled);
        }
    }
    Err(Refusal::new(
        Code::Conflict,
        "these secrets are being changed all the time",
        "try again in a moment: withheld pull",
    ))
}

pub(super) fn push(
    house: &Arc<House>,
    scope: &Scope,
    take: Option<Take>,
) -> Result<Answer, Refusal> {
    scope.may_decide(take)?;
    let team = house.team()?;
    let environment = &scope.environment;
    let names = scope.to_push(house, &team)?;
    let mut courier = scope.courier(house, &team)?;
    let now = clock::now();
    // The owner may change something between the choice and the push: what an agent may not say is
    // not done then either.
    let mut pushed = match (&names, scope.is_agent()) {
        (Some(names), true) => team.push_known(&mut courier, environment, names, now)?,
        _ => {
            let is_local = take == Some(Take::Local);
            team.push(&mut courier, environment, names.as_deref(), is_local, now)?
        }
    };
    // What waited for an answer may be of a time when the agent was granted more.
    if scope.is_agent() {
        pushed.pushed.retain(|row| scope.shows(&row.name));
        pushed.removed.retain(|name| scope.shows(name));
    }
    let removed_here = team.drift(environment, now).into_iter();
    let removed_here = removed_here.filter(|row| row.is_removed_here() && scope.shows(&row.name));
    let shown = PushShown {
        environment: environment.clone(),
        pushed: pushed.pushed,
        removed: pushed.removed,
        removed_here: removed_here.map(|row| row.name).collect(),
        diverged: pushed.diverged,
        tampered: pushed.tampered,
        total: pushed.total,
        at: pushed.at,
        age_s: age_s(&team),
    };
    Answer::of("withheld.push/1", &shown)
}

/// What was done, if anything was.
fn logged(
    house: &House,
    scope: &Scope,
    act: SyncAct,
    versions: &[(SecretName, u64)],
) -> Result<(), Refusal> {
    if versions.is_empty() {
        return Ok(());
    }
    let log = house.log()?;
    log.sync(&scope.who, &scope.environment, act, versions)
}

/// What has no version any more.
fn gone(names: &[SecretName]) -> Vec<(SecretName, u64)> {
    names.iter().map(|name| (name.clone(), 0)).collect()
}

/// As the log has it.
fn versions(list: &[NamedVersion]) -> Vec<(SecretName, u64)> {
    list.iter()
        .map(|one| (one.name.clone(), one.version))
        .collect()
}

pub(super) fn age_s(team: &Team) -> Option<u64> {
    let now = clock::now();
    let seen = team.freshness(now).seen_at?;
    u64::try_from(now.as_ms().saturating_sub(seen.as_ms()))
        .ok()
        .map(|ms| ms / 1000)
}
