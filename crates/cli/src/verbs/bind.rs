//! `withheld bind NAME`: where a stored key may be used, or no longer.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::json;
use withheld_core::api::{Deposit, OwnerRequest};
use withheld_core::binding::BindingDraft;
use withheld_core::name::SecretName;
use withheld_core::{Code, Refusal, text};

use crate::catalogue::Catalogue;
use crate::cli::Bind;
use crate::context::Context;
use crate::drafts::{self, Extras, Spot};
use crate::failure::Failure;
use crate::output::Outcome;
use crate::owner::Owner;

/// The largest file of certificates, in bytes.
const MAX_CA: u64 = 256 * 1024;

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
    let environment = context.environment()?;
    let owner = Owner::open(context)?;
    for note in catalogue.notes(&bindings) {
        context.output.note(&note);
    }
    let hosts = hosts(&bindings);
    let request = OwnerRequest::Bind {
        environment: environment.clone(),
        names: vec![name.clone()],
        bindings: bindings.clone(),
        proof: Deposit::to_come(),
    };
    owner.ask_proven(request, &format!("to bind {name} to {hosts}"))?;
    let shown: Vec<_> = bindings
        .iter()
        .map(|one| {
            json!({
                "host": one.host,
                "port": one.port,
                "paths": drafts::paths_shown(one),
                "methods": drafts::methods_shown(one),
                "inject": one.place,
                "vars": one.vars,
            })
        })
        .collect();
    let data = json!({ "name": name, "environment": environment, "bindings": shown });
    context.output.result(
        "withheld.bind/1",
        data,
        &format!("Bound {name} to {hosts}. Agents can use it there and cannot read it."),
    )
}

fn unbind(context: &Context, name: SecretName, host: &str) -> Outcome {
    let spot = Spot::parse(host)?;
    let environment = context.environment()?;
    let owner = Owner::open(context)?;
    let request = OwnerRequest::Unbind {
        environment: environment.clone(),
        names: vec![name.clone()],
        host: spot.host.clone(),
        proof: Deposit::to_come(),
    };
    owner.ask_proven(request, &format!("to unbind {name} from {}", spot.host))?;
    context.output.result(
        "withheld.bind/1",
        json!({ "name": name, "environment": environment, "removed": spot.host }),
        &format!("Unbound {name} from {}.", spot.host),
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
