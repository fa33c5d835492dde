//! `withheld doctor`: the mode, then one line a promise: holds or not, why, and the command.

mod process;

use serde::Serialize;
use serde_json::{Value, json};
use withheld_audit::Anchored;
use withheld_core::Refusal;
use withheld_core::api::{OwnerCall, OwnerRequest, VaultKind};
use withheld_core::policy_doc::Policy;
#[cfg(test)]
use withheld_core::schema::{Document, JsonSchema};
use withheld_vault::Facts;
use withheld_vault::home::Home;
use withheld_vault::vault::Vault;

use super::audit::verified;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::{Colour, Outcome, Output, clean};
use crate::socket::{ANSWER, Socket};

const MODE: &str = "Mode M0: programs of this user are not isolated from each other. This protects against accidents, not against a program that means harm.";

#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
struct Doctor {
    /// How isolated programs of this user are from each other. M0: not.
    mode: &'static str,
    /// Every promise that was made holds, as far as can be told from here.
    ok: bool,
    /// Promise by promise.
    promises: Vec<Promise>,
}

/// One promise.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
struct Promise {
    /// Its name.
    name: &'static str,
    /// Whether this mode, as the owner set it up, promises it.
    promised: bool,
    /// Null where nobody can tell from here.
    holds: Option<bool>,
    /// In words.
    why: String,
    /// What to do, in words; null where nothing is to be done, and where `command` says it.
    hint: Option<String>,
    /// What to type: it runs unchanged. Null where there is no such command.
    command: Option<String>,
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![Document::of::<Doctor>(
        "doctor",
        "`withheld doctor --json`: which promise holds here",
    )]
}

impl Promise {
    fn holds(name: &'static str, why: impl Into<String>) -> Self {
        Self::of(name, Some(true), why)
    }

    fn holds_not(name: &'static str, why: impl Into<String>) -> Self {
        Self::of(name, Some(false), why)
    }

    fn unknown(name: &'static str, why: impl Into<String>) -> Self {
        Self::of(name, None, why)
    }

    fn of(name: &'static str, holds: Option<bool>, why: impl Into<String>) -> Self {
        Self {
            name,
            promised: true,
            holds,
            why: why.into(),
            hint: None,
            command: None,
        }
    }

    fn not_promised(self) -> Self {
        Self {
            promised: false,
            ..self
        }
    }

    fn command(self, command: impl Into<String>) -> Self {
        Self {
            command: Some(command.into()),
            ..self
        }
    }

    /// A promise that a refusal says is broken, in the refusal's words.
    fn broken(name: &'static str, refusal: &Refusal) -> Self {
        Self::holds_not(name, refusal.message.as_str()).hint(refusal.hint.as_str())
    }

    /// What to do, and the command in it where there is one.
    fn hint(self, hint: &str) -> Self {
        Self {
            hint: Some(hint.to_owned()),
            command: command_in(hint),
            ..self
        }
    }

    fn is_broken(&self) -> bool {
        self.promised && self.holds == Some(false)
    }
}

pub(super) fn run(context: &Context) -> Outcome {
    let home = context.agent_home()?;
    let promises = looked_at(context, &home);
    let is_sound = !promises.iter().any(Promise::is_broken);
    let output = context.output;
    if output.is_json() {
        let doctor = Doctor {
            mode: "M0",
            ok: is_sound,
            promises,
        };
        output.document("withheld.doctor/1", json!(doctor))?;
    } else {
        let lines: Vec<String> = promises.iter().map(|one| line(output, one)).collect();
        output.line(&format!("{MODE}\n{}", lines.join("\n")))?;
    }
    if is_sound {
        Ok(())
    } else {
        Err(Failure::Answered(exit::NO))
    }
}

fn looked_at(context: &Context, home: &Home) -> Vec<Promise> {
    let files = match home.check() {
        Ok(()) => Promise::holds("files", "the home and its files are this user's alone"),
        Err(refusal) => Promise::broken("files", &refusal),
    };
    let broker = broker(context, home);
    let mut promises = vec![files];
    match Vault::open(home) {
        Err(refusal) => promises.push(Promise::broken("sealed_at_rest", &refusal)),
        Ok(None) => promises.push(
            Promise::unknown("sealed_at_rest", "there is no vault here yet")
                .command("withheld init"),
        ),
        Ok(Some(locked)) => {
            let facts = locked.facts();
            promises.push(Promise::holds(
                "sealed_at_rest",
                "what rests is sealed under a key that the owner passphrase opens",
            ));
            promises.push(vault(facts, broker.as_ref()));
            promises.push(auto_unlock(facts));
            promises.push(policy(home, facts));
        }
    }
    promises.push(audit(home));
    let unseen = if context.variables.session.is_some() {
        "an agent does not see the broker's process"
    } else {
        "no broker answers"
    };
    promises.extend(process::promises(broker.as_ref(), unseen));
    promises.push(
        Promise::holds_not(
            "isolation",
            "a program of this user can read an unlocked keychain, and use what `local` may use",
        )
        .not_promised(),
    );
    promises
}

/// What the broker says of itself; `None` where none answers, or where an agent asks: the owner's
/// socket is not for agents.
fn broker(context: &Context, home: &Home) -> Option<Value> {
    if context.variables.session.is_some() {
        return None;
    }
    let socket = Socket::owner(home).ok()?;
    socket
        .ask(&OwnerCall::plain(OwnerRequest::Status), ANSWER)
        .ok()
}

fn vault(facts: &Facts, broker: Option<&Value>) -> Promise {
    let is_open = broker.is_some_and(|broker| broker["vault"] == "unlocked");
    match (facts.kind, is_open) {
        (VaultKind::File, _) => Promise::holds("vault", "values rest in sealed files of the home"),
        (VaultKind::Keychain, true) => Promise::holds(
            "vault",
            "values rest in the keychain, which answered when the vault was opened",
        ),
        (VaultKind::Keychain, false) => Promise::unknown(
            "vault",
            "values rest in the keychain; whether it answers is seen when the vault is opened",
        )
        .command("withheld unlock"),
    }
}

fn auto_unlock(facts: &Facts) -> Promise {
    if facts.auto_unlock {
        return Promise::holds_not(
            "passphrase_opens",
            "--auto-unlock: whoever reads this login's keychain can open the vault, without the passphrase",
        )
        .not_promised();
    }
    Promise::holds(
        "passphrase_opens",
        "only the owner passphrase opens the vault, once per login",
    )
}

/// The signature, and the counter against the highest one that the log's anchor saw.
fn policy(home: &Home, facts: &Facts) -> Promise {
    const NAME: &str = "policy";
    let read = || -> Result<Option<Policy>, Refusal> {
        let anchor = home.read(&home.audit().join("anchor"))?;
        let floor = anchor
            .and_then(|bytes| Anchored::from_bytes(&bytes))
            .map_or(0, |anchored| anchored.policy);
        match home.read(&home.policy())? {
            Some(file) => Policy::verify(&file, &facts.owner_public, floor).map(Some),
            None => Ok(None),
        }
    };
    match read() {
        Ok(Some(policy)) => Promise::holds(
            NAME,
            format!(
                "signed by the owner, change {}, and no newer one was seen",
                policy.content().counter
            ),
        ),
        Ok(None) => {
            Promise::holds_not(NAME, "the policy document is missing").command("withheld unlock")
        }
        Err(refusal) => Promise::broken(NAME, &refusal),
    }
}

fn audit(home: &Home) -> Promise {
    const NAME: &str = "audit";
    match verified(home) {
        Ok(report) if report.head.seq == 0 => Promise::unknown(NAME, "there is no record yet"),
        Ok(report) => Promise::holds(
            NAME,
            format!(
                "the chain is whole: {} records, sealed up to {}",
                report.head.seq, report.sealed
            ),
        ),
        Err(Failure::Refused(refused)) => {
            Promise::holds_not(NAME, refused.message()).hint(refused.hint())
        }
        Err(_) => Promise::unknown(NAME, "the log could not be looked at"),
    }
}

fn line(output: Output, promise: &Promise) -> String {
    let (word, colour) = match promise.holds {
        Some(true) => ("holds", Some(Colour::Good)),
        Some(false) if promise.promised => ("HOLDS NOT", Some(Colour::Bad)),
        Some(false) => ("no", None),
        None => ("not known", None),
    };
    let padded = format!("{word:<10}");
    let word = colour.map_or(padded.clone(), |colour| output.in_colour(colour, &padded));
    let mut text = format!("{word} {:<17} {}", promise.name, clean(&promise.why));
    if let Some(hint) = promise.hint.as_ref().or(promise.command.as_ref()) {
        text.push_str(&format!(" → {}", clean(hint)));
    }
    text
}

/// The command that a hint ends with, like `close it: chmod 700 /home/me/x`.
fn command_in(hint: &str) -> Option<String> {
    let (_, command) = hint.rsplit_once(": ")?;
    let is_command = ["withheld ", "chmod "]
        .iter()
        .any(|program| command.starts_with(program));
    (is_command && !command.contains([';', ','])).then(|| command.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_promise_that_was_made_can_be_broken() {
        assert!(Promise::holds_not("a", "x").is_broken());
        assert!(!Promise::holds_not("a", "x").not_promised().is_broken());
        assert!(!Promise::unknown("a", "x").is_broken());
        assert!(!Promise::holds("a", "x").is_broken());
    }

    #[test]
    fn a_command_is_told_from_the_words_round_it() {
        for (hint, command) in [
            ("close it: chmod 700 /h/vault", Some("chmod 700 /h/vault")),
            (
                "put back the latest copy; see what was done since: withheld audit",
                Some("withheld audit"),
            ),
            ("try again: withheld unlock; then look", None),
            ("free some space", None),
        ] {
            assert_eq!(command_in(hint).as_deref(), command, "{hint}");
        }
    }

    #[test]
    fn a_line_says_holds_or_not_why_and_the_command() {
        let output = Output::new(false, false);
        assert_eq!(
            line(
                output,
                &Promise::holds_not("policy", "it is missing").command("withheld unlock")
            ),
            "HOLDS NOT  policy            it is missing → withheld unlock"
        );
    }
}
