//! `withheld allow [HOST|GROUP…]`: hosts that may be reached without a key.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use withheld_core::api::{Deposit, OwnerRequest};
use withheld_core::destination::{HostPattern, authority};
use withheld_core::name::AgentId;
use withheld_core::record::AllowedHost;

use crate::catalogue::{Catalogue, Group};
use crate::cli::Allow;
use crate::context::Context;
use crate::drafts::{HTTPS_PORT, Spot};
use crate::output::{Outcome, clean, table};
use crate::owner::Owner;

pub(super) fn run(context: &Context, arguments: &Allow) -> Outcome {
    let agent = arguments
        .agent
        .as_deref()
        .map(super::agent::name)
        .transpose()?;
    if arguments.hosts.is_empty() {
        return list(context, agent.as_ref());
    }
    let hosts = hosts(arguments)?;
    for word in arguments.hosts.iter().filter(|word| is_taken_as_host(word)) {
        let word = clean(word);
        context.output.note(&format!(
            "note: there is no group {word}; it is taken as a host of that name"
        ));
    }
    let owner = Owner::open(context)?;
    let words: Vec<String> = hosts.iter().map(shown).collect();
    let words = words.join(", ");
    let whom = agent
        .as_ref()
        .map_or_else(|| "every agent".to_owned(), ToString::to_string);
    let purpose = if arguments.remove {
        format!("to end what {whom} may reach: {words}")
    } else {
        format!("to let {whom} reach {words}")
    };
    let request = OwnerRequest::Allow {
        hosts: hosts.clone(),
        agent: agent.clone(),
        remove: arguments.remove,
        proof: Deposit::to_come(),
    };
    owner.ask_proven(request, &purpose)?;
    let text = if arguments.remove {
        format!("No longer allowed for {whom}: {words}.")
    } else {
        format!("Allowed for {whom}, without a key: {words}.")
    };
    let data = json!({ "hosts": hosts, "agent": agent, "removed": arguments.remove });
    context.output.result("withheld.allow/1", data, &text)
}

/// As it is typed.
fn shown(one: &AllowedHost) -> String {
    match one.port {
        Some(port) => format!("{}:{port}", one.host),
        None => one.host.to_string(),
    }
}

/// Whether a word that reads like the name of a group is none: who meant one would wait for it in vain.
fn is_taken_as_host(word: &str) -> bool {
    let is_one_label = !word.contains(['.', ':', '*']) && word != "localhost";
    is_one_label && Catalogue::read().is_ok_and(|catalogue| catalogue.group(word).is_none())
}

fn hosts(arguments: &Allow) -> Outcome<Vec<AllowedHost>> {
    let catalogue = Catalogue::read()?;
    let mut hosts: Vec<AllowedHost> = Vec::new();
    for word in &arguments.hosts {
        let named = match catalogue.group(word) {
            Some(group) => of_group(group, arguments.foreign),
            None => vec![Spot::allowed(word, arguments.foreign)?],
        };
        for host in named {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    Ok(hosts)
}

/// Where the user's own client goes, else where it goes when nothing is configured.
fn of_group(group: &Group, foreign: bool) -> Vec<AllowedHost> {
    let configured = asked(&group.ask);
    if !configured.is_empty() {
        return configured
            .into_iter()
            .map(|host| AllowedHost { foreign, ..host })
            .collect();
    }
    group
        .hosts
        .iter()
        .map(|host| AllowedHost {
            host: host.clone(),
            port: None,
            foreign,
        })
        .collect()
}

/// Asks a client where it goes; from the root, so that no file of a project answers for it.
fn asked(command: &[String]) -> Vec<AllowedHost> {
    let Some((program, arguments)) = command.split_first() else {
        return Vec::new();
    };
    let said = Command::new(program)
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match said {
        Ok(said) if said.status.success() => urls(&String::from_utf8_lossy(&said.stdout)),
        _ => Vec::new(),
    }
}

/// The hosts of the URLs in a text. A port that goes without saying is left unsaid.
fn urls(text: &str) -> Vec<AllowedHost> {
    let mut hosts: Vec<AllowedHost> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '|' | '"' | '\'')) {
        let Some((_, rest)) = word.split_once("://") else {
            continue;
        };
        let written = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let written = written.rsplit('@').next().unwrap_or_default();
        let Ok((host, port)) = authority(written) else {
            continue;
        };
        let Ok(host) = HostPattern::parse(host.as_str()) else {
            continue;
        };
        let allowed = AllowedHost {
            host,
            port: port.filter(|port| *port != HTTPS_PORT && *port != 80),
            foreign: false,
        };
        if !hosts.contains(&allowed) {
            hosts.push(allowed);
        }
    }
    hosts
}

fn list(context: &Context, agent: Option<&AgentId>) -> Outcome {
    let owner = Owner::open(context)?;
    let listed = owner.ask(OwnerRequest::List { environment: None })?;
    let empty = Vec::new();
    let of = |value: Option<&Value>| value.and_then(Value::as_array).unwrap_or(&empty).clone();
    let mut rows = Vec::new();
    if agent.is_none() {
        rows.extend(
            of(listed.get("allowed"))
                .into_iter()
                .map(|host| (None, host)),
        );
    }
    for record in of(listed.get("agents")) {
        let name = record
            .get("agent")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if agent.is_some_and(|agent| agent.as_str() != name) {
            continue;
        }
        let name = name.to_owned();
        rows.extend(
            of(record.get("hosts"))
                .into_iter()
                .map(|host| (Some(name.clone()), host)),
        );
    }
    let shown: Vec<Value> = rows
        .iter()
        .map(|(agent, host)| {
            json!({ "agent": agent, "host": host["host"], "port": host["port"], "foreign": host["foreign"] })
        })
        .collect();
    let text = if rows.is_empty() {
        "No host is allowed without a key. Allow one: withheld allow HOST".to_owned()
    } else {
        table(&lines(&rows))
    };
    context
        .output
        .result("withheld.allow/1", json!({ "allowed": shown }), &text)
}

fn lines(rows: &[(Option<String>, Value)]) -> Vec<Vec<String>> {
    let mut lines = vec![
        ["HOST", "FOR", "CREDENTIALS"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for (agent, host) in rows {
        let name = host["host"].as_str().unwrap_or_default();
        let port = host["port"]
            .as_u64()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let foreign = if host["foreign"].as_bool() == Some(true) {
            "the client's own"
        } else {
            "none"
        };
        lines.push(vec![
            format!("{name}{port}"),
            agent.clone().unwrap_or_else(|| "every agent".to_owned()),
            foreign.to_owned(),
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_group_is_told_from_one() {
        for (word, is_host) in [
            ("nosuchgroup", true),
            ("npm", false),
            ("localhost", false),
            ("api.test", false),
        ] {
            assert_eq!(is_taken_as_host(word), is_host, "{word}");
        }
    }

    #[test]
    fn hosts_are_read_from_what_a_client_says() {
        let shown = |text: &str| -> Vec<String> {
            urls(text)
                .iter()
                .map(|one| format!("{} {:?}", one.host, one.port))
                .collect()
        };
        assert_eq!(
            shown("https://registry.example.com/\n"),
            ["registry.example.com None"]
        );
        assert_eq!(
            shown("https://proxy.example.com,https://u:p@b.example.com:8443/x|direct"),
            ["proxy.example.com None", "b.example.com Some(8443)"]
        );
        assert_eq!(
            shown("http://deb.example.org/debian\nhttp://deb.example.org/debian"),
            ["deb.example.org None"]
        );
        assert!(shown("undefined off direct file:///x").is_empty());
    }
}
