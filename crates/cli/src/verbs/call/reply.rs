//! What came back: the API's answer as it is, as a document, or the refusal of the broker.

use http::header::{HeaderMap, HeaderName};
use http::response::Parts;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use withheld_core::api::ERROR_HEADER;
use withheld_core::{Code, Refusal, Text, text};

use super::document::Document;
use super::file::BodyFile;
use crate::cli::Call;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket;

/// A larger body does not fit a document; it goes to a file.
const MAX_IN_DOCUMENT: usize = 1024 * 1024;
const INJECTED: HeaderName = HeaderName::from_static("withheld-injected");
const REQUEST: HeaderName = HeaderName::from_static("withheld-request");

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

/// Where a reply goes, and what is to be said where it does not come to its end.
pub(super) struct Target<'a> {
    pub(super) file: Option<BodyFile<'a>>,
    /// The request may be sent twice.
    pub(super) is_safe: bool,
}

/// The refusal of the broker, by its field.
pub(super) fn refused_by(response: &http::Response<Incoming>) -> Option<Code> {
    let code = response.headers().get(ERROR_HEADER)?.to_str().ok()?;
    Code::ALL.iter().copied().find(|one| one.as_str() == code)
}

/// Shows the reply, or makes a document of it.
///
/// # Errors
/// The broker's refusal, and what breaks off.
pub(super) async fn shown(
    context: &Context,
    arguments: &Call,
    to: &mut Target<'_>,
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
        seen.document = Some(document(to, &head, &mut body).await?);
        return Ok(seen);
    }
    note_without(context, &head.headers);
    if failed {
        context.output.note(&format!(
            "error: the API answered {}\n  hint: see its answer: leave --fail out",
            head.status.as_u16()
        ));
    } else {
        text(context, arguments, to, &head, &mut body).await?;
    }
    Ok(seen)
}

async fn refusal(response: http::Response<Incoming>) -> Failure {
    match socket::read(response).await {
        Err(failure) => failure,
        // The field said it is a refusal.
        Ok(_) => Failure::refuse(
            Code::Internal,
            "the refusal of the broker cannot be read",
            "see what it was: withheld why --last",
        ),
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

async fn text(
    context: &Context,
    arguments: &Call,
    to: &mut Target<'_>,
    head: &Parts,
    body: &mut Incoming,
) -> Outcome {
    let but = But::of(head, to);
    let file = &mut to.file;
    if let Some(file) = file {
        file.begin().map_err(|_| but.unwritten())?;
    }
    let mut write = |bytes: &[u8]| match file {
        Some(file) => file.write(bytes).map_err(|_| but.unwritten()),
        None => context.output.bytes(bytes),
    };
    if arguments.include {
        write(&head_lines(head))?;
    }
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame.map_err(|_| but.broke_off())?.data_ref() {
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
async fn document(to: &mut Target<'_>, head: &Parts, body: &mut Incoming) -> Outcome<Document> {
    let but = But::of(head, to);
    let file = &mut to.file;
    if let Some(file) = file {
        file.begin().map_err(|_| but.unwritten())?;
    }
    let mut collected = Vec::new();
    let mut length = 0u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| but.broke_off())?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len() as u64;
        match file {
            Some(file) => file.write(data).map_err(|_| but.unwritten())?,
            None if collected.len() + data.len() > MAX_IN_DOCUMENT => return Err(but.too_large()),
            None => collected.extend_from_slice(data),
        }
    }
    let document = Document::of(head, injected(&head.headers));
    Ok(match file {
        Some(file) => document.in_file(file.path(), length),
        None => document.holding(head, &collected),
    })
}

/// What is said where the API answered, and its answer is not handed over whole. Whoever reads it must
/// know that the request did what it does.
struct But {
    status: u16,
    is_safe: bool,
}

impl But {
    fn of(head: &Parts, to: &Target<'_>) -> Self {
        Self {
            status: head.status.as_u16(),
            is_safe: to.is_safe,
        }
    }

    fn unwritten(&self) -> Failure {
        self.failure(
            Code::StoreUnavailable,
            "the file for its body cannot be written",
            "see what room there is: df .",
        )
    }

    fn too_large(&self) -> Failure {
        self.failure(
            Code::TooLarge,
            "its body is over 1 MiB, too large for a document",
            "only sending it again brings its body, with: -o FILE",
        )
    }

    fn broke_off(&self) -> Failure {
        self.failure(
            Code::UpstreamBroken,
            "its body broke off before the end",
            "see why: withheld why --last",
        )
    }

    fn failure(&self, code: Code, what: &'static str, hint: &'static str) -> Failure {
        let message = text!(
            "the request was sent and answered with status {}, but {}",
            self.status,
            Text::from(what)
        );
        let hint = Text::from(hint);
        if self.is_safe {
            return Refusal::new(code, message, hint).into();
        }
        let hint = text!("look what it did before you send it again; {}", hint);
        Refusal::new(code, message, hint).for_good().into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_names_what_was_added_is_read() {
        let mut fields = HeaderMap::new();
        fields.insert("withheld-injected", "B_KEY, A_KEY".parse().unwrap());
        assert_eq!(injected(&fields), ["B_KEY", "A_KEY"]);
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
