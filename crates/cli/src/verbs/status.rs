//! `withheld status`: one look, with a broker and without.

mod follow;
mod missing;
mod text;

use serde_json::{Value, json};
use withheld_core::Code;
use withheld_core::api::AgentRequest;
use withheld_core::name::Environment;
use withheld_core::policy_doc::Policy;
use withheld_vault::home::Home;
use withheld_vault::team::is_in_team;
use withheld_vault::vault::Vault;

use crate::cli::Status;
use crate::context::Context;
use crate::output::Outcome;
use crate::project::Wish;
use crate::socket::{ANSWER, Socket};

const SCHEMA: &str = "withheld.status/1";

pub(super) fn run(context: &Context, arguments: &Status) -> Outcome {
    if arguments.follow {
        return follow::run(context);
    }
    let (said, wish) = look(context)?;
    let text = if arguments.short {
        text::short(&said)
    } else {
        text::text(&said, &wish)
    };
    context.output.result(SCHEMA, said, &text)
}

/// The document, and what the folder asks for.
fn look(context: &Context) -> Outcome<(Value, Wish)> {
    let home = context.agent_home()?;
    home.check()?;
    let socket = Socket::agent(&home, context.variables.session.as_ref())?;
    let wish = Wish::find()?;
    let is_agent = context.variables.session.is_some();
    // A program of the user's own looks where the folder points; an agent has one environment.
    let elsewhere = if is_agent {
        None
    } else {
        context.named_environment()?.or_else(|| wish.own())
    };
    let request = match elsewhere.clone() {
        Some(environment) => AgentRequest::StatusOf { environment },
        None => AgentRequest::Status,
    };
    let mut said = match socket.ask_if_there(&request, ANSWER)? {
        Some(said) if is_agent => {
            context.stays_in(&wish, &said)?;
            said
        }
        Some(said) => said,
        None => without_broker(context, &home, elsewhere)?,
    };
    missing::add(&wish, &mut said);
    if let (Some(data), Ok(vault)) = (said.as_object_mut(), Vault::open(&home)) {
        let kind = vault.map(|locked| locked.facts().kind);
        data.insert("vault_kind".into(), json!(kind));
    }
    Ok((said, wish))
}

/// What the files say where no broker runs: the same document, without what only a broker knows.
fn without_broker(
    context: &Context,
    home: &Home,
    environment: Option<Environment>,
) -> Outcome<Value> {
    let vault = Vault::open(home)?;
    let is_agent = context.variables.session.is_some();
    let environment = environment.unwrap_or_else(Environment::dev);
    let in_team = is_in_team(home)?;
    let (vault_word, secrets, argv, why) = match &vault {
        None => ("none", json!([]), ["withheld", "init"], "no_vault"),
        Some(locked) => {
            let key = &locked.facts().owner_public;
            let secrets = match is_agent {
                true => json!([]),
                false => bound(home, key, &environment, in_team)?,
            };
            ("locked", secrets, ["withheld", "unlock"], "vault_locked")
        }
    };
    let workspace = if in_team { Value::Null } else { json!("local") };
    let fault = json!({
        "code": Code::BrokerDown,
        "message": "no broker runs for this home",
        "hint": "start it: withheld unlock",
    });
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
        "project": { "workspace": workspace, "project": environment.project(), "environment": environment.short() },
        "secrets": secrets,
        "waiting": [],
        "next": [{ "who": "owner", "argv": argv, "why": why }],
        "verified": in_team.then_some(false),
        "as_of": Value::Null,
        "fault": in_team.then_some(fault),
    }))
}

/// The bound secrets, from the signed document.
fn bound(
    home: &Home,
    owner_key: &[u8; 32],
    environment: &Environment,
    in_team: bool,
) -> Outcome<Value> {
    let Some(file) = home.read(&home.policy())? else {
        return Ok(json!([]));
    };
    let policy = Policy::verify(&file, owner_key, 0)?;
    Ok(withheld_broker::at_rest(&policy, environment, in_team))
}
