//! What every verb starts from: the options all verbs share, the environment, the home.

use std::path::Path;

use serde_json::Value;
use withheld_core::api::AgentRequest;
use withheld_core::name::Environment;
use withheld_core::{Code, Refusal, Text, text};
use withheld_vault::home::Home;

use crate::cli::Global;
use crate::environment::Variables;
use crate::failure::Failure;
use crate::output::{Outcome, Output};
use crate::owner::{has_vault, no_vault};
use crate::project::Wish;
use crate::socket::{ANSWER, Socket};
use crate::target::Target;
use crate::terminal::Terminal;

/// The environment where none is named.
const DEFAULT: &str = "dev";

/// What every verb starts from.
pub(crate) struct Context {
    /// Where its words go.
    pub(crate) output: Output,
    /// What the environment says.
    pub(crate) variables: Variables,
    /// The options that all verbs share.
    pub(crate) global: Global,
}

impl Context {
    /// The environment that was named, of the project that this folder belongs to; `None` where none
    /// was.
    ///
    /// # Errors
    /// `usage` where it is no such name; `config_invalid` for a `withheld.toml` that cannot be read.
    pub(crate) fn named_environment(&self) -> Outcome<Option<Environment>> {
        let Some(written) = &self.global.environment else {
            return Ok(None);
        };
        environment_of(&Wish::find()?, written).map(Some)
    }

    /// The environment that was named, else `dev`: a file of the folder names the project and never
    /// chooses the environment (X18).
    ///
    /// # Errors
    /// As [`Context::named_environment`].
    pub(crate) fn target(&self) -> Outcome<Target> {
        let wish = Wish::find()?;
        let written = self.global.environment.as_deref();
        let by_file = wish.chooses(written.unwrap_or(DEFAULT));
        let environment = environment_of(&wish, written.unwrap_or(DEFAULT))?;
        if let (None, Some(other)) = (written, wish.other_than(&environment)) {
            self.output.note(&format!(
                "note: this is for {environment}; {} is for {other} and chooses nothing: -e {other}",
                wish.place()
            ));
        }
        Ok(Target {
            environment,
            by_file,
        })
    }

    /// Whether nothing may be asked.
    pub(crate) fn is_unattended(&self) -> bool {
        self.global.no_input || self.variables.unattended
    }

    /// The terminal, where questions may be asked and there is somebody to ask.
    pub(crate) fn terminal(&self) -> Option<Terminal> {
        (!self.is_unattended()).then(Terminal::open).flatten()
    }

    /// The terminal for questions that have an answer without one, too: not where the passphrase
    /// comes from a file, which says that nobody sits there.
    pub(crate) fn questions(&self) -> Option<Terminal> {
        let is_set_up = self.variables.passphrase_file.is_some();
        (!is_set_up).then(|| self.terminal()).flatten()
    }

    /// The home for a verb of the owner: never the one that a variable names.
    ///
    /// # Errors
    /// `owner_needed` inside a session; `config_invalid` where a variable names a home and no
    /// option does.
    pub(crate) fn owner_home(&self) -> Outcome<Home> {
        if self.variables.session.is_some() {
            return Err(Failure::refuse(
                Code::OwnerNeeded,
                "an agent cannot do this",
                "the owner runs this in a terminal of their own",
            ));
        }
        if self.variables.home.is_some() && self.global.home.is_none() {
            return Err(Failure::refuse(
                Code::ConfigInvalid,
                "`WITHHELD_HOME` is set, and a verb of the owner does not follow it: a project could have set it",
                "name the home: --home DIR, or unset WITHHELD_HOME",
            ));
        }
        self.home_at(self.global.home.as_deref())
    }

    /// The home for a verb of an agent, or for one that only looks.
    ///
    /// # Errors
    /// `config_invalid` where there is no such folder to be.
    pub(crate) fn agent_home(&self) -> Outcome<Home> {
        let named = self.global.home.as_deref();
        self.home_at(named.or(self.variables.home.as_deref()))
    }

    /// The agents' socket of a home that has a vault.
    ///
    /// # Errors
    /// `not_found` before `init`, and what the home refuses.
    pub(crate) fn agent_socket(&self) -> Outcome<Socket> {
        let home = self.agent_home()?;
        if !has_vault(&home)? {
            return Err(no_vault());
        }
        Socket::agent(&home, self.variables.session.as_ref())
    }

    /// The agents' socket, for a verb that uses what the session may use.
    ///
    /// # Errors
    /// As [`Context::agent_socket`], and `owner_needed` where the folder, or an option, is for another
    /// environment than the session: it would be another key than the one that is meant.
    pub(crate) fn session_socket(&self) -> Outcome<Socket> {
        let socket = self.agent_socket()?;
        let wish = Wish::find()?;
        if wish.own().is_some() || self.global.environment.is_some() {
            self.stays_in(&wish, &socket.ask(&AgentRequest::Status, ANSWER)?)?;
        }
        Ok(socket)
    }

    /// Whether the session, whose `status` this is, has the environment that is asked for.
    ///
    /// # Errors
    /// `owner_needed` where it has another one; `usage` where it is no such name.
    pub(crate) fn stays_in(&self, wish: &Wish, status: &Value) -> Outcome {
        let part = |name: &str| status["project"][name].as_str().unwrap_or_default();
        let full = format!("{}/{}", part("project"), part("environment"));
        let own = environment_of(wish, &full)?;
        let written = self.global.environment.as_deref();
        let named = written.map(|one| environment_of(wish, one)).transpose()?;
        if let Some(other) = named.filter(|named| *named != own) {
            return Err(another_environment("`-e`".into(), &other, &own));
        }
        match wish.other_than(&own) {
            Some(other) => Err(another_environment(
                text!("`{}`", wish.place()),
                &other,
                &own,
            )),
            None => Ok(()),
        }
    }

    fn home_at(&self, named: Option<&Path>) -> Outcome<Home> {
        let home = match named {
            Some(folder) => Home::at(folder),
            None => Home::of_account(),
        };
        Ok(home?)
    }
}

fn environment_of(wish: &Wish, written: &str) -> Outcome<Environment> {
    wish.environment(written).map_err(|fault| {
        Failure::wrong(
            "the environment cannot be read",
            &fault,
            "name one, like: -e dev, -e prod, -e billing/dev",
        )
    })
}

fn another_environment(who: Text, other: &Environment, own: &Environment) -> Failure {
    Refusal::new(
        Code::OwnerNeeded,
        text!("{} asks for `{}`, and this session is for `{}`", who, *other, *own),
        "work in a folder of this session's environment, or have the owner start a session for the other one",
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(variables: &[(&str, &str)], global: Global) -> Context {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| std::ffi::OsString::from(value))
        };
        Context {
            output: Output::new(false, false),
            variables: Variables::from(&get, false),
            global,
        }
    }

    fn code<T>(outcome: Outcome<T>) -> Option<Code> {
        outcome.err().and_then(|failure| failure.code())
    }

    #[test]
    fn a_variable_leads_agents_home_and_never_the_owner() {
        let planted = [("WITHHELD_HOME", "/planted")];
        let context_of = |home: Option<&str>| {
            let home = home.map(Into::into);
            context(
                &planted,
                Global {
                    home,
                    ..Global::default()
                },
            )
        };
        let path = |home: Outcome<Home>| home.ok().map(|home| home.path().to_owned());
        assert_eq!(
            code(context_of(None).owner_home()),
            Some(Code::ConfigInvalid)
        );
        assert_eq!(path(context_of(None).agent_home()), Some("/planted".into()));
        assert_eq!(
            path(context_of(Some("/own")).owner_home()),
            Some("/own".into())
        );
        assert_eq!(
            path(context_of(Some("/own")).agent_home()),
            Some("/own".into())
        );
    }

    #[test]
    fn a_session_is_no_owner_wherever_its_home_is() {
        let home = Some("/own".into());
        let global = Global {
            home,
            ..Global::default()
        };
        let context = context(&[("WITHHELD_SESSION", "whs_x")], global);
        assert_eq!(code(context.owner_home()), Some(Code::OwnerNeeded));
        assert!(context.agent_home().is_ok());
    }

    #[test]
    fn nobody_is_asked_where_nobody_sits() {
        assert!(
            context(&[("CI", "true")], Global::default())
                .terminal()
                .is_none()
        );
        let no_input = Global {
            no_input: true,
            ..Global::default()
        };
        assert!(context(&[], no_input).terminal().is_none());
        let set_up = [("WITHHELD_PASSPHRASE_FILE", "/x")];
        assert!(context(&set_up, Global::default()).questions().is_none());
    }

    #[test]
    fn environments_are_read() {
        let named = |written: &str| {
            context(
                &[],
                Global {
                    environment: Some(written.to_owned()),
                    ..Global::default()
                },
            )
            .target()
        };
        let prod = named("prod").ok().map(|one| one.environment.to_string());
        assert_eq!(prod.as_deref(), Some("default/prod"));
        assert_eq!(code(named("Not A Name")), Some(Code::Usage));
    }
}
