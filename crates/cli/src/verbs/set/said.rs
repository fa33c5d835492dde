//! What was stored, for people and for programs.

use serde::Serialize;
use serde_json::{Value, json};
use withheld_core::name::{Environment, SecretName};
#[cfg(test)]
use withheld_core::schema::{Document, JsonSchema};

use super::Item;
use crate::context::Context;
use crate::drafts;
use crate::output::Outcome;
use crate::target::Target;

#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
struct Stored {
    /// PROJECT/ENVIRONMENT.
    environment: Environment,
    /// In the order in which they were named.
    stored: Vec<Row>,
}

#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
struct Row {
    /// The secret's name.
    name: SecretName,
    /// The vault's number for what was stored.
    version: Option<u64>,
    /// It is bound, now or from before: agents can use it.
    bound: bool,
    /// The hosts that it was bound to now, with the port where that is not 443.
    hosts: Vec<String>,
    /// A newline at the end of what was read was left out.
    trimmed_newline: bool,
    /// It may be guessed: fewer than about 64 bits, by how often each of its bytes is there.
    weak: bool,
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(in crate::verbs) fn documents() -> Vec<Document> {
    vec![Document::of::<Stored>(
        "set",
        "`withheld set --json`: what was stored; never a value",
    )]
}

pub(super) fn say(
    context: &Context,
    target: &Target,
    items: &[Item],
    stored: &Value,
    bound: &[SecretName],
) -> Outcome {
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for item in items {
        let version = version_of(stored, &item.name);
        let is_bound = !item.bindings.is_empty() || bound.contains(&item.name);
        lines.push(line(&item.name, target, version, is_bound));
        rows.push(Row {
            name: item.name.clone(),
            version,
            bound: is_bound,
            hosts: item.bindings.iter().map(drafts::at).collect(),
            trimmed_newline: item.taken.trimmed_newline,
            weak: item.taken.shape.weak,
        });
    }
    let stored = Stored {
        environment: target.environment.clone(),
        stored: rows,
    };
    context
        .output
        .result("withheld.set/1", json!(stored), &lines.join("\n"))
}

fn version_of(stored: &Value, name: &SecretName) -> Option<u64> {
    let items = stored.get("stored").and_then(Value::as_array)?;
    let item = items
        .iter()
        .find(|item| item.get("name").and_then(Value::as_str) == Some(name.as_str()))?;
    item.get("version").and_then(Value::as_u64)
}

fn line(name: &SecretName, target: &Target, version: Option<u64>, is_bound: bool) -> String {
    let version = version.unwrap_or(1);
    let (place, option) = (target.said(), target.option());
    let use_it = match is_bound {
        true => "Agents can use it and cannot read it.",
        false => "Agents cannot read it, and cannot use it yet.",
    };
    let mut text = format!("Stored {name}{place}, version {version}. {use_it}");
    if version > 1 {
        text.push_str(&format!(
            " Version {} stays for 30 days: withheld ls {name}{option}",
            version - 1
        ));
    }
    if !is_bound {
        text.push_str(&format!(
            "\nSay where they can: withheld bind {name} --host HOST{option}"
        ));
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_the_contracts() {
        let name = SecretName::parse("STRIPE_KEY").unwrap();
        let target = |written: &str| Target {
            environment: Environment::parse(written).unwrap(),
            by_file: None,
        };
        let dev = target("dev");
        assert_eq!(
            line(&name, &dev, Some(1), true),
            "Stored STRIPE_KEY, version 1. Agents can use it and cannot read it."
        );
        assert_eq!(
            line(&name, &dev, Some(2), true),
            "Stored STRIPE_KEY, version 2. Agents can use it and cannot read it. Version 1 stays for 30 days: withheld ls STRIPE_KEY"
        );
        assert_eq!(
            line(&name, &dev, Some(1), false),
            "Stored STRIPE_KEY, version 1. Agents cannot read it, and cannot use it yet.\nSay where they can: withheld bind STRIPE_KEY --host HOST"
        );
        let billing = target("billing/dev");
        assert_eq!(
            line(&name, &billing, Some(2), false),
            "Stored STRIPE_KEY in billing/dev, version 2. Agents cannot read it, and cannot use it yet. Version 1 stays for 30 days: withheld ls STRIPE_KEY -e billing/dev\nSay where they can: withheld bind STRIPE_KEY --host HOST -e billing/dev"
        );
    }
}
