//! The body of a client's request on its way to the wire: cut where it breaks its framing, and where
//! the client stops sending.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use withheld_wire::{Upload, UploadFault};

use super::gate::Report;

/// How long a client may take between two pieces of a body.
const IDLE: Duration = Duration::from_secs(60);

/// The body, as the wire takes it.
pub(crate) fn upload(body: Incoming, report: Report) -> Upload {
    Watched {
        body,
        report,
        pause: None,
    }
    .boxed()
}

struct Watched {
    body: Incoming,
    report: Report,
    /// Runs while the client lets us wait.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.pause = None;
            let report = &this.report;
            return Poll::Ready(frame.map(|frame| {
                frame.map_err(|_| match report.body_fault() {
                    Some(_) => UploadFault::Malformed,
                    None => UploadFault::Cut,
                })
            }));
        }
        let pause = this.pause.get_or_insert_with(|| Box::pin(sleep(IDLE)));
        if pause.deadline() <= Instant::now() || pause.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(UploadFault::TooSlow)));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
