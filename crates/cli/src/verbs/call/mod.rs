//! `withheld call [METHOD] URL`: an API call with a key by its name. The broker adds the key; what
//! comes back here is the washed reply.

mod refused;
mod reply;
mod request;

use withheld_core::api::AgentRequest;

use crate::cli::Call;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket::{ANSWER, Socket};

/// How many of the newest records are looked at for the one of this call.
const LOOKED_AT: usize = 100;

pub(super) fn run(context: &Context, arguments: &Call) -> Outcome {
    let request = request::Wanted::read(arguments)?;
    let socket = context.session_socket()?;
    let request = request.over(&socket)?;
    let mut seen = socket.run(async {
        let response = socket.send(request).await?;
        reply::shown(context, arguments, response).await
    })?;
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
