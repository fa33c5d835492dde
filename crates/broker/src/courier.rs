//! Carries the team's bytes: what the vault sealed and signed, through the one way out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;
use withheld_audit::{SyncAct, Who};
use withheld_core::Refusal;
use withheld_vault::team::{Answer, Asker, Noted, Outgoing, Post, PushStep, ServerAddress};
use withheld_wire::{Carried, TeamServer, Token};

use crate::house::{House, locked_meanwhile};
use crate::team_room::slow;

#[cfg(test)]
mod tests;

/// How long all exchanges of one command may take together: each of many could be just in time. Bytes
/// that were carried give some of it back, so that much to carry comes to an end on a slow way, too.
const ALL_EXCHANGES: Duration = Duration::from_secs(60);
/// What is left is never more than this, however much was carried.
const MOST: Duration = Duration::from_secs(10 * 60);
/// Bytes that give a millisecond back: 64 kB a second are as slow as a way may be.
const BYTES_PER_MS: usize = 64;
/// How long an agent waits for others that talk to the server.
const AGENTS_PATIENCE: Duration = Duration::from_secs(10);

/// A way to one server, for as long as the vault stays open. To be used where blocking is allowed.
pub(crate) struct Courier {
    house: Arc<House>,
    runtime: Handle,
    server: TeamServer,
    /// What a server asks for before it takes a new workspace; sent once.
    token: Option<Token>,
    /// How often the vault was locked, and how often when this began.
    locks: watch::Receiver<u64>,
    began: u64,
    /// What is left of the time for all exchanges.
    left: Duration,
    asker: Option<Asker>,
    patience: Option<Duration>,
}

impl Courier {
    /// Carries to this server, verified by the system's roots and the owner's `extra-ca`.
    ///
    /// # Errors
    /// `usage` for an address that is none, `config_invalid`, `vault_locked`.
    pub(crate) fn to(house: &Arc<House>, server: &ServerAddress) -> Result<Self, Refusal> {
        let extra = crate::config::Config::of(&house.home)?.extra_ca;
        let locks = house.locks.subscribe();
        let began = *locks.borrow();
        // Looked at after that: a lock that comes now is seen by one of the two.
        house.unlocked()?;
        Ok(Self {
            server: TeamServer::parse(&server.written())?.with_extra_ca(extra),
            house: Arc::clone(house),
            runtime: Handle::current(),
            token: None,
            locks,
            began,
            left: ALL_EXCHANGES,
            asker: None,
            patience: None,
        })
    }

    /// The same, and what is pushed is theirs in the log.
    pub(crate) fn asked_by(self, who: &Who) -> Self {
        let asker = Asker {
            agent: who.agent.clone(),
            session: who.session,
        };
        Self {
            asker: Some(asker),
            ..self
        }
    }

    /// The same for an agent, who does not wait without an end.
    pub(crate) fn for_agent(self) -> Self {
        Self {
            patience: Some(AGENTS_PATIENCE),
            ..self
        }
    }

    /// The same, and the token with the first request.
    pub(crate) fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }
}

impl Post for Courier {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        if self.left.is_zero() {
            return Err(slow());
        }
        let carried = Carried {
            method: request.method,
            path_and_query: request.path,
            headers: request.headers,
            body: request.body,
        };
        let (began, left) = (self.began, self.left);
        let sent_bytes = carried.body.len();
        let sent = self
            .house
            .wire
            .post(&self.server, carried, self.token.take());
        let locked = self.locks.wait_for(|count| *count != began);
        let since = Instant::now();
        let returned = self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = locked => Err(locked_meanwhile()),
                sent = timeout(left, sent) => sent.unwrap_or_else(|_| Err(slow())),
            }
        });
        let came = returned.as_ref().map_or(0, |returned| returned.body.len());
        let bytes = if returned.is_ok() {
            sent_bytes + came
        } else {
            0
        };
        self.left = left_after(left, since.elapsed(), bytes);
        let returned = returned?;
        Ok(Answer {
            status: returned.status,
            etag: returned.etag,
            body: returned.body,
        })
    }

    fn patience(&self) -> Option<Duration> {
        self.patience
    }

    fn asker(&self) -> Option<Asker> {
        self.asker.clone()
    }

    fn note(&mut self, noted: Noted) -> Result<(), Refusal> {
        let who = Who {
            agent: noted.by.agent,
            session: noted.by.session,
            environment: noted.environment.clone(),
            claimed: None,
        };
        let act = match noted.step {
            PushStep::Begun => SyncAct::Pushing,
            PushStep::Stored => SyncAct::Pushed,
            PushStep::Withdrawn => SyncAct::Withdrawn,
        };
        let log = self.house.log()?;
        log.sync(&who, &noted.environment, act, &noted.versions)
    }
}

/// What is left after an exchange that took so long and carried so much.
fn left_after(left: Duration, took: Duration, bytes: usize) -> Duration {
    let back = u64::try_from(bytes / BYTES_PER_MS).unwrap_or(u64::MAX);
    let left = left.saturating_sub(took);
    left.saturating_add(Duration::from_millis(back)).min(MOST)
}
