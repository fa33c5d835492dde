//! The team of this home, while the vault is open.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use withheld_core::{Code, Refusal};
use withheld_vault::Unlocked;
use withheld_vault::team::Team;

use crate::clock;
use crate::courier::Courier;
use crate::house::{House, lock, locked_meanwhile};

#[cfg(test)]
mod tests;

/// How long somebody who only looks waits for the server.
const GLANCE: Duration = Duration::from_secs(2);
/// Between two looks at the server when nobody asks.
const REST: Duration = Duration::from_secs(60);
/// The same while somebody who is invited may join: the keys are sealed by whoever is there.
const EXPECTING: Duration = Duration::from_secs(2);

/// What is known of the team.
#[derive(Default)]
pub(crate) enum TeamState {
    /// None, or nobody can say while the vault is locked.
    #[default]
    None,
    /// The verified copy.
    Here(Arc<Team>),
    /// The copy here is not the one that was written last. Nothing of it is used.
    Broken(Refusal),
}

impl TeamState {
    /// What a vault that was just opened knows of its team. A copy that does not verify closes the team
    /// and not the vault.
    pub(crate) fn of(vault: &Arc<Unlocked>) -> Self {
        match Team::open(vault) {
            // Begun and not answered it is none yet: the command that began it goes on with it.
            Ok(Some(team)) if !team.is_begun() => Self::Here(Arc::new(team)),
            Ok(_) => Self::None,
            Err(refusal) => Self::Broken(refusal),
        }
    }
}

/// The look at the server that is under way, for everybody who only looks.
#[derive(Default)]
pub(crate) struct Glances(Mutex<Option<Arc<Glance>>>);

/// One look.
struct Glance {
    team: Arc<Team>,
    /// What came of it: nothing yet, or that all is well, or what is wrong.
    found: Mutex<Option<Option<Refusal>>>,
    over: Condvar,
}

impl Glance {
    /// What comes of it, if it does in time.
    fn wait(&self) -> Option<Refusal> {
        let found = self
            .over
            .wait_timeout_while(lock(&self.found), GLANCE, |found| found.is_none());
        let (found, _) = found.unwrap_or_else(PoisonError::into_inner);
        found.clone().unwrap_or_else(|| Some(slow()))
    }
}

/// Whoever looks. Dropped, it says what came of it, also where it panicked.
struct Looker {
    house: Arc<House>,
    glance: Arc<Glance>,
    found: Option<Refusal>,
}

impl Looker {
    fn look(mut self) {
        self.found = self.house.sync(&self.glance.team).err();
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        let mut under_way = lock(&self.house.glances.0);
        let is_own = |one: &mut Arc<Glance>| Arc::ptr_eq(one, &self.glance);
        under_way.take_if(is_own);
        drop(under_way);
        *lock(&self.glance.found) = Some(self.found.take());
        self.glance.over.notify_all();
    }
}

impl House {
    /// The team.
    ///
    /// # Errors
    /// `not_found` where there is none, `vault_locked`; why the copy here cannot be used.
    pub(crate) fn team(&self) -> Result<Arc<Team>, Refusal> {
        self.unlocked()?;
        match &**self.team.load() {
            TeamState::Here(team) => Ok(Arc::clone(team)),
            TeamState::Broken(refusal) => Err(refusal.clone()),
            TeamState::None => Err(no_team()),
        }
    }

    /// The team, where there is one that can be used.
    pub(crate) fn team_here(&self) -> Option<Arc<Team>> {
        self.team().ok()
    }

    /// The team, if it is still this one: who waited may meet another copy of it since, or none.
    ///
    /// # Errors
    /// `vault_locked`.
    pub(crate) fn still_team(&self, team: &Arc<Team>) -> Result<(), Refusal> {
        if Arc::ptr_eq(&self.team()?, team) {
            return Ok(());
        }
        Err(locked_meanwhile())
    }

    /// A team of this vault is the team of the house from now on.
    ///
    /// # Errors
    /// `vault_locked` where the vault was locked meanwhile: the team is there at the next unlock.
    pub(crate) fn take_in(&self, vault: &Unlocked, team: Team) -> Result<Arc<Team>, Refusal> {
        let _switching = self.switching();
        self.still(vault)?;
        let team = Arc::new(team);
        self.team
            .store(Arc::new(TeamState::Here(Arc::clone(&team))));
        Ok(team)
    }

    /// A team that is over, because its owner was removed and joins one again, is not the house's any more.
    pub(crate) fn take_out(&self, team: &Arc<Team>) {
        let _switching = self.switching();
        let here = self.team.load();
        if matches!(&**here, TeamState::Here(other) if Arc::ptr_eq(other, team)) && team.is_over() {
            self.team.store(Arc::new(TeamState::None));
        }
    }

    /// Looks what the server has, for somebody who only looks: who is slow is not waited for. However
    /// many look, the server is asked once. `None` where all is well.
    pub(crate) fn glance(self: &Arc<Self>, team: &Arc<Team>) -> Option<Refusal> {
        let mut under_way = lock(&self.glances.0);
        let is_of_it = |one: &&Arc<Glance>| Arc::ptr_eq(&one.team, team);
        let glance = match under_way.as_ref().filter(is_of_it) {
            Some(glance) => Arc::clone(glance),
            None => self.look(under_way.insert(Arc::new(Glance {
                team: Arc::clone(team),
                found: Mutex::default(),
                over: Condvar::new(),
            }))),
        };
        drop(under_way);
        glance.wait()
    }

    fn look(self: &Arc<Self>, glance: &Arc<Glance>) -> Arc<Glance> {
        let looker = Looker {
            house: Arc::clone(self),
            glance: Arc::clone(glance),
            found: Some(slow()),
        };
        tokio::task::spawn_blocking(move || looker.look());
        Arc::clone(glance)
    }

    /// Looks what the server has, and does for others what this device can do for them.
    ///
    /// # Errors
    /// As [`Team::sync`].
    pub(crate) fn sync(self: &Arc<Self>, team: &Team) -> Result<(), Refusal> {
        let mut courier = Courier::to(self, &team.server())?;
        team.sync(&mut courier, clock::now()).map(drop)
    }
}

/// Looks at the server from time to time, so that who joins gets keys and who was removed loses them
/// also while nobody types a command here. Ends with the process.
pub(crate) async fn keep_watch(house: Arc<House>) {
    loop {
        let team = house.team_here();
        let expects = team
            .as_ref()
            .is_some_and(|team| !team.guests(clock::now()).is_empty());
        let rest = if expects { EXPECTING } else { REST };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = house.invited.notified() => {}
        }
        if let Some(team) = house.team_here() {
            let house = Arc::clone(&house);
            // What is wrong is said to whoever asks next.
            let _ = tokio::task::spawn_blocking(move || house.sync(&team)).await;
        }
    }
}

pub(crate) fn no_team() -> Refusal {
    Refusal::new(
        Code::NotFound,
        "this installation belongs to no team",
        "the owner founds one: withheld team create NAME --server URL; or joins one: withheld team join",
    )
}

pub(crate) fn slow() -> Refusal {
    Refusal::new(
        Code::ServerUnreachable,
        "the team's server is slow to answer",
        "what is here stays in use; try again: withheld pull",
    )
}
