//! One command of the story, and what came of it.

use serde_json::{Value, json};
use withheld_core::Code;

use super::api::HOST;
use super::stage::{Ran, Side, Stage};
use crate::output::{Colour, Outcome, Output, clean};

/// One command, and what came of it.
pub(super) struct Step {
    /// Its name for programs.
    pub(super) name: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// As it can be typed; what was no command begins with `#`.
    pub(super) command: String,
    pub(super) ok: bool,
    /// What an owner's command said.
    pub(super) said: Option<String>,
    /// What an agent's command got back.
    pub(super) agent_saw: Option<String>,
    /// What arrived at the API meanwhile.
    pub(super) api_received: Option<String>,
}

impl Step {
    pub(super) fn show(&self, output: Output, number: usize) -> Outcome {
        let mark = if self.ok {
            String::new()
        } else {
            output.in_colour(Colour::Bad, "  NOT as it should be")
        };
        output.line(&format!("\n{number:>2}  {}{mark}", self.title))?;
        let prompt = if self.command.starts_with('#') {
            ""
        } else {
            "$ "
        };
        output.line(&format!("    {prompt}{}", self.command))?;
        for line in self.said.iter().flat_map(|said| said.lines()) {
            output.line(&format!("    {}", clean(line)))?;
        }
        let sides = [
            ("agent saw", &self.agent_saw),
            ("API received", &self.api_received),
        ];
        for (side, text) in sides {
            for (index, line) in text.iter().flat_map(|text| text.lines()).enumerate() {
                let side = if index == 0 { side } else { "" };
                output.line(&format!("    {side:<14}{}", clean(line)))?;
            }
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "command": self.command,
            "ok": self.ok,
            "said": self.said,
            "agent_saw": self.agent_saw,
            "api_received": self.api_received,
        })
    }
}

pub(super) fn step(name: &'static str, title: &'static str, command: String, ok: bool) -> Step {
    Step {
        name,
        title,
        command,
        ok,
        said: None,
        agent_saw: None,
        api_received: None,
    }
}

/// `proxy env`: what it prints is what the agent has from then on.
pub(super) fn placeholder(stage: &Stage, agent: Side, name: &str, step: Step) -> Outcome<Step> {
    let ran = stage.withheld(agent, &["proxy", "env", "--json"], "")?;
    let document = ran.json();
    let variables = document["data"].as_object().cloned().unwrap_or_default();
    let variables = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    stage.give_agent(agent, variables.collect());
    let placeholder = stage.agent_variable(agent, name);
    Ok(Step {
        ok: ran.ended(0) && !placeholder.is_empty() && !ran.shows_a_key(),
        agent_saw: Some(format!("{name}={placeholder}")),
        ..step
    })
}

/// The API accepted the key, and no one on the agent's side saw it.
pub(super) fn answered(stage: &Stage, ran: &Ran, key: &str, step: Step) -> Step {
    let received = stage.api.take_received();
    let is_the_key = received
        .iter()
        .any(|one| one.authorization == format!("Bearer {key}"));
    let api_received = received
        .last()
        .map(|one| format!("{}  Authorization: {}", one.path, one.authorization));
    Step {
        ok: ran.ended(0) && is_the_key && !ran.shows_a_key(),
        agent_saw: Some(output(ran)),
        api_received: Some(api_received.unwrap_or_else(|| "nothing".to_owned())),
        ..step
    }
}

/// Refused with this code, and nothing arrived anywhere.
pub(super) fn refused(stage: &Stage, ran: &Ran, code: Code, step: Step) -> Step {
    let document = ran.json();
    let error = &document["error"];
    let message = error["message"].as_str().unwrap_or_default();
    let arrived = stage.api.take_received();
    Step {
        ok: ran.ended(code.exit())
            && error["code"] == code.as_str()
            && arrived.is_empty()
            && !ran.shows_a_key(),
        agent_saw: Some(format!(
            "{}: {message}",
            error["code"].as_str().unwrap_or("no refusal")
        )),
        api_received: Some("nothing".to_owned()),
        ..step
    }
}

pub(super) fn command(words: &[&str]) -> String {
    format!("withheld {}", words.join(" "))
}

pub(super) fn url(stage: &Stage, path: &str) -> String {
    format!("https://{HOST}:{}{path}", stage.api.port)
}

pub(super) fn first_line(ran: &Ran) -> String {
    output(ran).lines().next().unwrap_or_default().to_owned()
}

/// What stood on the terminal: the result, or why there is none.
pub(super) fn output(ran: &Ran) -> String {
    let text = if ran.stdout.trim().is_empty() {
        &ran.stderr
    } else {
        &ran.stdout
    };
    text.trim_end().to_owned()
}
