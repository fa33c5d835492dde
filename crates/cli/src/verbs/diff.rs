//! `withheld diff [--exit-code] [--deep]`: how what is here stands to what the team has. Names,
//! versions, people and times; never a value, its length or a hash.

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::AgentRequest;

use super::exchange::{self, all_current, position};
use crate::cli::Diff;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::{Outcome, clean, table};
use crate::said::{age, flags, list, word};
use crate::socket::ACT;

pub(super) fn run(context: &Context, arguments: &Diff) -> Outcome {
    let (socket, target) = exchange::reach(context)?;
    let request = AgentRequest::Diff {
        environment: target.map(|one| one.environment),
        deep: arguments.deep,
    };
    let said = socket.ask(&request, ACT)?;
    let status = status(&said);
    let text = text(&said);
    context.output.result("withheld.diff/1", said, &text)?;
    if arguments.exit_code && status != exit::DONE {
        return Err(Failure::Answered(status));
    }
    Ok(())
}

/// The status of `--exit-code`: what cannot be true first, then what was not verified, then any drift.
fn status(said: &Value) -> u8 {
    let is_any = |state: &str| list(&said["secrets"]).any(|one| one["state"] == state);
    let is_drift = list(&said["secrets"]).any(|one| one["state"] != "in-sync");
    if is_any("tampered") {
        Code::SignatureInvalid.exit()
    } else if said["verified"] != true || is_any("unverified") {
        Code::Unverified.exit()
    } else if is_drift {
        exit::NO
    } else {
        exit::DONE
    }
}

fn text(said: &Value) -> String {
    let all: Vec<&Value> = list(&said["secrets"]).collect();
    let shown: Vec<&Value> = all.iter().copied().filter(|one| is_news(one)).collect();
    let as_of = &said["as_of"];
    let place = position(said, &as_of["e"], &as_of["age_s"]);
    let is_verified = said["verified"] == true;
    let mut parts = Vec::new();
    if !shown.is_empty() {
        let mut rows = vec![
            [
                "NAME",
                "STATE",
                "HERE",
                "TEAM",
                "CHANGED BY",
                "WHEN",
                "NEXT",
            ]
            .map(ToOwned::to_owned)
            .to_vec(),
        ];
        let option = exchange::of(said).option();
        rows.extend(shown.iter().map(|one| row(one, option.as_str())));
        parts.push(table(&rows));
        parts.push(format!("{} in sync. {place}.", all.len() - shown.len()));
    } else if is_verified {
        parts.push(all_current(all.len(), &place));
    } else {
        parts.push(format!("Nothing differs, as far as is known. {place}."));
    }
    if as_of["signed_at"].is_string() {
        parts.push(format!(
            "Newest change signed {}.",
            age(&as_of["signed_at"])
        ));
    }
    if !is_verified {
        parts.push(not_verified(&said["fault"]));
    }
    parts.join("\n")
}

/// What stands between this and the truth, and what to type.
pub(super) fn not_verified(fault: &Value) -> String {
    let text = "Not verified: this is what is known here.";
    match (fault["message"].as_str(), fault["hint"].as_str()) {
        (Some(message), Some(hint)) => {
            format!(
                "{text}\n  cause: {}\n  hint: {}",
                clean(message),
                clean(hint)
            )
        }
        _ => text.to_owned(),
    }
}

fn is_news(one: &Value) -> bool {
    one["state"] != "in-sync" || list(&one["flags"]).next().is_some()
}

fn row(one: &Value, option: &str) -> Vec<String> {
    let version = |field: &str| match one[field].as_u64() {
        Some(version) => version.to_string(),
        None => "none".to_owned(),
    };
    let mut state = word(&one["state"]);
    let flags = flags(&one["flags"]);
    if !flags.is_empty() {
        state.push_str(&format!(" ({flags})"));
    }
    let when = match &one["changed_at"] {
        at if at.is_string() => age(at),
        _ => String::new(),
    };
    vec![
        word(&one["name"]),
        state,
        version("version"),
        version("remote_version"),
        word(&one["changed_by"]),
        when,
        next(one, option),
    ]
}

/// Whether somebody could read it who may not any more.
fn is_exposed(one: &Value) -> bool {
    let mut flags = list(&one["flags"]).filter_map(Value::as_str);
    flags.any(|flag| flag.starts_with("needs-upstream-rotation"))
}

/// The command that ends it, where there is one.
fn next(one: &Value, option: &str) -> String {
    let name = word(&one["name"]);
    match one["state"].as_str() {
        Some("behind" | "remote-only") => format!("withheld pull {name}{option}"),
        Some("ahead") if one["version"].is_null() => {
            format!("withheld push {name}{option}, or withheld pull {name} --take remote{option}")
        }
        Some("ahead" | "local-only") => format!("withheld push {name}{option}"),
        Some("in-sync") if is_exposed(one) => format!("withheld set {name}{option}"),
        Some("diverged") => format!(
            "withheld pull {name} --take remote{option}, or withheld push {name} --take local{option}"
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(states: &[&str]) -> Value {
        let secrets: Vec<Value> = states
            .iter()
            .map(|state| {
                json!({"name": "A_KEY", "state": state, "version": 3, "remote_version": 4,
                    "changed_by": "lead", "changed_at": null, "flags": []})
            })
            .collect();
        json!({"environment": "billing/dev", "verified": true, "as_of": {"w": 412, "e": 88, "age_s": 4}, "secrets": secrets})
    }

    #[test]
    fn the_status_is_the_contracts() {
        assert_eq!(status(&said(&[])), 0);
        assert_eq!(status(&said(&["in-sync"])), 0);
        for drift in [
            "behind",
            "ahead",
            "diverged",
            "local-only",
            "remote-only",
            "missing",
        ] {
            assert_eq!(status(&said(&["in-sync", drift])), 1, "{drift}");
        }
        assert_eq!(status(&said(&["behind", "unverified"])), 6);
        let mut unverified = said(&["in-sync"]);
        unverified["verified"] = json!(false);
        assert_eq!(status(&unverified), 6);
        unverified["secrets"][0]["state"] = json!("tampered");
        assert_eq!(status(&unverified), 8);
    }

    #[test]
    fn where_nothing_differs_one_line_says_so() {
        let mut same = said(&["in-sync", "in-sync"]);
        assert_eq!(
            text(&same),
            "Current. 2 secrets, billing/dev at 88, seen 4 s ago."
        );
        same["verified"] = json!(false);
        same["as_of"]["age_s"] = json!(null);
        assert_eq!(
            text(&same),
            "Nothing differs, as far as is known. billing/dev at 88, never seen.\nNot verified: this is what is known here."
        );
        same["fault"] = json!({"code": "server_unreachable", "message": "the team's server is slow to answer",
            "hint": "try again: withheld pull"});
        assert!(text(&same).ends_with(
            "\nNot verified: this is what is known here.\n  cause: the team's server is slow to answer\n  hint: try again: withheld pull"
        ));
    }

    #[test]
    fn what_differs_comes_with_the_command_that_ends_it() {
        let mut drift = said(&["in-sync", "behind", "diverged", "local-only"]);
        drift["secrets"][3]["remote_version"] = json!(null);
        drift["secrets"][3]["changed_by"] = json!(null);
        drift["secrets"][1]["flags"] = json!(["parked-draft"]);
        let lines = [
            "NAME   STATE                  HERE  TEAM  CHANGED BY  WHEN  NEXT",
            "A_KEY  behind (parked draft)  3     4     lead              withheld pull A_KEY -e billing/dev",
            "A_KEY  diverged               3     4     lead              withheld pull A_KEY --take remote -e billing/dev, or withheld push A_KEY --take local -e billing/dev",
            "A_KEY  local-only             3     none                    withheld push A_KEY -e billing/dev",
            "1 in sync. billing/dev at 88, seen 4 s ago.",
        ];
        assert_eq!(text(&drift), lines.join("\n"));
        let mut removed = said(&["ahead"]);
        removed["secrets"][0]["version"] = json!(null);
        assert!(text(&removed).contains(
            "ahead  none  4     lead              withheld push A_KEY -e billing/dev, or withheld pull A_KEY --take remote -e billing/dev\n"
        ));
        let mut exposed = said(&["in-sync"]);
        exposed["secrets"][0]["flags"] = json!(["needs-upstream-rotation:member-removed"]);
        assert!(text(&exposed).contains(
            "in-sync (rotate it: a removed member could read it)  3     4     lead              withheld set A_KEY -e billing/dev\n"
        ));
        let mut default = said(&["behind"]);
        default["environment"] = json!("default/dev");
        let default = text(&default);
        assert!(default.contains("withheld pull A_KEY\n"), "{default}");
    }
}
