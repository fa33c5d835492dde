//! What came back: the API's answer as it is, as a document, or the refusal of the broker.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::response::Parts;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use withheld_core::api::ERROR_HEADER;
use withheld_core::{Code, Refusal};

use crate::cli::Call;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket;

/// A larger body does not fit a document; it goes to a file.
const MAX_IN_DOCUMENT: usize = 1024 * 1024;
const INJECTED: HeaderName = HeaderName::from_static("withheld-injected");
const REQUEST: HeaderName = HeaderName::from_static("withheld-request");
const OURS: &str = "withheld-";

/// What was seen of a reply.
pub(super) struct Seen {
    /// What is left to say, where a program reads.
    pub(super) document: Option<Document>,
    /// The id under which the log has it.
    pub(super) request: Option<String>,
    /// `--fail`, and the API answered 400 or above.
    pub(super) failed: bool,
    /// What the API answered.
    pub(super) status: u16,
    /// The keys that went with the request.
    pub(super) injected: Vec<String>,
}

/// `withheld.call/1`, without the number that the log has.
pub(super) struct Document(Map<String, Value>);

impl Document {
    /// The whole document.
    pub(super) fn with(mut self, redactions: Option<u64>) -> Value {
        self.0.insert("redactions".into(), json!(redactions));
        Value::Object(self.0)
    }
}

/// Shows the reply, or makes a document of it.
///
/// # Errors
/// The broker's refusal, and what breaks off.
pub(super) async fn shown(
    context: &Context,
    arguments: &Call,
    response: http::Response<Incoming>,
) -> Outcome<Seen> {
    if response.headers().contains_key(ERROR_HEADER) {
        return Err(refusal(response).await);
    }
    let (head, mut body) = response.into_parts();
    let failed = arguments.fail && head.status.as_u16() >= 400;
    let request = head.headers.get(REQUEST).and_then(|id| id.to_str().ok());
    let mut seen = Seen {
        document: None,
        request: request.map(ToOwned::to_owned),
        failed,
        status: head.status.as_u16(),
        injected: injected(&head.headers),
    };
    if context.output.is_json() {
        seen.document = Some(document(arguments, &head, &mut body).await?);
        return Ok(seen);
    }
    note_without(context, &head.headers);
    if failed {
        context.output.note(&format!(
            "error: the API answered {}\n  hint: see its answer: leave --fail out",
            head.status.as_u16()
        ));
    } else {
        text(context, arguments, &head, &mut body).await?;
    }
    Ok(seen)
}

async fn refusal(response: http::Response<Incoming>) -> Failure {
    match socket::read(response).await {
        Err(failure) => failure,
        // The field said it is a refusal.
        Ok(_) => broke_off(),
    }
}

fn note_without(context: &Context, headers: &HeaderMap) {
    if let Some(why) = headers
        .get(INJECTED)
        .and_then(|value| value.to_str().ok())
        .and_then(why)
    {
        context.output.note(&format!(
            "note: it went out without a key ({}); see: withheld why --last",
            crate::output::clean(why)
        ));
    }
}

/// The reason in `none; why=REASON`.
fn why(injected: &str) -> Option<&str> {
    injected
        .strip_prefix("none")?
        .split_once("why=")
        .map(|(_, why)| why)
}

/// The keys in the field that says which were added.
fn injected(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(INJECTED)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|value| !value.starts_with("none"))
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

async fn text(context: &Context, arguments: &Call, head: &Parts, body: &mut Incoming) -> Outcome {
    let mut file = file(arguments).map(created).transpose()?;
    let mut write = |bytes: &[u8]| match &mut file {
        Some(file) => file.write_all(bytes).map_err(|_| unwritten()),
        None => context.output.bytes(bytes),
    };
    if arguments.include {
        write(&head_lines(head))?;
    }
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame.map_err(|_| broke_off())?.data_ref() {
            write(data)?;
        }
    }
    Ok(())
}

/// The status line and the headers, as `curl -i` writes them.
fn head_lines(head: &Parts) -> Vec<u8> {
    let reason = head.status.canonical_reason().unwrap_or_default();
    let mut lines = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()).into_bytes();
    for (name, value) in &head.headers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines.extend_from_slice(b"\r\n");
    lines
}

/// The reply as a document; its body in a file where one is named.
async fn document(arguments: &Call, head: &Parts, body: &mut Incoming) -> Outcome<Document> {
    let path = file(arguments);
    let mut file = path.map(created).transpose()?;
    let mut collected = Vec::new();
    let mut length = 0u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| broke_off())?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len() as u64;
        match &mut file {
            Some(file) => file.write_all(data).map_err(|_| unwritten())?,
            None if collected.len() + data.len() > MAX_IN_DOCUMENT => return Err(too_large()),
            None => collected.extend_from_slice(data),
        }
    }
    let mut document = Map::new();
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    put("status", json!(head.status.as_u16()));
    put("headers", headers(&head.headers));
    put("injected", json!(injected(&head.headers)));
    match path {
        Some(file) => {
            put("output", json!(file.to_string_lossy()));
            put("output_bytes", json!(length));
        }
        None => {
            let (content, encoding) = encoded(&collected, is_json(&head.headers));
            put("body", content);
            put("body_encoding", json!(encoding));
        }
    }
    Ok(Document(document))
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
fn encoded(body: &[u8], is_json: bool) -> (Value, &'static str) {
    if is_json && let Ok(value) = serde_json::from_slice(body) {
        return (value, "json");
    }
    match std::str::from_utf8(body) {
        Ok(text) => (json!(text), "text"),
        Err(_) => (json!(STANDARD.encode(body)), "base64"),
    }
}

/// The API's headers; several of one name stand in one, as RFC 9110 allows, but cookies do not.
fn headers(headers: &HeaderMap) -> Value {
    let mut shown = Map::new();
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
            (0..=1, _) | (_, false) => json!(values.join(", ")),
            (_, true) => json!(values),
        };
        shown.insert(name.as_str().to_owned(), value);
    }
    Value::Object(shown)
}

/// Where the body goes that does not go to stdout; `-` is stdout, as with curl.
fn file(arguments: &Call) -> Option<&Path> {
    let named = arguments.output.as_deref();
    named.filter(|file| *file != Path::new("-"))
}

fn created(file: &Path) -> Outcome<File> {
    File::create(file).map_err(|_| unwritten())
}

fn unwritten() -> Failure {
    Refusal::new(
        Code::StoreUnavailable,
        "the file for the body cannot be written",
        "see whether its folder is there and has room: -o FILE",
    )
    .into()
}

fn too_large() -> Failure {
    Failure::refuse(
        Code::TooLarge,
        "the body is over 1 MiB, too large for a document",
        "write it to a file: -o FILE",
    )
}

fn broke_off() -> Failure {
    Failure::refuse(
        Code::UpstreamBroken,
        "the reply broke off before its end",
        "see what is known of it: withheld audit --last 1",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_text_or_base64() {
        assert_eq!(encoded(b"{\"a\":1}", true), (json!({"a":1}), "json"));
        assert_eq!(encoded(b"{\"a\":1}", false), (json!("{\"a\":1}"), "text"));
        assert_eq!(encoded(b"{broken", true), (json!("{broken"), "text"));
        assert_eq!(encoded(b"\xff\x00", true), (json!("/wA="), "base64"));
        assert_eq!(encoded(b"", false), (json!(""), "text"));
    }

    #[test]
    fn fields_of_ours_are_read_and_not_shown() {
        let mut fields = HeaderMap::new();
        fields.insert("withheld-injected", "B_KEY, A_KEY".parse().unwrap());
        fields.insert(
            "content-type",
            "application/problem+json; x=y".parse().unwrap(),
        );
        fields.append("set-cookie", "a=1".parse().unwrap());
        fields.append("set-cookie", "b=2".parse().unwrap());
        fields.append("vary", "x".parse().unwrap());
        fields.append("vary", "y".parse().unwrap());
        assert_eq!(injected(&fields), ["B_KEY", "A_KEY"]);
        assert!(is_json(&fields));
        assert_eq!(
            headers(&fields),
            json!({"content-type": "application/problem+json; x=y", "set-cookie": ["a=1", "b=2"], "vary": "x, y"})
        );
        let mut none = HeaderMap::new();
        none.insert(
            "withheld-injected",
            "none; why=not_granted".parse().unwrap(),
        );
        assert!(injected(&none).is_empty());
        assert_eq!(why("none; why=not_granted"), Some("not_granted"));
        assert_eq!(why("A_KEY"), None);
    }
}
