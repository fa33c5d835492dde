//! An answer on one of the two sockets: `{"schema":…,"data":…}`.

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use withheld_core::{Plain, Refusal};

use crate::body::AgentBody;
use crate::house::bug;
use crate::refusal_reply::api_reply;

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    data: &'a T,
}

/// The document, as it is written.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    /// # Errors
    /// `internal` where it cannot be written as JSON.
    pub(crate) fn of(schema: &'static str, data: &impl Plain) -> Result<Self, Refusal> {
        Self::private(schema, data)
    }

    /// An answer that is not plain: the token of a session that was just made, or a setting as the
    /// owner wrote it. Shown to whoever asked, and kept nowhere.
    ///
    /// # Errors
    /// As [`Answer::of`].
    pub(crate) fn private(schema: &'static str, data: &impl Serialize) -> Result<Self, Refusal> {
        serde_json::to_vec(&Document { schema, data })
            .map(Self)
            .map_err(|_| bug())
    }
}

/// The reply to a request of the command line.
pub(crate) fn reply(answer: Result<Answer, Refusal>) -> Response<AgentBody> {
    match answer {
        Ok(Answer(document)) => {
            let mut reply = Response::new(AgentBody::whole(document));
            let json = HeaderValue::from_static("application/json");
            reply.headers_mut().insert(CONTENT_TYPE, json);
            reply
        }
        Err(refusal) => api_reply(&refusal),
    }
}
