//! One look, in lines for people.

use serde_json::Value;

use crate::output::{clean, counted};
use crate::project::Wish;
use crate::said::{age, ago, flags, list, many, word};

/// Names of keys, or of what waits, in one line.
const NAMED: usize = 4;
/// How what is here stands to what the team has, in the order of the line.
const DRIFT: &[&str] = &[
    "in-sync",
    "behind",
    "ahead",
    "diverged",
    "local-only",
    "remote-only",
    "unverified",
    "tampered",
];

/// At most twelve lines.
pub(super) fn text(said: &Value, wish: &Wish) -> String {
    let word = |pointer: &str| {
        said.pointer(pointer)
            .and_then(Value::as_str)
            .map(|word| clean(word).into_owned())
    };
    let vault = match (word("/vault").as_deref(), word("/vault_kind")) {
        (Some("none") | None, _) => "none yet".to_owned(),
        (Some(state), Some(kind)) => format!("{kind}, {state}"),
        (Some(state), None) => state.to_owned(),
    };
    let broker = match word("/broker/listen") {
        Some(listen) => format!(
            "running at {listen}, pid {}, version {}",
            said["broker"]["pid"],
            word("/broker/version").unwrap_or_default()
        ),
        None => "not running".to_owned(),
    };
    let you = match (word("/you/kind").as_deref(), word("/you/agent")) {
        (Some("agent"), Some(agent)) => format!(
            "agent {agent}{}",
            word("/you/expires_at")
                .map(|at| format!(", until {at}"))
                .unwrap_or_default()
        ),
        (Some("agent"), None) => "an agent".to_owned(),
        _ => "the owner, or a program that runs as you".to_owned(),
    };
    let mut lines = vec![
        format!(
            "Mode     {}, not isolated: accidents only. See: withheld doctor",
            word("/you/mode").unwrap_or_default()
        ),
        format!("You      {you}"),
        format!("Vault    {vault}"),
        format!("Broker   {broker}"),
        format!("Project  {}", project(said, wish)),
        format!("Keys     {}", keys(&said["secrets"])),
    ];
    lines.extend(team(said).map(|text| format!("Team     {text}")));
    lines.extend(flagged(&said["secrets"]).map(|text| format!("Look at  {text}")));
    lines.extend(waiting(&said["waiting"]).map(|text| format!("Waiting  {text}")));
    for next in said["next"].as_array().into_iter().flatten().take(3) {
        let argv: Vec<&str> = next["argv"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let who = next["who"].as_str().unwrap_or_default();
        lines.push(format!(
            "Next     {}   ({})",
            clean(&argv.join(" ")),
            clean(who)
        ));
    }
    lines.join("\n")
}

fn keys(secrets: &Value) -> String {
    let all: Vec<&Value> = secrets.as_array().into_iter().flatten().collect();
    let count = |wanted: &dyn Fn(&Value) -> bool| all.iter().filter(|one| wanted(one)).count();
    let is_missing = |one: &Value| one["state"] == "missing";
    let is_bound = |one: &Value| one["use"].as_array().is_some_and(|uses| !uses.is_empty());
    let mut parts = vec![format!("{} bound", count(&is_bound))];
    let unbound = count(&|one| !is_bound(one) && !is_missing(one));
    if unbound > 0 {
        parts.push(format!("{unbound} not bound yet"));
    }
    let missing: Vec<&str> = all
        .iter()
        .filter(|one| is_missing(one))
        .filter_map(|one| one["name"].as_str())
        .collect();
    if !missing.is_empty() {
        parts.push(format!("{} missing: {}", missing.len(), named(&missing)));
    }
    parts.join(", ")
}

/// The first of these.
fn named(all: &[&str]) -> String {
    let more = if all.len() > NAMED { " …" } else { "" };
    format!("{}{more}", clean(&all[..all.len().min(NAMED)].join(" ")))
}

/// How many keys are in which state to the team's; `None` without a team.
fn team(said: &Value) -> Option<String> {
    if said["project"]["workspace"] == "local" {
        return None;
    }
    let count = |state: &&str| {
        let of_state = list(&said["secrets"]).filter(|one| one["state"] == *state);
        (of_state.count(), state.replace("in-sync", "in sync"))
    };
    let counts: Vec<String> = DRIFT
        .iter()
        .map(count)
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
    let mut text = match counts.as_slice() {
        [] => "no key".to_owned(),
        counts => counts.join(", "),
    };
    if said["verified"] == false {
        text.push_str(" · not verified");
        if let Some(why) = said["fault"]["message"].as_str() {
            text.push_str(&format!(": {}", clean(why)));
        }
    }
    if let Some(seconds) = said["as_of"]["age_s"].as_u64() {
        text.push_str(&format!(" · seen {}", ago(seconds)));
    }
    if said["as_of"]["signed_at"].is_string() {
        let signed = age(&said["as_of"]["signed_at"]);
        text.push_str(&format!(" · newest change signed {signed}"));
    }
    Some(text)
}

/// Keys of which something is to be looked at.
fn flagged(secrets: &Value) -> Option<String> {
    let alarms = |one: &Value| {
        let flags = list(&one["flags"]).filter(|flag| !is_how_it_is_bound(flag));
        Value::Array(flags.cloned().collect())
    };
    let all: Vec<String> = list(secrets)
        .map(|one| (one, flags(&alarms(one))))
        .filter(|(_, flags)| !flags.is_empty())
        .map(|(one, flags)| format!("{} ({flags})", word(&one["name"])))
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    (!all.is_empty()).then(|| named(&all))
}

/// What the owner said in a binding, which is no news: `ls --long` shows it.
fn is_how_it_is_bound(flag: &Value) -> bool {
    ["auto", "foreign", "private"].iter().any(|own| flag == own)
}

/// What waits for the owner.
fn waiting(waiting: &Value) -> Option<String> {
    let ids: Vec<&str> = list(waiting).filter_map(|one| one["id"].as_str()).collect();
    let is_binding = |one: &Value| one["kind"] == "binding";
    let what = if list(waiting).all(is_binding) {
        many(ids.len(), "binding")
    } else {
        many(ids.len(), "answer")
    };
    (!ids.is_empty()).then(|| format!("{what} for the owner: {}", named(&ids)))
}

fn project(said: &Value, wish: &Wish) -> String {
    let word = |name: &str| clean(said["project"][name].as_str().unwrap_or("a team"));
    let shown = format!(
        "{} · {}/{}",
        word("workspace"),
        word("project"),
        word("environment")
    );
    let workspace = said["project"]["workspace"].as_str();
    match workspace.and_then(|known| wish.other_workspace(known)) {
        Some(other) => format!("{shown}   ({} is for {other})", wish.place()),
        None => shown,
    }
}

/// A few words, for a prompt.
pub(super) fn short(said: &Value) -> String {
    let agent = said
        .pointer("/you/agent")
        .and_then(Value::as_str)
        .unwrap_or("owner");
    let is_missing = |one: &&Value| one["state"] == "missing";
    let all = || said["secrets"].as_array().into_iter().flatten();
    let missing = all().filter(is_missing).count();
    let waiting = said["waiting"].as_array().map_or(0, Vec::len);
    let mut text = format!(
        "withheld {} {}",
        clean(agent),
        counted(all().count() - missing)
    );
    if missing > 0 {
        text.push_str(&format!(" · {missing} missing"));
    }
    if waiting > 0 {
        text.push_str(&format!(" · {waiting} waiting"));
    }
    if let Some(state @ ("none" | "locked")) = said["vault"].as_str() {
        text.push_str(if state == "none" {
            " · no vault"
        } else {
            " · locked"
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said() -> Value {
        json!({"you":{"kind":"agent","agent":"claude","mode":"M0","expires_at":"2026-11-26T02:00:00.000Z"},
            "vault":"unlocked","vault_kind":"file",
            "broker":{"state":"running","listen":"127.0.0.1:7717","pid":42,"version":"0.1.0"},
            "project":{"workspace":"local","project":"default","environment":"dev"},
            "secrets":[{"name":"A","use":[{}],"state":"local-only"},{"name":"B","use":[],"state":"missing"}],
            "waiting":[],"next":[{"who":"owner","argv":["withheld","unlock"],"why":"x"}]})
    }

    #[test]
    fn one_look_has_at_most_twelve_lines() {
        let text = text(&said(), &Wish::default());
        assert!(text.lines().count() <= 12);
        for part in [
            "M0",
            "agent claude",
            "file, unlocked",
            "127.0.0.1:7717",
            "default/dev",
            "1 bound, 1 missing: B",
            "withheld unlock",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_team_adds_where_its_keys_stand_and_what_waits() {
        let mut said = said();
        let secret = |name: &str, state: &str, flags: &[&str]| json!({"name": name, "use": [{}], "state": state, "flags": flags});
        said["project"]["workspace"] = json!("acme");
        said["secrets"] = json!([
            secret("A", "in-sync", &["private", "suspect:401"]),
            secret("B", "behind", &["auto", "foreign", "private"]),
            secret("C", "behind", &[]),
            secret("D", "missing", &[]),
        ]);
        said["waiting"] = json!([{"id": "b_1f3a9c025b7d8e46", "kind": "binding", "secret": "A"}]);
        said["as_of"] = json!({"w": 412, "e": 88, "age_s": 4});
        said["next"] =
            json!(["a", "b", "c", "d"].map(|word| json!({"who": "owner", "argv": [word]})));
        let text = text(&said, &Wish::default());
        for line in [
            "Team     1 in sync, 2 behind · seen 4 s ago",
            "Look at  A (its service answered 401)",
            "Waiting  1 binding for the owner: b_1f3a9c025b7d8e46",
            "Next     c   (owner)",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in {text}");
        }
        assert_eq!(text.lines().count(), 12);
        said["verified"] = json!(false);
        said["fault"] =
            json!({"code": "server_unreachable", "message": "the team's server is slow to answer"});
        assert_eq!(
            team(&said).as_deref(),
            Some(
                "1 in sync, 2 behind · not verified: the team's server is slow to answer · seen 4 s ago"
            )
        );
    }

    #[test]
    fn without_a_team_nothing_is_said_of_one() {
        let text = text(&said(), &Wish::default());
        for word in ["Team", "Waiting", "Look at"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn the_short_form_fits_a_prompt() {
        assert_eq!(short(&said()), "withheld claude 1 key · 1 missing");
    }
}
