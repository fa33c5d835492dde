//! Carries the team's bytes: what the vault sealed and signed, through the one way out.

use std::sync::Arc;

use tokio::runtime::Handle;
use withheld_core::Refusal;
use withheld_vault::team::{Answer, Outgoing, Post, ServerAddress};
use withheld_wire::{Carried, TeamServer, Token};

use crate::house::House;

/// A way to one server. To be used where blocking is allowed.
pub(crate) struct Courier {
    house: Arc<House>,
    runtime: Handle,
    server: TeamServer,
    /// What a server asks for before it takes a new workspace; sent once.
    token: Option<Token>,
}

impl Courier {
    /// Carries to this server, verified by the system's roots and the owner's `extra-ca`.
    ///
    /// # Errors
    /// `usage` for an address that is none, `config_invalid`.
    pub(crate) fn to(house: &Arc<House>, server: &ServerAddress) -> Result<Self, Refusal> {
        let extra = crate::config::Config::of(&house.home)?.extra_ca;
        Ok(Self {
            server: TeamServer::parse(&server.written())?.with_extra_ca(extra),
            house: Arc::clone(house),
            runtime: Handle::current(),
            token: None,
        })
    }

    /// The same, and the token with the first request.
    pub(crate) fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }
}

impl Post for Courier {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        let carried = Carried {
            method: request.method,
            path_and_query: request.path,
            headers: request.headers,
            body: request.body,
        };
        let sent = self
            .house
            .wire
            .post(&self.server, carried, self.token.take());
        let returned = self.runtime.block_on(sent)?;
        Ok(Answer {
            status: returned.status,
            etag: returned.etag,
            body: returned.body,
        })
    }
}
