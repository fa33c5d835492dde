//! The clean room: places a credential in a request that was judged, dials, sends, and washes the
//! reply. [`Wire::send`] is the only code in the house that can put a value on a network, and this
//! crate the only one that opens a connection outwards.
//!
//! This crate must never know: where values rest, who the agent is, any log. It reports by return
//! value.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use withheld_audit::Receipt;
use withheld_core::destination::{Host, HostPattern};
use withheld_core::name::{SecretName, SessionId};
use withheld_core::policy::{Pass, Permit};
use withheld_core::{Code, Refusal};
use withheld_secret::{SecretValue, Values};

mod address;
mod armory;
mod connection;
mod dial;
mod failed;
mod outgoing;
mod part;
mod place;
mod pool;
mod post;
mod reply;
mod route;
mod send;
mod source;
mod strip;
#[cfg(test)]
mod tests;
mod tls;
mod upload;
pub(crate) mod wash;

pub use armory::Arming;
pub use failed::Failed;
pub use place::can_carry;
pub use post::{Carried, Returned, TeamServer, Token};
pub use reply::{Reply, ReplyBody, ReplyFault};
pub use send::Still;
pub use upload::{Upload, UploadFault};
pub use wash::Meter;

use armory::{Armory, Arms};
use dial::{Dialler, Judge, Own, Resolver, System};
use pool::Pool;
use route::Route;
use strip::Towards;
use tls::Tls;

/// How many certificates a PEM file holds; `None` where there is none, or one of them cannot be a
/// root.
#[must_use]
pub fn certificates_in(pem: &str) -> Option<usize> {
    tls::certificates(pem).map(|all| all.len())
}

/// What the wire is told once.
pub struct WireConfig {
    /// Whether an address is one of the broker's own listeners: never dialled, bound or not.
    pub own: Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>,
    /// The name of this broker in `Via`, a token that no other broker has: a request that comes
    /// round with it is refused.
    pub via: String,
}

/// A secret that a session's replies are washed of.
pub struct Armed {
    /// Which one; stands in the marker `[withheld:NAME]` where there is no replacement.
    pub name: SecretName,
    /// What stands in the place of an echo: the session's placeholder. Empty for the marker.
    pub replacement: String,
    /// The value.
    pub value: SecretValue,
    /// The public beginning of keys of its kind, such as `sk_live_`: not searched for on its own. It
    /// counts only where the value really begins with it.
    pub prefix: String,
}

/// How long the other side may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// To resolve a name; and to accept a connection.
    pub(crate) connect: Duration,
    /// To finish a TLS handshake.
    pub(crate) handshake: Duration,
    /// Between the request and the head of the reply. Language models think for minutes.
    pub(crate) head: Duration,
    /// Between two pieces of a reply's body.
    pub(crate) body: Duration,
    /// A connection waits for its next request.
    pub(crate) idle: Duration,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    handshake: Duration::from_secs(10),
    head: Duration::from_secs(600),
    body: Duration::from_secs(300),
    idle: Duration::from_secs(60),
};

/// Sends requests and washes their replies.
pub struct Wire {
    dialler: Dialler,
    tls: Tls,
    pool: Arc<Pool>,
    /// Connections to the team's server.
    waiting: post::Waiting,
    armory: Armory,
    via: String,
    limits: Limits,
}

impl Wire {
    /// A wire that dials by the system's resolver. Nothing is read or opened yet.
    ///
    /// # Errors
    /// `config_invalid` where `via` is not a token.
    pub fn new(config: WireConfig) -> Result<Self, Refusal> {
        Self::with(config, Arc::new(System), address::class, LIMITS)
    }

    pub(crate) fn with(
        config: WireConfig,
        resolver: Arc<dyn Resolver>,
        judge: Judge,
        limits: Limits,
    ) -> Result<Self, Refusal> {
        let is_token = |via: &str| {
            !via.is_empty()
                && via
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        if !is_token(&config.via) {
            return Err(Refusal::new(
                Code::ConfigInvalid,
                "the broker's name in `Via` is not a token",
                "use letters, digits, `-`, `.` and `_`",
            ));
        }
        let own: Own = config.own;
        Ok(Self {
            dialler: Dialler::new(resolver, judge, own, limits.connect),
            tls: Tls::default(),
            pool: Arc::new(Pool::new(limits.idle)),
            waiting: post::Waiting::default(),
            armory: Armory::default(),
            via: config.via,
            limits,
        })
    }

    /// Gives a session the needles that its replies are washed of: every value that it may be sent, and
    /// every one that it was. In place of those it had; the values are dropped when this returns. To be
    /// called before any of them can be sent: an open reply that was not searched for all of them is cut.
    pub fn arm(&self, session: SessionId, secrets: Vec<Armed>) -> Arming {
        self.armory.give(session, &secrets)
    }

    /// Gives a session more needles beside those that it was given by `had`. What it has already is not
    /// given twice. `None`, and nothing given, where it was armed anew or disarmed since: then
    /// [`Wire::arm`] it.
    #[must_use]
    pub fn arm_more(&self, session: SessionId, had: Arming, secrets: Vec<Armed>) -> Option<Arming> {
        self.armory.give_more(session, had, secrets)
    }

    /// Forgets a session: its needles, and the connections that wait for it.
    pub fn disarm(&self, session: &SessionId) {
        self.armory.take(session);
        self.pool.retain(|one| one != session);
    }

    /// Forgets every session for which `keep` says no.
    pub fn retain(&self, keep: impl Fn(&SessionId) -> bool) {
        self.armory.retain(&keep);
        self.pool.retain(keep);
    }

    /// Secrets are bound to these hosts, or about to be: for as long as this wire lives, their replies
    /// are washed whoever asks, also when the bindings are gone. What was sent there may come back.
    pub fn bound<'a>(&self, hosts: impl IntoIterator<Item = &'a HostPattern>) {
        self.armory.add_hosts(hosts);
    }

    /// Whether the replies of this host are washed because of [`Wire::bound`].
    #[must_use]
    pub fn washes(&self, host: &Host) -> bool {
        self.armory.washes(host)
    }

    /// Sends a request with its credentials and washes the reply. `still` is asked once the upstream is
    /// verified, before a value is placed.
    ///
    /// # Errors
    /// [`Failed`], with `upstream_*`, `value_unusable`, `reply_undecodable`, `vault_locked` (the
    /// session is not armed), `conflict` (its needles were replaced while the reply was waited for),
    /// what was wrong with the client's body, or `internal` where the papers are of different requests
    /// or the session is not armed with what is to be sent. `sent` says whether the request may have
    /// arrived.
    pub async fn send(
        &self,
        session: &SessionId,
        permit: Permit,
        receipt: Receipt,
        values: Values,
        body: Upload,
        still: &Still<'_>,
    ) -> Result<Reply, Failed> {
        send::send(self, session, permit, receipt, values, body, still).await
    }

    /// Sends a request without a credential; washes the reply of a host that a secret is bound to, or
    /// was (see [`Wire::bound`]).
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn pass(
        &self,
        session: &SessionId,
        pass: Pass,
        receipt: Receipt,
        body: Upload,
    ) -> Result<Reply, Failed> {
        send::pass(self, session, pass, receipt, body).await
    }

    /// Carries a request to the team's server and brings its whole reply. The bytes are sealed and
    /// signed by whoever calls; `token` is the one that opens a server for a first team, and goes into
    /// the field `Authorization` alone.
    ///
    /// # Errors
    /// `server_unreachable` where nothing answers in time and as HTTP asks; `upstream_untrusted`,
    /// `upstream_address_refused`; `value_unusable` for the token; `internal` for a request that
    /// cannot be written.
    pub async fn post(
        &self,
        server: &TeamServer,
        request: Carried,
        token: Option<Token>,
    ) -> Result<Returned, Refusal> {
        post::post(self, server, request, token).await
    }

    /// A session without needles gets no reply: nothing could be washed out of it.
    fn arms(&self, session: &SessionId) -> Result<Arc<Arms>, Refusal> {
        self.armory.of(session).ok_or_else(|| {
            Refusal::new(
                Code::VaultLocked,
                "the vault is locked, so no reply could be searched for its values",
                "have the owner run `withheld unlock`",
            )
        })
    }

    fn towards<'a>(&'a self, route: &'a Route, washed: bool) -> Towards<'a> {
        Towards {
            bound: route.bound,
            washed,
            authority: &route.authority,
            via: &self.via,
        }
    }
}
