//! `withheld team …`: who shares which environments, and with which rights.

mod create;
mod invite;
mod join;
mod log;
mod members;
mod remove;
mod set;

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::{Deposit, OwnerRequest, TeamAct};
use withheld_core::name::Environment;
use withheld_core::team::{Access, PersonName, Right, Role};

use crate::cli::TeamVerb;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, clean};
use crate::project::Wish;
use crate::said::{list, word};

pub(super) fn run(context: &Context, verb: &TeamVerb) -> Outcome {
    match verb {
        TeamVerb::Create(arguments) => create::run(context, arguments),
        TeamVerb::Invite(arguments) => invite::run(context, arguments),
        TeamVerb::Join(arguments) => join::run(context, arguments),
        TeamVerb::Members => members::run(context),
        TeamVerb::Set(arguments) => set::run(context, arguments),
        TeamVerb::Remove { member } => remove::run(context, member),
        TeamVerb::Log => log::run(context),
    }
}

/// A request that needs no proof.
pub(super) fn look(ask: TeamAct) -> OwnerRequest {
    OwnerRequest::Team { ask, proof: None }
}

/// A request whose proof is still to come.
pub(super) fn act(ask: TeamAct) -> OwnerRequest {
    OwnerRequest::Team {
        ask,
        proof: Some(Deposit::to_come()),
    }
}

/// Reads what the team calls a person.
fn person(written: &str) -> Outcome<PersonName> {
    PersonName::parse(written).map_err(|fault| {
        Failure::wrong(
            "the name of the member cannot be read",
            &fault,
            "see the members: withheld team members",
        )
    })
}

/// Reads a role.
fn role(written: &str) -> Outcome<Role> {
    written.parse().map_err(|fault| {
        Failure::wrong(
            "the role cannot be read",
            &fault,
            "write one, like: --role admin",
        )
    })
}

/// Reads rights, each on an environment of its own. Like `-e`, one without a project is of the
/// project of this folder.
fn accesses(written: &[String]) -> Outcome<Vec<Access>> {
    let wish = Wish::find()?;
    let mut accesses = Vec::<Access>::new();
    for one in written {
        let access = access(&wish, one)?;
        if accesses
            .iter()
            .any(|other| other.environment == access.environment)
        {
            return Err(Failure::refuse(
                Code::Usage,
                "an environment is named twice",
                "name each once, with the right that counts: --to billing/dev:write",
            ));
        }
        accesses.push(access);
    }
    accesses.sort_by(|one, other| one.environment.cmp(&other.environment));
    Ok(accesses)
}

fn access(wish: &Wish, written: &str) -> Outcome<Access> {
    let hint = "write environment and right, like: --to billing/dev:write";
    let what = "what the member may do cannot be read";
    let (environment, right) = written
        .rsplit_once(':')
        .ok_or_else(|| Failure::refuse(Code::Usage, what, hint))?;
    Ok(Access {
        environment: wish
            .environment(environment)
            .map_err(|fault| Failure::wrong(what, &fault, hint))?,
        right: right
            .parse::<Right>()
            .map_err(|fault| Failure::wrong(what, &fault, hint))?,
    })
}

/// Rights in words, like `write on billing/dev, read on billing/prod`.
fn rights(to: &[Access]) -> String {
    let words = to
        .iter()
        .map(|one| right(one.right.as_str(), &one.environment));
    words.collect::<Vec<_>>().join(", ")
}

fn right(right: &str, environment: &Environment) -> String {
    match right {
        "none" => format!("nothing on {environment}"),
        right => format!("{right} on {environment}"),
    }
}

/// The same, of what the broker said.
fn rights_said(to: &Value) -> String {
    let words = list(to).filter_map(|one| {
        let environment = Environment::parse(one["environment"].as_str()?).ok()?;
        Some(right(&clean(&word(&one["right"])), &environment))
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code<T>(outcome: Outcome<T>) -> Option<Code> {
        outcome.err().and_then(|failure| failure.code())
    }

    #[test]
    #[allow(clippy::unwrap_used, reason = "tests")]
    fn rights_are_read_and_said() {
        let written = ["billing/prod:read", "billing/dev:write"].map(ToOwned::to_owned);
        let read = accesses(&written).unwrap();
        let said = "write on billing/dev, read on billing/prod";
        assert_eq!(rights(&read), said);
        assert_eq!(rights_said(&json!(read)), said);
        let none = accesses(&["billing/dev:none".to_owned()]).unwrap();
        assert_eq!(rights(&none), "nothing on billing/dev");
    }

    #[test]
    fn wrong_rights_and_names_are_usage() {
        for wrong in [
            "billing/dev",
            "billing/dev:meta",
            "Dev:read",
            ":read",
            "dev:",
        ] {
            assert_eq!(
                code(accesses(&[wrong.to_owned()])),
                Some(Code::Usage),
                "{wrong}"
            );
        }
        let twice = ["dev:read", "dev:write"].map(ToOwned::to_owned);
        assert_eq!(code(accesses(&twice)), Some(Code::Usage));
        assert_eq!(code(person("New Dev")), Some(Code::Usage));
        assert_eq!(code(role("machine")), Some(Code::Usage));
    }
}
