//! `withheld status`: one look, with a broker and without.

mod follow;
mod missing;
mod text;

use serde_json::Value;
use withheld_broker::status_at_rest;
use withheld_core::api::AgentRequest;
use withheld_core::name::Environment;

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
        None => {
            let environment = elsewhere.unwrap_or_else(Environment::dev);
            status_at_rest(&home, &environment, is_agent)?
        }
    };
    missing::add(&wish, &mut said);
    Ok((said, wish))
}
