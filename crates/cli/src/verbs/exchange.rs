//! What `pull` and `push` share: whom they ask, and how they end.

use serde_json::Value;
use withheld_core::name::{Environment, SecretName};
use withheld_core::refusal::Retry;
use withheld_core::{Code, Refusal, Text, text};

use crate::context::Context;
use crate::drafts;
use crate::failure::Failure;
use crate::output::{Outcome, clean};
use crate::said::{ago, list, many, number, some_of, word};
use crate::socket::Socket;
use crate::target::{self, Target};

/// How many names one line holds.
const NAMED: usize = 12;

/// `pull` or `push`, as it is said.
pub(super) struct Way {
    /// Of the document.
    pub(super) schema: &'static str,
    /// The list of the document in which the secrets are.
    pub(super) field: &'static str,
    /// The first word of the line.
    pub(super) verb: &'static str,
}

/// The agents' socket, and the environment that is asked about: a session has its own and no other.
///
/// # Errors
/// `owner_needed` where a session asks for another one; what the home refuses.
pub(super) fn reach(context: &Context) -> Outcome<(Socket, Option<Target>)> {
    if context.variables.session.is_some() {
        return Ok((context.session_socket()?, None));
    }
    Ok((context.agent_socket()?, Some(context.target()?)))
}

/// Reads the names that were written.
pub(super) fn names(written: &[String]) -> Outcome<Vec<SecretName>> {
    let mut names = written
        .iter()
        .map(|name| drafts::secret(name))
        .collect::<Outcome<Vec<_>>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}

/// Says what was done, then what could not be.
///
/// # Errors
/// `conflict` where both sides changed a secret, `signature_invalid` where what the team has does not
/// verify; the others are done.
pub(super) fn ended(context: &Context, way: &Way, said: Value) -> Outcome {
    let text = text(way, &said);
    match left(&said, context.variables.session.is_some()) {
        None => context.output.result(way.schema, said, &text),
        Some(refusal) => {
            if !context.output.is_json() && !text.is_empty() {
                context.output.line(&text)?;
            }
            Err(Failure::with_facts(refusal, said))
        }
    }
}

/// Why not everything was done. What both sides changed is the owner's to decide.
fn left(said: &Value, is_agent: bool) -> Option<Refusal> {
    let tampered = secrets(&said["tampered"]);
    let diverged = secrets(&said["diverged"]);
    let environment = of(said);
    let (place, option) = (target::said(&environment), environment.option());
    if !tampered.is_empty() {
        return Some(Refusal::new(
            Code::SignatureInvalid,
            text!(
                "what the team has of {}{} does not verify; the last good version stays in use",
                listed(&tampered),
                place
            ),
            text!("see who changed it: withheld diff{}", option),
        ));
    }
    let first = diverged.first()?;
    let verb = if diverged.len() == 1 { "was" } else { "were" };
    let mut refusal = Refusal::new(
        Code::Conflict,
        text!(
            "{}{} {} changed here and by the team",
            listed(&diverged),
            place,
            verb
        ),
        text!(
            "{}: withheld pull {} --take remote{}, or withheld push {} --take local{}",
            if is_agent {
                "the owner decides"
            } else {
                "decide"
            },
            *first,
            option,
            *first,
            option
        ),
    );
    // The same command again finds the same.
    refusal.retry = Retry::Never;
    Some(refusal)
}

/// The environment that it is about.
pub(super) fn of(said: &Value) -> Environment {
    let name = said["environment"].as_str();
    name.and_then(|name| Environment::parse(name).ok())
        .unwrap_or_else(Environment::dev)
}

fn secrets(names: &Value) -> Vec<SecretName> {
    list(names)
        .filter_map(|name| SecretName::parse(name.as_str()?).ok())
        .collect()
}

fn listed(names: &[SecretName]) -> Text {
    let mut all = Text::from("");
    for name in names {
        all = if all.as_str().is_empty() {
            text!("`{}`", *name)
        } else {
            text!("{}, `{}`", all, *name)
        };
    }
    all
}

/// One line; none where nothing could be done.
fn text(way: &Way, said: &Value) -> String {
    let done: Vec<String> = list(&said[way.field])
        .map(|one| {
            let name = clean(&word(&one["name"])).into_owned();
            format!("{name} {}", number(&one["version"]))
        })
        .collect();
    let removed: Vec<String> = list(&said["removed"])
        .map(|name| clean(&word(name)).into_owned())
        .collect();
    let is_whole = ["diverged", "tampered"]
        .iter()
        .all(|field| list(&said[field]).next().is_none());
    let mut lines: Vec<String> = list(&said["removed_here"])
        .map(|name| stays(&clean(&word(name)), said))
        .collect();
    if done.is_empty() && removed.is_empty() {
        if is_whole && lines.is_empty() {
            return current(said);
        }
        return lines.join("\n");
    }
    // The last sentence names the environment, where there is one.
    let place = match is_whole {
        true => Text::from(""),
        false => target::said(&of(said)),
    };
    let mut sentences = Vec::new();
    if !done.is_empty() {
        sentences.push(format!(
            "{} {} of {}{place}: {}.",
            way.verb,
            done.len(),
            number(&said["total"]),
            some_of(&done, NAMED)
        ));
    }
    if !removed.is_empty() {
        let removed = some_of(&removed, NAMED);
        sentences.push(format!("Removed{place}: {removed}."));
    }
    if is_whole {
        let age = said["age_s"].as_u64();
        let age = age
            .map(|age| format!(" ({})", ago(age)))
            .unwrap_or_default();
        sentences.push(format!("{} is current{age}.", environment(said)));
    }
    lines.insert(0, sentences.join(" "));
    lines.join("\n")
}

/// What a push does only by its name.
fn stays(name: &str, said: &Value) -> String {
    let option = format!("-e {}", environment(said));
    format!(
        "{name} was removed here: withheld push {name} {option} removes it for the team, withheld pull {name} --take remote {option} brings it back."
    )
}

/// Nothing to do.
fn current(said: &Value) -> String {
    let total = number(&said["total"]);
    let place = position(said, &said["at"], &said["age_s"]);
    all_current(total, &place)
}

/// Nothing to do for so many secrets.
pub(super) fn all_current(total: usize, place: &str) -> String {
    format!("Current. {}, {place}.", many(total, "secret"))
}

/// Where an environment is, and how fresh that is, like `billing/dev at 88, seen 4 s ago`.
pub(super) fn position(said: &Value, at: &Value, age_s: &Value) -> String {
    let seen = match age_s.as_u64() {
        Some(age) => format!("seen {}", ago(age)),
        None => "never seen".to_owned(),
    };
    format!("{} at {}, {seen}", environment(said), number(at))
}

fn environment(said: &Value) -> String {
    clean(&word(&said["environment"])).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use withheld_core::refusal::Actor;

    use super::*;

    const PULL: Way = Way {
        schema: "withheld.pull/1",
        field: "pulled",
        verb: "Pulled",
    };

    fn said() -> Value {
        json!({"environment": "billing/dev", "pulled": [
                {"name": "STRIPE_KEY", "version": 4}, {"name": "GITHUB_TOKEN", "version": 9}, {"name": "SENTRY_TOKEN", "version": 1}],
            "removed": [], "diverged": [], "tampered": [], "total": 42, "at": 88, "age_s": 4})
    }

    #[test]
    fn wording_3_and_4() {
        let mut said = said();
        assert_eq!(
            text(&PULL, &said),
            "Pulled 3 of 42: STRIPE_KEY 4, GITHUB_TOKEN 9, SENTRY_TOKEN 1. billing/dev is current (4 s ago)."
        );
        said["pulled"] = json!([]);
        assert_eq!(
            text(&PULL, &said),
            "Current. 42 secrets, billing/dev at 88, seen 4 s ago."
        );
        said["removed"] = json!(["OLD_KEY"]);
        assert_eq!(
            text(&PULL, &said),
            "Removed: OLD_KEY. billing/dev is current (4 s ago)."
        );
        assert_eq!(left(&said, false).map(|refusal| refusal.code), None);
    }

    #[test]
    fn what_both_changed_is_named_with_both_ways_out() {
        let mut said = said();
        said["diverged"] = json!(["A_KEY"]);
        assert_eq!(
            text(&PULL, &said),
            "Pulled 3 of 42 in billing/dev: STRIPE_KEY 4, GITHUB_TOKEN 9, SENTRY_TOKEN 1."
        );
        let refusal = left(&said, false).unwrap();
        assert_eq!(refusal.code, Code::Conflict);
        assert_eq!(
            refusal.to_string(),
            "error: `A_KEY` in billing/dev was changed here and by the team\n  hint: decide: withheld pull A_KEY --take remote -e billing/dev, or withheld push A_KEY --take local -e billing/dev"
        );
        let by_owner = left(&said, true).unwrap().next;
        assert_eq!(by_owner.len(), 2);
        assert!(by_owner.iter().all(|next| next.who == Actor::Owner));
        said["diverged"] = json!(["A_KEY", "B_KEY"]);
        said["pulled"] = json!([]);
        assert_eq!(text(&PULL, &said), "");
        assert_eq!(
            left(&said, false).unwrap().to_string(),
            "error: `A_KEY`, `B_KEY` in billing/dev were changed here and by the team\n  hint: decide: withheld pull A_KEY --take remote -e billing/dev, or withheld push A_KEY --take local -e billing/dev"
        );
    }

    #[test]
    fn what_a_push_does_only_by_name_is_said() {
        let mut said = said();
        let push = Way {
            schema: "withheld.push/1",
            field: "pushed",
            verb: "Pushed",
        };
        said["pushed"] = json!([]);
        said["removed_here"] = json!(["OLD_KEY"]);
        let stays = "OLD_KEY was removed here: withheld push OLD_KEY -e billing/dev removes it for the team, withheld pull OLD_KEY --take remote -e billing/dev brings it back.";
        assert_eq!(text(&push, &said), stays);
        said["pushed"] = json!([{"name": "STRIPE_KEY", "version": 4}]);
        assert_eq!(
            text(&push, &said),
            format!("Pushed 1 of 42: STRIPE_KEY 4. billing/dev is current (4 s ago).\n{stays}")
        );
    }

    #[test]
    fn what_does_not_verify_comes_first() {
        let mut said = said();
        said["diverged"] = json!(["A_KEY"]);
        said["tampered"] = json!(["B_KEY"]);
        let refusal = left(&said, false).unwrap();
        assert_eq!(refusal.code, Code::SignatureInvalid);
        assert_eq!(
            refusal.to_string(),
            "error: what the team has of `B_KEY` in billing/dev does not verify; the last good version stays in use\n  hint: see who changed it: withheld diff -e billing/dev"
        );
    }

    #[test]
    fn names_are_read_once() {
        let written = ["B_KEY", "A_KEY", "B_KEY"].map(ToOwned::to_owned);
        let read = names(&written).unwrap();
        assert_eq!(
            read,
            ["A_KEY", "B_KEY"].map(|name| SecretName::parse(name).unwrap())
        );
        assert!(names(&["a_key".to_owned()]).is_err());
    }
}
