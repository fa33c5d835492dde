//! The way to the team's server: bytes that are sealed and signed already, out and back. No paper is
//! asked for and no value of the vault can come along: none of their types is in a signature here.
//!
//! The dialler is the one there is, and judges as ever; a private address is allowed, because the
//! owner named this server.

mod server;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, ETAG, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::time::timeout;
use withheld_core::destination::{Host, Scheme};
use withheld_core::{Code, Refusal, text};
use withheld_secret::SecretValue;

use crate::address::Reach;
use crate::connection::{Connection, Lost, broken, silent};
use crate::reply::may_be_kept;
use crate::tls::Tls;
use crate::upload::{Outgoing, Progress};
use crate::{Limits, Wire, place};

pub use server::TeamServer;
pub(crate) use waiting::Waiting;

/// The largest reply: a page of the history, with the records in it.
const LARGEST_REPLY_BYTES: usize = 16 * 1024 * 1024;
/// The server only reads and writes: it thinks less long than a model does. Also between two pieces
/// of a body.
const SILENCE: Duration = Duration::from_secs(30);
const OFFLINE: &str = "check the server and this machine's network; everything but membership works from the local copy meanwhile";

/// A request to the team's server.
#[derive(Clone, Debug)]
pub struct Carried {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The target, beginning with `/v1/`.
    pub path_and_query: String,
    /// Further fields. Host, length and authorization are not the caller's to set.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What opens a server for its first team: stands in one field of one request.
pub struct Token(SecretValue);

impl Token {
    /// The value is the token.
    #[must_use]
    pub fn of(value: SecretValue) -> Self {
        Self(value)
    }
}

/// What the server answered, whatever it is: it is judged by what is signed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The status. A redirection is handed back like any other, and never followed.
    pub status: u16,
    /// The field `ETag`.
    pub etag: Option<String>,
    /// The body, at most 16 MiB.
    pub body: Vec<u8>,
}

/// Carries a request and reads the whole reply.
pub(crate) async fn post(
    wire: &Wire,
    server: &TeamServer,
    request: Carried,
    token: Option<Token>,
) -> Result<Returned, Refusal> {
    let letter = Letter::new(server, request, token)?;
    let kept = wire.waiting.take(server, wire.limits.idle);
    let carried = match kept {
        None => Err(Undelivered::Unsent),
        Some(kept) => letter.carry(server.host(), kept, &wire.limits).await,
    };
    let carried = match carried {
        // The server had hung up on a connection that waited: nothing has happened yet.
        Err(fault) if letter.may_go_again(&fault) => {
            let fresh = open(wire, server).await;
            let fresh = fresh.map_err(|refusal| told(server, refusal))?;
            letter.carry(server.host(), fresh, &wire.limits).await
        }
        carried => carried,
    };
    let (returned, connection) = carried.map_err(|fault| fault.refusal(server))?;
    if let Some(connection) = connection {
        wire.waiting.put(server, connection, wire.limits.idle);
    }
    Ok(returned)
}

/// A connection: dialled at a judged address and, under https, verified.
async fn open(wire: &Wire, server: &TeamServer) -> Result<Connection, Refusal> {
    match server.scheme() {
        Scheme::Https => secured(wire, &wire.tls, server).await,
        Scheme::Http => in_the_clear(wire, server).await,
    }
}

async fn secured(wire: &Wire, tls: &Tls, server: &TeamServer) -> Result<Connection, Refusal> {
    let trust = tls.trust_team(server.extra_ca())?;
    let (host, port) = (server.host(), server.port());
    let tcp = wire.dialler.dial(host, port, Reach::Private).await?;
    Connection::open(host, trust.connect(host, tcp, wire.limits.handshake).await?).await
}

/// Clear text goes to addresses of this machine only: the name `localhost` is not resolved.
async fn in_the_clear(wire: &Wire, server: &TeamServer) -> Result<Connection, Refusal> {
    let mut last = None;
    for host in server.loopback() {
        match wire
            .dialler
            .dial(&host, server.port(), Reach::Private)
            .await
        {
            Ok(tcp) => return Connection::open(server.host(), tcp).await,
            Err(refusal) => last = Some(refusal),
        }
    }
    Err(last.unwrap_or_else(|| broken(server.host())))
}

/// A request that is ready to be written.
struct Letter {
    method: Method,
    target: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// Why there is no reply.
enum Undelivered {
    /// Not a byte was written.
    Unsent,
    /// The connection ended or went silent before a head came.
    Lost(Refusal),
    /// What came is no reply, or only the beginning of one.
    Unreadable(Refusal),
}

impl Undelivered {
    fn refusal(self, server: &TeamServer) -> Refusal {
        match self {
            Self::Unsent => told(server, broken(server.host())),
            Self::Lost(refusal) | Self::Unreadable(refusal) => told(server, refusal),
        }
    }
}

impl Letter {
    fn new(server: &TeamServer, request: Carried, token: Option<Token>) -> Result<Self, Refusal> {
        let method = match request.method {
            "GET" => Method::GET,
            "POST" => Method::POST,
            _ => return Err(misused()),
        };
        let target = request.path_and_query.parse().map_err(|_| misused())?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| misused())?;
            let value = HeaderValue::from_str(value).map_err(|_| misused())?;
            if [AUTHORIZATION, HOST, CONTENT_LENGTH].contains(&name) {
                return Err(misused());
            }
            headers.append(name, value);
        }
        let authority = HeaderValue::from_str(&server.authority()).map_err(|_| misused())?;
        headers.insert(HOST, authority);
        if method == Method::POST {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
        }
        if let Some(Token(token)) = token {
            headers.insert(AUTHORIZATION, place::bearer_token(&token)?);
        }
        Ok(Self {
            method,
            target,
            headers,
            body: Bytes::from(request.body),
        })
    }

    /// What changes nothing may be asked twice; anything else only where the first time was none.
    fn may_go_again(&self, fault: &Undelivered) -> bool {
        match fault {
            Undelivered::Unsent => true,
            Undelivered::Lost(refusal) => {
                self.method == Method::GET && refusal.code == Code::UpstreamBroken
            }
            Undelivered::Unreadable(_) => false,
        }
    }

    fn request(&self, progress: &Arc<Progress>) -> Request<Outgoing> {
        let body = Full::new(self.body.clone()).map_err(|never| match never {});
        let mut request = Request::new(Outgoing::new(body.boxed(), Arc::clone(progress)));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// The reply, and the connection where it may serve again.
    async fn carry(
        &self,
        host: &Host,
        mut connection: Connection,
        limits: &Limits,
    ) -> Result<(Returned, Option<Connection>), Undelivered> {
        let progress = Arc::new(Progress::default());
        let silence = limits.head.min(SILENCE);
        let response = connection
            .exchange(host, self.request(&progress), &progress, silence)
            .await
            .map_err(|lost| match lost {
                Lost::Unsent(_) => Undelivered::Unsent,
                Lost::Failed(refusal) => Undelivered::Lost(refusal),
            })?;
        let kept = may_be_kept(&response) && progress.ended.load(Relaxed);
        let (status, etag) = (response.status().as_u16(), etag(response.headers()));
        let body = timeout(limits.body, whole(host, response.into_body(), silence))
            .await
            .unwrap_or_else(|_| Err(silent(host)));
        match body {
            Ok(body) => {
                let returned = Returned { status, etag, body };
                Ok((returned, kept.then_some(connection)))
            }
            Err(refusal) => {
                connection.cut();
                Err(Undelivered::Unreadable(refusal))
            }
        }
    }
}

fn etag(headers: &HeaderMap) -> Option<String> {
    headers.get(ETAG)?.to_str().ok().map(str::to_owned)
}

/// The body to its end; a server that goes on for ever or stops in the middle is not waited for.
async fn whole(host: &Host, mut body: Incoming, silence: Duration) -> Result<Vec<u8>, Refusal> {
    let mut read = BytesMut::new();
    loop {
        let frame = timeout(silence, body.frame()).await;
        let Some(frame) = frame.map_err(|_| silent(host))? else {
            return Ok(read.into());
        };
        let Ok(data) = frame.map_err(|_| broken(host))?.into_data() else {
            continue;
        };
        if read.len() + data.len() > LARGEST_REPLY_BYTES {
            return Err(Refusal::new(
                Code::UpstreamBroken,
                text!("`{}` answers with more than 16 MiB", *host),
                OFFLINE,
            ));
        }
        read.extend_from_slice(&data);
    }
}

/// A failure of the way, as it is said of the team's server.
fn told(server: &TeamServer, refusal: Refusal) -> Refusal {
    match refusal.code {
        Code::UpstreamUnreachable | Code::UpstreamTimeout | Code::UpstreamBroken => {
            Refusal::new(Code::ServerUnreachable, refusal.message, OFFLINE)
        }
        Code::UpstreamAddressRefused => Refusal::new(
            Code::UpstreamAddressRefused,
            text!(
                "the server `{}` leads to an address that may not be dialled",
                *server.host()
            ),
            "check what the name resolves to; metadata services and this broker's own listener are never reached",
        ),
        _ => refusal,
    }
}

fn misused() -> Refusal {
    Refusal::new(
        Code::Internal,
        "a request to the team's server could not be written",
        "report this as a bug; nothing was sent",
    )
}
