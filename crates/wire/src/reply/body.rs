//! The body of a reply, and why it may end early.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use withheld_core::destination::Host;
use withheld_core::{Code, Refusal, text};

use crate::armory::Stale;
use crate::connection::{broken, silent};
use crate::source::Source;
use crate::wash::{Fault, Meter, Washed};

/// The body of a [`Reply`](crate::Reply).
pub struct ReplyBody {
    kind: Kind,
    meter: Arc<Meter>,
}

impl ReplyBody {
    /// A body whose bytes are counted as they are handed over.
    pub(super) fn new(kind: Kind, meter: Arc<Meter>) -> Self {
        Self { kind, meter }
    }
}

/// How it comes.
pub(super) enum Kind {
    /// Read and washed.
    Whole(Option<Bytes>),
    /// Washed as it is read.
    Washed(Box<Washed<Source>>),
    /// As it is, until a secret is bound to its host.
    Untouched(Source, Stale),
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ReplyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplyFault>>> {
        let frame = match &mut self.kind {
            Kind::Washed(body) => {
                ready!(Pin::new(body).poll_frame(cx)).map(|frame| frame.map_err(ReplyFault::from))
            }
            Kind::Whole(bytes) => bytes
                .take()
                .filter(|bytes| !bytes.is_empty())
                .map(|bytes| Ok(Frame::data(bytes))),
            Kind::Untouched(source, stale) => {
                let frame = ready!(Pin::new(source).poll_frame(cx));
                if stale() {
                    Some(Err(ReplyFault::Stale))
                } else {
                    frame
                }
            }
        };
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.meter.add_down(data.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Kind::Washed(body) => body.is_end_stream(),
            Kind::Untouched(source, _) => source.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Washed(body) => body.size_hint(),
            Kind::Untouched(source, _) => source.size_hint(),
        }
    }
}

/// Why a reply's body did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyFault {
    /// The upstream broke off, or broke its framing.
    Cut,
    /// The upstream fell silent.
    Silent,
    /// It could not be searched for values, so it is not handed on.
    Undecodable,
    /// It was searched for values that are no longer all that it may hold.
    Stale,
}

impl fmt::Display for ReplyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "the upstream broke off its reply",
            Self::Silent => "the upstream fell silent in the middle of its reply",
            Self::Undecodable => "the reply could not be searched for values",
            Self::Stale => "the keys of this session changed while the reply was open",
        })
    }
}

impl std::error::Error for ReplyFault {}

impl ReplyFault {
    /// What it is as a refusal.
    #[must_use]
    pub fn refusal(self, host: &Host) -> Refusal {
        match self {
            Self::Cut => broken(host),
            Self::Silent => silent(host),
            Self::Undecodable => Refusal::new(
                Code::ReplyUndecodable,
                text!(
                    "the reply of `{}` cannot be searched for values, so it is not handed on",
                    *host
                ),
                "ask the service for the whole in another form",
            ),
            Self::Stale => Refusal::new(
                Code::Conflict,
                "the keys of this session changed while the reply was open",
                "send the request again",
            ),
        }
    }
}

impl From<Fault<ReplyFault>> for ReplyFault {
    fn from(fault: Fault<ReplyFault>) -> Self {
        match fault {
            Fault::Incoming(fault) => fault,
            Fault::Undecodable => Self::Undecodable,
            Fault::Stale => Self::Stale,
        }
    }
}

/// Reads a body to its end.
///
/// # Errors
/// What its fault is as a refusal.
pub(super) async fn gather<B>(body: B, host: &Host) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes, Error: Into<ReplyFault>>,
{
    let whole = body
        .collect()
        .await
        .map_err(|fault| fault.into().refusal(host))?;
    Ok(whole.to_bytes())
}
