//! What may be said of a team, and the words of the chain as the words of the core.

use withheld_core::destination::{Host, Scheme};
use withheld_core::name::{Environment, PersonName, SecretName};
use withheld_core::team::{Right, Role};
use withheld_core::{Moment, Refusal, plain};
use withheld_team::links;

use super::create;
use crate::team::invitation::Server;

plain! {
    /// A secret that somebody could read who may not any more: change it where it is used.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Exposed {
        /// The secret.
        pub name: SecretName,
        /// Its environment.
        pub environment: Environment,
        /// Who could read it.
        pub who: PersonName,
        /// When that ended, by the clock of who ended it.
        pub since: Moment,
    }

    /// Where a team's server is.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ServerAddress {
        /// `http` only for one on this machine.
        pub scheme: Scheme,
        /// Its host.
        pub host: Host,
        /// Its port.
        pub port: u16,
    }
}

impl ServerAddress {
    /// Reads `https://HOST[:PORT]`, or `http://127.0.0.1:PORT`.
    ///
    /// # Errors
    /// `usage`.
    pub fn parse(written: &str) -> Result<Self, Refusal> {
        create::server(written).map(|server| Self::of(&server))
    }

    /// As [`ServerAddress::parse`] reads it.
    #[must_use]
    pub fn written(&self) -> String {
        let host = self.host.as_str();
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        if self.port == self.scheme.default_port() {
            return format!("{}://{host}", self.scheme);
        }
        format!("{}://{host}:{}", self.scheme, self.port)
    }

    pub(super) fn of(server: &Server) -> Self {
        Self {
            scheme: server.scheme,
            host: server.host.clone(),
            port: server.port,
        }
    }
}

/// A role, as the chain has it.
pub(super) fn on_chain(role: Role) -> links::Role {
    match role {
        Role::Member => links::Role::Member,
        Role::Admin => links::Role::Admin,
        Role::Owner => links::Role::Owner,
    }
}

/// A role of the chain.
pub(super) fn role(role: links::Role) -> Role {
    match role {
        // No chain of this version has a machine.
        links::Role::Machine | links::Role::Member => Role::Member,
        links::Role::Admin => Role::Admin,
        links::Role::Owner => Role::Owner,
    }
}

/// A right, as the chain has it.
pub(super) fn right_on_chain(right: Right) -> links::Right {
    match right {
        Right::None => links::Right::None,
        Right::Read => links::Right::Read,
        Right::Write => links::Right::Write,
    }
}

/// A right of the chain.
pub(super) fn right(right: links::Right) -> Right {
    match right {
        // No chain of this version has `meta`.
        links::Right::None | links::Right::Meta => Right::None,
        links::Right::Read => Right::Read,
        links::Right::Write => Right::Write,
    }
}
