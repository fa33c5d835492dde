//! A look at the values themselves: whether what is here is what the team has, told by opening it.

use std::sync::Arc;

use withheld_core::Refusal;
use withheld_core::name::Environment;
use withheld_team::drift::{Local, State as Drift, Trust};
use withheld_team::links::Right;

use super::Team;
use super::env_state::EnvState;
use super::formats::Row;
use super::sides::{open_env, sides};
use super::state::State;
use super::tags::Tags;

/// Looks after which somebody else is changing the same things all the time; what was seen is then noted
/// by the next pull or push.
const LOOKS: usize = 4;

impl Team {
    /// Opens every value that was set since it was last applied, and notes those that are what the team
    /// has after all. Nothing is carried, and whoever waits for the server is not waited for.
    ///
    /// # Errors
    /// What opening a value refuses; `not_found`, `no_grant`, `unverified` as for a pull.
    pub fn compare(&self, environment: &Environment) -> Result<(), Refusal> {
        for _ in 0..LOOKS {
            let before = self.state();
            let (env, here) = open_env(&before, environment, Right::Read)?;
            let same = self.alike(&before, here, environment)?;
            if same.is_empty() {
                return Ok(());
            }
            let mut saying = self.say();
            // What was applied meanwhile is looked at anew.
            let now = saying.before().envs.get(&env);
            if now.is_some_and(|now| Arc::ptr_eq(now, here)) {
                saying.next.env_mut(&env).file.settle(same);
                return saying.keep();
            }
        }
        Ok(())
    }

    /// What is here as the team has it, although it was set anew.
    fn alike(
        &self,
        state: &State,
        here: &EnvState,
        environment: &Environment,
    ) -> Result<Vec<Row>, Refusal> {
        let mut tags = Tags::new(here, &state.chain);
        let mut same = Vec::new();
        for sides in sides(state, environment, self.vault.names(environment)) {
            let Some(held) = &sides.held else {
                continue;
            };
            let local = tags.local(&self.vault, environment, &sides)?;
            let is_new = sides.local() != Local::Unchanged;
            match (sides.base, local) {
                (Some(base), Local::Unchanged) if is_new => {
                    let mut row = base.clone();
                    row.local = held.version;
                    same.push(row);
                }
                _ if is_new && sides.state(Trust::Verified, local) == Drift::InSync => {
                    same.extend(sides.row(held.version));
                }
                _ => {}
            }
        }
        Ok(same)
    }

    /// Whether the team has an environment of this name.
    #[must_use]
    pub fn has(&self, environment: &Environment) -> bool {
        self.state().env_named(environment).is_some()
    }

    /// Whether what the team has of an environment can be opened here.
    ///
    /// # Errors
    /// Why not: `not_found`, `no_grant`, `unverified`.
    pub fn is_open(&self, environment: &Environment) -> Result<(), Refusal> {
        open_env(&self.state(), environment, Right::Read).map(drop)
    }

    /// Whether the keys of an environment are here.
    #[must_use]
    pub fn has_keys(&self, environment: &Environment) -> bool {
        let state = self.state();
        let env = state.env_named(environment);
        let here = env.and_then(|env| state.envs.get(&env));
        here.is_some_and(|here| !here.is_locked(&state.chain))
    }
}
