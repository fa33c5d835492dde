//! The engine: keeps a verified copy of the team on this machine, and changes the team. It decides which
//! bytes go to the server and what becomes of those that come back; a [`Post`] carries them.
//!
//! The server is trusted with nothing but to keep and to hand on. What it shows is verified whole before
//! any of it is kept, and what does not verify is kept as evidence and changes nothing.

mod batch;
mod bindings;
mod card;
mod compare;
mod contents;
mod create;
mod directory;
mod draft;
mod drift_rows;
mod elsewhere;
mod env_keys;
mod env_state;
mod faults;
mod files;
mod formats;
mod join;
mod journal;
mod links;
mod outbox;
mod people;
mod pull;
mod push;
mod push_plan;
mod reached;
mod rekey;
mod removal;
mod round;
mod shown;
mod sides;
mod state;
mod sync;
mod tags;
mod talk;
mod turn;
mod values;
mod waiting;
mod words;
mod wrap;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use withheld_core::{Code, Moment, Refusal};

pub use create::Create;
pub use drift_rows::{AsOf, DriftRow};
pub use files::is_in_team;
pub use join::Card;
pub use people::{InvitationLine, Invite};
pub use pull::{Fetched, NamedVersion, Pulled};
pub use push::Pushed;
pub use removal::Removed;
pub use shown::{Freshness, Guest, LogRow, MemberRow, What};
pub use sync::Synced;
pub use waiting::{WaitingBinding, widens};
pub use words::{Exposed, ServerAddress};

use crate::team::invitation::Server;
use crate::team::keys::DeviceSeed;
use crate::vault::Unlocked;
use state::{State, not_any_more};
use talk::{By, Line};
use turn::{Talking, Turn};

use super::post::Post;

/// The team that this installation belongs to. To be dropped with the vault.
pub struct Team {
    vault: Arc<Unlocked>,
    seed: DeviceSeed,
    server: Server,
    /// What was verified last. Replaced whole; never held while bytes are carried.
    state: Mutex<Arc<State>>,
    /// Who talks to the server.
    turn: Turn,
    /// Held by whoever replaces the state, only while it is written to the disk. What the owner says here
    /// is said without waiting for the server.
    keeping: Mutex<()>,
    /// Whether another one takes its place in this home: it writes no more.
    is_over: AtomicBool,
    /// Bytes of sealed values that one pull may bring: they are in memory together.
    room: usize,
}

impl Team {
    /// The team of this vault; `None` where there is none. Everything that is kept of it is verified
    /// anew.
    ///
    /// # Errors
    /// `store_corrupt` and `rollback_detected`, naming the file that is not the latest that was
    /// written; `keychain_unavailable`, `store_unavailable`.
    pub fn open(vault: &Arc<Unlocked>) -> Result<Option<Self>, Refusal> {
        let Some(seed) = vault.device_seed()? else {
            return Ok(None);
        };
        let Some(state) = State::load(vault, &seed)? else {
            return Ok(None);
        };
        let team = Self::with(vault, seed, state)?;
        team.finish_journals()?;
        Ok(Some(team))
    }

    fn with(vault: &Arc<Unlocked>, seed: DeviceSeed, state: State) -> Result<Self, Refusal> {
        Ok(Self {
            vault: Arc::clone(vault),
            server: Server::parse(&state.file.server).ok_or_else(files::impossible)?,
            seed,
            state: Mutex::new(Arc::new(state)),
            turn: Turn::default(),
            keeping: Mutex::default(),
            is_over: AtomicBool::new(false),
            room: values::ROOM,
        })
    }

    /// Whether it was begun here and the server has not answered yet: `create` or `join` goes on with it,
    /// or forgets it and begins anew. There is no team before that.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.state().is_begun()
    }

    /// Where the team's server is.
    #[must_use]
    pub fn server(&self) -> ServerAddress {
        ServerAddress::of(&self.server)
    }

    /// What was verified last.
    fn state(&self) -> Arc<State> {
        Arc::clone(&lock(&self.state))
    }

    /// The turn to talk to the server.
    ///
    /// # Errors
    /// `conflict` where others talk to it for longer than whoever asks waits.
    fn talk(&self, post: &dyn Post) -> Result<Talking<'_>, Refusal> {
        self.turn.wait(post.patience())
    }

    /// Makes what a conversation came to the state, on the disk first. The caller has the turn.
    fn keep(&self, next: State) -> Result<Arc<State>, Refusal> {
        let mut saying = self.say();
        saying.next = next.after(saying.before());
        saying.write()
    }

    /// Begins a change by the owner, on top of the newest state. Nobody else changes it until this is
    /// dropped.
    fn say(&self) -> Saying<'_> {
        let keeping = lock(&self.keeping);
        let before = self.state();
        Saying {
            team: self,
            next: State::clone(&before),
            before,
            _keeping: keeping,
        }
    }

    /// A conversation as this device.
    fn line<'a>(&'a self, post: &'a mut dyn Post, now: Moment) -> Line<'a> {
        let device = self.state().file.device;
        self.line_by(By::Device(&self.seed, device), post, now)
    }

    fn line_by<'a>(&'a self, by: By<'a>, post: &'a mut dyn Post, now: Moment) -> Line<'a> {
        Line::new(post, &self.server, by, now, Some(&self.vault))
    }
}

/// A change of the state.
struct Saying<'a> {
    team: &'a Team,
    before: Arc<State>,
    next: State,
    _keeping: MutexGuard<'a, ()>,
}

impl Saying<'_> {
    fn before(&self) -> &Arc<State> {
        &self.before
    }

    fn keep(self) -> Result<(), Refusal> {
        self.write().map(drop)
    }

    fn write(self) -> Result<Arc<State>, Refusal> {
        let Team { vault, seed, .. } = self.team;
        if self.team.is_over.load(Ordering::SeqCst) {
            return Err(not_any_more());
        }
        let kept = Arc::new(self.next.keep(Some(&self.before), vault, seed)?);
        *lock(&self.team.state) = Arc::clone(&kept);
        Ok(kept)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// There is a team here already.
fn there_is_one() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "this installation belongs to a team already",
        "use another home for another team: withheld --home DIR team join",
    )
}

#[cfg(test)]
mod tests;
