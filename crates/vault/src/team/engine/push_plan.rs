//! What a push is to do, decided before anything is sealed.

use std::collections::BTreeMap;

use withheld_core::name::{Environment, SecretName};
use withheld_core::{Code, Refusal, text};
use withheld_team::commit::Entry;
use withheld_team::drift::{Local, State as Drift, Trust};
use withheld_team::id::{Hash, RecordId};
use withheld_team::links::Right;

use super::Team;
use super::create::random;
use super::formats::Row;
use super::sides::{Sides, are_there, chosen, open_env, sides};
use super::state::State;
use super::tags::Tags;
use crate::origin::Origin;

/// What is asked for.
pub(super) struct Ask<'a> {
    pub(super) environment: &'a Environment,
    pub(super) names: Option<&'a [SecretName]>,
    pub(super) take_local: bool,
    /// New versions of what the team has, and nothing else: nothing is shown for the first time and
    /// nothing is taken away, whatever changed since the names were chosen.
    pub(super) only_known: bool,
}

/// What is to be done.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    /// What is here is the team's already.
    pub(super) settled: Vec<Row>,
    pub(super) diverged: Vec<SecretName>,
    pub(super) tampered: Vec<SecretName>,
}

/// The next version of a secret.
pub(super) struct Change {
    pub(super) name: SecretName,
    pub(super) rid: RecordId,
    /// What stands there.
    pub(super) before: Option<Entry>,
    /// The version in the vault; none where the secret is to be deleted.
    pub(super) local: Option<u64>,
    /// Other records of this name, which go.
    pub(super) doubles: Vec<RecordId>,
}

impl Team {
    /// What is to be pushed. `agreed` is what stood against a local change when `take_local` was
    /// decided: what came since was not meant.
    pub(super) fn plan(
        &self,
        before: &State,
        ask: &Ask<'_>,
        agreed: &mut Option<BTreeMap<SecretName, Hash>>,
    ) -> Result<Plan, Refusal> {
        let (_, here) = open_env(before, ask.environment, Right::Write)?;
        let all = sides(before, ask.environment, self.vault.names(ask.environment));
        let mut tags = Tags::new(here, &before.chain);
        let mut plan = Plan::default();
        let mut stood = BTreeMap::new();
        if agreed.is_none() {
            are_there(&all, ask.names)?;
        }
        for sides in chosen(all, ask.names) {
            let local = tags.local(&self.vault, ask.environment, &sides)?;
            let theirs = sides.theirs.as_ref().map(|theirs| theirs.entry.record);
            stood.extend(theirs.map(|record| (sides.name.clone(), record)));
            let meant = agreed
                .as_ref()
                .is_none_or(|agreed| agreed.get(&sides.name) == theirs.as_ref());
            plan.add(&sides, local, ask, ask.take_local && meant)?;
        }
        agreed.get_or_insert(stood);
        Ok(plan)
    }
}

impl Plan {
    fn add(
        &mut self,
        sides: &Sides<'_>,
        local: Local,
        ask: &Ask<'_>,
        take_local: bool,
    ) -> Result<(), Refusal> {
        if ask.only_known && (sides.held.is_none() || !sides.is_live()) {
            return Ok(());
        }
        let named = ask.names.is_some() && !ask.only_known;
        match sides.state(Trust::Verified, local) {
            Drift::LocalOnly | Drift::Ahead => self.change(sides, named),
            Drift::Diverged if take_local => self.change(sides, named),
            Drift::Diverged => {
                self.diverged.push(sides.name.clone());
                Ok(())
            }
            Drift::Tampered if take_local && named => self.change(sides, named),
            Drift::Tampered => {
                self.tampered.push(sides.name.clone());
                Ok(())
            }
            Drift::InSync => {
                self.settled.extend(sides.unknown_match());
                if sides.is_newly_bound && sides.is_live() {
                    return self.change(sides, named);
                }
                Ok(())
            }
            Drift::Behind | Drift::RemoteOnly | Drift::Unverified | Drift::Missing => Ok(()),
        }
    }

    fn change(&mut self, sides: &Sides<'_>, named: bool) -> Result<(), Refusal> {
        match &sides.held {
            Some(held) if held.origin == Origin::Agent => {
                return if named {
                    Err(an_agents(&sides.name))
                } else {
                    Ok(())
                };
            }
            // What is gone here goes for the team only by its name.
            None if !named => return Ok(()),
            _ => {}
        }
        let theirs = sides
            .theirs
            .as_ref()
            .filter(|theirs| theirs.shown.is_some());
        if theirs.is_none() && sides.held.is_none() {
            return Ok(());
        }
        self.changes.push(Change {
            name: sides.name.clone(),
            rid: match theirs {
                Some(theirs) => theirs.entry.rid,
                None => RecordId::of(random()?),
            },
            before: theirs.map(|theirs| theirs.entry),
            local: sides.held.as_ref().map(|held| held.version),
            doubles: theirs.map_or_else(Vec::new, |theirs| theirs.doubles.clone()),
        });
        Ok(())
    }
}

fn an_agents(name: &SecretName) -> Refusal {
    Refusal::new(
        Code::NoGrant,
        text!("`{}` came from an agent: it is not for the team", *name),
        text!("give the team one of your own: withheld set {}", *name),
    )
}
