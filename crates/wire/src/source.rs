//! The body of a reply as it comes from the upstream: it ends, breaks or falls silent, and at its end
//! the connection goes back to the pool.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use crate::pool::Lease;
use crate::reply::ReplyFault;
use crate::strip;

/// An upstream's body.
pub(crate) struct Source {
    incoming: Incoming,
    /// Until the body has ended.
    lease: Option<Lease>,
    silence: Silence,
}

impl Source {
    /// `limit` bounds the time between two frames.
    pub(crate) fn new(incoming: Incoming, lease: Lease, limit: Duration) -> Self {
        let mut source = Self {
            incoming,
            lease: Some(lease),
            silence: Silence::new(limit),
        };
        source.finish_at_end();
        source
    }

    /// Two signs of an end: a body of known length says so itself, and whoever reads it stops asking
    /// then; a chunked one never does, but ends with `None`.
    fn finish_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.finish();
        }
    }
}

impl Body for Source {
    type Data = Bytes;
    type Error = ReplyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplyFault>>> {
        let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending if self.silence.is_over(cx) => {
                self.lease = None;
                return Poll::Ready(Some(Err(ReplyFault::Silent)));
            }
            Poll::Pending => return Poll::Pending,
        };
        self.silence.broken();
        match frame {
            None => {
                self.finish();
                Poll::Ready(None)
            }
            Some(Err(_)) => {
                self.lease = None;
                Poll::Ready(Some(Err(ReplyFault::Cut)))
            }
            Some(Ok(mut frame)) => {
                if let Some(fields) = frame.trailers_mut() {
                    strip::trailers(fields);
                    self.finish();
                }
                self.finish_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A timer that is set only while there is something to wait for.
struct Silence {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Silence {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            timer: None,
            running: false,
        }
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep(self.limit)));
        if !self.running {
            timer.as_mut().reset(Instant::now() + self.limit);
            self.running = true;
        }
        timer.as_mut().poll(cx).is_ready()
    }

    fn broken(&mut self) {
        self.running = false;
    }
}
