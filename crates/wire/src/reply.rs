//! The reply: its head is checked and washed; its body is washed and handed over in one piece where
//! it is short, else as it comes.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::response::Parts;
use http::{Response, StatusCode};
use http_body::Body as _;
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

/// A reply of a host that a secret is bound to, washed. Short and without a body: collected, and
/// handed over with its length, in one write. Longer, or of unknown length: as it comes.
///
/// # Errors
/// `upstream_broken`, `upstream_timeout`, `reply_undecodable`; `conflict` once it is `stale`.
pub(crate) async fn washed(
    arrived: Arrived,
    needles: Arc<Needles>,
    stale: Stale,
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
    let coded = parts.headers.contains_key(CONTENT_ENCODING);
    let wash = Wash::new(needles, Arc::clone(&progress.meter))
        .stale_when(stale)
        .head(&mut parts)?;
    if partial && coded {
        // The middle of a coded body cannot be decoded.
        return Err(ReplyFault::Undecodable.refusal(&host));
    }
    let short = source
        .size_hint()
        .exact()
        .is_some_and(|length| length <= COLLECT);
    let kind = match &asked.part {
        Some(part) if partial => in_part(&mut parts, wash, source, part, short, &host).await?,
        _ if asked.has_no_body(parts.status) => {
            // Of a body that would be washed, nobody knows the length.
            parts.headers.remove(CONTENT_LENGTH);
            Kind::Whole(None)
        }
        _ if short => {
            let body = gather(source, &host).await?;
            Kind::Whole(Some(wash.collected(body, &mut parts.headers)?))
        }
        _ => Kind::Washed(Box::new(wash.streamed(source, &mut parts.headers))),
    };
    Ok(reply(parts, kind, progress))
}

/// A part that was fetched wider: washed, and cut to what was asked for.
async fn in_part(
    parts: &mut Parts,
    wash: BodyWash,
    source: Source,
    part: &RangeInclusive<u64>,
    short: bool,
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
    let body = wash.part(source, Trim::new(part, &came.range), headers);
    if !short {
        return Ok(Kind::Washed(Box::new(body)));
    }
    let body = gather(body, host).await?;
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
