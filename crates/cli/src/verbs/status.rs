//! `withheld status`: one look, with a broker and without.

use serde_json::{Value, json};
use withheld_core::api::AgentRequest;
use withheld_core::name::Environment;
use withheld_core::policy_doc::Policy;
use withheld_vault::home::Home;
use withheld_vault::vault::Vault;

use crate::cli::Status;
use crate::context::Context;
use crate::output::{Outcome, clean, counted};
use crate::socket::{ANSWER, Socket};

pub(super) fn run(context: &Context, arguments: &Status) -> Outcome {
    let home = context.agent_home()?;
    home.check()?;
    let socket = Socket::agent(&home, context.variables.session.as_ref())?;
    let mut said = match socket.ask_if_there(&AgentRequest::Status, ANSWER)? {
        Some(said) => said,
        None => without_broker(context, &home)?,
    };
    if let (Some(data), Ok(vault)) = (said.as_object_mut(), Vault::open(&home)) {
        let kind = vault.map(|locked| locked.facts().kind);
        data.insert("vault_kind".into(), json!(kind));
    }
    let text = if arguments.short {
        short(&said)
    } else {
        text(&said)
    };
    context.output.result("withheld.status/1", said, &text)
}

/// What the files say where no broker runs: the same document, without what only a broker knows.
fn without_broker(context: &Context, home: &Home) -> Outcome<Value> {
    let vault = Vault::open(home)?;
    let is_agent = context.variables.session.is_some();
    let environment = Environment::dev();
    let (vault_word, secrets, argv, why) = match &vault {
        None => ("none", Vec::new(), ["withheld", "init"], "no_vault"),
        Some(locked) => {
            let secrets = if is_agent {
                Vec::new()
            } else {
                bound(home, &locked.facts().owner_public, &environment)?
            };
            ("locked", secrets, ["withheld", "unlock"], "vault_locked")
        }
    };
    Ok(json!({
        "you": {
            "kind": if is_agent { "agent" } else { "owner" },
            "agent": Value::Null,
            "session": Value::Null,
            "expires_at": Value::Null,
            "mode": "M0",
        },
        "vault": vault_word,
        "broker": { "state": "stopped", "listen": Value::Null, "pid": Value::Null, "version": Value::Null, "started_by": Value::Null },
        "project": { "workspace": "local", "project": environment.project(), "environment": environment.short() },
        "secrets": secrets,
        "waiting": [],
        "next": [{ "who": "owner", "argv": argv, "why": why }],
    }))
}

/// The bound secrets, from the signed document. Whether their values are here only a broker knows.
fn bound(home: &Home, owner_key: &[u8; 32], environment: &Environment) -> Outcome<Vec<Value>> {
    let Some(file) = home.read(&home.policy())? else {
        return Ok(Vec::new());
    };
    let policy = Policy::verify(&file, owner_key, 0)?;
    let mut names: Vec<_> = policy
        .bindings()
        .iter()
        .filter(|one| one.environment == *environment)
        .map(|one| one.secret.clone())
        .collect();
    names.sort();
    names.dedup();
    Ok(names
        .into_iter()
        .map(|name| {
            let uses: Vec<Value> = policy
                .bindings_of(environment, &name)
                .map(|one| json!({ "host": one.host, "port": one.port, "methods": one.methods, "paths": one.paths, "inject": one.place }))
                .collect();
            json!({ "name": name, "state": "local-only", "version": Value::Null, "remote_version": Value::Null, "usable": false, "use": uses, "vars": [], "flags": [] })
        })
        .collect())
}

/// At most twelve lines.
fn text(said: &Value) -> String {
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
        format!(
            "Project  {} · {}/{}",
            word("/project/workspace").unwrap_or_default(),
            word("/project/project").unwrap_or_default(),
            word("/project/environment").unwrap_or_default()
        ),
        format!("Keys     {}", keys(&said["secrets"])),
    ];
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
    let is_bound = |one: &Value| one["use"].as_array().is_some_and(|uses| !uses.is_empty());
    let mut parts = vec![format!("{} bound", count(&is_bound))];
    let unbound = count(&|one| !is_bound(one));
    if unbound > 0 {
        parts.push(format!("{unbound} not bound yet"));
    }
    let missing = count(&|one| one["state"] == "missing");
    if missing > 0 {
        parts.push(format!("{missing} missing"));
    }
    parts.join(", ")
}

/// A few words, for a prompt.
fn short(said: &Value) -> String {
    let agent = said
        .pointer("/you/agent")
        .and_then(Value::as_str)
        .unwrap_or("owner");
    let secrets = said["secrets"].as_array().map_or(0, Vec::len);
    let waiting = said["waiting"].as_array().map_or(0, Vec::len);
    let mut text = format!("withheld {} {}", clean(agent), counted(secrets));
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
        let text = text(&said());
        assert!(text.lines().count() <= 12);
        for part in [
            "M0",
            "agent claude",
            "file, unlocked",
            "127.0.0.1:7717",
            "default/dev",
            "1 bound, 1 not bound yet, 1 missing",
            "withheld unlock",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn the_short_form_fits_a_prompt() {
        assert_eq!(short(&said()), "withheld claude 2 keys");
    }
}
