//! Stage 3: a tunnel ends here. What the client sends inside is read as requests, each judged on its
//! own.

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use withheld_core::ask::{Terms, Way};
use withheld_core::destination::Host;
use withheld_core::{Code, Refusal, text};

use crate::body::AgentBody;
use crate::clock;
use crate::door::gate::{Gate, Report};
use crate::door::proxy::{arrival, unreadable};
use crate::door::serve::{PATIENCE, serve};
use crate::drain::Guest;
use crate::house::House;
use crate::refusal_reply::{self, Form};
use crate::visitor::Visitor;
use crate::walk::walk;

type Inside = crate::door::gate::Tunnel<TcpStream>;

/// The first byte of every TLS record that a client begins with (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// A fatal `unrecognized_name` alert (RFC 6066), as a record of its own.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// A tunnel that was asked for.
#[derive(Clone)]
pub(crate) struct Tunnel {
    house: Arc<House>,
    visitor: Visitor,
    /// The authority of the CONNECT.
    to: (Host, u16),
}

/// Answers the CONNECT and takes the connection over.
pub(crate) fn open(
    tunnel: Tunnel,
    mut request: Request<Incoming>,
    guest: Guest,
) -> Response<AgentBody> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(run(tunnel, upgrade, guest));
    Response::new(AgentBody::Empty)
}

/// How a tunnel ends is its client's affair: there is nobody to tell.
async fn run(tunnel: Tunnel, upgrade: OnUpgrade, guest: Guest) -> Option<()> {
    let upgraded = upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Gate<TcpStream>>>().ok()?;
    // The Gate gives hyper nothing behind a CONNECT. If it ever did, nobody would have judged it.
    if !parts.read_buf.is_empty() {
        return None;
    }
    let mut inside = parts.io.into_inner().into_tunnel();
    let first = timeout(PATIENCE, inside.first_byte()).await.ok()?.ok()??;
    if first == HANDSHAKE {
        let stream = timeout(PATIENCE, tunnel.accept(inside)).await.ok()??;
        tunnel.serve(stream, guest, false).await;
    } else {
        tunnel.serve(inside, guest, true).await;
    }
    Some(())
}

impl Tunnel {
    pub(crate) fn new(house: &Arc<House>, visitor: Visitor, host: Host, port: u16) -> Self {
        Self {
            house: Arc::clone(house),
            visitor,
            to: (host, port),
        }
    }

    /// The TLS handshake, with a leaf for the authority of the CONNECT and no other.
    async fn accept(&self, inside: Inside) -> Option<TlsStream<Inside>> {
        let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), inside);
        let mut start = acceptor.await.ok()?;
        let named = start.client_hello().server_name().map(Host::parse);
        if named.is_some_and(|named| named.as_ref() != Ok(&self.to.0)) {
            // Best effort: the client learns the reason, or that the connection ended.
            let _ = start.io.write_all(&UNRECOGNIZED_NAME).await;
            let _ = start.io.shutdown().await;
            return None;
        }
        let config = self.leaf().ok()?;
        start.into_stream(config).await.ok()
    }

    fn leaf(&self) -> Result<Arc<rustls::ServerConfig>, Refusal> {
        let now = clock::now();
        let authority = self.house.unlocked()?.authority(now)?;
        self.house.leaves.of(&self.to.0, &authority, now)
    }

    async fn serve<S>(self, io: S, guest: Guest, is_clear: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let key = self.house.gate_key.clone();
        serve(io, key, guest, |request, report| {
            let tunnel = self.clone();
            async move { tunnel.answer(request, report, is_clear).await }
        })
        .await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        report: Report,
        is_clear: bool,
    ) -> Response<AgentBody> {
        if let Some(why) = report.take(request.headers()) {
            return unreadable(&self.house, Some(&self.visitor), why);
        }
        let is_connect = *request.method() == Method::CONNECT;
        let reply = if is_clear {
            self.refuse_clear(&request)
        } else {
            let terms = Terms {
                way: Way::Proxy,
                tunnel: Some(self.to.clone()),
                target: None,
                named: Vec::new(),
            };
            walk(&self.house, &self.visitor, arrival(request, terms, &report)).await
        };
        if is_connect {
            report.connect_refused();
        }
        reply
    }

    /// Clear text in a tunnel: whoever asked for one has something to hide, and we cannot send it on
    /// with a credential.
    fn refuse_clear(&self, request: &Request<Incoming>) -> Response<AgentBody> {
        let refusal = Refusal::new(
            Code::CleartextRefused,
            text!("the tunnel to `{}` carries clear text", self.to.0),
            text!("use https://{}", self.to.0),
        );
        let refusal = self
            .house
            .refuse_unread(&self.visitor, Some(&self.to), refusal);
        refusal_reply::reply(
            &refusal.into(),
            Form::of(request.headers()),
            request.method(),
        )
    }
}
