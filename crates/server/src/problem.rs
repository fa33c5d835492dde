//! Why a request was refused (RFC 9457): one sentence a code, never a word of the request.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use withheld_team::Verdict;
use withheld_team::api::{Heads, Problem, ProblemCode};

use crate::limits::WAIT;
use crate::store::Quota;

/// What a handler gives.
pub(crate) type Answer<T> = Result<T, Refused>;

/// A problem on its way to the client.
#[derive(Debug)]
pub(crate) struct Refused {
    problem: Box<Problem>,
    /// The server's time in milliseconds since 1970, with `clock`.
    now: Option<u64>,
    /// In seconds.
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<u64>,
}

impl Refused {
    /// With the sentence of its code.
    pub(crate) fn of(code: ProblemCode) -> Self {
        let (title, detail) = words(code);
        Self {
            problem: Box::new(Problem {
                kind: Cow::Owned(format!("urn:withheld:problem:{}", code.as_str())),
                title: Cow::Borrowed(title),
                status: code.status(),
                code,
                detail: Cow::Borrowed(detail),
                heads: None,
                seq: None,
            }),
            now: None,
            retry_after: None,
        }
    }

    /// The chains have moved on, to here.
    pub(crate) fn conflict(heads: Heads) -> Self {
        let mut refused = Self::of(ProblemCode::Conflict);
        refused.problem.heads = Some(heads);
        refused
    }

    /// The link or commit with this number breaks a rule, or is not known here.
    pub(crate) fn verdict(verdict: Verdict, seq: Option<u64>) -> Self {
        let (code, rule) = match verdict {
            Verdict::Unknown(what) => (ProblemCode::Unknown, what),
            Verdict::Invalid(rule) | Verdict::Unverified(rule) => (ProblemCode::Invalid, rule),
            Verdict::Rollback => (
                ProblemCode::Invalid,
                "it names more of a chain than is here",
            ),
            Verdict::Fork => (ProblemCode::Invalid, "it belongs to another history"),
        };
        let mut refused = Self::of(code);
        refused.problem.detail = Cow::Borrowed(rule);
        refused.problem.seq = seq;
        refused
    }

    /// A rule of this server, beside those of the chains.
    pub(crate) fn invalid(rule: &'static str, seq: Option<u64>) -> Self {
        Self::verdict(Verdict::Invalid(rule), seq)
    }

    /// The time in a signature is too far from `now`, in milliseconds since 1970.
    pub(crate) fn clock(now: u64) -> Self {
        let mut refused = Self::of(ProblemCode::Clock);
        refused.now = Some(now);
        refused
    }

    /// The workspace holds as much as it may of this.
    pub(crate) fn quota(quota: Quota) -> Self {
        let mut refused = Self::of(ProblemCode::Quota);
        refused.problem.detail = Cow::Borrowed(match quota {
            Quota::Bytes => "remove what is not needed; the workspace has used all its bytes",
            Quota::Environments => "use another workspace; this one has all its environments",
            Quota::Devices => "remove devices that are not used; the workspace has all it may",
            Quota::Secrets => "use another environment; this one has all its secrets",
            Quota::Entries => {
                "use another environment; this one has had all its secrets, deleted ones included"
            }
        });
        refused
    }

    /// Too many open invitations.
    pub(crate) fn invites() -> Self {
        let mut refused = Self::of(ProblemCode::Quota);
        refused.problem.detail = Cow::Borrowed("wait until an open invitation is used or ends");
        refused
    }

    /// Too many requests; try again after this time.
    pub(crate) fn rate(after: Duration) -> Self {
        let mut refused = Self::of(ProblemCode::Rate);
        refused.retry_after = Some(after.as_secs() + 1);
        refused
    }

    /// It is large, and nothing large was done in time for it to be begun.
    pub(crate) fn busy() -> Self {
        let mut refused = Self::of(ProblemCode::Unavailable);
        refused.problem.detail =
            Cow::Borrowed("others are being answered; send it again after Retry-After");
        refused.retry_after = Some(WAIT.as_secs());
        refused
    }

    /// Another device may append alone, at most this long.
    pub(crate) fn leased(after: Duration) -> Self {
        let mut refused = Self::of(ProblemCode::Leased);
        refused.retry_after = Some(after.as_secs());
        refused
    }

    /// Which one.
    pub(crate) fn code(&self) -> ProblemCode {
        self.problem.code
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Body {
            problem: &self.problem,
            now: self.now,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The title, and what to do.
fn words(code: ProblemCode) -> (&'static str, &'static str) {
    match code {
        ProblemCode::Malformed => (
            "The request has not the form that this path takes",
            "compare with the API of this server's version",
        ),
        ProblemCode::Unsigned => (
            "The request is not signed by a device that may sign it",
            "sign it with the key of a device of this workspace",
        ),
        ProblemCode::Clock => (
            "The time in the signature is too far from the server's",
            "set the clock of this machine; `now` is the server's, in milliseconds since 1970",
        ),
        ProblemCode::Forbidden => (
            "This device may not do that",
            "ask an admin of the workspace",
        ),
        ProblemCode::NotFound => (
            "There is nothing here for this caller",
            "check the server's address and the workspace",
        ),
        ProblemCode::Conflict => (
            "Somebody else was faster",
            "fetch up to `heads`, judge again, send again",
        ),
        ProblemCode::TooLarge => ("That is too large", "see the limits: GET /v1/server"),
        ProblemCode::Invalid => ("It breaks a rule of the chain", "it breaks a rule"),
        ProblemCode::Unknown => (
            "This server does not know that",
            "update the server or use what its version knows",
        ),
        ProblemCode::Leased => (
            "Another device appends alone for some seconds",
            "send it again then",
        ),
        ProblemCode::Rate => ("Too many requests", "send it again after Retry-After"),
        ProblemCode::Unavailable => (
            "The server cannot do it now",
            "send it again later; its log says why",
        ),
        ProblemCode::Quota => ("The workspace holds as much as it may", "remove something"),
    }
}
