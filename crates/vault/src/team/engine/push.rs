//! A push: what changed here goes to the team, in commits on top of what the team has. A commit is on
//! the disk before it is sent, and is sent again unchanged until the server has said yes or no; so it is
//! there once, whenever this process is killed.

use std::sync::Arc;

use withheld_core::name::{Environment, SecretName};
use withheld_core::{Moment, Refusal, plain};
use withheld_team::links::Right;

use super::Team;
use super::formats::Row;
use super::pull::NamedVersion;
use super::push_plan::Ask;
use super::sides::{open_env, sides};
use super::state::State;
use super::sync::{TRIES, busy};
use super::talk::Sent;
use crate::team::post::Post;

plain! {
    /// What a push did.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Pushed {
        /// Secrets that the team has as they are here, and which version of theirs that is.
        pub pushed: Vec<NamedVersion>,
        /// Secrets that were removed here, and now for the team.
        pub removed: Vec<SecretName>,
        /// Secrets that both sides changed: left as they were.
        pub diverged: Vec<SecretName>,
        /// Secrets whose record breaks a rule: left as they were.
        pub tampered: Vec<SecretName>,
        /// Secrets that the team has in this environment.
        pub total: u64,
        /// The commit of the environment that this is the state of.
        pub at: u64,
    }
}

impl Team {
    /// Brings the team to what is here: what was changed here, and what only is here, unless an agent
    /// put it there. A secret that was removed here is removed for the team only when it is named.
    /// Secrets that both sides changed are left alone; with `take_local` those that are here are taken,
    /// for named ones also over a record that breaks a rule.
    ///
    /// # Errors
    /// `not_found` for an environment that the team does not have and for a name that is nowhere,
    /// `no_grant` without the right to write and for a named value that an agent put there,
    /// `unverified` where a key is missing, `conflict` where others are faster five times,
    /// `server_unreachable`: what was sent is sent again with the next sync; as [`Team::sync`].
    pub fn push(
        &self,
        post: &mut dyn Post,
        environment: &Environment,
        names: Option<&[SecretName]>,
        take_local: bool,
        now: Moment,
    ) -> Result<Pushed, Refusal> {
        let ask = Ask {
            environment,
            names,
            take_local,
            only_known: false,
        };
        self.push_what(post, &ask, now)
    }

    /// Brings the team to new versions of these secrets, of those that the team has and the owner of
    /// this device stored: nothing is shown to it for the first time, and nothing taken away.
    ///
    /// # Errors
    /// As [`Team::push`].
    pub fn push_known(
        &self,
        post: &mut dyn Post,
        environment: &Environment,
        names: &[SecretName],
        now: Moment,
    ) -> Result<Pushed, Refusal> {
        let ask = Ask {
            environment,
            names: Some(names),
            take_local: false,
            only_known: true,
        };
        self.push_what(post, &ask, now)
    }

    fn push_what(
        &self,
        post: &mut dyn Post,
        ask: &Ask<'_>,
        now: Moment,
    ) -> Result<Pushed, Refusal> {
        let _talking = self.talk(post)?;
        let environment = ask.environment;
        self.finish_journals()?;
        let unanswered = self.unanswered(post, environment);
        self.catch_up(post, now)?;
        self.serve_others(post, now)?;
        let mut done = Pushed::default();
        done.count(&self.settled_of(environment, unanswered));
        let mut agreed = None;
        let mut tries = 0;
        while tries < TRIES {
            let before = self.state();
            let plan = self.plan(&before, ask, &mut agreed)?;
            let before = self.keep_settled(&before, environment, plan.settled)?;
            if plan.changes.is_empty() {
                return Ok(self.ended(done, environment, plan.diverged, plan.tampered));
            }
            let (env, _) = open_env(&before, environment, Right::Write)?;
            let Some(batch) = self.seal(&before, &env, environment, plan.changes)? else {
                tries += 1;
                continue;
            };
            let rows = batch.rows.clone();
            match self.commit(post, &before, &env, batch, now)? {
                Sent::Stored => done.count(&rows),
                Sent::Refused(refusal) => return Err(refusal),
                Sent::Moved => {
                    tries += 1;
                    self.catch_up(post, now)?;
                    self.serve_others(post, now)?;
                }
            }
        }
        Err(busy())
    }

    fn keep_settled(
        &self,
        before: &Arc<State>,
        environment: &Environment,
        rows: Vec<Row>,
    ) -> Result<Arc<State>, Refusal> {
        let Some(env) = before.env_named(environment).filter(|_| !rows.is_empty()) else {
            return Ok(Arc::clone(before));
        };
        let mut next = State::clone(before);
        next.env_mut(&env).file.settle(rows);
        self.keep(next)
    }

    fn ended(
        &self,
        done: Pushed,
        environment: &Environment,
        diverged: Vec<SecretName>,
        tampered: Vec<SecretName>,
    ) -> Pushed {
        let state = self.state();
        let all = sides(&state, environment, Vec::new());
        Pushed {
            diverged,
            tampered,
            total: all.iter().filter(|sides| sides.is_live()).count() as u64,
            at: self.as_of(environment).map_or(0, |as_of| as_of.e),
            ..done
        }
    }
}

impl Pushed {
    fn count(&mut self, rows: &[Row]) {
        for row in rows {
            if row.local == 0 {
                self.removed.push(row.name.clone());
            } else {
                self.pushed.push(NamedVersion {
                    name: row.name.clone(),
                    version: row.ver,
                });
            }
        }
    }
}
