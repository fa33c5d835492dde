//! What is said where an API refused a key of ours: which version it was, and where a newer one is; and
//! where we refused what has no room for our words.

use serde_json::{Value, json};
use withheld_core::Code;
use withheld_core::api::AgentRequest;
use withheld_core::destination::authority;

use super::reply::Seen;
use crate::cli::Call;
use crate::context::Context;
use crate::failure::{Failure, Refused};
use crate::output::clean;
use crate::said::{list, number, word};
use crate::socket::{ANSWER, Socket};

/// Says it on stderr, where the API answered 401 or 403. The call was made: that nothing more can be
/// said of it is no failure.
pub(super) fn say(context: &Context, arguments: &Call, socket: &Socket, seen: &Seen) {
    let is_refusal = matches!(seen.status, 401 | 403);
    if !is_refusal || seen.injected.is_empty() || context.output.is_json() {
        return;
    }
    let Ok(said) = socket.ask(&AgentRequest::Status, ANSWER) else {
        return;
    };
    let host = host(arguments);
    let secrets = list(&said["secrets"]);
    for secret in secrets.filter(|one| seen.injected.contains(&word(&one["name"]))) {
        context
            .output
            .note(&note(&host, seen.status, &said, secret));
    }
}

/// The refusal of a HEAD: its answer has no body to say why in, so the broker is asked.
pub(super) fn explained(arguments: &Call, socket: &Socket, code: Code) -> Failure {
    let said = socket.ask(&AgentRequest::WhyLast, ANSWER).ok();
    let host = host(arguments);
    let own = said.and_then(|said| document(said.get("last")?, &host, code));
    own.map_or_else(|| unexplained(code), Failure::from)
}

/// The document that a body would have had, where this is the last refusal of the session.
fn document(last: &Value, host: &str, code: Code) -> Option<Refused> {
    let is_other = |known: &str| known != host;
    if last["code"] != code.as_str() || last["host"].as_str().is_some_and(is_other) {
        return None;
    }
    let message = last["message"].as_str()?;
    let message = if message.starts_with("Withheld ") {
        format!("{message}.")
    } else {
        format!("Withheld did not send this request: {message}.")
    };
    Refused::read(&json!({"error": {
        "type": "withheld_refusal", "code": code, "message": message, "hint": last["hint"],
        "retry": code.retry(), "facts": last["facts"], "next": last["next"],
    }}))
}

fn unexplained(code: Code) -> Failure {
    Failure::refuse(
        code,
        "an answer to HEAD has no room to say why it was refused",
        "see why: withheld why --last",
    )
}

fn host(arguments: &Call) -> String {
    let url = arguments.target.last();
    let host = url
        .and_then(|url| url.split_once("://"))
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next())
        .and_then(|written| authority(written).ok());
    host.map_or_else(|| "the API".to_owned(), |(host, _)| host.to_string())
}

fn note(host: &str, status: u16, said: &Value, secret: &Value) -> String {
    let name = word(&secret["name"]);
    let version = number(&secret["version"]);
    let more = if secret["state"] == "behind" {
        let newer = number(&secret["remote_version"]);
        format!("Version {newer} exists: withheld pull")
    } else {
        let part = |part: &str| word(&said["project"][part]);
        format!(
            "No newer version; the owner stores one: withheld set {name} -e {}/{}",
            part("project"),
            part("environment")
        )
    };
    let text = format!("note: {host} refused {name} version {version} ({status}). {more}");
    clean(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wording_10() {
        let said = json!({"project": {"project": "billing", "environment": "dev"}});
        let mut secret =
            json!({"name": "STRIPE_KEY", "state": "behind", "version": 3, "remote_version": 4});
        assert_eq!(
            note("api.stripe.com", 401, &said, &secret),
            "note: api.stripe.com refused STRIPE_KEY version 3 (401). Version 4 exists: withheld pull"
        );
        secret["state"] = json!("in-sync");
        assert_eq!(
            note("api.stripe.com", 403, &said, &secret),
            "note: api.stripe.com refused STRIPE_KEY version 3 (403). No newer version; the owner stores one: withheld set STRIPE_KEY -e billing/dev"
        );
    }

    #[test]
    fn a_refused_head_says_what_a_body_would_have_said() {
        let mut last = json!({"code": "host_denied", "host": "a.test", "message": "m", "hint": "h",
            "facts": {}, "next": []});
        let message = |last: &Value, host| {
            let refused = document(last, host, Code::HostDenied);
            refused.map(|refused| refused.message().to_owned())
        };
        assert_eq!(
            message(&last, "a.test").as_deref(),
            Some("Withheld did not send this request: m")
        );
        assert_eq!(message(&last, "b.test"), None);
        last["message"] = json!("Withheld may have sent this request, and so on");
        last["host"] = Value::Null;
        assert_eq!(
            message(&last, "b.test").as_deref(),
            Some("Withheld may have sent this request, and so on")
        );
        last["code"] = json!("no_binding");
        assert_eq!(message(&last, "a.test"), None);
    }
}
