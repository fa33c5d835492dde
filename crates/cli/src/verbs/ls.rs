//! `withheld ls [NAME] [--long]`: names, bindings, versions, age. Never a value, its length or a hash.

use serde_json::{Value, json};
use withheld_core::api::{AgentRequest, OwnerCall, OwnerRequest};
use withheld_core::name::{Environment, SecretName};
use withheld_core::{Code, Refusal, text};

use crate::cli::Ls;
use crate::context::Context;
use crate::drafts;
use crate::output::{Outcome, table};
use crate::owner::{has_vault, no_vault};
use crate::said::{age, list, word, words};
use crate::socket::{ANSWER, Socket};

pub(super) fn run(context: &Context, arguments: &Ls) -> Outcome {
    let name = arguments.name.as_deref().map(drafts::secret).transpose()?;
    let secrets = listed(context, name.as_ref())?;
    let text = match (&name, arguments.long) {
        _ if secrets.is_empty() => "No key yet. Store one: withheld set NAME".to_owned(),
        (Some(_), _) => secrets.iter().map(one).collect::<Vec<_>>().join("\n\n"),
        (None, true) => table(&long(&secrets)),
        (None, false) => table(&short(&secrets)),
    };
    context
        .output
        .result("withheld.ls/1", json!({ "secrets": secrets }), &text)
}

/// Inside a session what is granted; outside, what is there.
fn listed(context: &Context, name: Option<&SecretName>) -> Outcome<Vec<Value>> {
    if context.variables.session.is_some() {
        let said = context.session_socket()?.ask(
            &AgentRequest::List {
                name: name.cloned(),
            },
            ANSWER,
        )?;
        return Ok(secrets(&said));
    }
    let home = context.agent_home()?;
    if !has_vault(&home)? {
        return Err(no_vault());
    }
    let environment = context.named_environment()?;
    let option = environment.as_ref().map(Environment::option);
    let said = Socket::owner(&home)?.ask(
        &OwnerCall::plain(OwnerRequest::List { environment }),
        ANSWER,
    )?;
    let mut secrets = secrets(&said);
    if let Some(name) = name {
        secrets.retain(|secret| secret["name"] == name.as_str());
        if secrets.is_empty() {
            return Err(Refusal::new(
                Code::NotFound,
                text!("there is no key `{}`", *name),
                text!(
                    "store it: withheld set {}{}",
                    *name,
                    option.unwrap_or_default()
                ),
            )
            .into());
        }
    }
    Ok(secrets)
}

fn secrets(said: &Value) -> Vec<Value> {
    said["secrets"].as_array().cloned().unwrap_or_default()
}

/// The version that is here; none is known of while the vault is locked.
fn version(secret: &Value) -> String {
    match secret["version"].as_u64() {
        Some(version) => version.to_string(),
        None => "none known".to_owned(),
    }
}

fn destination(binding: &Value) -> String {
    match binding["port"].as_u64() {
        None | Some(443) => word(&binding["host"]),
        Some(port) => format!("{}:{port}", word(&binding["host"])),
    }
}

fn bindings(secret: &Value) -> impl Iterator<Item = &Value> {
    list(&secret["bindings"])
}

fn head(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn short(secrets: &[Value]) -> Vec<Vec<String>> {
    let mut rows = vec![head(&[
        "NAME",
        "ENVIRONMENT",
        "VERSION",
        "HOSTS",
        "LAST USE",
    ])];
    rows.extend(secrets.iter().map(|secret| {
        let hosts: Vec<String> = bindings(secret).map(destination).collect();
        let hosts = if hosts.is_empty() {
            "not bound".to_owned()
        } else {
            hosts.join(" ")
        };
        vec![
            word(&secret["name"]),
            word(&secret["environment"]),
            version(secret),
            hosts,
            age(&secret["last_used"]),
        ]
    }));
    rows
}

fn long(secrets: &[Value]) -> Vec<Vec<String>> {
    let mut rows = vec![head(&[
        "NAME",
        "ENVIRONMENT",
        "VERSION",
        "AGE",
        "HOST",
        "METHODS",
        "PATHS",
        "INJECT",
        "VARIABLES",
        "FLAGS",
        "LAST USE",
    ])];
    for secret in secrets {
        let first = [
            word(&secret["name"]),
            word(&secret["environment"]),
            version(secret),
            age(&secret["created_at"]),
        ];
        let last = age(&secret["last_used"]);
        let mut is_bound = false;
        for binding in bindings(secret) {
            is_bound = true;
            let mut row = first.to_vec();
            row.extend([
                destination(binding),
                words(&binding["methods"], ","),
                words(&binding["paths"], ","),
                inject(binding),
                words(&binding["vars"], ","),
                flags(binding),
                last.clone(),
            ]);
            rows.push(row);
        }
        if !is_bound {
            let mut row = first.to_vec();
            row.push("not bound".to_owned());
            rows.push(row);
        }
    }
    rows
}

fn inject(binding: &Value) -> String {
    match binding["format"].as_str() {
        Some(format) => format!("{} ({format})", word(&binding["inject"])),
        None => word(&binding["inject"]),
    }
}

fn flags(binding: &Value) -> String {
    ["auto", "private", "foreign", "ca"]
        .into_iter()
        .filter(|flag| binding[*flag] == true)
        .collect::<Vec<_>>()
        .join(",")
}

/// One secret: its versions with who and when, newest first, then where it may go.
fn one(secret: &Value) -> String {
    let mut rows = vec![vec![
        word(&secret["name"]),
        word(&secret["environment"]),
        format!("last use {}", age(&secret["last_used"])),
    ]];
    let mut versions: Vec<&Value> = list(&secret["versions"]).collect();
    versions.sort_by_key(|held| std::cmp::Reverse(held["version"].as_u64()));
    rows.extend(versions.into_iter().map(version_row));
    for binding in bindings(secret) {
        rows.push(vec![
            format!("  {}", destination(binding)),
            format!(
                "{} {}",
                words(&binding["methods"], ","),
                words(&binding["paths"], ",")
            ),
            inject(binding),
        ]);
    }
    table(&rows)
}

/// The person where one is known, else where the value came from.
fn version_row(held: &Value) -> Vec<String> {
    let who = match held["changed_by"].as_str() {
        Some(person) => format!("{}, by {person}", word(&held["origin"])),
        None => word(&held["origin"]),
    };
    vec![
        format!("  version {}", held["version"]),
        who,
        age(&held["created_at"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_has_the_newest_version_first() {
        let ago = |seconds: i64| {
            let at = crate::clock::now().as_ms() - seconds * 1000;
            withheld_core::Moment::from_ms(at)
        };
        let secret = json!({"name": "A_KEY", "environment": "billing/dev", "last_used": null, "bindings": [], "versions": [
            {"version": 1, "origin": "owner", "created_at": ago(7300)},
            {"version": 2, "origin": "member", "changed_by": "lead", "created_at": ago(130)},
        ]});
        let lines = [
            "A_KEY        billing/dev      last use never",
            "  version 2  member, by lead  2 min ago",
            "  version 1  owner            2 h ago",
        ];
        assert_eq!(one(&secret), lines.join("\n"));
    }

    #[test]
    fn unbound_keys_are_marked_by_words() {
        let secret = json!({"name":"A_KEY","environment":"default/dev","version":2,"bindings":[],"last_used":null});
        assert_eq!(
            table(&short(&[secret])),
            "NAME   ENVIRONMENT  VERSION  HOSTS      LAST USE\nA_KEY  default/dev  2        not bound  never"
        );
    }

    #[test]
    fn a_port_is_shown_where_it_is_another_one() {
        assert_eq!(destination(&json!({"host":"a.test","port":443})), "a.test");
        assert_eq!(
            destination(&json!({"host":"a.test","port":8443})),
            "a.test:8443"
        );
    }
}
