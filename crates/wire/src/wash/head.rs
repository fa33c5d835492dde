//! Washes the head of a reply, and its trailers.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue};
use hyper::ext::ReasonPhrase;

use super::meter::Meter;
use super::needles::Needles;
use super::stream;
use crate::strip;

/// Checksums of a body: wrong when it was changed, and of one that is still to come nobody knows.
const DIGESTS: [&str; 5] = [
    "content-digest",
    "repr-digest",
    "digest",
    "content-md5",
    "x-goog-hash",
];
/// The same, in a family: one name for each kind of checksum.
const DIGESTS_OF_AMAZON: &str = "x-amz-checksum-";

/// What a head is washed with.
pub(super) struct Washing<'a> {
    pub(super) needles: &'a Arc<Needles>,
    pub(super) meter: &'a Arc<Meter>,
}

impl Washing<'_> {
    /// Washes the fields of a head and its reason phrase. Returns whether something was taken out.
    pub(super) fn head(&self, parts: &mut http::response::Parts) -> bool {
        strip::reply(&mut parts.headers);
        let changed = self.fields(&mut parts.headers) | self.reason(&mut parts.extensions);
        if changed {
            echoed(&mut parts.headers);
        }
        changed
    }

    /// Washes trailers.
    pub(super) fn trailers(&self, trailers: &mut HeaderMap) {
        strip::trailers(trailers);
        self.fields(trailers);
        undigested(trailers);
    }

    fn fields(&self, headers: &mut HeaderMap) -> bool {
        let is_clean = |text: &[u8]| stream::is_clean(self.needles, text);
        let mut all = headers.iter();
        if all.all(|(name, value)| is_clean(name.as_str().as_bytes()) && is_clean(value.as_bytes()))
        {
            return false;
        }
        let mut washed = HeaderMap::with_capacity(headers.len());
        let mut changed = false;
        let mut named = None;
        for (name, value) in std::mem::take(headers) {
            named = name.or(named);
            let Some(name) = &named else { continue };
            // A name that holds a value has no other meaning that would be worth keeping.
            if self.wash(name.as_str().as_bytes()).is_some() {
                changed = true;
                continue;
            }
            let Some(clean) = self.wash(value.as_bytes()) else {
                washed.append(name, value);
                continue;
            };
            changed = true;
            if let Ok(clean) = HeaderValue::from_maybe_shared(clean) {
                washed.append(name, clean);
            }
        }
        *headers = washed;
        changed
    }

    fn reason(&self, extensions: &mut http::Extensions) -> bool {
        let Some(clean) = extensions
            .get::<ReasonPhrase>()
            .and_then(|reason| self.wash(reason.as_bytes()))
        else {
            return false;
        };
        extensions.remove::<ReasonPhrase>();
        if let Ok(clean) = ReasonPhrase::try_from(clean) {
            extensions.insert(clean);
        }
        true
    }

    fn wash(&self, text: &[u8]) -> Option<Bytes> {
        stream::whole(self.needles, self.meter, text)
    }
}

/// The upstream showed a value: a tag that may be made from it goes as well.
pub(super) fn echoed(headers: &mut HeaderMap) {
    headers.remove(ETAG);
}

/// The body is not the one that the upstream took checksums of.
pub(super) fn undigested(headers: &mut HeaderMap) {
    let is_digest = |name: &&HeaderName| {
        DIGESTS.contains(&name.as_str()) || name.as_str().starts_with(DIGESTS_OF_AMAZON)
    };
    let digests: Vec<HeaderName> = headers.keys().filter(is_digest).cloned().collect();
    for digest in digests {
        headers.remove(digest);
    }
}

/// The body is handed on without its coding.
pub(super) fn decoded(headers: &mut HeaderMap) {
    headers.remove(CONTENT_ENCODING);
}

/// The body has this length.
pub(super) fn measured(headers: &mut HeaderMap, length: usize) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
}

/// The body has a length that nobody knows yet.
pub(super) fn unmeasured(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
}
