//! `withheld push [NAME…] [--take local]`: what changed here goes to the team. An environment that the
//! team does not have yet is shared first, where the owner says so.

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::{AgentRequest, TeamAct};
use withheld_core::name::Environment;
use withheld_core::team::Take;

use super::exchange::{self, Way};
use super::team::{act, look};
use crate::cli::Push;
use crate::context::Context;
use crate::output::{Outcome, clean};
use crate::owner::Owner;
use crate::said::{list, word};
use crate::socket::ACT;
use crate::target::Target;
use crate::terminal::stopped;

const PUSH: Way = Way {
    schema: "withheld.push/1",
    field: "pushed",
    verb: "Pushed",
};

pub(super) fn run(context: &Context, arguments: &Push) -> Outcome {
    let names = exchange::names(&arguments.names)?;
    let (socket, target) = exchange::reach(context)?;
    let request = AgentRequest::Push {
        environment: target.as_ref().map(|one| one.environment.clone()),
        names,
        take: arguments.take.as_ref().map(|_| Take::Local),
    };
    let ask = || {
        let _under_way = context.output.progress("Pushing to the team");
        socket.ask(&request, ACT)
    };
    let said = match (ask(), target) {
        (Err(failure), Some(target)) if failure.code() == Some(Code::NotFound) => {
            if !share(context, &target)? {
                return Err(failure);
            }
            ask()?
        }
        (said, _) => said?,
    };
    exchange::ended(context, &PUSH, said)
}

/// Shares an environment that nobody of the team has, where the owner can say so: at a terminal, or
/// by a passphrase that is there. Whether it was.
fn share(context: &Context, target: &Target) -> Outcome<bool> {
    let environment = &target.environment;
    let terminal = context.questions();
    if terminal.is_none() && context.variables.passphrase_file.is_none() {
        return Ok(false);
    }
    let owner = Owner::open(context)?;
    let members = match owner.ask(look(TeamAct::Members)) {
        Ok(members) if !is_shared(&members, environment) => members,
        // No team, or it was something else that is not there.
        _ => return Ok(false),
    };
    let team = clean(&word(&members["workspace"])).into_owned();
    if let Some(mut terminal) = terminal {
        terminal.say(&format!("{team} does not have {environment} yet."))?;
        if terminal.ask("Share it with the team? y or q:")? != "y" {
            return Err(stopped());
        }
    }
    let request = act(TeamAct::Share {
        environment: environment.clone(),
    });
    let because = target.because();
    owner.ask_proven(
        request,
        &format!("to share {environment} with {team}{because}"),
    )?;
    context
        .output
        .note(&format!("note: {team} has {environment} now."));
    Ok(true)
}

/// Whoever shares an environment may write to it, and is a member.
fn is_shared(members: &Value, environment: &Environment) -> bool {
    list(&members["members"])
        .flat_map(|member| list(&member["to"]))
        .any(|access| access["environment"] == environment.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_environment_is_shared_when_somebody_has_it() {
        let members = json!({"members": [
            {"name": "newdev", "to": []},
            {"name": "lead", "to": [{"environment": "billing/dev", "right": "write"}]}]});
        let is_shared = |name: &str| is_shared(&members, &Environment::parse(name).unwrap());
        assert!(is_shared("billing/dev"));
        assert!(!is_shared("billing/prod"));
    }
}
