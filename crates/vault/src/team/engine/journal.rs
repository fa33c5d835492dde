//! The journal of a pull, and what was last applied.

use std::collections::{BTreeMap, BTreeSet};

use withheld_core::Refusal;
use withheld_core::name::SecretName;
use withheld_team::id::EnvId;

use super::Team;
use super::formats::{EnvFile, Row};
use super::state::State;
use crate::origin::Origin;

impl Team {
    /// What was being applied when the process was killed, or the last write refused: applied, where
    /// the vault has it; else it was never done, and is done again at the next pull.
    pub(super) fn finish_journals(&self) -> Result<(), Refusal> {
        let before = self.state();
        let open = before
            .envs
            .values()
            .filter(|env| !env.file.journal.is_empty());
        let open: Vec<_> = open.collect();
        if open.is_empty() {
            return Ok(());
        }
        let mut next = State::clone(&before);
        for env in open {
            let file = &mut next.env_mut(&env.file.env).file;
            let mut rows = std::mem::take(&mut file.journal);
            let Some(environment) = before.name_of(&env.file.env) else {
                continue;
            };
            let held = self.vault.names(environment);
            let held: BTreeMap<_, _> = held.iter().map(|held| (&held.name, held)).collect();
            rows.retain(|row| match held.get(&row.name) {
                // A version of this number that somebody else put there is not the team's.
                Some(held) => held.version == row.local && held.origin == Origin::Member,
                None => row.local == 0,
            });
            file.settle(rows);
        }
        self.keep(next).map(drop)
    }

    /// What was about to be applied and was not.
    pub(super) fn drop_journal(&self, env: &EnvId) -> Result<(), Refusal> {
        let before = self.state();
        let mut next = State::clone(&before);
        next.env_mut(env).file.journal.clear();
        self.keep(next).map(drop)
    }
}

impl EnvFile {
    /// Makes these rows what was last applied. One of a secret that is gone goes.
    pub(super) fn settle(&mut self, rows: Vec<Row>) {
        let names: BTreeSet<&SecretName> = rows.iter().map(|row| &row.name).collect();
        self.base.retain(|base| !names.contains(&base.name));
        self.base
            .extend(rows.into_iter().filter(|row| row.local != 0));
    }
}
