//! `withheld team join`: an invitation, a vault where there is none yet, what comes with it, and the
//! keys. One passphrase proves all of it.

use std::path::Path;

use serde_json::{Value, json};
use withheld_core::Code;
use withheld_core::api::{AgentRequest, Deposit, OwnerRequest, TeamAct, VaultKind};
use withheld_core::name::Environment;
use withheld_core::team::WaitingId;
use withheld_vault::intake::{self, Invitation, Passphrase};

use super::{act, look, rights_said};
use crate::cli::TeamJoin;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, clean, counted};
use crate::owner::{Owner, can_be_proven, has_vault};
use crate::said::{list, word, words};
use crate::socket::ACT;
use crate::verbs::init;
use crate::verbs::waiting::{self, Waiting, cards, named, rows};

pub(super) fn run(context: &Context, arguments: &TeamJoin) -> Outcome {
    let home = context.owner_home()?;
    home.check()?;
    let line = invitation(context, arguments.from_file.as_deref())?;
    can_be_proven(context)?;
    let (owner, made) = if has_vault(&home)? {
        opened(context)?
    } else {
        with_new_vault(context)?
    };
    let invitation = line.seal(&owner.intake_key()?)?;
    let card = owner.ask(look(TeamAct::Look {
        invitation: invitation.clone(),
    }))?;
    show(context, &card_text(&card))?;
    let passphrase = match made {
        Some(passphrase) => passphrase,
        None => owner.passphrase(&purpose(&card))?,
    };
    let joined = owner.ask_with(act(TeamAct::Join { invitation }), &passphrase)?;
    let come = accept(context, &owner, &joined, &passphrase).and_then(|accepted| {
        let pulls = match accepted {
            Some(_) => pull(context, &joined)?,
            None => Vec::new(),
        };
        Ok((accepted, pulls))
    });
    let (accepted, pulls) = come.inspect_err(|_| {
        context
            .output
            .note("note: you have joined; what is left to do: withheld pending, withheld pull");
    })?;
    let text = text(&joined, accepted.is_some(), &pulls, owner.hello.vault);
    let document = document(joined, accepted.unwrap_or_default(), &pulls);
    context
        .output
        .result("withheld.team_join/1", document, &text)
}

/// The line, from a file, else from a hidden prompt. It is read and judged before anything else is asked
/// or begun.
fn invitation(context: &Context, file: Option<&Path>) -> Outcome<Invitation> {
    match file {
        Some(file) => Ok(intake::invitation_file(file)?),
        None if context.terminal().is_none() => Err(Failure::refuse(
            Code::OwnerNeeded,
            "the invitation is missing, and nobody can be asked here",
            "name a file that holds the whole line: withheld team join --from-file FILE",
        )),
        None => Ok(intake::prompt_invitation("Paste the invitation (hidden):")?),
    }
}

/// The vault that is here, open, and its passphrase where it had to be opened: an invitation is read by
/// an open one.
fn opened(context: &Context) -> Outcome<(Owner<'_>, Option<Passphrase>)> {
    let owner = Owner::open(context)?;
    if owner.hello.unlocked {
        return Ok((owner, None));
    }
    let passphrase = owner.passphrase("to open the vault and join")?;
    let proof = Deposit::to_come();
    owner.ask_with(OwnerRequest::Unlock { proof }, &passphrase)?;
    Ok((owner, Some(passphrase)))
}

fn with_new_vault(context: &Context) -> Outcome<(Owner<'_>, Option<Passphrase>)> {
    let label = "Choose an owner passphrase for this machine (Enter makes one for you):";
    let passphrase = init::chosen(context, label)?;
    let mut owner = Owner::open_new(context)?;
    init::new_vault(context, &owner, &init::Wanted::default(), &passphrase)?;
    owner.greet()?;
    Ok((owner, Some(passphrase)))
}

fn show(context: &Context, text: &str) -> Outcome {
    match context.questions() {
        Some(mut terminal) => terminal.say(text),
        None => {
            context.output.note(text);
            Ok(())
        }
    }
}

fn card_text(card: &Value) -> String {
    let part = |name: &str| clean(&word(&card[name])).into_owned();
    let role = match card["role"].as_str() {
        None | Some("member") => String::new(),
        Some(role) => format!(" ({})", clean(role)),
    };
    let rights = rights_said(&card["to"]);
    let rights = match rights.as_str() {
        "" => "Nothing to open yet".to_owned(),
        some => upper(some),
    };
    format!(
        "You join {} as {}{role}, invited by {}. {rights}.",
        part("workspace"),
        part("member"),
        part("inviter")
    )
}

/// As a sentence begins.
fn upper(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn purpose(card: &Value) -> String {
    let part = |name: &str| clean(&word(&card[name])).into_owned();
    format!("to join {} as {}", part("workspace"), part("member"))
}

/// Accepts what comes, where the owner says so; `None` where the owner stops there.
fn accept(
    context: &Context,
    owner: &Owner<'_>,
    joined: &Value,
    passphrase: &Passphrase,
) -> Outcome<Option<Vec<WaitingId>>> {
    let all = waiting::read(&joined["waiting"])?;
    let Some(chosen) = chosen(context, &all)? else {
        return Ok(None);
    };
    if !chosen.is_empty() {
        let shown = chosen.iter().map(Waiting::shown).collect();
        owner.ask_with(act(TeamAct::Approve { shown }), passphrase)?;
    }
    Ok(Some(chosen.into_iter().map(|one| one.id).collect()))
}

fn chosen(context: &Context, all: &[Waiting]) -> Outcome<Option<Vec<Waiting>>> {
    if all.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let Some(mut terminal) = context.questions() else {
        context.output.note(&left(all));
        return Ok(Some(Vec::new()));
    };
    let (plain, other): (Vec<_>, Vec<_>) = all.iter().cloned().partition(Waiting::is_plain);
    if !other.is_empty() {
        terminal.say(&apart(&other))?;
    }
    if plain.is_empty() {
        return Ok(Some(Vec::new()));
    }
    terminal.say(&format!("{} List: l", waiting::summary(&plain)))?;
    loop {
        let answer = terminal.ask("Enter to accept all, l to list, q to stop:")?;
        match answer.as_str() {
            "" => return Ok(Some(plain)),
            "l" => terminal.say(&rows(&plain))?,
            "q" => return Ok(None),
            _ => {}
        }
    }
}

/// What no Enter accepts: each is read and approved by its name.
fn apart(all: &[Waiting]) -> String {
    let (asks, waits) = match all {
        [_] => ("asks", "waits"),
        _ => ("ask", "wait"),
    };
    let ids: String = all.iter().map(|one| format!(" {}", one.id)).collect();
    format!(
        "{}\n{} {asks} for more than a place to go, and {waits} until you approve by name: withheld approve{ids}",
        cards(all),
        upper(&named(all))
    )
}

/// What is said of bindings that nobody could be asked about.
fn left(all: &[Waiting]) -> String {
    let verb = if all.len() == 1 { "waits" } else { "wait" };
    format!(
        "note: {} {verb} until you accept: withheld pending",
        named(all)
    )
}

/// Brings every environment here whose keys are here.
fn pull(context: &Context, joined: &Value) -> Outcome<Vec<Value>> {
    let socket = context.agent_socket()?;
    readable(joined, true)
        .map(|environment| {
            let request = AgentRequest::Pull {
                environment: Some(environment),
                names: Vec::new(),
                take: None,
            };
            socket.ask(&request, ACT)
        })
        .collect()
}

/// The environments that the new member may read, with their keys here or not.
fn readable(joined: &Value, keys: bool) -> impl Iterator<Item = Environment> {
    list(&joined["environments"])
        .filter(move |one| one["keys"] == keys && one["right"] != "none")
        .filter_map(|one| Environment::parse(one["environment"].as_str()?).ok())
}

fn text(joined: &Value, is_done: bool, pulls: &[Value], kind: Option<VaultKind>) -> String {
    let mut lines = Vec::new();
    if is_done {
        let here = pulls.iter().map(|pull| list(&pull["pulled"]).count()).sum();
        let verb = if here == 1 { "is" } else { "are" };
        let place = match kind {
            Some(VaultKind::File) => "vault",
            _ => "keychain",
        };
        lines.push(match here {
            0 => "Joined. No secret has come yet.".to_owned(),
            _ => format!(
                "Joined. {} {verb} in your {place}. See: withheld ls",
                crate::said::many(here, "secret")
            ),
        });
    } else {
        let pulls = readable(joined, true).map(|one| format!(", then withheld pull -e {one}"));
        lines.push(format!(
            "Joined. Nothing is accepted and nothing has come: withheld pending{}",
            pulls.collect::<String>()
        ));
    }
    lines.extend(readable(joined, false).map(|environment| {
        format!(
            "The keys of {environment} are not here yet: a device of the team hands them over. Then: withheld pull -e {environment}"
        )
    }));
    lines.extend(pulls.iter().filter_map(both));
    lines.join("\n")
}

/// What was here already, with another value.
fn both(pull: &Value) -> Option<String> {
    let count = list(&pull["diverged"]).count();
    let environment = clean(&word(&pull["environment"])).into_owned();
    (count > 0).then(|| {
        format!(
            "{} in {environment} had another value here, which stays: {}. See: withheld diff -e {environment}",
            counted(count),
            clean(&words(&pull["diverged"], ", "))
        )
    })
}

/// What the broker said, with what was done about it.
fn document(mut joined: Value, accepted: Vec<WaitingId>, pulls: &[Value]) -> Value {
    if let Some(data) = joined.as_object_mut() {
        data.insert("accepted".to_owned(), json!(accepted));
        data.insert("pulls".to_owned(), json!(pulls));
    }
    joined
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
#[path = "join_tests.rs"]
mod tests;
