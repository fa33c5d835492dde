//! What an upstream says: well-formed by default, byte for byte where a test wants it broken.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer: pieces that are written one by one, each flushed into a TLS record of its own.
#[derive(Clone, Default)]
pub struct Answer {
    pieces: Vec<Piece>,
    close: bool,
}

#[derive(Clone)]
enum Piece {
    Bytes(Vec<u8>),
    Repeat(Vec<u8>, usize),
    Wait(Latch),
    /// Ends the connection without TLS's goodbye.
    Cut,
}

impl Answer {
    /// `200 OK` with this body and its length.
    pub fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::with(200, &[], body)
    }

    /// A status, fields and a body with its length.
    pub fn with(status: u16, fields: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        let mut bytes = head(status, fields, &[("content-length", &length)]);
        bytes.extend_from_slice(body);
        Self::raw(bytes)
    }

    /// A status and fields, and no body: what answers a HEAD, or goes before [`Answer::then`].
    pub fn head(status: u16, fields: &[(&str, &str)]) -> Self {
        Self::raw(head(status, fields, &[]))
    }

    /// `200 OK` in chunks, cut where the test says, each written by itself.
    pub fn chunked<C: AsRef<[u8]>>(
        fields: &[(&str, &str)],
        chunks: impl IntoIterator<Item = C>,
    ) -> Self {
        let mut answer = Self::raw(head(200, fields, &[("transfer-encoding", "chunked")]));
        for chunk in chunks {
            answer = answer.chunk(chunk);
        }
        answer.then(b"0\r\n\r\n")
    }

    /// Exactly these bytes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::default().then(bytes)
    }

    /// Then exactly these bytes.
    #[must_use]
    pub fn then(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.pieces.push(Piece::Bytes(bytes.into()));
        self
    }

    /// Then one chunk of a chunked body.
    #[must_use]
    pub fn chunk(self, chunk: impl AsRef<[u8]>) -> Self {
        let chunk = chunk.as_ref();
        let mut bytes = format!("{:x}\r\n", chunk.len()).into_bytes();
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        self.then(bytes)
    }

    /// Then these bytes so many times, made as they are written.
    #[must_use]
    pub fn repeat(mut self, bytes: impl Into<Vec<u8>>, count: usize) -> Self {
        self.pieces.push(Piece::Repeat(bytes.into(), count));
        self
    }

    /// Then nothing, until the latch is lifted.
    #[must_use]
    pub fn wait(mut self, latch: &Latch) -> Self {
        self.pieces.push(Piece::Wait(latch.clone()));
        self
    }

    /// Ends the connection when all is written.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// Then the connection breaks.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.pieces.push(Piece::Cut);
        self
    }

    /// Writes all of it.
    ///
    /// # Returns
    /// Whether the connection goes on.
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<bool> {
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => to.write_all(bytes)?,
                Piece::Repeat(bytes, count) => {
                    for _ in 0..*count {
                        to.write_all(bytes)?;
                    }
                }
                Piece::Wait(latch) => latch.wait(),
                Piece::Cut => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
            to.flush()?;
        }
        Ok(!self.close)
    }
}

fn head(status: u16, fields: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Answer\r\n").into_bytes();
    for (name, value) in fields.iter().chain(more) {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Holds others back until it is lifted, once.
#[derive(Clone, Default)]
pub struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    /// One that is down.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody go on, now and later.
    ///
    /// # Panics
    /// When another holder panicked.
    pub fn lift(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Returns when it is lifted.
    ///
    /// # Panics
    /// When nobody lifts it within half a minute.
    pub fn wait(&self) {
        let lifted = self.0.0.lock().unwrap();
        let (lifted, timeout) = self
            .0
            .1
            .wait_timeout_while(lifted, PATIENCE, |lifted| !*lifted)
            .unwrap();
        drop(lifted);
        assert!(!timeout.timed_out(), "nobody lifted the latch");
    }
}
