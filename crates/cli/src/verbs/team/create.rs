//! `withheld team create NAME --server URL`.

use std::path::Path;

use serde_json::Value;
use withheld_core::api::{Deposit, TeamAct};
use withheld_core::destination::authority;
use withheld_core::name::Workspace;
use withheld_core::team::PersonName;
use withheld_core::{Code, Refusal};
use withheld_vault::home::Home;
use withheld_vault::intake::{self, How, PublicKey};

use super::{act, look, person};
use crate::cli::TeamCreate;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, clean};
use crate::owner::Owner;
use crate::said::{word, words};

pub(super) fn run(context: &Context, arguments: &TeamCreate) -> Outcome {
    let name = workspace(&arguments.name)?;
    let server = server(&arguments.server)?;
    let founder = founder(
        arguments.founder.as_deref(),
        Home::account_name().as_deref(),
    )?;
    let owner = Owner::open(context)?;
    // The server took the token when the team was founded: nobody is sent looking for it.
    if owner.ask(look(TeamAct::Members)).is_ok() {
        return Err(Refusal::new(
            Code::Conflict,
            "this installation belongs to a team already",
            "look at it: withheld team members; another team has another home: withheld --home DIR",
        )
        .into());
    }
    let token = token(
        context,
        arguments.token_file.as_deref(),
        &owner.intake_key()?,
    )?;
    let purpose = format!("to found {name} as {founder}");
    let request = act(TeamAct::Create {
        name,
        server,
        token: Some(token),
        founder,
    });
    let said = owner.ask_proven(request, &purpose)?;
    let text = text(&said);
    context.output.result("withheld.team_create/1", said, &text)
}

fn workspace(written: &str) -> Outcome<Workspace> {
    let name = Workspace::parse(written).map_err(|fault| {
        Failure::wrong(
            "the name of the team cannot be read",
            &fault,
            "write one, like: withheld team create acme --server https://HOST",
        )
    })?;
    if name == Workspace::local() {
        return Err(Failure::refuse(
            Code::Usage,
            "`local` is what stands where there is no team",
            "choose another name, like: withheld team create acme --server https://HOST",
        ));
    }
    Ok(name)
}

/// `https://HOST[:PORT]`; `http://` to this machine alone.
fn server(written: &str) -> Outcome<String> {
    let wrong = || {
        Failure::refuse(
            Code::Usage,
            "the server cannot be read",
            "write it like: --server https://team.example.com, or --server https://HOST:PORT",
        )
    };
    let written = written.strip_suffix('/').unwrap_or(written);
    let (scheme, rest) = written.split_once("://").ok_or_else(wrong)?;
    let (host, _) = authority(rest).map_err(|_| wrong())?;
    match scheme {
        "https" => Ok(written.to_owned()),
        "http" if ["127.0.0.1", "localhost", "[::1]"].contains(&host.as_str()) => {
            Ok(written.to_owned())
        }
        "http" => Err(Failure::refuse(
            Code::Usage,
            "clear text goes to a server on this machine only",
            "give the server a certificate, and write https://",
        )),
        _ => Err(wrong()),
    }
}

/// What the team calls the founder: what was said, else the name of this account. It is signed and stays;
/// the passphrase is asked for under a line that has it.
fn founder(written: Option<&str>, account: Option<&str>) -> Outcome<PersonName> {
    if let Some(written) = written {
        return person(written);
    }
    let named = account.and_then(|account| PersonName::parse(account).ok());
    named.ok_or_else(|| {
        Failure::refuse(
            Code::Usage,
            "it is not said what the team will call you, and the name of this account is none that can be",
            "say it, like: --as lead",
        )
    })
}

/// The token that the server asks for, from a file, else from a hidden prompt. It is sealed as it is read.
fn token(context: &Context, file: Option<&Path>, key: &PublicKey) -> Outcome<Deposit> {
    const HINT: &str = "name the file that the server wrote at its start: --token-file FILE";
    let taken = match file {
        Some(file) => intake::from_file(file, key, How::default()),
        None if context.terminal().is_none() => {
            return Err(Failure::refuse(
                Code::OwnerNeeded,
                "the server's bootstrap token is missing, and nobody can be asked here",
                HINT,
            ));
        }
        None => intake::prompt(
            "Bootstrap token of the server (hidden):",
            key,
            How::default(),
        ),
    };
    let taken = taken.map_err(|refusal| match refusal.code {
        // The intake speaks of values of secrets there.
        Code::Usage | Code::TooLarge => Refusal::new(
            Code::Usage,
            "the server's bootstrap token cannot be read",
            HINT,
        ),
        _ => refusal,
    })?;
    Ok(taken.deposit)
}

fn text(said: &Value) -> String {
    let part = |name: &str| clean(&word(&said[name])).into_owned();
    format!(
        "Founded {} at {}; you are {}. Shared: {}. Give it what is here: withheld push",
        part("workspace"),
        part("server"),
        part("founder"),
        clean(&words(&said["environments"], ", "))
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code<T>(outcome: Outcome<T>) -> Option<Code> {
        outcome.err().and_then(|failure| failure.code())
    }

    #[test]
    fn a_server_is_reached_over_tls_or_on_this_machine() {
        for (written, read) in [
            ("https://team.example.com", "https://team.example.com"),
            (
                "https://team.example.com:8443/",
                "https://team.example.com:8443",
            ),
            ("http://127.0.0.1:8443", "http://127.0.0.1:8443"),
        ] {
            assert_eq!(server(written).ok().as_deref(), Some(read));
        }
        for wrong in [
            "team.example.com",
            "http://team.example.com",
            "ftp://127.0.0.1",
            "https://",
            "https://a.test/path",
            "https://user@a.test",
            "https://a.test?x",
        ] {
            assert_eq!(code(server(wrong)), Some(Code::Usage), "{wrong}");
        }
    }

    #[test]
    fn a_founder_has_a_name() {
        let named = |written, account| {
            let name = founder(written, account);
            name.ok().map(|name| name.to_string())
        };
        assert_eq!(named(Some("lead"), Some("alice")).as_deref(), Some("lead"));
        assert_eq!(named(None, Some("alice")).as_deref(), Some("alice"));
        for (written, account) in [
            (None, None),
            (None, Some("Alice Smith")),
            (Some("L E A D"), Some("alice")),
        ] {
            let refused = founder(written, account);
            assert_eq!(code(refused), Some(Code::Usage), "{written:?} {account:?}");
        }
    }

    #[test]
    fn no_team_is_called_as_if_there_were_none() {
        assert!(workspace("acme").is_ok());
        assert_eq!(code(workspace("local")), Some(Code::Usage));
        assert_eq!(code(workspace("Acme Inc")), Some(Code::Usage));
    }

    #[test]
    fn what_is_said_has_the_next_command() {
        let said = json!({"workspace": "acme", "server": "https://team.example.com", "founder": "lead",
            "environments": ["billing/dev", "default/dev"]});
        assert_eq!(
            text(&said),
            "Founded acme at https://team.example.com; you are lead. Shared: billing/dev, default/dev. Give it what is here: withheld push"
        );
    }
}
