//! The client's body on its way up: counted, without trailers, and known to have ended or not.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use tokio::sync::Notify;
use withheld_core::{Code, Refusal};

use crate::wash::Meter;

/// The body of a client's request, as the broker hands it over. Its error is passed on as an error, so
/// that a cut upload is never completed upstream.
pub type Upload = BoxBody<Bytes, UploadFault>;

/// Why the client's body did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadFault {
    /// The client went away, or its stream broke.
    Cut,
    /// It breaks its framing.
    Malformed,
    /// It came too slowly.
    TooSlow,
    /// It is over its limit.
    TooLarge,
}

impl fmt::Display for UploadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "the body ended before its end",
            Self::Malformed => "the body breaks its framing",
            Self::TooSlow => "the body came too slowly",
            Self::TooLarge => "the body is over its limit",
        })
    }
}

impl std::error::Error for UploadFault {}

impl UploadFault {
    pub(crate) fn refusal(self) -> Refusal {
        let (code, hint) = match self {
            Self::Cut | Self::Malformed => (
                Code::AmbiguousRequest,
                "Send the body again, whole and as its head announces it.",
            ),
            Self::TooSlow => (Code::TooSlow, "Send the body without long pauses."),
            Self::TooLarge => (Code::TooLarge, "Send a smaller body."),
        };
        let message = match self {
            Self::Cut => "The body of this request ended before its end.",
            Self::Malformed => "The body of this request breaks its framing.",
            Self::TooSlow => "The body of this request came too slowly.",
            Self::TooLarge => "The body of this request is over its limit.",
        };
        Refusal::new(code, message, hint)
    }
}

/// What is known of one exchange while it goes on.
#[derive(Default)]
pub(crate) struct Progress {
    /// The body was handed over to its end.
    pub(crate) ended: AtomicBool,
    /// What is counted; bytes of the body as they are handed over.
    pub(crate) meter: Arc<Meter>,
    /// Interim replies so far.
    pub(crate) interim: AtomicU32,
    /// There were too many of them.
    pub(crate) flood: Notify,
}

/// The body as it goes into the connection.
pub(crate) struct Outgoing {
    inner: Upload,
    progress: Arc<Progress>,
}

impl Outgoing {
    pub(crate) fn new(inner: Upload, progress: Arc<Progress>) -> Self {
        progress.ended.store(inner.is_end_stream(), Relaxed);
        Self { inner, progress }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.inner).poll_frame(cx)) else {
                self.progress.ended.store(true, Relaxed);
                return Poll::Ready(None);
            };
            // Trailers of a request are not judged, so they do not go out.
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            self.progress.meter.add_up(data.len());
            if self.inner.is_end_stream() {
                self.progress.ended.store(true, Relaxed);
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
