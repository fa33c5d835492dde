//! `withheld proxy env`: a session, and the variables that point a program at the broker.

mod git;
mod no_proxy;
mod variables;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use withheld_core::api::{AgentRequest, Deposit, OwnerRequest};
use withheld_core::destination::HostPattern;
use withheld_core::name::{AgentId, SecretName, SessionId, VarName};
use withheld_core::{Code, Moment};

use crate::cli::{ProxyAct, ProxyEnv};
use crate::context::Context;
use crate::environment::Token;
use crate::failure::Failure;
use crate::output::{Outcome, counted};
use crate::owner::Owner;
use crate::shell;
use crate::socket::{ACT, ANSWER, Socket};

/// A session that has just begun.
#[derive(Deserialize)]
struct Begun {
    agent: AgentId,
    session: SessionId,
    token: String,
    expires_at: Option<Moment>,
    listen: String,
    secrets: Vec<SecretName>,
    vars: BTreeMap<VarName, String>,
    bound: Vec<HostPattern>,
    allowed: Vec<HostPattern>,
}

pub(super) fn run(context: &Context, act: &ProxyAct) -> Outcome {
    match act {
        ProxyAct::Env(arguments) => env(context, arguments),
    }
}

fn env(context: &Context, arguments: &ProxyEnv) -> Outcome {
    let home = context.agent_home()?;
    let begun = match &arguments.agent {
        None => of_local(context)?,
        Some(agent) => of_record(context, super::agent::name(agent)?)?,
    };
    let begun: Begun = serde_json::from_value(begun).map_err(|_| unreadable())?;
    let uses = uses(context, &begun.token)?;
    let variables = variables::all(&home, &begun, &uses, &context.variables.no_proxy);
    if context.output.is_json() {
        let map: serde_json::Map<String, Value> = variables
            .into_iter()
            .map(|(name, value)| (name, json!(value)))
            .collect();
        return context
            .output
            .document("withheld.proxy_env/1", Value::Object(map));
    }
    say_whose(context, &begun);
    let lines: Vec<String> = variables
        .iter()
        .map(|(name, value)| shell::assignment(arguments.shell, name, value))
        .collect();
    context.output.line(&lines.join("\n"))
}

/// A session of the built-in agent: no proof, for it can do no more than this user's programs.
fn of_local(context: &Context) -> Outcome<Value> {
    context.session_socket()?.ask(&AgentRequest::ProxyEnv, ACT)
}

/// A further session of a record. A record is authority, so the owner proves presence.
fn of_record(context: &Context, agent: AgentId) -> Outcome<Value> {
    let owner = Owner::open(context)?;
    let purpose = format!("to start a session of {agent}");
    let proof = Deposit::to_come();
    owner.ask_proven(OwnerRequest::SessionNew { agent, proof }, &purpose)
}

/// What each key of the session is bound to, as the session itself sees it.
fn uses(context: &Context, token: &str) -> Outcome<Value> {
    let home = context.agent_home()?;
    let token = Token::of_session(token);
    Socket::agent(&home, Some(&token))?.ask(&AgentRequest::Status, ANSWER)
}

fn say_whose(context: &Context, begun: &Begun) {
    let until = begun
        .expires_at
        .map(|at| format!(" until {at}"))
        .unwrap_or_default();
    context.output.note(&format!(
        "withheld: session {} of {}{until} · {} · not isolated (M0): accidents only",
        begun.session,
        begun.agent,
        counted(begun.secrets.len())
    ));
}

fn unreadable() -> Failure {
    Failure::refuse(
        Code::Internal,
        "the session that the broker began cannot be read",
        "the broker may be of another version; restart it: withheld daemon stop",
    )
}
