//! Which secrets go, and which of it an agent may say.

use std::sync::Arc;

use withheld_core::name::SecretName;
use withheld_core::team::Take;
use withheld_core::{Code, Refusal, text};
use withheld_vault::Origin;
use withheld_vault::team::{Drift, DriftRow, Team};

use super::drift;
use crate::house::House;
use crate::team_api::Scope;

impl Scope {
    /// Which side is right where both changed a secret is for its owner to say.
    pub(super) fn may_decide(&self, take: Option<Take>) -> Result<(), Refusal> {
        if take.is_none() || !self.is_agent() {
            return Ok(());
        }
        Err(Refusal::new(
            Code::OwnerNeeded,
            "an agent does not decide which side of a secret is right",
            "leave `--take` out; the owner looks first: withheld diff",
        ))
    }

    /// The secrets to push. An agent's are new versions, which the owner stored here, of what the team
    /// has: to show the team a secret for the first time, or to take one away from it, is the owner's.
    pub(super) fn to_push(
        &self,
        house: &Arc<House>,
        team: &Arc<Team>,
    ) -> Result<Option<Vec<SecretName>>, Refusal> {
        let Some(record) = &self.grants else {
            return Ok((!self.names.is_empty()).then(|| self.names.clone()));
        };
        let held = house.unlocked()?.names(&self.environment);
        let is_owners = |name: &SecretName| {
            let mut held = held.iter();
            held.any(|held| held.name == *name && held.origin != Origin::Agent)
        };
        let (rows, _) = drift(house, team, &self.environment);
        let theirs = rows.into_iter().filter(|row| {
            row.remote_version.is_some()
                && row.provisional != Drift::LocalOnly
                && is_owners(&row.name)
        });
        let mut names: Vec<_> = theirs.map(|row| row.name).collect();
        if self.names.is_empty() {
            names.retain(|name| record.grants(name));
            return Ok(Some(names));
        }
        match self.names.iter().find(|name| !names.contains(name)) {
            None => Ok(Some(self.names.clone())),
            Some(name) => Err(Refusal::new(
                Code::OwnerNeeded,
                text!(
                    "`{}` is not a secret that both the team and the owner's vault have",
                    *name
                ),
                text!(
                    "the owner shows it to the team, or takes it away: withheld push {} -e {}",
                    *name,
                    self.environment
                ),
            )),
        }
    }

    /// The secrets to pull: those that were named. An agent that names none means those that it is
    /// granted and that `wants` pulling: naming them all would undo, too.
    pub(super) fn names(
        &self,
        house: &Arc<House>,
        team: &Arc<Team>,
        wants: impl Fn(&DriftRow) -> bool,
    ) -> Option<Vec<SecretName>> {
        if !self.names.is_empty() {
            return Some(self.names.clone());
        }
        let record = self.grants.as_ref()?;
        let (rows, _) = drift(house, team, &self.environment);
        let granted = rows
            .into_iter()
            .filter(|row| record.grants(&row.name) && wants(row));
        Some(granted.map(|row| row.name).collect())
    }
}
