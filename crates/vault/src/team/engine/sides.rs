//! One secret from all sides: what was last applied here, what is here now, what the team has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use withheld_core::name::{Environment, SecretName};
use withheld_core::{Code, Refusal, text};
use withheld_team::commit::Entry;
use withheld_team::drift::{self, Base, Local, Remote, Trust, drift};
use withheld_team::id::{EnvId, RecordId};
use withheld_team::links::Right;

use super::draft::locked;
use super::env_state::{EnvState, Opened, Shown};
use super::formats::{Quarantined, Row};
use super::state::State;
use crate::team::Broken;
use crate::team::meta::Meta;
use crate::vault::Held;

/// One name.
pub(super) struct Sides<'a> {
    pub(super) name: SecretName,
    /// What was last applied.
    pub(super) base: Option<&'a Row>,
    /// What the vault has.
    pub(super) held: Option<Held>,
    /// What the team has.
    pub(super) theirs: Option<Theirs<'a>>,
    /// Whether the owner signed bindings for it that the team does not have yet.
    pub(super) is_newly_bound: bool,
}

/// What the team has under a name.
pub(super) struct Theirs<'a> {
    pub(super) entry: Entry,
    /// The record; none where the name is not any more.
    pub(super) shown: Option<&'a Shown>,
    /// Other live records of this name, which lost to this one.
    pub(super) doubles: Vec<RecordId>,
    /// Why it is set aside.
    pub(super) fault: Option<Broken>,
}

impl Theirs<'_> {
    /// Its names, where they can be read.
    pub(super) fn meta(&self) -> Option<&Meta> {
        self.shown?.meta()
    }

    fn remote(&self) -> Remote {
        Remote {
            ver: self.entry.ver,
            record: self.entry.record,
            deleted: self.shown.is_none(),
            tag: self.meta().map(|meta| meta.tag),
        }
    }
}

impl Sides<'_> {
    /// What is here, as far as it can be told without opening a value.
    pub(super) fn local(&self) -> Local {
        match (&self.held, self.base) {
            (None, _) => Local::Absent,
            (Some(held), Some(base)) if base.local == held.version => Local::Unchanged,
            (Some(_), _) => Local::Changed(None),
        }
    }

    /// How they stand to each other.
    pub(super) fn state(&self, trust: Trust, local: Local) -> drift::State {
        let theirs = self.theirs.as_ref();
        let trust = match theirs {
            Some(theirs) if theirs.fault.is_some() => Trust::Tampered,
            _ => trust,
        };
        let base = self.base.map(|base| Base {
            ver: base.ver,
            record: base.record,
            tag: base.tag,
        });
        let remote = theirs.map(Theirs::remote);
        drift(trust, base.as_ref(), local, remote.as_ref())
    }

    /// Whether the team has it.
    pub(super) fn is_live(&self) -> bool {
        let theirs = self.theirs.as_ref();
        theirs.is_some_and(|theirs| theirs.shown.is_some())
    }

    /// What is to be noted where both sides are alike and that is not known yet.
    pub(super) fn unknown_match(&self) -> Option<Row> {
        let local = self.held.as_ref().map_or(0, |held| held.version);
        let row = self.row(local)?;
        (self.base != Some(&row)).then_some(row)
    }

    /// The row that says that what is here is what the team has.
    pub(super) fn row(&self, local: u64) -> Option<Row> {
        let theirs = self.theirs.as_ref()?;
        let meta = theirs.meta();
        Some(Row {
            name: self.name.clone(),
            rid: theirs.entry.rid,
            ver: theirs.entry.ver,
            record: theirs.entry.record,
            tag: meta.map(|meta| meta.tag),
            epoch: meta.map_or(0, |meta| meta.epoch),
            local,
        })
    }
}

/// Every name that an environment has or had, here or there, in order.
pub(super) fn sides<'a>(
    state: &'a State,
    environment: &Environment,
    held: Vec<Held>,
) -> Vec<Sides<'a>> {
    let env = state.env_named(environment);
    let env: Option<&EnvState> = env.and_then(|env| state.envs.get(&env)).map(Arc::as_ref);
    let live = env.map(live).unwrap_or_default();
    let base = env.map_or(&[][..], |env| &env.file.base);
    let base: BTreeMap<&SecretName, &Row> = base.iter().map(|row| (&row.name, row)).collect();
    let bound: BTreeSet<&SecretName> = state.unpushed(environment).collect();
    let mut held: BTreeMap<SecretName, Held> = held
        .into_iter()
        .map(|held| (held.name.clone(), held))
        .collect();
    let mut names: Vec<SecretName> = held.keys().cloned().collect();
    names.extend(live.keys().cloned());
    names.extend(base.keys().map(|name| (*name).clone()));
    names.sort();
    names.dedup();
    let sides = names.into_iter().map(|name| Sides {
        base: base.get(&name).copied(),
        held: held.remove(&name),
        theirs: env.and_then(|env| theirs(env, live.get(&name), base.get(&name).copied())),
        is_newly_bound: bound.contains(&name),
        name,
    });
    sides.collect()
}

/// The live records of each name, in the order of their ids. One whose name cannot be read goes by the
/// name that it had when it was applied here.
fn live(env: &EnvState) -> BTreeMap<SecretName, Vec<&Shown>> {
    let applied: BTreeMap<RecordId, &SecretName> = env
        .file
        .base
        .iter()
        .map(|row| (row.rid, &row.name))
        .collect();
    let mut live: BTreeMap<SecretName, Vec<&Shown>> = BTreeMap::new();
    for (rid, shown) in &env.records {
        let name = match &shown.opened {
            Opened::Deleted => continue,
            Opened::Names(meta) => meta.name.parse().ok(),
            Opened::Locked | Opened::Broken(_) => None,
        };
        let name = name.or_else(|| applied.get(rid).map(|name| (*name).clone()));
        if let Some(name) = name {
            live.entry(name).or_default().push(shown);
        }
    }
    live
}

/// The first live record of a name stands, for everybody alike. Without one, the record that was
/// applied here is the one that says that the name is not any more.
fn theirs<'a>(
    env: &'a EnvState,
    live: Option<&Vec<&'a Shown>>,
    base: Option<&Row>,
) -> Option<Theirs<'a>> {
    match live.and_then(|live| live.split_first()) {
        Some((first, rest)) => Some(Theirs {
            entry: *env.chain.entry(&first.kept.rid)?,
            shown: Some(first),
            doubles: rest.iter().map(|shown| shown.kept.rid).collect(),
            fault: env.fault_of(first),
        }),
        None => Some(Theirs {
            entry: *env.chain.entry(&base?.rid)?,
            shown: None,
            doubles: Vec::new(),
            fault: None,
        }),
    }
}

impl EnvState {
    /// The rule that a record breaks, of those that only holders of the key can check.
    pub(super) fn fault_of(&self, shown: &Shown) -> Option<Broken> {
        let id = (shown.kept.rid, shown.kept.ver);
        let mut rows = self.file.quarantine.iter();
        rows.find(|row| (row.rid, row.ver) == id).map(|row| row.why)
    }
}

impl Shown {
    /// The row that sets it aside.
    pub(super) fn set_aside(&self, why: Broken) -> Quarantined {
        Quarantined {
            rid: self.kept.rid,
            ver: self.kept.ver,
            why,
        }
    }

    /// Its names, where they can be read.
    pub(super) fn meta(&self) -> Option<&Meta> {
        match &self.opened {
            Opened::Names(meta) => Some(meta),
            Opened::Deleted | Opened::Locked | Opened::Broken(_) => None,
        }
    }
}

/// Whether every name that is asked for is anywhere.
///
/// # Errors
/// `not_found`.
pub(super) fn are_there(all: &[Sides<'_>], names: Option<&[SecretName]>) -> Result<(), Refusal> {
    let there: BTreeSet<&SecretName> = all.iter().map(|sides| &sides.name).collect();
    let nowhere = names
        .into_iter()
        .flatten()
        .find(|name| !there.contains(name));
    nowhere.map_or(Ok(()), |name| {
        Err(Refusal::new(
            Code::NotFound,
            text!("there is no `{}`, here or in the team", *name),
            "see what there is: withheld diff",
        ))
    })
}

/// Those that are asked for; all, where none is named.
pub(super) fn chosen<'a>(
    all: Vec<Sides<'a>>,
    names: Option<&[SecretName]>,
) -> impl Iterator<Item = Sides<'a>> {
    let names: Option<BTreeSet<&SecretName>> = names.map(|names| names.iter().collect());
    let is_named = move |sides: &Sides<'_>| {
        let names = names.as_ref();
        names.is_none_or(|names| names.contains(&sides.name))
    };
    all.into_iter().filter(is_named)
}

/// An environment of the team, in which the owner of this device has this right, and whose keys are
/// here.
///
/// # Errors
/// `not_found`, `no_grant`, `unverified`.
pub(super) fn open_env<'a>(
    state: &'a State,
    environment: &Environment,
    right: Right,
) -> Result<(EnvId, &'a Arc<EnvState>), Refusal> {
    let env = state.env_named(environment).ok_or_else(|| {
        Refusal::new(
            Code::NotFound,
            text!("the team has no `{}`", *environment),
            text!(
                "an admin of the team shares it at a terminal: withheld push -e {}",
                *environment
            ),
        )
    })?;
    if state.my_right(&env) < right {
        let verb = if right == Right::Write {
            "write"
        } else {
            "read"
        };
        return Err(Refusal::new(
            Code::NoGrant,
            text!(
                "the owner of this device may not {} `{}`",
                verb,
                *environment
            ),
            "ask an admin of the team: withheld team members",
        ));
    }
    let here = state.envs.get(&env).ok_or_else(locked)?;
    if here.is_locked(&state.chain) {
        return Err(locked());
    }
    Ok((env, here))
}
