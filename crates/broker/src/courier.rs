//! Carries the team's bytes: what the vault sealed and signed, through the one way out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;
use withheld_core::Refusal;
use withheld_vault::team::{Answer, Outgoing, Post, ServerAddress};
use withheld_wire::{Carried, TeamServer, Token};

use crate::house::{House, locked_meanwhile};
use crate::team_room::slow;

#[cfg(test)]
mod tests;

/// How long all exchanges of one command may take together: each of many could be just in time.
const ALL_EXCHANGES: Duration = Duration::from_secs(60);

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
        })
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
        self.left = left.saturating_sub(since.elapsed());
        let returned = returned?;
        Ok(Answer {
            status: returned.status,
            etag: returned.etag,
            body: returned.body,
        })
    }
}
