//! `withheld.call/1`: the answer of an API, for a program.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::response::Parts;
use serde::Serialize;
use serde_json::{Value, json};
#[cfg(test)]
use withheld_core::schema::JsonSchema;

const OURS: &str = "withheld-";

// `withheld.call/1`.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
pub(crate) struct Document {
    /// The status that the API answered with.
    status: u16,
    /// The fields that came with it, by name in lower case. Several of one name stand in one, with commas;
    /// cookies are a list.
    headers: BTreeMap<String, Field>,
    /// Names of the secrets that were added to the request; empty: it went out without one.
    injected: Vec<String>,
    /// The body in the way that `body_encoding` says; not there with `-o`.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    /// How the body stands here; not there with `-o`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(required))]
    body_encoding: Option<Encoding>,
    /// The file of `-o`, with the body as it came; only there with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(required))]
    output: Option<String>,
    /// How many bytes were written to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(required))]
    output_bytes: Option<u64>,
    /// How often a value was washed out of the answer; null where the log does not say.
    redactions: Option<u64>,
}

/// What stands in a field, or in several of one name.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
#[serde(untagged)]
enum Field {
    One(String),
    Each(Vec<String>),
}

/// How bytes stand in a document.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    /// The JSON that the API says it is.
    Json,
    /// A text.
    Text,
    /// A text in base64, because the bytes are none.
    Base64,
}

impl Document {
    /// Of an answer, without its body.
    pub(super) fn of(head: &Parts, injected: Vec<String>) -> Self {
        let (body, body_encoding, output, output_bytes) = (None, None, None, None);
        Self {
            status: head.status.as_u16(),
            headers: headers(&head.headers),
            injected,
            body,
            body_encoding,
            output,
            output_bytes,
            redactions: None,
        }
    }

    /// The same, whose body went to a file.
    pub(super) fn in_file(self, file: &Path, length: u64) -> Self {
        Self {
            output: Some(file.to_string_lossy().into_owned()),
            output_bytes: Some(length),
            ..self
        }
    }

    /// The same, with its body.
    pub(super) fn holding(self, head: &Parts, body: &[u8]) -> Self {
        let (body, encoding) = encoded(body, is_json(&head.headers));
        Self {
            body: Some(body),
            body_encoding: Some(encoding),
            ..self
        }
    }

    /// The whole of it, with the number that the log has.
    pub(super) fn with(self, redactions: Option<u64>) -> Value {
        json!(Self { redactions, ..self })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| {
        essence.eq_ignore_ascii_case("application/json")
            || essence.to_ascii_lowercase().ends_with("+json")
    })
}

/// The body as a document holds it, and in which way.
fn encoded(body: &[u8], is_json: bool) -> (Value, Encoding) {
    if is_json && let Ok(value) = serde_json::from_slice(body) {
        return (value, Encoding::Json);
    }
    match std::str::from_utf8(body) {
        Ok(text) => (json!(text), Encoding::Text),
        Err(_) => (json!(STANDARD.encode(body)), Encoding::Base64),
    }
}

/// The API's headers; several of one name stand in one, as RFC 9110 allows, but cookies do not.
fn headers(headers: &HeaderMap) -> BTreeMap<String, Field> {
    let mut shown = BTreeMap::new();
    for name in headers
        .keys()
        .filter(|name| !name.as_str().starts_with(OURS))
    {
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let value = match (values.len(), name == http::header::SET_COOKIE) {
            (0..=1, _) | (_, false) => Field::One(values.join(", ")),
            (_, true) => Field::Each(values),
        };
        shown.insert(name.as_str().to_owned(), value);
    }
    shown
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_text_or_base64() {
        let encoded = |body: &[u8], is_json| {
            let (content, encoding) = encoded(body, is_json);
            json!([content, encoding])
        };
        assert_eq!(encoded(b"{\"a\":1}", true), json!([{"a":1}, "json"]));
        assert_eq!(encoded(b"{\"a\":1}", false), json!(["{\"a\":1}", "text"]));
        assert_eq!(encoded(b"{broken", true), json!(["{broken", "text"]));
        assert_eq!(encoded(b"\xff\x00", true), json!(["/wA=", "base64"]));
        assert_eq!(encoded(b"", false), json!(["", "text"]));
    }

    #[test]
    fn fields_of_ours_are_not_shown() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("withheld-injected", "A_KEY"),
            ("content-type", "application/problem+json; x=y"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("vary", "x"),
            ("vary", "y"),
        ] {
            fields.append(name, value.parse().unwrap());
        }
        assert!(is_json(&fields));
        assert_eq!(
            json!(headers(&fields)),
            json!({"content-type": "application/problem+json; x=y", "set-cookie": ["a=1", "b=2"], "vary": "x, y"})
        );
    }
}
