//! `withheld bind NAME`: where a stored key may be used, or no longer.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};
use withheld_core::api::{Deposit, OwnerRequest};
use withheld_core::binding::{BindingDraft, Place};
use withheld_core::destination::HostPattern;
use withheld_core::name::{Environment, SecretName, VarName};
use withheld_core::path::PathPattern;
#[cfg(test)]
use withheld_core::schema::Document;
use withheld_core::{Code, Refusal, Text, plain, text};

use crate::catalogue::Catalogue;
use crate::cli::Bind;
use crate::context::Context;
use crate::drafts::{self, Extras, Spot};
use crate::failure::Failure;
use crate::output::Outcome;
use crate::owner::Owner;
use crate::said::list;
use crate::verbs::doubts;

/// The largest file of certificates, in bytes.
const MAX_CA: u64 = 256 * 1024;

plain! {
    struct Bound {
        /// The secret's name.
        name: SecretName,
        /// PROJECT/ENVIRONMENT.
        environment: Environment,
        /// The bindings that were added, or changed; not there with `--remove`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(required))]
        bindings: Option<Vec<Row>>,
        /// The host whose bindings were taken away; only there with `--remove`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(required))]
        removed: Option<HostPattern>,
        /// The bindings that were taken away; only there with `--remove`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(required))]
        unbound: Option<Vec<Row>>,
    }

    struct Row {
        /// A host name, or `*.` (one label) or `**.` (any number) before one.
        host: HostPattern,
        /// The port.
        port: u16,
        /// Prefixes by whole segments; `/*` alone: the whole host.
        paths: Vec<Text>,
        /// `*` alone: any method.
        methods: Vec<Text>,
        /// The place in the request, as in `--inject`.
        inject: Place,
        /// Variables that hold the placeholder; none: the one of the secret's own name.
        vars: Vec<VarName>,
    }
}

/// The document of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![Document::of::<Bound>(
        "bind",
        "`withheld bind --json`: where a secret may be used now, or no longer",
    )]
}

impl Row {
    fn of(binding: &BindingDraft) -> Self {
        Self {
            host: binding.host.clone(),
            port: binding.port,
            paths: drafts::paths_shown(binding),
            methods: drafts::methods_shown(binding),
            inject: binding.place.clone(),
            vars: binding.vars.clone(),
        }
    }
}

pub(super) fn run(context: &Context, arguments: &Bind) -> Outcome {
    let name = drafts::secret(&arguments.name)?;
    match &arguments.remove {
        Some(host) => unbind(context, name, host),
        None => bind(context, arguments, name),
    }
}

fn bind(context: &Context, arguments: &Bind, name: SecretName) -> Outcome {
    let extras = Extras {
        format: arguments.format.clone(),
        auto: arguments.auto,
        private: arguments.private,
        foreign: arguments.foreign,
        ca: arguments
            .ca
            .as_deref()
            .map(|file| certificates(file, "--ca FILE"))
            .transpose()?,
    };
    let catalogue = Catalogue::read()?;
    let bindings = drafts::of_options(&catalogue, &name, &arguments.destination, &extras)?;
    if bindings.is_empty() {
        return Err(Failure::refuse(
            Code::Usage,
            "it is not said where the key may be used",
            "name a host or a service: --host api.example.com",
        ));
    }
    let target = context.target()?;
    let owner = Owner::open(context)?;
    for note in catalogue.notes(&bindings) {
        context.output.note(&note);
    }
    let listed = owner.ask(OwnerRequest::List {
        environment: Some(target.environment.clone()),
    })?;
    let bound = bound_to(&listed, &name);
    doubts::settle(context, &catalogue, &bindings, |host| {
        doubts::of_bound(&catalogue, &name, &bound, host)
    })?;
    let hosts = hosts(&bindings);
    let request = OwnerRequest::Bind {
        environment: target.environment.clone(),
        names: vec![name.clone()],
        bindings: bindings.clone(),
        proof: Deposit::to_come(),
    };
    let purpose = format!("to bind {name} to {hosts}{}", target.signed());
    owner.ask_proven(request, &purpose)?;
    let text = format!(
        "Bound {name} to {hosts}{}. Agents can use it there and cannot read it.",
        target.said()
    );
    let bound = Bound {
        name,
        environment: target.environment,
        bindings: Some(bindings.iter().map(Row::of).collect()),
        removed: None,
        unbound: None,
    };
    context
        .output
        .result("withheld.bind/1", json!(bound), &text)
}

/// The hosts that a secret is bound to already.
fn bound_to(listed: &Value, name: &SecretName) -> Vec<HostPattern> {
    list(&listed["bindings"])
        .filter(|binding| binding["secret"] == name.as_str())
        .filter_map(|binding| HostPattern::parse(binding["host"].as_str()?).ok())
        .collect()
}

/// Takes away the bindings of a host; with a port those at that port, with a path those for exactly it.
fn unbind(context: &Context, name: SecretName, written: &str) -> Outcome {
    let spot = Spot::parse(written)?;
    let target = context.target()?;
    let owner = Owner::open(context)?;
    let request = OwnerRequest::Unbind {
        environment: target.environment.clone(),
        names: vec![name.clone()],
        host: spot.host.clone(),
        port: spot.port,
        path: spot.path.clone(),
        proof: Deposit::to_come(),
    };
    let purpose = format!("to unbind {name} from {spot}{}", target.signed());
    let said = owner.ask_proven(request, &purpose)?;
    let gone = gone(&said)?;
    let text = format!(
        "Unbound {name} from {}{}.",
        gone.iter().map(spot_of).collect::<Vec<_>>().join(", "),
        target.said()
    );
    let bound = Bound {
        name,
        environment: target.environment,
        bindings: None,
        removed: Some(spot.host),
        unbound: Some(gone.iter().map(Row::of).collect()),
    };
    context
        .output
        .result("withheld.bind/1", json!(bound), &text)
}

fn gone(said: &Value) -> Outcome<Vec<BindingDraft>> {
    serde_json::from_value(said["unbound"].clone()).map_err(|_| {
        Failure::refuse(
            Code::Internal,
            "what the broker took away cannot be read",
            "see what is left: withheld ls --long",
        )
    })
}

/// Where a binding led, as it is typed to take it away.
fn spot_of(binding: &BindingDraft) -> String {
    let paths = binding.paths.patterns().iter().map(PathPattern::as_str);
    format!(
        "{}{}",
        drafts::at(binding),
        paths.collect::<Vec<_>>().join(",")
    )
}

fn hosts(bindings: &[BindingDraft]) -> String {
    let hosts: Vec<String> = bindings.iter().map(drafts::at).collect();
    hosts.join(" and ")
}

/// Certificates that the binding, or the setting, holds a copy of. A key beside them would go into
/// the policy document or the configuration, which are no place for one. `usage` is how the file is
/// named.
pub(super) fn certificates(file: &Path, usage: &'static str) -> Outcome<String> {
    let no = |why: &'static str| {
        Refusal::new(
            Code::Usage,
            why,
            text!("name a file of certificates in PEM: {}", usage),
        )
    };
    let unread = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => no("there is no such file of certificates"),
        ErrorKind::InvalidData => no("the file holds no certificates in PEM"),
        _ => no("the file of certificates cannot be read"),
    };
    // A pipe would be waited for.
    let found = std::fs::metadata(file).map_err(unread)?;
    if !found.is_file() {
        return Err(no("what is named for certificates is no file").into());
    }
    if found.len() > MAX_CA {
        return Err(no("the file of certificates is over 256 KiB").into());
    }
    let read = std::fs::read_to_string(file).map_err(unread)?;
    if read.contains("PRIVATE KEY-----") {
        return Err(Refusal::new(
            Code::Usage,
            "the file holds a private key beside the certificates",
            text!(
                "copy the certificates alone into a file of their own: {}",
                usage
            ),
        )
        .into());
    }
    if !read.contains("-----BEGIN CERTIFICATE-----") {
        return Err(no("the file holds no certificates in PEM").into());
    }
    Ok(read)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::folder_for_tests::Folder;

    #[test]
    fn certificates_come_without_a_key() {
        let folder = Folder::new();
        let read = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            certificates(&path, "--ca FILE")
        };
        let certificate = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";
        assert_eq!(read("ca", certificate).unwrap(), certificate);
        for (name, text) in [
            ("both", format!("{certificate}{key}")),
            ("key", key.into()),
            ("text", "x".into()),
        ] {
            let code = read(name, &text).err().and_then(|failure| failure.code());
            assert_eq!(code, Some(Code::Usage), "{name}");
        }
        for (path, why) in [
            (
                folder.path().join("none"),
                "there is no such file of certificates",
            ),
            (
                folder.path().to_owned(),
                "what is named for certificates is no file",
            ),
        ] {
            let Err(Failure::Refused(refused)) = certificates(&path, "--ca FILE") else {
                panic!("refused");
            };
            assert_eq!((refused.code(), refused.message()), (Code::Usage, why));
        }
    }
}
