//! What is said where an API refused a key of ours: which version it was, and where a newer one is.

use serde_json::Value;
use withheld_core::api::AgentRequest;
use withheld_core::destination::authority;

use super::reply::Seen;
use crate::cli::Call;
use crate::context::Context;
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
    use serde_json::json;

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
}
