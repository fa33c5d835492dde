//! The Gate: a strict recogniser that lies under hyper's HTTP/1 server.
//!
//! hyper and httparse accept and hide what must be refused, and answer what they do refuse with a
//! bare 400. So hyper sees only heads that can be read one way. A refused head is replaced by a
//! fixed one that the service knows by its token; the refusal so has house form, an audit record
//! and its place in the order of replies. After it nothing more is read, and the end of file is
//! never shown, because hyper drops the reply of a half-closed connection.

mod chunk;
mod head;
mod linger;
mod recognise;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use http::HeaderMap;
use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use linger::Linger;
use recognise::{Recogniser, State};

const READ_SIZE: usize = 16 * 1024;
const TOKEN_HEADER: &str = "withheld-gate";

/// Why the Gate did not let a head through. The reasons are our own words, never the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateRefusal {
    /// It can be read in more than one way (`ambiguous_request`, 400).
    Ambiguous(&'static str),
    /// More than 64 KiB, or more than 100 fields (`too_large`, 431).
    HeadTooLarge,
    /// The target alone is too long (`too_large`, 414).
    TargetTooLarge,
}

/// The token of this process by which the service knows a head that the Gate wrote.
#[derive(Clone)]
pub struct GateKey(Arc<[u8; 32]>);

impl GateKey {
    /// A fresh key. Make one per process.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> io::Result<Self> {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let mut token = [0_u8; 32];
        for (pair, byte) in token.chunks_exact_mut(2).zip(random) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        Ok(Self(Arc::new(token)))
    }

    fn fixed_head(&self) -> Vec<u8> {
        let mut head =
            format!("GET / HTTP/1.1\r\nHost: withheld.invalid\r\n{TOKEN_HEADER}: ").into_bytes();
        head.extend_from_slice(&*self.0);
        head.extend_from_slice(b"\r\nConnection: close\r\n\r\n");
        head
    }
}

#[derive(Default)]
struct Shared {
    refusal: Option<GateRefusal>,
    body_fault: Option<&'static str>,
    connect_refused: bool,
    waker: Option<Waker>,
}

/// What the Gate of one connection has to say to the service of that connection.
#[derive(Clone)]
pub struct Report {
    key: GateKey,
    shared: Arc<Mutex<Shared>>,
}

impl Report {
    /// The refusal, where these are the headers of the Gate's own fixed head. Ask this first for
    /// every request. The answer goes by the token and not by whether a refusal is known: that is
    /// set while earlier requests of the connection may still wait for the service.
    #[must_use]
    pub fn take(&self, headers: &HeaderMap) -> Option<GateRefusal> {
        let token = headers.get(TOKEN_HEADER)?.as_bytes();
        if !bool::from(token.ct_eq(self.key.0.as_slice())) {
            return None;
        }
        let known = self.lock().refusal.take();
        Some(known.unwrap_or(GateRefusal::Ambiguous(
            "the request cannot be read in one way",
        )))
    }

    /// Why the body of a request was cut off, where the Gate did that.
    #[must_use]
    pub fn body_fault(&self) -> Option<&'static str> {
        self.lock().body_fault
    }

    /// Say that a CONNECT is answered with a refusal, so that the connection may carry another
    /// head. Until then the Gate gives hyper nothing: what follows a CONNECT belongs to the tunnel
    /// ([`Gate::into_tunnel`]) or, after a refusal, to the recogniser, and never to hyper unread.
    pub fn connect_refused(&self) {
        let mut shared = self.lock();
        shared.connect_refused = true;
        if let Some(waker) = shared.waker.take() {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The recogniser over a connection. Give it to hyper's `http1` server in place of the connection.
pub struct Gate<S> {
    io: S,
    report: Report,
    recogniser: Recogniser,
    raw: Box<[u8]>,
    raw_at: usize,
    raw_end: usize,
    out: Vec<u8>,
    out_at: usize,
    refusal_written: bool,
    linger: Linger,
}

impl<S> Gate<S> {
    /// A Gate over `io`, and the report that its service asks.
    #[must_use]
    pub fn new(io: S, key: GateKey) -> (Self, Report) {
        let report = Report {
            key,
            shared: Arc::default(),
        };
        let gate = Self {
            io,
            report: report.clone(),
            recogniser: Recogniser::default(),
            raw: vec![0; READ_SIZE].into_boxed_slice(),
            raw_at: 0,
            raw_end: 0,
            out: Vec::new(),
            out_at: 0,
            refusal_written: false,
            linger: Linger::default(),
        };
        (gate, report)
    }

    /// After an accepted CONNECT: the connection, with what of the tunnel was already read.
    #[must_use]
    pub fn into_tunnel(self) -> Tunnel<S> {
        let early = self.raw.get(self.raw_at..self.raw_end).unwrap_or_default();
        Tunnel {
            io: self.io,
            early: early.to_vec(),
            at: 0,
        }
    }

    /// Move what is read through the recogniser.
    fn recognise(&mut self) {
        self.out.clear();
        self.out_at = 0;
        let input = self.raw.get(self.raw_at..self.raw_end).unwrap_or_default();
        self.raw_at += self.recogniser.feed(input, &mut self.out);
        match self.recogniser.state() {
            State::Refused(why) if !self.refusal_written => {
                self.refusal_written = true;
                self.report.lock().refusal = Some(why);
                self.out.extend_from_slice(&self.report.key.fixed_head());
            }
            State::Broken(why) => self.report.lock().body_fault = Some(why),
            // A word about an earlier request must not open this one.
            State::Connect => self.report.lock().connect_refused = false,
            _ => {}
        }
    }

    /// After a CONNECT: whether the service refused it, and so the next head may come.
    fn resumed(&mut self, cx: &Context<'_>) -> bool {
        let mut shared = self.report.lock();
        if std::mem::take(&mut shared.connect_refused) {
            drop(shared);
            self.recogniser.next_head();
            return true;
        }
        shared.waker = Some(cx.waker().clone());
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            let ready = gate.out.get(gate.out_at..).unwrap_or_default();
            if !ready.is_empty() {
                let count = ready.len().min(buf.remaining());
                buf.put_slice(&ready[..count]);
                gate.out_at += count;
                return Poll::Ready(Ok(()));
            }
            match gate.recogniser.state() {
                State::Refused(_) => return Poll::Pending,
                State::Broken(why) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
                }
                State::Connect if !gate.resumed(cx) => return Poll::Pending,
                _ => {}
            }
            if gate.raw_at == gate.raw_end {
                let mut read = ReadBuf::new(&mut gate.raw);
                ready!(Pin::new(&mut gate.io).poll_read(cx, &mut read))?;
                gate.raw_at = 0;
                gate.raw_end = read.filled().len();
                if gate.raw_end == 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            gate.recognise();
        }
    }
}

/// A connection after its CONNECT was accepted.
pub struct Tunnel<S> {
    io: S,
    early: Vec<u8>,
    at: usize,
}

impl<S: AsyncRead + Unpin> Tunnel<S> {
    /// The first byte of the tunnel, which stays to be read; `None` where the tunnel has none.
    ///
    /// # Errors
    /// What the connection gives.
    pub async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        if self.early.get(self.at).is_none() {
            let mut byte = [0];
            if self.io.read(&mut byte).await? == 0 {
                return Ok(None);
            }
            self.early = byte.to_vec();
            self.at = 0;
        }
        Ok(self.early.get(self.at).copied())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tunnel<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tunnel = self.get_mut();
        let early = tunnel.early.get(tunnel.at..).unwrap_or_default();
        if early.is_empty() {
            return Pin::new(&mut tunnel.io).poll_read(cx, buf);
        }
        let count = early.len().min(buf.remaining());
        buf.put_slice(&early[..count]);
        tunnel.at += count;
        Poll::Ready(Ok(()))
    }
}

/// Replies go through as they are.
macro_rules! write_through {
    ($kind:ident: $bound:path) => {
        impl<S: $bound + AsyncWrite + Unpin> AsyncWrite for $kind<S> {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.io).poll_write(cx, bytes)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                pieces: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
            }

            fn is_write_vectored(&self) -> bool {
                self.io.is_write_vectored()
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.io).poll_flush(cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().end(cx)
            }
        }
    };
}

write_through!(Gate: AsyncRead);
write_through!(Tunnel: AsyncWrite);

impl<S: AsyncRead + AsyncWrite + Unpin> Gate<S> {
    fn end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.linger.poll(&mut self.io, &mut self.raw, cx)
    }
}

impl<S: AsyncWrite + Unpin> Tunnel<S> {
    fn end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
