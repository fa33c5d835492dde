//! `withheld config [KEY [VALUE]]`.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};
use withheld_core::Code;
use withheld_core::api::{ConfigKey, Deposit, OwnerRequest};

use crate::cli::Config;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, clean, table};
use crate::owner::Owner;

use super::bind::certificates;
use super::daemon::wait_until_gone;

/// The settings.
const KEYS: [(&str, ConfigKey); 4] = [
    ("listen", ConfigKey::Listen),
    ("audit-durability", ConfigKey::AuditDurability),
    ("extra-ca", ConfigKey::ExtraCa),
    ("auto-pull", ConfigKey::AutoPull),
];

pub(super) fn run(context: &Context, arguments: &Config) -> Outcome {
    let wanted = arguments.key.as_deref().map(key).transpose()?;
    let change_to = match (wanted, &arguments.value) {
        (Some((name, key)), Some(value)) => Some((name, key, finished(key, value)?)),
        _ => None,
    };
    match (Owner::open(context), change_to) {
        (Ok(owner), Some((name, key, value))) => change(context, &owner, name, key, value),
        (Ok(owner), None) => show(context, &owner, wanted),
        (Err(failure), change_to) if failure.code() == Some(Code::ConfigInvalid) => {
            // It may be `listen` itself that lets no broker start.
            let owner = Owner::open_at_any_port(context).map_err(|_| failure)?;
            let done = match change_to {
                Some((name, key, value)) => change(context, &owner, name, key, value),
                None => show(context, &owner, wanted),
            };
            // One that listens elsewhere than the owner said is there for this command only.
            let stopped = owner.ask(OwnerRequest::Stop);
            let home = context.owner_home()?;
            done.and_then(|()| stopped.map(drop))
                .and_then(|()| wait_until_gone(&home))
        }
        (Err(failure), _) => Err(failure),
    }
}

fn key(written: &str) -> Outcome<(&'static str, ConfigKey)> {
    KEYS.into_iter()
        .find(|(name, _)| *name == written)
        .ok_or_else(|| {
            Failure::refuse(
                Code::Usage,
                "there is no such setting",
                "see those there are: withheld config",
            )
        })
}

/// What is set: as it was typed, or what is in the file that was named. An empty value takes a
/// setting back to its default. What it cannot take is said before anybody is asked for a proof.
fn finished(key: ConfigKey, value: &str) -> Outcome<String> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let (is_fit, what, hint) = match key {
        ConfigKey::Listen => (
            value
                .parse::<SocketAddr>()
                .is_ok_and(|address| address.ip().is_loopback()),
            "the listener stands on a loopback address with a port",
            "write one, like: withheld config listen 127.0.0.1:7717",
        ),
        ConfigKey::AuditDurability => (
            matches!(value, "process" | "power"),
            "the durability of the log is `process` or `power`",
            "write one, like: withheld config audit-durability power",
        ),
        ConfigKey::AutoPull => (
            matches!(value, "verified" | "ask" | "never"),
            "an agent's pull is `verified`, `ask` or `never`",
            "write one, like: withheld config auto-pull ask",
        ),
        ConfigKey::ExtraCa => {
            return certificates(Path::new(value), "withheld config extra-ca FILE");
        }
    };
    if is_fit {
        Ok(value.to_owned())
    } else {
        Err(Failure::refuse(Code::Usage, what, hint))
    }
}

fn show(
    context: &Context,
    owner: &Owner<'_>,
    wanted: Option<(&'static str, ConfigKey)>,
) -> Outcome {
    let mut settings = Map::new();
    for (name, key) in KEYS {
        if wanted.is_none_or(|(only, _)| only == name) {
            settings.insert(name.to_owned(), value_of(owner, key)?);
        }
    }
    let text = text(wanted.is_some(), &settings);
    context
        .output
        .result("withheld.config/1", json!({ "settings": settings }), &text)
}

/// One setting by its value alone, or all of them. The file was perhaps not written by us.
fn text(is_one: bool, settings: &Map<String, Value>) -> String {
    let words = |name: &str, value: &Value| match value.as_str() {
        Some(value) => clean(value).into_owned(),
        None => format!("{} (default)", default(name)),
    };
    match settings.iter().next() {
        Some((name, value)) if is_one => words(name, value),
        _ => table(
            &settings
                .iter()
                .map(|(name, value)| vec![name.clone(), words(name, value)])
                .collect::<Vec<_>>(),
        ),
    }
}

/// What counts where nothing is set.
fn default(name: &str) -> &'static str {
    match name {
        "listen" => "127.0.0.1:7717, or the next free port",
        "audit-durability" => "process",
        "auto-pull" => "verified",
        _ => "none",
    }
}

fn value_of(owner: &Owner<'_>, key: ConfigKey) -> Outcome<Value> {
    let said = owner.ask(OwnerRequest::Config {
        key,
        value: None,
        proof: None,
    })?;
    Ok(said.get("value").cloned().unwrap_or(Value::Null))
}

fn change(
    context: &Context,
    owner: &Owner<'_>,
    name: &'static str,
    key: ConfigKey,
    value: String,
) -> Outcome {
    let request = OwnerRequest::Config {
        key,
        value: Some(value),
        proof: Some(Deposit::to_come()),
    };
    let said = owner.ask_proven(request, &format!("to change {name}"))?;
    let mut settings = Map::new();
    settings.insert(
        name.to_owned(),
        said.get("value").cloned().unwrap_or(Value::Null),
    );
    let when = match key {
        ConfigKey::Listen => "It counts from the next start of the broker: withheld daemon stop",
        _ => "It counts as of now.",
    };
    context.output.result(
        "withheld.config/1",
        json!({ "settings": settings }),
        &format!("{name} is changed. {when}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_holds_cannot_draw_on_the_terminal() {
        let mut settings = Map::new();
        settings.insert("listen".into(), json!("a\u{1b}[2Jb"));
        assert_eq!(text(true, &settings), "a\\u{1b}[2Jb");
        assert_eq!(text(false, &settings), "listen  a\\u{1b}[2Jb");
    }

    #[test]
    fn what_is_not_set_is_shown_by_its_default() {
        let mut settings = Map::new();
        settings.insert("auto-pull".into(), Value::Null);
        assert_eq!(text(true, &settings), "verified (default)");
        settings.insert("extra-ca".into(), Value::Null);
        settings.insert("audit-durability".into(), json!("power"));
        assert_eq!(
            text(false, &settings),
            "audit-durability  power\nauto-pull         verified (default)\nextra-ca          none (default)"
        );
    }

    #[test]
    fn settings_take_what_they_can() {
        for (key, value, is_fit) in [
            (ConfigKey::Listen, "127.0.0.1:7717", true),
            (ConfigKey::Listen, "[::1]:1", true),
            (ConfigKey::Listen, "0.0.0.0:7717", false),
            (ConfigKey::Listen, "somewhere", false),
            (ConfigKey::Listen, "127.0.0.1", false),
            (ConfigKey::AuditDurability, "power", true),
            (ConfigKey::AuditDurability, "process", true),
            (ConfigKey::AuditDurability, "never", false),
            (ConfigKey::AutoPull, "verified", true),
            (ConfigKey::AutoPull, "ask", true),
            (ConfigKey::AutoPull, "never", true),
            (ConfigKey::AutoPull, "always", false),
            (ConfigKey::ExtraCa, "/no/such/file", false),
        ] {
            let code = finished(key, value)
                .err()
                .and_then(|failure| failure.code());
            assert_eq!(code, (!is_fit).then_some(Code::Usage), "{value}");
        }
        for (_, key) in KEYS {
            assert_eq!(finished(key, "").ok().as_deref(), Some(""));
        }
    }
}
