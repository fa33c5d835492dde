//! A team is founded, and a colleague comes in and calls.

use super::{COLLEAGUE, NAME, Team};
use crate::demo::api::HOST;
use crate::demo::files::new_file;
use crate::demo::server::TOKEN;
use crate::demo::stage::{API_CA, Ran, Side};
use crate::demo::step::{Step, command, placeholder, step};
use crate::output::Outcome;

/// The file that is handed to the colleague.
const INVITATION: &str = "invitation";

impl Team<'_> {
    pub(super) fn set(&self) -> Outcome<Step> {
        let title = "The owner stores another key, which the API wants from now on";
        self.stores(("team_set", title), &self.values[0])
    }

    pub(super) fn bind(&self) -> Outcome<Step> {
        let host = format!("{HOST}:{}", self.stage.api.port);
        let words = ["bind", NAME, "--host", &host, "--ca", API_CA, "--private"];
        let (_, step) = self.done(Side::Owner, ("team_bind", "and binds it there"), &words)?;
        Ok(step)
    }

    pub(super) fn create(&self) -> Outcome<Step> {
        let says = ("team_create", "founds a team on the server");
        let words = ["team", "create", "acme", "--server", &self.server];
        let words = [&words[..], &["--token-file", TOKEN, "--as", "lead"]].concat();
        let (_, step) = self.done(Side::Owner, says, &words)?;
        Ok(step)
    }

    pub(super) fn push(&self) -> Outcome<Step> {
        let says = (
            "team_push",
            "and shares what is here: it is sealed before it leaves",
        );
        let (_, step) = self.done(Side::Owner, says, &["push"])?;
        Ok(step)
    }

    /// The line goes into a file, which is how it is handed over here.
    pub(super) fn invite(&self) -> Outcome<Step> {
        let says = ("team_invite", "One line lets one colleague in, once");
        let words = ["team", "invite", COLLEAGUE, "--to", "dev:read"];
        let (ran, step) = self.done(Side::Owner, says, &words)?;
        new_file(&self.stage.folder.join(INVITATION), &ran.stdout)?;
        Ok(Step {
            command: format!("{} > {INVITATION}", command(&words)),
            said: Some(ran.stderr.trim_end().to_owned()),
            ..step
        })
    }

    pub(super) fn init(&self) -> Outcome<Step> {
        let says = (
            "team_init",
            "The colleague makes a vault in a home of their own",
        );
        let words = ["init", "--vault", self.stage.vault()];
        let (_, step) = self.done(Side::Colleague, says, &words)?;
        Ok(step)
    }

    pub(super) fn join(&self) -> Outcome<Step> {
        let says = ("team_join", "and joins: the key comes along");
        let words = ["team", "join", "--from-file", INVITATION];
        let (ran, step) = self.done(Side::Colleague, says, &words)?;
        Ok(Step {
            said: Some(both(&ran)),
            ..step
        })
    }

    /// One binding came.
    pub(super) fn pending(&self) -> Outcome<Step> {
        let says = (
            "team_pending",
            "Where it may go was signed by the owner; it waits for the colleague",
        );
        let (ran, step) = self.done(Side::Colleague, says, &["pending", "--json"])?;
        let waiting = ran.json()["data"]["waiting"].take();
        let part = |name: &str| waiting[0][name].as_str().unwrap_or_default().to_owned();
        self.waiting.replace(part("id"));
        Ok(Step {
            ok: step.ok && part("secret") == NAME && waiting[1].is_null(),
            said: Some(format!(
                "{}: {}, by {}",
                part("id"),
                part("secret"),
                part("by")
            )),
            ..step
        })
    }

    pub(super) fn approve(&self) -> Outcome<Step> {
        let says = ("team_approve", "and counts here from now on");
        let words = ["approve", &*self.waiting.borrow()];
        let (ran, step) = self.done(Side::Colleague, says, &words)?;
        Ok(Step {
            said: Some(both(&ran)),
            ..step
        })
    }

    pub(super) fn proxy_env(&self) -> Outcome<Step> {
        let step = step(
            "team_proxy_env",
            "The colleague's agent gets a placeholder",
            "withheld proxy env".to_owned(),
            false,
        );
        placeholder(self.stage, Side::ColleaguesAgent, NAME, step)
    }

    pub(super) fn call(&self) -> Outcome<Step> {
        let title = "and calls the API: the key came from vault to vault";
        self.calls(("team_call", title), &self.values[0])
    }
}

/// What came before the result, too.
fn both(ran: &Ran) -> String {
    format!("{}{}", ran.stderr, ran.stdout.trim_end())
}
