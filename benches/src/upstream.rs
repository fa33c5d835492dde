//! The origin: HTTPS over HTTP/1.1 on loopback. It answers only who brings the credential, so an
//! answer that is counted is one whose credential arrived.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::tls::Leaf;
use crate::{Outcome, child};

const MIB: usize = 1 << 20;
/// The most that one frame of a body holds.
const FRAME_BYTES: usize = 64 << 10;

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// 200 bytes of JSON: what most API calls are like.
    Small,
    /// 10 MiB of text.
    TenMib,
    /// 1 GiB of text.
    OneGib,
}

impl Page {
    const ALL: [Self; 3] = [Self::Small, Self::TenMib, Self::OneGib];

    /// The target of its request.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Small => "/small",
            Self::TenMib => "/10m",
            Self::OneGib => "/1g",
        }
    }

    /// Bytes of its body.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Small => 200,
            Self::TenMib => 10 << 20,
            Self::OneGib => 1 << 30,
        }
    }
}

/// What the origin has seen since it started.
#[derive(Default)]
pub(crate) struct Counts {
    handshakes: AtomicU64,
    proven: AtomicU64,
}

impl Counts {
    /// TLS handshakes that came to their end.
    pub(crate) fn handshakes(&self) -> u64 {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// Requests that bore the credential.
    pub(crate) fn proven(&self) -> u64 {
        self.proven.load(Ordering::Relaxed)
    }
}

/// A running origin. It ends when this is dropped.
pub(crate) struct Upstream {
    address: SocketAddr,
    counts: Arc<Counts>,
    _runtime: Runtime,
}

impl Upstream {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When there is no port, or the leaf is none.
    pub(crate) fn start(leaf: &Leaf, credential: &str) -> Outcome<Self> {
        let runtime = child::runtime()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let counts = Arc::new(Counts::default());
        let origin = Arc::new(Origin {
            acceptor: TlsAcceptor::from(leaf.server()?),
            authorization: HeaderValue::from_str(&format!("Bearer {credential}"))?,
            counts: Arc::clone(&counts),
            small: small(),
            large: large(),
        });
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    let origin = Arc::clone(&origin);
                    // A client that leaves ends its connection: the origin has nothing to say to that.
                    tokio::spawn(async move { origin.serve(stream).await.ok() });
                }
            }
        });
        Ok(Self {
            address,
            counts,
            _runtime: runtime,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }
}

struct Origin {
    acceptor: TlsAcceptor,
    authorization: HeaderValue,
    counts: Arc<Counts>,
    small: Bytes,
    large: Bytes,
}

impl Origin {
    async fn serve(&self, stream: TcpStream) -> Outcome {
        stream.set_nodelay(true)?;
        let stream = self.acceptor.accept(stream).await?;
        self.counts.handshakes.fetch_add(1, Ordering::Relaxed);
        http1::Builder::new()
            .serve_connection(
                TokioIo::new(stream),
                service_fn(|request| {
                    std::future::ready(Ok::<_, Infallible>(self.answer(&request)))
                }),
            )
            .await?;
        Ok(())
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Down> {
        if request.headers().get(AUTHORIZATION) != Some(&self.authorization) {
            return bare(StatusCode::UNAUTHORIZED);
        }
        self.counts.proven.fetch_add(1, Ordering::Relaxed);
        let asked = Page::ALL
            .into_iter()
            .find(|page| page.path() == request.uri().path());
        let Some(page) = asked else {
            return bare(StatusCode::NOT_FOUND);
        };
        let (kind, source) = match page {
            Page::Small => ("application/json", &self.small),
            Page::TenMib | Page::OneGib => ("text/plain", &self.large),
        };
        let mut response = Response::new(Down::new(source.clone(), page.bytes()));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

fn bare(status: StatusCode) -> Response<Down> {
    let mut response = Response::new(Down::new(Bytes::new(), 0));
    *response.status_mut() = status;
    response
}

fn small() -> Bytes {
    let (before, after) = (r#"{"object":"balance","available":true,"note":""#, r#""}"#);
    let rest = Page::Small.bytes() as usize - before.len() - after.len();
    Bytes::from([before, &"n".repeat(rest), after].concat())
}

/// Text that does not repeat soon: a scanner must look at all of it.
fn large() -> Bytes {
    const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..10 * MIB)
        .map(|_| {
            state = crate::shuffle::step(state);
            LETTERS[(state >> 58) as usize]
        })
        .collect::<Vec<u8>>()
        .into()
}

/// A body of known length, from a text that is given over and over.
struct Down {
    source: Bytes,
    at: usize,
    left: u64,
}

impl Down {
    fn new(source: Bytes, left: u64) -> Self {
        Self {
            source,
            at: 0,
            left,
        }
    }
}

impl Body for Down {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = FRAME_BYTES.min(left).min(self.source.len() - self.at);
        let frame = self.source.slice(self.at..self.at + length);
        self.at = (self.at + length) % self.source.len();
        self.left -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
