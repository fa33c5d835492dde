//! The request as it goes out: the one that was judged, byte for byte in method, path and query.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http_body::Body as _;
use withheld_core::ask::Ask;
use withheld_core::{Code, Refusal};

use crate::part;
use crate::place::Head;
use crate::strip::{self, Towards};
use crate::upload::{Outgoing, Progress, Upload};

/// The head without a credential.
///
/// # Errors
/// Those of [`strip::request`].
pub(crate) fn head(ask: &Ask, towards: Towards<'_>) -> Result<Head, Refusal> {
    let target = match ask.query() {
        Some(query) => format!("{}?{query}", ask.path()),
        None => ask.path().to_owned(),
    };
    let mut headers = strip::request(ask.headers(), towards)?;
    let part = if towards.washed {
        part::ask_wider(ask.method(), &mut headers)
    } else {
        None
    };
    Ok(Head {
        method: ask.method().clone(),
        target: Bytes::from(target),
        headers,
        part,
    })
}

/// Head and body together, framed anew.
///
/// # Errors
/// `value_unusable` where a value has made the target longer than targets may be.
pub(crate) fn request(
    mut head: Head,
    body: Upload,
    progress: &Arc<Progress>,
) -> Result<Request<Outgoing>, Refusal> {
    let target = PathAndQuery::from_maybe_shared(head.target).map_err(|_| {
        Refusal::new(
            Code::ValueUnusable,
            "with its credential, the target of this request is longer than a target may be",
            "shorten the query, or have the owner bind the secret to a header",
        )
    })?;
    frame(&mut head.headers, &head.method, &body);
    let mut request = Request::new(Outgoing::new(body, Arc::clone(progress)));
    *request.method_mut() = head.method;
    *request.uri_mut() = Uri::from(target);
    *request.headers_mut() = head.headers;
    Ok(request)
}

/// Said in every case: left alone, hyper sends a GET of unknown length without its body.
fn frame(headers: &mut http::HeaderMap, method: &Method, body: &Upload) {
    let expects_body = [Method::POST, Method::PUT, Method::PATCH].contains(method);
    match body.size_hint().exact() {
        Some(0) if !expects_body => {}
        Some(len) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        }
        None => {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}
