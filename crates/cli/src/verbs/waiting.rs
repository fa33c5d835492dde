//! What waits for the owner: bindings that came with secrets of the team.

mod uses;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::Shown;
use withheld_core::name::{Environment, SecretName};
use withheld_core::team::{PersonName, ShownDigest, WaitingId};

use self::uses::Use;
use crate::failure::Failure;
use crate::output::{Outcome, table};
use crate::said::{age, many};

/// One secret whose bindings wait.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Waiting {
    pub(super) id: WaitingId,
    digest: ShownDigest,
    pub(super) secret: SecretName,
    environment: Environment,
    by: Option<PersonName>,
    since: Value,
    #[serde(rename = "use")]
    uses: Vec<Use>,
    widens: bool,
}

/// Reads what waits.
///
/// # Errors
/// `internal` where the broker speaks another version of this.
pub(super) fn read(waiting: &Value) -> Outcome<Vec<Waiting>> {
    Vec::<Waiting>::deserialize(waiting).map_err(|_| {
        Failure::refuse(
            Code::Internal,
            "what waits for the owner cannot be read",
            "the broker may be of another version; restart it: withheld daemon stop",
        )
    })
}

/// One line a binding, to choose from.
pub(super) fn rows(all: &[Waiting]) -> String {
    let rows: Vec<Vec<String>> = all.iter().flat_map(Waiting::rows).collect();
    table(&rows)
}

/// What is signed when these are accepted.
pub(super) fn cards(all: &[Waiting]) -> String {
    let cards: Vec<String> = all.iter().map(Waiting::card).collect();
    cards.join("\n")
}

/// How many secrets come with how many hosts, and the most that one of them may do.
pub(super) fn summary(all: &[Waiting]) -> String {
    let uses = || {
        all.iter()
            .flat_map(|one| one.uses.iter().map(move |at| (one, at)))
    };
    let secrets: BTreeSet<_> = all
        .iter()
        .map(|one| (&one.environment, &one.secret))
        .collect();
    let hosts: BTreeSet<_> = uses().map(|(_, at)| &at.host).collect();
    let verb = if secrets.len() == 1 { "comes" } else { "come" };
    let mut text = format!(
        "{} {verb} with {}.",
        many(secrets.len(), "secret"),
        many(hosts.len(), "host")
    );
    // The first of those that are equally wide.
    let mut widest: Option<(&Waiting, &Use)> = None;
    for found in uses() {
        if widest.is_none_or(|(_, most)| found.1.width() > most.width()) {
            widest = Some(found);
        }
    }
    if let Some((one, at)) = widest {
        text.push_str(&format!(
            " Widest: {} may {} on {}.",
            one.secret,
            at.strongest(),
            at.place()
        ));
    }
    text
}

/// What is accepted or refused, in words, like `the binding of STRIPE_KEY`.
pub(super) fn named(all: &[Waiting]) -> String {
    match all {
        [one] => format!("the binding of {}", one.secret),
        many => format!("{} bindings", many.len()),
    }
}

impl Waiting {
    /// That it is this which was shown.
    pub(super) fn shown(&self) -> Shown {
        Shown {
            id: self.id.clone(),
            digest: self.digest.clone(),
        }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let by = self.by();
        let first = [
            self.id.to_string(),
            by,
            self.secret.to_string(),
            self.environment.to_string(),
        ];
        let uses = self.uses.iter().enumerate();
        uses.map(|(at, one)| {
            let mut row = match at {
                0 => first.to_vec(),
                _ => vec![String::new(); first.len()],
            };
            let marks = one.marks();
            let marks = match marks.as_slice() {
                [] => String::new(),
                all => format!(" ({})", all.join(", ")),
            };
            row.push(format!(
                "{} {}{}{marks}",
                one.methods(),
                one.place(),
                one.paths()
            ));
            if at == 0 {
                row.push(age(&self.since));
            }
            row
        })
        .collect()
    }

    /// Whether it asks for nothing but places to go: no trust of its own, no way into this machine or
    /// round the owner.
    pub(super) fn is_plain(&self) -> bool {
        self.uses.iter().all(|one| one.marks().is_empty())
    }

    /// What the owner of this machine would sign.
    pub(super) fn card(&self) -> String {
        let wider = if self.widens {
            ", wider than what is accepted here"
        } else {
            ""
        };
        let mut text = format!(
            "{} in {}, bound by {}{wider}",
            self.secret,
            self.environment,
            self.by()
        );
        for one in &self.uses {
            for line in one.lines(self.widens) {
                text.push_str(&format!("\n  {line}"));
            }
        }
        text
    }

    fn by(&self) -> String {
        let name = self.by.as_ref().map(ToString::to_string);
        name.unwrap_or_else(|| "somebody who is not known yet".to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
#[path = "waiting_tests.rs"]
mod tests;
