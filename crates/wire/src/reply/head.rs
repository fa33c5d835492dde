//! What the head of a reply says about its framing and its connection.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use withheld_core::Refusal;

use crate::connection::broken;
use crate::pool::Lease;
use crate::source::Source;

#[cfg(test)]
mod tests;

/// Refuses what hyper accepts and a client must not see (P20, P21).
///
/// # Errors
/// `upstream_broken`.
pub(super) fn check(response: &Response<Incoming>, lease: &Lease) -> Result<(), Refusal> {
    let status = (200..=599).contains(&response.status().as_u16());
    let mut codings = response.headers().get_all(TRANSFER_ENCODING).iter();
    let framing = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(one), None) => {
            one.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !response.headers().contains_key(CONTENT_LENGTH)
        }
        _ => false,
    };
    if status && framing {
        Ok(())
    } else {
        Err(broken(lease.host()))
    }
}

/// Whether another exchange may follow on the connection. One on which a login by handshake has begun
/// belongs to whoever logged in (P14).
pub(crate) fn may_be_kept<B>(response: &Response<B>) -> bool {
    let headers = response.headers();
    let says = |name, wanted: &[&str]| {
        headers.get_all(name).iter().any(|value| {
            let mut items = value
                .as_bytes()
                .split(|byte| *byte == b',')
                .map(<[u8]>::trim_ascii);
            items.any(|item| {
                let word = item
                    .split(u8::is_ascii_whitespace)
                    .next()
                    .unwrap_or_default();
                wanted
                    .iter()
                    .any(|wanted| word.eq_ignore_ascii_case(wanted.as_bytes()))
            })
        })
    };
    response.version() == Version::HTTP_11
        && !says(CONNECTION, &["close"])
        && !says(WWW_AUTHENTICATE, &["ntlm", "negotiate"])
}

/// The length as it was read, in one canonical field. A reply without a body (to HEAD, or 304) says
/// the length that the body would have.
pub(super) fn frame(headers: &mut HeaderMap, status: StatusCode, source: &Source) {
    let said = headers.remove(CONTENT_LENGTH);
    let bodyless = source.is_end_stream();
    let would_have = said.filter(|said| bodyless && said.as_bytes().iter().all(u8::is_ascii_digit));
    let length = match source.size_hint().exact() {
        _ if status == StatusCode::NO_CONTENT => None,
        Some(_) if would_have.is_some() => would_have,
        Some(length) => Some(HeaderValue::from(length)),
        None => None,
    };
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length);
    }
}
