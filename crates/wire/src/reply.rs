//! The reply: its head is checked and washed; its body is washed and handed over in one piece where
//! it is short, else as it comes.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::response::Parts;
use http::{Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use withheld_core::Refusal;
use withheld_core::destination::Host;

use crate::armory::Stale;
use crate::connection::broken;
use crate::part::{self, Asked};
use crate::pool::Lease;
use crate::source::Source;
use crate::strip;
use crate::upload::Progress;
use crate::wash::{BodyWash, COLLECT, Meter, Needles, Trim, Wash};

mod body;
mod head;
#[cfg(test)]
mod tests;

pub use body::{ReplyBody, ReplyFault};
pub(crate) use head::may_be_kept;

use body::{Kind, gather};
use head::{check, frame};

/// A reply as the agent may see it. Made by this crate only.
#[non_exhaustive]
pub struct Reply {
    /// The status, 200 to 599.
    pub status: StatusCode,
    /// The fields, washed; framing aside, they are complete.
    pub headers: HeaderMap,
    /// The body, washed as it is read.
    pub body: ReplyBody,
    /// What has been counted so far; complete when the body has ended.
    pub meter: Arc<Meter>,
}

/// What came: a head, and the body behind it.
pub(crate) struct Arrived {
    pub(crate) response: Response<Incoming>,
    pub(crate) lease: Lease,
    /// Bounds the time between two pieces of the body.
    pub(crate) limit: Duration,
}

/// What a reply is searched for, and what says that this is no longer everything.
pub(crate) type Searched = (Arc<Needles>, Stale);

/// A body on its way to the wash.
enum Came {
    /// There is none.
    Nothing,
    /// All of it.
    Whole(Bytes),
    /// As it comes.
    Coming(Source),
}

/// A reply of a host that a secret is bound to, washed. Short and without a body: collected, and
/// handed over with its length, in one write. Longer, or of unknown length: as it comes.
///
/// `search` is asked behind the last byte of what is collected: what the owner changes while it comes
/// is no reason to keep it back then.
///
/// # Errors
/// `upstream_broken`, `upstream_timeout`, `reply_undecodable`; `conflict` where `search` knows nothing
/// that would find everything.
pub(crate) async fn washed(
    arrived: Arrived,
    search: impl Fn() -> Option<Searched>,
    asked: &Asked,
    progress: &Progress,
) -> Result<Reply, Refusal> {
    let Arrived {
        response,
        lease,
        limit,
    } = arrived;
    check(&response, &lease)?;
    let host = lease.host().clone();
    let (mut parts, incoming) = response.into_parts();
    let source = Source::new(incoming, lease, limit);
    let partial = parts.status == StatusCode::PARTIAL_CONTENT;
    if partial && asked.part.is_none() {
        return Err(broken(&host));
    }
    if partial && parts.headers.contains_key(CONTENT_ENCODING) {
        // The middle of a coded body cannot be decoded.
        return Err(ReplyFault::Undecodable.refusal(&host));
    }
    let came = if !partial && asked.has_no_body(parts.status) {
        Came::Nothing
    } else if source.size_hint().exact().is_some_and(|all| all <= COLLECT) {
        Came::Whole(gather(source, &host).await?)
    } else {
        Came::Coming(source)
    };
    let (needles, stale) = search().ok_or_else(|| ReplyFault::Stale.refusal(&host))?;
    let mut wash = Wash::new(needles, Arc::clone(&progress.meter));
    if matches!(came, Came::Coming(_)) {
        wash = wash.stale_when(stale);
    }
    let wash = wash.head(&mut parts)?;
    let kind = match (&asked.part, came) {
        (_, Came::Nothing) => {
            // Of a body that would be washed, nobody knows the length.
            parts.headers.remove(CONTENT_LENGTH);
            Kind::Whole(None)
        }
        (Some(part), came) if partial => in_part(&mut parts, wash, came, part, &host).await?,
        (_, Came::Whole(body)) => Kind::Whole(Some(wash.collected(body, &mut parts.headers)?)),
        (_, Came::Coming(source)) => {
            Kind::Washed(Box::new(wash.streamed(source, &mut parts.headers)))
        }
    };
    Ok(reply(parts, kind, progress))
}

/// A part that was fetched wider: washed, and cut to what was asked for.
async fn in_part(
    parts: &mut Parts,
    wash: BodyWash,
    body: Came,
    part: &RangeInclusive<u64>,
    host: &Host,
) -> Result<Kind, Refusal> {
    let headers = &mut parts.headers;
    let came = part::came(headers)
        .filter(|came| came.covers(part))
        .ok_or_else(|| broken(host))?;
    let Some(within) = came.within(part) else {
        parts.status = StatusCode::RANGE_NOT_SATISFIABLE;
        headers.remove(CONTENT_LENGTH);
        came.say_unsatisfiable(headers);
        return Ok(Kind::Whole(None));
    };
    came.say(&within, headers);
    let trim = Trim::new(part, &came.range);
    let body = match body {
        Came::Nothing => return Ok(Kind::Whole(None)),
        Came::Coming(source) => {
            let washed = wash.part(source, trim, headers);
            return Ok(Kind::Washed(Box::new(washed)));
        }
        Came::Whole(body) => Full::new(body).map_err(|never| -> ReplyFault { match never {} }),
    };
    let body = gather(wash.part(body, trim, headers), host).await?;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Kind::Whole(Some(body)))
}

fn reply(parts: Parts, kind: Kind, progress: &Progress) -> Reply {
    let meter = Arc::clone(&progress.meter);
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: ReplyBody::new(kind, Arc::clone(&meter)),
        meter,
    }
}

/// A reply of a host that no secret of the vault was ever bound to: nothing of ours was sent there, so
/// its bytes, codings, digests and ranges stay as they are. `stale` once one is bound to it.
///
/// # Errors
/// `upstream_broken`; `conflict` where it is `stale` already.
pub(crate) fn untouched(
    arrived: Arrived,
    progress: &Progress,
    stale: Stale,
) -> Result<Reply, Refusal> {
    let Arrived {
        response,
        lease,
        limit,
    } = arrived;
    check(&response, &lease)?;
    if stale() {
        return Err(ReplyFault::Stale.refusal(lease.host()));
    }
    let (mut parts, incoming) = response.into_parts();
    strip::reply(&mut parts.headers);
    let source = Source::new(incoming, lease, limit);
    frame(&mut parts.headers, parts.status, &source);
    Ok(reply(parts, Kind::Untouched(source, stale), progress))
}
