//! Requests as the server wants them: signed as RFC 9421 says, where somebody signs them.

use std::net::SocketAddr;

use super::Hand;
use super::crypto::sha256;
use crate::encode::base64;
use crate::http::Reply;
use crate::tap;

/// Whose key signs a request: `d:HEX` a device, `i:HEX` an invitation.
pub(super) struct Keyed {
    pub(super) id: String,
    pub(super) hand: Hand,
}

/// The server's answer.
pub(super) fn request(
    server: SocketAddr,
    method: &str,
    target: &str,
    body: &str,
    by: Option<&Keyed>,
) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let host = server.to_string();
    let digest = base64(&sha256(body.as_bytes()));
    let mut raw = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n");
    if let Some(Keyed { id, hand }) = by {
        let parameters = format!(
            "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");created={};\
             keyid=\"{id}\";alg=\"ed25519\";tag=\"withheld-v0\"",
            now_ms() / 1000
        );
        let base = format!(
            "\"@method\": {method}\n\"@authority\": {host}\n\"@path\": {path}\n\
             \"@query\": ?{query}\n\"content-digest\": sha-256=:{digest}:\n\
             \"@signature-params\": {parameters}"
        );
        let signature = base64(&hand.sign(base.as_bytes()));
        raw.push_str(&format!(
            "content-digest: sha-256=:{digest}:\r\nsignature-input: withheld={parameters}\r\n\
             signature: withheld=:{signature}:\r\n"
        ));
    }
    if method == "POST" {
        raw.push_str("content-type: application/json\r\n");
    }
    raw.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    tap::forward(server, method, raw.as_bytes()).expect("an answer of the server")
}

/// The time, in milliseconds since 1970.
///
/// # Panics
/// When the clock stands before 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "signs what real programs judge by their clock"
)]
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.expect("a time after 1970").as_millis()).expect("a near time")
}
