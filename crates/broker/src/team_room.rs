//! The team of this home, while the vault is open.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use withheld_core::{Code, Refusal};
use withheld_vault::Unlocked;
use withheld_vault::team::Team;

use crate::clock;
use crate::courier::Courier;
use crate::house::House;

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
            Ok(Some(team)) => Self::Here(Arc::new(team)),
            Ok(None) => Self::None,
            Err(refusal) => Self::Broken(refusal),
        }
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

    /// Looks what the server has, for somebody who only looks: who is slow is not waited for. `None`
    /// where all is well.
    pub(crate) fn glance(self: &Arc<Self>, team: &Arc<Team>) -> Option<Refusal> {
        let (tell, told) = mpsc::channel();
        let (house, team) = (Arc::clone(self), Arc::clone(team));
        tokio::task::spawn_blocking(move || {
            // Who asked may have gone on.
            let _ = tell.send(house.sync(&team));
        });
        match told.recv_timeout(GLANCE) {
            Ok(synced) => synced.err(),
            Err(_) => Some(slow()),
        }
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

fn slow() -> Refusal {
    Refusal::new(
        Code::ServerUnreachable,
        "the team's server is slow to answer",
        "what is here stays in use; try again: withheld pull",
    )
}
