//! How a request reaches its upstream: how far, by which roots, and on whose connection.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use withheld_core::ask::Ask;
use withheld_core::destination::{Host, Scheme};
use withheld_core::name::{BindingId, SessionId};
use withheld_core::policy::{Pass, Use};
use withheld_core::{Code, Refusal, text};

use crate::address::Reach;
use crate::connection::{Connection, Lost};
use crate::pool::{Key, Lease};
use crate::reply::may_be_kept;
use crate::tls::Trust;
use crate::upload::{Outgoing, Progress};
use crate::{Failed, Wire};

/// The way of one request.
pub(crate) struct Route {
    key: Arc<Key>,
    /// `None` for clear text.
    trust: Option<Trust>,
    /// The host (and port) as `Host` has it.
    pub(crate) authority: String,
    /// A secret of the vault is or was bound to the host.
    pub(crate) bound: bool,
}

/// A connection, and whether it has served before.
pub(crate) enum Link {
    Kept(Connection),
    Fresh(Connection),
}

impl Route {
    /// For a request with credentials: reaching and trusting only what every one of its bindings does.
    ///
    /// # Errors
    /// `upstream_untrusted` where the bindings trust different roots, or roots that cannot be read.
    pub(crate) fn with(
        wire: &Wire,
        session: &SessionId,
        ask: &Ask,
        uses: &[Use],
    ) -> Result<Self, Refusal> {
        let ca = uses.first().and_then(|one| one.binding.ca.as_deref());
        if uses.iter().any(|one| one.binding.ca.as_deref() != ca) {
            return Err(Refusal::new(
                Code::UpstreamUntrusted,
                text!(
                    "the bindings of this request trust different certificates for `{}`",
                    *ask.host()
                ),
                "have the owner bind both secrets with the same `--ca FILE`",
            ));
        }
        let private = !uses.is_empty() && uses.iter().all(|one| one.binding.private);
        let bindings = uses.iter().map(|one| one.binding.id).collect();
        Self::new(
            wire,
            session,
            ask,
            bindings,
            Terms {
                ca,
                private,
                bound: true,
            },
        )
    }

    /// For a request without a credential; `washed` where a secret is or was bound to its host.
    ///
    /// # Errors
    /// `upstream_untrusted` where the roots cannot be read.
    pub(crate) fn without(
        wire: &Wire,
        session: &SessionId,
        pass: &Pass,
        washed: bool,
    ) -> Result<Self, Refusal> {
        let binding = pass.binding();
        let terms = Terms {
            ca: binding.and_then(|binding| binding.ca.as_deref()),
            private: binding.is_some_and(|binding| binding.private),
            bound: binding.is_some() || washed,
        };
        Self::new(wire, session, pass.ask(), Vec::new(), terms)
    }

    fn new(
        wire: &Wire,
        session: &SessionId,
        ask: &Ask,
        bindings: Vec<BindingId>,
        terms: Terms<'_>,
    ) -> Result<Self, Refusal> {
        let trust = match ask.scheme() {
            Scheme::Https => Some(wire.tls.trust(terms.ca)?),
            Scheme::Http => None,
        };
        Ok(Self {
            key: Arc::new(Key {
                session: *session,
                bindings,
                host: ask.host().clone(),
                port: ask.port(),
                reach: if terms.private {
                    Reach::Private
                } else {
                    Reach::Public
                },
                trust: trust.as_ref().map(|trust| trust.number),
            }),
            trust,
            authority: ask.authority_text(),
            bound: terms.bound,
        })
    }

    /// A connection that waits, or a new one: dialled at a judged address and, under https, verified.
    ///
    /// # Errors
    /// Those of dialling and of the handshake: `upstream_*`.
    pub(crate) async fn connect(&self, wire: &Wire) -> Result<Link, Refusal> {
        match wire.pool.take(&self.key) {
            Some(kept) => Ok(Link::Kept(kept)),
            None => self.open(wire).await.map(Link::Fresh),
        }
    }

    async fn open(&self, wire: &Wire) -> Result<Connection, Refusal> {
        let (host, port) = (&self.key.host, self.key.port);
        let tcp = wire.dialler.dial(host, port, self.key.reach).await?;
        match &self.trust {
            Some(trust) => {
                Connection::open(host, trust.connect(host, tcp, wire.limits.handshake).await?).await
            }
            None => Connection::open(host, tcp).await,
        }
    }

    /// Sends the request and waits for the head of its reply. A request that hyper hands back unsent
    /// goes by another connection; what may have arrived is never sent again.
    ///
    /// # Errors
    /// `upstream_*`, or what was wrong with the client's body; [`Failed::sent`] tells whether it may have
    /// arrived.
    pub(crate) async fn exchange(
        &self,
        wire: &Wire,
        mut link: Link,
        mut request: Request<Outgoing>,
        progress: &Arc<Progress>,
        keep: bool,
    ) -> Result<(Response<Incoming>, Lease), Failed> {
        loop {
            let (mut connection, was_kept) = match link {
                Link::Kept(connection) => (connection, true),
                Link::Fresh(connection) => (connection, false),
            };
            match connection
                .exchange(&self.key.host, request, progress, wire.limits.head)
                .await
            {
                Ok(response) => {
                    let keep = keep && may_be_kept(&response);
                    let lease = Lease::new(
                        &wire.pool,
                        &self.key,
                        connection,
                        Arc::clone(progress),
                        keep,
                    );
                    return Ok((response, lease));
                }
                Err(Lost::Unsent(unsent)) if was_kept => request = unsent,
                Err(Lost::Unsent(_)) => return Err(Failed::unsent(self.hung_up())),
                Err(Lost::Failed(refusal)) => {
                    connection.cut();
                    return Err(Failed::sent(refusal));
                }
            }
            link = self.connect(wire).await.map_err(Failed::unsent)?;
        }
    }

    /// Where it leads.
    pub(crate) fn host(&self) -> &Host {
        &self.key.host
    }

    fn hung_up(&self) -> Refusal {
        Refusal::new(
            Code::UpstreamUnreachable,
            text!("`{}` hung up before the request was sent", self.key.host),
            "try again; nothing was sent",
        )
    }
}

/// What bindings say about the way.
struct Terms<'a> {
    ca: Option<&'a str>,
    private: bool,
    bound: bool,
}
