//! The yardstick "floor": the least that a proxy with two TLS legs must do. It ends the client's TLS,
//! puts the credential into one header, and sends the request over a pooled connection. No session,
//! no policy, no log, no wash.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::{self, HOST, Leaf, Resume};
use crate::{Outcome, child, connect};

/// Connections kept for one origin; more than any load here opens.
const IDLE_PER_ORIGIN: usize = 128;

/// Runs it until the parent ends.
///
/// # Errors
/// When the folder does not hold what [`save`] wrote.
pub(crate) fn main(folder: &Path) -> Outcome {
    let roots = std::fs::read_to_string(folder.join("origin-ca.pem"))?;
    let credential = std::fs::read_to_string(folder.join("credential"))?;
    let floor = Floor::new(&Leaf::load(folder)?, &roots, &credential)?;
    child::serve(|listener| floor.accept(listener))
}

/// Writes what the floor reads at its start.
///
/// # Errors
/// When the folder does not take the files.
pub(crate) fn save(folder: &Path, leaf: &Leaf, roots: &str, credential: &str) -> Outcome {
    leaf.save(folder)?;
    std::fs::write(folder.join("origin-ca.pem"), roots)?;
    std::fs::write(folder.join("credential"), credential)?;
    Ok(())
}

/// The proxy.
pub(crate) struct Floor {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    authorization: HeaderValue,
    idle: Mutex<HashMap<Arc<str>, Vec<Sender>>>,
}

type Sender = SendRequest<Incoming>;
type Answer = Response<BoxBody<Bytes, hyper::Error>>;

impl Floor {
    /// One that shows this leaf, trusts these roots and puts this credential in.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub(crate) fn new(leaf: &Leaf, roots: &str, credential: &str) -> Outcome<Arc<Self>> {
        Ok(Arc::new(Self {
            acceptor: TlsAcceptor::from(leaf.server()?),
            connector: TlsConnector::from(tls::client(roots, Resume::Yes)?),
            authorization: HeaderValue::from_str(&format!("Bearer {credential}"))?,
            idle: Mutex::default(),
        }))
    }

    /// Serves every connection.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let floor = Arc::clone(&self);
                // A client that leaves has been answered or does not wait any more.
                tokio::spawn(async move { floor.serve(stream).await.ok() });
            }
        }
    }

    async fn serve(self: Arc<Self>, mut client: TcpStream) -> Outcome {
        client.set_nodelay(true)?;
        let authority: Arc<str> = connect::asked(&mut client).await?.into();
        connect::granted(&mut client).await?;
        let client = self.acceptor.accept(client).await?;
        let service = service_fn(|request| {
            let (floor, authority) = (Arc::clone(&self), Arc::clone(&authority));
            async move {
                let answer = floor.forward(authority, request).await;
                Ok::<_, Infallible>(answer.unwrap_or_else(|_| bad_gateway()))
            }
        });
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(client), service)
            .await?;
        Ok(())
    }

    async fn forward(
        self: Arc<Self>,
        authority: Arc<str>,
        mut request: Request<Incoming>,
    ) -> Outcome<Answer> {
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.authorization.clone());
        let mut sender = self.sender(&authority).await?;
        let response = sender.send_request(request).await?;
        Ok(response.map(|body| {
            let back = Some((self, authority, sender));
            Relay {
                body,
                ended: false,
                back,
            }
            .boxed()
        }))
    }

    /// A connection that waits for a request, or a new one.
    async fn sender(&self, authority: &str) -> Outcome<Sender> {
        while let Some(mut sender) = self.pooled(authority) {
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let stream = connect::dial(authority).await?;
        let stream = self.connector.connect(ServerName::try_from(HOST)?, stream);
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream.await?)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn pooled(&self, authority: &str) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.get_mut(authority)?.pop()
    }

    fn give_back(&self, authority: Arc<str>, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = idle.entry(authority).or_default();
        if !sender.is_closed() && idle.len() < IDLE_PER_ORIGIN {
            idle.push(sender);
        }
    }
}

fn bad_gateway() -> Answer {
    let body = Empty::new().map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// A reply's body. At its end the connection goes back to the pool.
struct Relay {
    body: Incoming,
    ended: bool,
    back: Option<(Arc<Floor>, Arc<str>, Sender)>,
}

impl Body for Relay {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.ended |= frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Here and not at the last frame: hyper's server asks for no further one once Content-Length is met,
/// and a chunked body does not say that it is at its end. Each sign alone would lose the pooling.
impl Drop for Relay {
    fn drop(&mut self) {
        let at_end = self.ended || self.body.is_end_stream();
        if let Some((floor, authority, sender)) = self.back.take().filter(|_| at_end) {
            floor.give_back(authority, sender);
        }
    }
}
