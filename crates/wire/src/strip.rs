//! What never goes further, in one place: towards the upstream ([`request`]) and back ([`reply`],
//! [`trailers`]). What counts as which is the one list of `withheld_core::credential_fields`.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use withheld_core::credential_fields::{is_hop_by_hop, is_ours, is_override};
use withheld_core::{Code, Refusal};

#[cfg(test)]
mod tests;

/// What a destination asks of the head that goes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Towards<'a> {
    /// A secret of the vault is bound to this host: nothing may change what was judged.
    pub(crate) bound: bool,
    /// The reply will be washed: ask for it without a coding.
    pub(crate) washed: bool,
    /// The host (and port) as it is written in `Host`.
    pub(crate) authority: &'a str,
    /// The name of this broker in `Via`.
    pub(crate) via: &'a str,
}

/// The client's fields that go upstream, with a `Host`, a `Via` and a coding of ours. What the
/// client's `Connection` names is taken off here, before anything of ours is put in (P07).
///
/// # Errors
/// `upstream_address_refused` where a `Via` says that the request passed this broker before (H26).
pub(crate) fn request(client: &HeaderMap, towards: Towards<'_>) -> Result<HeaderMap, Refusal> {
    if passed_before(client, towards.via) {
        return Err(Refusal::new(
            Code::UpstreamAddressRefused,
            "this request has passed this broker before: it goes round in a circle",
            "take the broker's own address out of the proxy settings of the upstream",
        ));
    }
    let named = connection_tokens(client);
    let mut kept = HeaderMap::with_capacity(client.len() + 4);
    kept.insert(header::HOST, ours(towards.authority)?);
    for (name, value) in client {
        if goes_upstream(name, towards) && !named.iter().any(|token| token == name) {
            kept.append(name, value.clone());
        }
    }
    kept.append(header::VIA, ours(&format!("1.1 {}", towards.via))?);
    if towards.washed {
        kept.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
    }
    Ok(kept)
}

/// The upstream's fields that go back: neither those of its connection, nor those that are said
/// between an agent and us, nor those that would lead a client past us (H17).
pub(crate) fn reply(headers: &mut HeaderMap) {
    let named = connection_tokens(headers);
    retain(headers, |name| {
        !is_hop_by_hop(name)
            && !is_proxy(name)
            && !is_ours(name)
            && *name != header::ALT_SVC
            && !named.contains(name)
    });
}

/// Trailers may not say what only a head may (RFC 9110, section 6.5.1): framing, routing,
/// credentials, or how the body is to be read.
pub(crate) fn trailers(headers: &mut HeaderMap) {
    reply(headers);
    retain(headers, |name| !HEAD_ONLY.contains(name));
}

const HEAD_ONLY: &[HeaderName] = &[
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
    header::LOCATION,
    header::SET_COOKIE,
    header::WWW_AUTHENTICATE,
];

fn goes_upstream(name: &HeaderName, towards: Towards<'_>) -> bool {
    // Host and framing are written anew; `Expect` is answered by us.
    let anew = [header::HOST, header::CONTENT_LENGTH, header::EXPECT];
    !(anew.contains(name)
        || is_hop_by_hop(name)
        || is_proxy(name)
        || is_ours(name)
        || (towards.bound && is_override(name))
        || (towards.washed && *name == header::ACCEPT_ENCODING))
}

fn is_proxy(name: &HeaderName) -> bool {
    name.as_str().starts_with("proxy-")
}

/// What `Connection` names belongs to that connection. A token that is no field name names nothing.
fn connection_tokens(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .collect()
}

/// Whether a `Via` entry (`[protocol/]version received-by [comment]`) names this broker.
fn passed_before(client: &HeaderMap, via: &str) -> bool {
    client
        .get_all(header::VIA)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|entry| {
            let mut words = entry
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty());
            words.nth(1)
        })
        .any(|received_by| received_by.eq_ignore_ascii_case(via.as_bytes()))
}

fn retain(headers: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    let gone: Vec<HeaderName> = headers.keys().filter(|name| !keep(name)).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
}

/// A field of our own making: a canonical host, or the name of this broker.
fn ours(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_| {
        Refusal::new(
            Code::Internal,
            "A field of our own is not a field",
            "report this as a bug",
        )
    })
}
