//! The wash: what comes from an upstream is searched for every value of the session, in every
//! uniform encoding, and what is found is replaced before the agent sees it.
//!
//! - `parts` and `forms` say what is looked for, `needles` keeps it, `index` finds where to look.
//! - `raw` searches the bytes as they come; `view` searches them as they read when escapes
//!   (`views`, `units`) are undone, and `readings` says how a value reads then. `scout` says which escapes
//!   take a view at all, `shown` keeps what it showed, and `runs` what agrees with a needle.
//! - `stream` holds back a constant number of bytes and lets the rest go, `blots` puts in the
//!   replacements, `events` lets go at the blank lines of an event stream.
//! - `decode` undoes content codings, `head` washes fields, `body` is the whole as a body,
//!   `range` washes a part of a reply, `fresh` tells when the needles are no longer the session's.

mod blots;
mod body;
mod decode;
mod entities;
mod events;
mod forms;
mod fresh;
mod gzip_head;
mod head;
mod index;
mod meter;
mod needles;
mod parts;
mod range;
mod raw;
mod readings;
mod runs;
mod scout;
mod shown;
mod stream;
#[cfg(test)]
mod tests;
mod units;
mod view;
mod views;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use withheld_core::Refusal;

pub(crate) use blots::Fill;
pub(crate) use body::{Fault, Washed};
pub use meter::Meter;
pub(crate) use needles::{Needles, Secret};
pub(crate) use range::{Trim, wider};

use body::Parts;
use decode::Decoder;
use fresh::Fresh;
use head::Washing;
use stream::Washer;

/// Replies of a known length up to this many bytes are collected, washed and sent in one write.
pub(crate) const COLLECT: u64 = 64 * 1024;

/// The wash of one reply.
pub(crate) struct Wash {
    needles: Arc<Needles>,
    meter: Arc<Meter>,
    fresh: Fresh,
}

impl Wash {
    /// The wash of a reply to a session that is armed with these needles; counts go into `meter`.
    pub(crate) fn new(needles: Arc<Needles>, meter: Arc<Meter>) -> Self {
        Self {
            needles,
            meter,
            fresh: Fresh::default(),
        }
    }

    /// The body is cut ([`Fault::Stale`]) when `stale` is true at a poll: the session has other
    /// values by now. Nothing that is held back then is let go.
    pub(crate) fn stale_when(mut self, stale: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        self.fresh = Fresh(Some(stale));
        self
    }

    /// Washes the head: fields, their names, the reason phrase. Takes off what goes no further.
    /// What is given back washes the body; [`BodyWash::collected`] and [`BodyWash::streamed`] also
    /// settle the fields that speak of the body.
    ///
    /// # Errors
    /// `reply_undecodable` where the body comes in a coding that cannot be undone.
    pub(crate) fn head(self, parts: &mut http::response::Parts) -> Result<BodyWash, Refusal> {
        let decoder = Decoder::of(&parts.headers)?;
        let washing = Washing {
            needles: &self.needles,
            meter: &self.meter,
        };
        washing.head(parts);
        let events = is_event_stream(&parts.headers);
        head::decoded(&mut parts.headers);
        Ok(BodyWash {
            wash: self,
            decoder,
            events,
        })
    }
}

/// The wash of one reply's body.
pub(crate) struct BodyWash {
    wash: Wash,
    decoder: Decoder,
    events: bool,
}

impl BodyWash {
    /// Washes a body that was read to its end before the needles were asked for, and sets its new
    /// length. Not for a reply that has no body (to HEAD, or 304): its length is that of another.
    ///
    /// # Errors
    /// `reply_undecodable`.
    pub(crate) fn collected(
        mut self,
        body: Bytes,
        headers: &mut HeaderMap,
    ) -> Result<Bytes, Refusal> {
        let came_coded = !self.decoder.is_identity();
        let decoded = self.decode(body)?;
        let clean = stream::whole(&self.wash.needles, &self.wash.meter, &decoded);
        if clean.is_some() {
            head::echoed(headers);
        }
        if clean.is_some() || came_coded {
            head::undigested(headers);
        }
        let body = clean.unwrap_or(decoded);
        head::measured(headers, body.len());
        Ok(body)
    }

    fn decode(&mut self, body: Bytes) -> Result<Bytes, Refusal> {
        if self.decoder.is_identity() {
            return Ok(body);
        }
        let mut decoded = Vec::new();
        self.decoder.push(body);
        while let Some(bytes) = self.decoder.read()? {
            decoded.extend_from_slice(&bytes);
        }
        self.decoder.finish()?;
        Ok(decoded.into())
    }

    /// Washes a body as it comes. Its length, its digests and its tag are taken off: a tag may be
    /// made from a value that is yet to come.
    pub(crate) fn streamed<B>(self, body: B, headers: &mut HeaderMap) -> Washed<B> {
        head::echoed(headers);
        head::unmeasured(headers);
        head::undigested(headers);
        let events = self.events;
        self.washed(body, Fill::Replacement, events, None)
    }

    /// Washes a part of a reply that was fetched wider (see [`wider`]) and cuts it to what was
    /// asked for. Every offset stays: what is taken out is filled with `*`. The fields that speak
    /// of the length of the part are the caller's.
    pub(crate) fn part<B>(self, body: B, trim: Trim, headers: &mut HeaderMap) -> Washed<B> {
        head::echoed(headers);
        head::unmeasured(headers);
        head::undigested(headers);
        self.washed(body, Fill::Stars, false, Some(trim))
    }

    fn washed<B>(self, body: B, fill: Fill, events: bool, trim: Option<Trim>) -> Washed<B> {
        let Wash {
            needles,
            meter,
            fresh,
        } = self.wash;
        let mut washer = Washer::new(Arc::clone(&needles), Arc::clone(&meter), fill, events);
        if let Some(trim) = &trim {
            washer = washer.shown(trim.shown());
        }
        Washed::new(
            body,
            Parts {
                decoder: self.decoder,
                washer,
                trim,
                fresh,
                needles,
                meter,
            },
        )
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| {
        let essence = kind.as_bytes().split(|byte| *byte == b';').next();
        essence.is_some_and(|essence| {
            essence
                .trim_ascii()
                .eq_ignore_ascii_case(b"text/event-stream")
        })
    })
}
