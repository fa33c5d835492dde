//! The key is replaced, the colleague follows, then leaves.

use withheld_core::Code;

use super::{COLLEAGUE, NAME, Team};
use crate::demo::stage::Side;
use crate::demo::step::{Step, command, output, refused, step};
use crate::output::Outcome;

impl Team<'_> {
    pub(super) fn replace(&self) -> Outcome<Step> {
        let title = "The API no longer takes this key: the owner stores the new one";
        self.stores(("team_replace", title), &self.values[1])
    }

    pub(super) fn push_again(&self) -> Outcome<Step> {
        let (_, step) = self.done(Side::Owner, ("team_push_again", "and shares it"), &["push"])?;
        Ok(step)
    }

    pub(super) fn status(&self) -> Outcome<Step> {
        let says = (
            "team_status",
            "The colleague's agent sees that it is behind, and what to do",
        );
        let (ran, step) = self.done(Side::ColleaguesAgent, says, &["status", "--json"])?;
        let data = ran.json()["data"].take();
        let secret = &data["secrets"][0];
        let next = data["next"][0]["argv"].as_array();
        let next: Vec<&str> = next
            .into_iter()
            .flatten()
            .filter_map(|word| word.as_str())
            .collect();
        let is_behind = secret["name"] == NAME
            && secret["state"] == "behind"
            && secret["version"] == 1
            && secret["remote_version"] == 2
            && next.starts_with(&["withheld", "pull"]);
        Ok(Step {
            ok: step.ok && is_behind,
            said: None,
            agent_saw: Some(format!(
                "{NAME} {}: version {} here, {} in the team\nnext: {}",
                secret["state"].as_str().unwrap_or_default(),
                secret["version"],
                secret["remote_version"],
                next.join(" ")
            )),
            ..step
        })
    }

    pub(super) fn pull(&self) -> Outcome<Step> {
        let says = (
            "team_pull",
            "and pulls: the new key goes into the vault, and nobody is asked",
        );
        let (ran, step) = self.done(Side::ColleaguesAgent, says, &["pull"])?;
        Ok(Step {
            said: None,
            agent_saw: Some(output(&ran)),
            ..step
        })
    }

    pub(super) fn call_again(&self) -> Outcome<Step> {
        let title = "and its next call carries the new key";
        self.calls(("team_call_again", title), &self.values[1])
    }

    pub(super) fn remove(&self) -> Outcome<Step> {
        let says = (
            "team_remove",
            "The colleague leaves: what they could read has to be changed, and is listed",
        );
        let (ran, step) = self.done(Side::Owner, says, &["team", "remove", COLLEAGUE])?;
        let row = ran.stdout.lines().last().unwrap_or_default();
        let is_listed = row.starts_with(NAME) && row.contains(COLLEAGUE);
        Ok(Step {
            ok: step.ok && is_listed,
            said: Some(output(&ran)),
            ..step
        })
    }

    pub(super) fn pull_refused(&self) -> Outcome<Step> {
        let words = ["pull", "--json"];
        let ran = self.stage.withheld(Side::ColleaguesAgent, &words, "")?;
        let step = step(
            "team_pull_refused",
            "Their home gets nothing new",
            command(&words),
            false,
        );
        let step = refused(self.stage, &ran, Code::UnknownCaller, step);
        Ok(Step {
            api_received: None,
            ..step
        })
    }

    /// No command of ours: the bytes are looked at here.
    pub(super) fn search(&self) -> Outcome<Step> {
        let [before, after] = &self.values;
        let words = [before, after, NAME];
        let server = self.stage.server.borrow();
        let found = server.as_ref().map(|server| server.search(&words));
        let (ok, said) = match found {
            Some(Ok(found)) => (
                found.is_database && found.hits == 0,
                format!(
                    "{} bytes in {}: found {} times",
                    found.bytes,
                    found.files.join(", "),
                    found.hits
                ),
            ),
            _ => (false, "They cannot be read.".to_owned()),
        };
        Ok(Step {
            said: Some(said),
            ..step(
                "team_search",
                "The server kept all of it, and never had a key to read",
                format!("# its files, searched for both keys and for the name {NAME}"),
                ok,
            )
        })
    }
}
