//! `withheld pending`, `approve ID…`, `deny ID…`: what waits for the owner, and the answers.

use std::io::IsTerminal as _;

use serde_json::Value;
use withheld_core::api::TeamAct;
use withheld_core::team::WaitingId;
use withheld_core::{Code, Refusal, text};

use super::team::{act, look};
use super::waiting::{self, Waiting, cards, named, rows};
use crate::cli::Answers;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, clean};
use crate::owner::Owner;
use crate::said::{list, word};
use crate::terminal::Terminal;

/// Shows what waits; on a terminal asks what to do about it.
pub(super) fn list_all(context: &Context) -> Outcome {
    let owner = Owner::open(context)?;
    let said = owner.ask(look(TeamAct::Pending))?;
    let all = waiting::read(&said["waiting"])?;
    let text = match all.as_slice() {
        [] => "Nothing waits.".to_owned(),
        all => rows(all),
    };
    context.output.result("withheld.pending/1", said, &text)?;
    let is_read_here = !context.output.is_json() && std::io::stdout().is_terminal();
    match context.questions() {
        Some(terminal) if is_read_here && !all.is_empty() => {
            answer_each(context, &owner, terminal, &all)
        }
        _ => Ok(()),
    }
}

/// One proof, then a key for each.
fn answer_each(
    context: &Context,
    owner: &Owner<'_>,
    mut terminal: Terminal,
    all: &[Waiting],
) -> Outcome {
    if terminal.ask("Enter to answer, q to leave it:")? == "q" {
        return Ok(());
    }
    let passphrase = owner.passphrase(&format!("to answer {}", named(all)))?;
    for one in all {
        terminal.say(&one.card())?;
        let ask = match terminal
            .ask("[a]ccept  [d]eny  Enter: later  [q]uit:")?
            .as_str()
        {
            "a" => TeamAct::Approve {
                shown: vec![one.shown()],
            },
            "d" => TeamAct::Deny {
                ids: vec![one.id.clone()],
            },
            "q" => return Ok(()),
            _ => continue,
        };
        let is_accepted = matches!(ask, TeamAct::Approve { .. });
        let said = owner.ask_with(act(ask), &passphrase)?;
        context.output.line(&answered(is_accepted, &said))?;
    }
    Ok(())
}

/// Accepts what waits, after showing it.
pub(super) fn approve(context: &Context, arguments: &Answers) -> Outcome {
    answer(context, arguments, true)
}

/// Refuses what waits.
pub(super) fn deny(context: &Context, arguments: &Answers) -> Outcome {
    answer(context, arguments, false)
}

fn answer(context: &Context, arguments: &Answers, is_accepted: bool) -> Outcome {
    let ids = ids(&arguments.ids)?;
    let owner = Owner::open(context)?;
    let said = owner.ask(look(TeamAct::Pending))?;
    let all = chosen(waiting::read(&said["waiting"])?, &ids)?;
    match context.terminal() {
        Some(mut terminal) => terminal.say(&cards(&all))?,
        None => context.output.note(&cards(&all)),
    }
    let (schema, verb, ask) = if is_accepted {
        let shown = all.iter().map(Waiting::shown).collect();
        ("withheld.approve/1", "accept", TeamAct::Approve { shown })
    } else {
        ("withheld.deny/1", "deny", TeamAct::Deny { ids })
    };
    let purpose = format!("to {verb} {}", named(&all));
    let said = owner.ask_proven(act(ask), &purpose)?;
    let text = answered(is_accepted, &said);
    context.output.result(schema, said, &text)
}

fn ids(written: &[String]) -> Outcome<Vec<WaitingId>> {
    let mut ids = written
        .iter()
        .map(|one| {
            WaitingId::parse(one).map_err(|fault| {
                Failure::wrong(
                    "the name of what waits cannot be read",
                    &fault,
                    "see what waits: withheld pending",
                )
            })
        })
        .collect::<Outcome<Vec<_>>>()?;
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// Those that were named; each has to wait.
fn chosen(all: Vec<Waiting>, ids: &[WaitingId]) -> Outcome<Vec<Waiting>> {
    let missing = ids.iter().find(|id| all.iter().all(|one| one.id != **id));
    if let Some(id) = missing {
        return Err(Refusal::new(
            Code::NotFound,
            text!("`{}` does not wait", *id),
            "see what waits: withheld pending",
        )
        .into());
    }
    Ok(all
        .into_iter()
        .filter(|one| ids.contains(&one.id))
        .collect())
}

fn answered(is_accepted: bool, said: &Value) -> String {
    let names = |field: &str| -> Vec<String> {
        let part = |one: &Value, name: &str| clean(&word(&one[name])).into_owned();
        list(&said[field])
            .map(|one| format!("{} in {}", part(one, "secret"), part(one, "environment")))
            .collect()
    };
    if is_accepted {
        let names = names("approved");
        let it = if names.len() == 1 { "it" } else { "them" };
        return format!(
            "Accepted: {}. Agents can use {it} there and cannot read {it}.",
            names.join(", ")
        );
    }
    format!("Denied: {}.", names("denied").join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn code<T>(outcome: Outcome<T>) -> Option<Code> {
        outcome.err().and_then(|failure| failure.code())
    }

    #[test]
    fn only_what_waits_is_answered() {
        let waiting = |id: &str| {
            json!({"id": id, "kind": "binding", "digest": "ab".repeat(32), "secret": "A_KEY", "environment": "default/dev", "by": "lead",
                "since": "2026-11-26T02:53:10.123Z", "widens": false, "use": []})
        };
        let all = waiting::read(&json!([
            waiting("b_0000000000000001"),
            waiting("b_0000000000000002")
        ]))
        .unwrap();
        let named =
            |written: &[&str]| ids(&written.iter().map(ToString::to_string).collect::<Vec<_>>());
        let twice = named(&["b_0000000000000002", "b_0000000000000002"]).unwrap();
        let chosen_ids: Vec<_> = chosen(all.clone(), &twice)
            .unwrap()
            .iter()
            .map(|one| one.id.to_string())
            .collect();
        assert_eq!(chosen_ids, ["b_0000000000000002"]);
        let other = named(&["b_0000000000000001", "b_0000000000000003"]).unwrap();
        assert_eq!(code(chosen(all, &other)), Some(Code::NotFound));
        assert_eq!(code(named(&["STRIPE_KEY"])), Some(Code::Usage));
    }

    #[test]
    fn answers_name_what_they_are_about() {
        let one = |name: &str| json!({"id": "b_0000000000000001", "secret": name, "environment": "billing/dev"});
        assert_eq!(
            answered(true, &json!({"approved": [one("A_KEY")]})),
            "Accepted: A_KEY in billing/dev. Agents can use it there and cannot read it."
        );
        assert_eq!(
            answered(true, &json!({"approved": [one("A_KEY"), one("B_KEY")]})),
            "Accepted: A_KEY in billing/dev, B_KEY in billing/dev. Agents can use them there and cannot read them."
        );
        assert_eq!(
            answered(false, &json!({"denied": [one("A_KEY")]})),
            "Denied: A_KEY in billing/dev."
        );
    }
}
