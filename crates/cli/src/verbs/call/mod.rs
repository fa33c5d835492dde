//! `withheld call [METHOD] URL`: an API call with a key by its name. The broker adds the key; what
//! comes back here is the washed reply.

mod document;
mod file;
mod refused;
mod reply;
mod request;

use withheld_core::api::AgentRequest;
#[cfg(test)]
use withheld_core::schema::Document;

use self::file::BodyFile;
use self::reply::Target;
use crate::cli::Call;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket::{ANSWER, Socket};

/// How many of the newest records are looked at for the one of this call.
const LOOKED_AT: usize = 100;

pub(super) fn run(context: &Context, arguments: &Call) -> Outcome {
    let wanted = request::Wanted::read(arguments)?;
    let mut to = Target {
        file: BodyFile::named(arguments)?,
        is_safe: wanted.is_safe(),
    };
    let is_head = wanted.is_head();
    let socket = context.session_socket()?;
    let request = wanted.over(&socket)?;
    let seen = socket.run(async {
        let response = socket.send(request).await?;
        match reply::refused_by(&response) {
            Some(code) if is_head => Ok(Err(code)),
            _ => reply::shown(context, arguments, &mut to, response)
                .await
                .map(Ok),
        }
    })?;
    let mut seen = seen.map_err(|code| refused::explained(arguments, &socket, code))?;
    if let Some(document) = seen.document.take() {
        let redactions = redactions(&socket, seen.request.as_deref());
        context
            .output
            .document("withheld.call/1", document.with(redactions))?;
    }
    refused::say(context, arguments, &socket, &seen);
    if seen.failed {
        return Err(Failure::Answered(exit::HTTP_ERROR));
    }
    Ok(())
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![Document::of::<document::Document>(
        "call",
        "`withheld call --json`: the answer of an API",
    )]
}

/// How often the value was blotted out of the reply, from the log: its record was written before the
/// reply's last byte came. `None` where there is no such record, or it cannot be had: the call was
/// made, and its answer is not held back for that.
fn redactions(socket: &Socket, request: Option<&str>) -> Option<u64> {
    let request = request?;
    let said = socket.ask(
        &AgentRequest::Audit {
            secret: None,
            host: None,
            denied: false,
            since_ms: None,
            last: Some(LOOKED_AT),
        },
        ANSWER,
    );
    let said = said.ok()?;
    let records = said["records"].as_array();
    let own = records
        .into_iter()
        .flatten()
        .find(|record| record["request"] == request);
    own.and_then(|record| record["redactions"].as_u64())
}
