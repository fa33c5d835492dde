//! `withheld team create NAME --server URL`.

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::TeamAct;
use withheld_core::destination::authority;
use withheld_core::name::Workspace;
use withheld_core::team::PersonName;

use super::hidden::{self, Line};
use super::{act, person};
use crate::cli::TeamCreate;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, clean};
use crate::owner::Owner;
use crate::said::{word, words};

const TOKEN: Line = Line {
    label: "Bootstrap token of the server (hidden):",
    missing: "the server's bootstrap token is missing, and nobody can be asked here",
    unread: "the server's bootstrap token cannot be read",
    hint: "name the file that the server wrote at its start: --token-file FILE",
};

pub(super) fn run(context: &Context, arguments: &TeamCreate) -> Outcome {
    let name = workspace(&arguments.name)?;
    let server = server(&arguments.server)?;
    let founder = founder(arguments.founder.as_deref())?;
    let owner = Owner::open(context)?;
    let file = arguments.token_file.as_deref();
    let token = hidden::read(context, file, &owner.intake_key()?, &TOKEN)?;
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

/// What the team calls the founder: it is signed and stays, so it is never guessed.
fn founder(written: Option<&str>) -> Outcome<PersonName> {
    let written = written.ok_or_else(|| {
        Failure::refuse(
            Code::Usage,
            "it is not said what the team will call you",
            "say it, like: --as lead",
        )
    })?;
    person(written)
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
        let name = founder(Some("lead")).ok().map(|name| name.to_string());
        assert_eq!(name.as_deref(), Some("lead"));
        assert_eq!(code(founder(None)), Some(Code::Usage));
        assert_eq!(code(founder(Some("L E A D"))), Some(Code::Usage));
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
