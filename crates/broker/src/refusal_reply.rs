//! How a refusal looks to the one who asked. Nothing but plain things goes in, so no value can.

use http::header::{CONTENT_TYPE, HeaderValue, PROXY_AUTHENTICATE, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use hyper::ext::ReasonPhrase;
use withheld_core::refusal::{Facts, Next, Retry};
use withheld_core::{Code, Refusal, Text, plain, text};

use crate::body::AgentBody;

const ERROR_FIELD: HeaderName = HeaderName::from_static("withheld-error");
/// No page of another origin may load what is answered here, not even as an image (L01).
const RESOURCE_POLICY: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("same-origin"),
);

/// Which form a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The error document.
    Document,
    /// Message and hint as two lines: git shows them as `remote:` lines.
    Lines,
    /// What agents written for AgentSecrets read.
    AgentSecrets,
}

impl Form {
    /// The form for a client of the forward proxy or the call endpoint.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let is_git = headers
            .get(USER_AGENT)
            .is_some_and(|agent| agent.as_bytes().starts_with(b"git/"));
        if is_git { Self::Lines } else { Self::Document }
    }
}

plain! {
    struct Document {
        schema: &'static str,
        error: Fault,
    }

    pub(crate) struct Fault {
        /// There where a request of an agent was refused; else the command itself failed.
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(required))]
        kind: Option<Kind>,
        /// Which refusal it is; with it come the exit status of the command and the HTTP status.
        code: Code,
        /// One sentence, names in backticks; for people, and not to be compared with anything.
        message: Text,
        /// What to type next, a verb first.
        hint: Text,
        /// When the same may be tried again.
        retry: Retry,
        /// What it is about; of a pull or push that could not do everything, what it did.
        facts: Facts,
        /// Commands that would help, in order.
        next: Vec<Next>,
    }

    enum Kind {
        /// A request of an agent was refused.
        #[serde(rename = "withheld_refusal")]
        Refusal,
    }

    struct AgentSecretsFault {
        error: Code,
        domain: Option<withheld_core::destination::Host>,
        message: Text,
    }
}

/// Why there is no reply to a request.
pub(crate) struct Stop {
    refusal: Box<Refusal>,
    sent: bool,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal: Box::new(refusal),
            sent: false,
        }
    }
}

impl Stop {
    /// Of a request that may have arrived; the refusal says so, see [`crate::sent`].
    pub(crate) fn sent(refusal: Refusal) -> Self {
        Self {
            refusal: Box::new(refusal),
            sent: true,
        }
    }
}

/// The answer to a request that has no reply. An answer to HEAD has no body.
pub(crate) fn reply(stop: &Stop, form: Form, method: &Method) -> Response<AgentBody> {
    let refusal = &*stop.refusal;
    let message = if stop.sent {
        refusal.message.clone()
    } else {
        // The contract's, by which what was not sent is told from everything else.
        text!("Withheld did not send this request: {}", refusal.message)
    };
    let (kind, body) = match form {
        Form::Document => (
            "application/json",
            document(refusal, text!("{}.", message), Some(Kind::Refusal)),
        ),
        Form::Lines => (
            "text/plain",
            format!("{message}\nhint: {}\n", refusal.hint).into_bytes(),
        ),
        Form::AgentSecrets => (
            "application/json",
            json(&AgentSecretsFault {
                error: refusal.code,
                domain: refusal.facts.host.clone(),
                message: text!("{}.", message),
            }),
        ),
    };
    let body = if *method == Method::HEAD {
        Vec::new()
    } else {
        body
    };
    written(refusal, kind, body)
}

/// The answer to a request of the command line that was not done.
pub(crate) fn api_reply(refusal: &Refusal) -> Response<AgentBody> {
    let body = document(refusal, refusal.message.clone(), None);
    written(refusal, "application/json", body)
}

/// A status and nothing else: for callers that are not identified.
pub(crate) fn bare(status: StatusCode) -> Response<AgentBody> {
    let mut reply = Response::new(AgentBody::Empty);
    *reply.status_mut() = status;
    reply.headers_mut().extend([RESOURCE_POLICY]);
    challenge(&mut reply);
    reply
}

fn document(refusal: &Refusal, message: Text, kind: Option<Kind>) -> Vec<u8> {
    json(&Document {
        schema: "withheld.error/1",
        error: Fault {
            kind,
            code: refusal.code,
            message,
            hint: refusal.hint.clone(),
            retry: refusal.retry,
            facts: Facts::clone(&refusal.facts),
            next: refusal.next.clone(),
        },
    })
}

fn json(plain: &impl withheld_core::Plain) -> Vec<u8> {
    // Plain things have no map keys but names, so this cannot fail; an empty body says no more.
    serde_json::to_vec(plain).unwrap_or_default()
}

fn written(refusal: &Refusal, kind: &'static str, body: Vec<u8>) -> Response<AgentBody> {
    let mut reply = Response::new(AgentBody::whole(body));
    *reply.status_mut() =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = refusal.code.as_str();
    if let Ok(phrase) = ReasonPhrase::try_from(format!("Withheld {code}").into_bytes()) {
        reply.extensions_mut().insert(phrase);
    }
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(ERROR_FIELD, HeaderValue::from_static(code));
    headers.extend([RESOURCE_POLICY]);
    challenge(&mut reply);
    reply
}

/// What a 401 and a 407 must say (RFC 9110). Never Basic on the call endpoint: a browser would ask
/// its user for a password there.
fn challenge(reply: &mut Response<AgentBody>) {
    let (name, value) = match reply.status() {
        StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Withheld-Session realm=\"withheld\""),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            (PROXY_AUTHENTICATE, "Basic realm=\"withheld\"")
        }
        _ => return,
    };
    reply
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

/// The same for the call endpoint, whose callers are no proxy's clients.
pub(crate) fn as_unauthorized(reply: &mut Response<AgentBody>) {
    reply.headers_mut().remove(PROXY_AUTHENTICATE);
    *reply.status_mut() = StatusCode::UNAUTHORIZED;
    challenge(reply);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
