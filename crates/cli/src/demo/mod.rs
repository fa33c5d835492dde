//! `withheld demo`: the whole way of one key, with an API of its own on this machine. It is made of
//! public commands, run through this very executable and shown as they run; everything it makes
//! lies in a folder that goes away at the end.

mod api;
mod interrupt;
mod stage;
mod story;

use serde_json::{Value, json};

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::{Colour, Outcome, Output, clean};
use stage::Stage;

const BEFORE: &str = "A key, an agent and an API on this machine. Each command below runs with `--home` in a folder that goes away at the end.";

/// One command of the story, and what came of it.
struct Step {
    /// Its name for programs.
    name: &'static str,
    /// What it shows.
    title: &'static str,
    command: String,
    ok: bool,
    /// What an owner's command said.
    said: Option<String>,
    /// What an agent's command got back.
    agent_saw: Option<String>,
    /// What arrived at the API meanwhile.
    api_received: Option<String>,
}

pub(crate) fn run(context: &Context) -> Outcome {
    let output = context.output;
    if !output.is_json() {
        output.line(BEFORE)?;
    }
    let stage = Stage::set(context)?;
    let mut steps: Vec<Step> = Vec::new();
    let told = story::tell(&stage, &mut |step| {
        if !output.is_json() {
            shown(output, steps.len() + 1, &step)?;
        }
        steps.push(step);
        Ok(())
    });
    let vault = stage.vault();
    // Whatever happened: the broker is stopped and the folder is gone before the end is told.
    let is_clean = stage.strike();
    let is_told = match told {
        Ok(()) => true,
        // Interrupted: the end is told all the same.
        Err(Failure::Answered(_)) => false,
        Err(failure) => return Err(failure),
    };
    let ok = is_told && is_clean && steps.iter().all(|step| step.ok);
    if output.is_json() {
        let steps: Vec<Value> = steps.iter().map(Step::json).collect();
        let data = json!({ "ok": ok, "vault": vault, "cleaned_up": is_clean, "steps": steps });
        output.document("withheld.demo/1", data)?;
    } else {
        output.line(&format!("\n{}", end(ok, is_clean, vault)))?;
    }
    if ok {
        Ok(())
    } else {
        Err(Failure::Answered(exit::NO))
    }
}

fn end(ok: bool, is_clean: bool, vault: &str) -> String {
    if !is_clean {
        return "The demo could not remove all that it made: look for withheld-demo in the folder for temporary files.".to_owned();
    }
    if !ok {
        return "Not everything went as it should: see the steps that are marked NOT.".to_owned();
    }
    let told = match vault {
        "keychain" => {
            "The key rested in this machine's keychain, sealed. Everything the demo made is gone, there too."
        }
        _ => {
            "No keychain answered here, so the key rested in sealed files. Everything the demo made is gone."
        }
    };
    format!("{told} Your own: withheld init")
}

fn shown(output: Output, number: usize, step: &Step) -> Outcome {
    let mark = if step.ok {
        String::new()
    } else {
        output.in_colour(Colour::Bad, "  NOT as it should be")
    };
    output.line(&format!("\n{number:>2}  {}{mark}", step.title))?;
    output.line(&format!("    $ {}", step.command))?;
    for line in step.said.iter().flat_map(|said| said.lines()) {
        output.line(&format!("    {}", clean(line)))?;
    }
    let sides = [
        ("agent saw", &step.agent_saw),
        ("API received", &step.api_received),
    ];
    for (side, text) in sides {
        for (index, line) in text.iter().flat_map(|text| text.lines()).enumerate() {
            let side = if index == 0 { side } else { "" };
            output.line(&format!("    {side:<14}{}", clean(line)))?;
        }
    }
    Ok(())
}

impl Step {
    fn json(&self) -> Value {
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
