//! `withheld demo`: the whole way of one key, with an API of its own on this machine, then of one that a
//! team shares, with a server of its own. It is made of public commands, run through this very executable and shown as they run; everything it makes
//! lies in a folder that goes away at the end.

mod api;
mod files;
mod interrupt;
mod server;
mod stage;
mod step;
mod story;
mod team;

use serde_json::{Value, json};
use withheld_core::Code;

use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::output::{Outcome, Output};
use stage::Stage;
use step::Step;

const BEFORE: &str = "A key, an agent and an API on this machine. Each command below runs with `--home` in a folder that goes away at the end.";
const TEAM: &str = "A team: a colleague with a home of their own, and between the two homes a server that cannot read what it holds.";

pub(crate) fn run(context: &Context) -> Outcome {
    // Its server is asked to end at the end, and there is no such asking.
    if cfg!(windows) {
        return Err(Failure::refuse(
            Code::Usage,
            "the demo does not play on Windows yet",
            "make a vault of your own: withheld init",
        ));
    }
    let output = context.output;
    if !output.is_json() {
        output.line(BEFORE)?;
    }
    let stage = Stage::set(context)?;
    let mut steps = Vec::new();
    let told = tell(output, &stage, &mut steps);
    let vault = stage.vault();
    // Whatever happened: what runs is stopped and the folder is gone before the end is told.
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

/// Both chapters.
fn tell(output: Output, stage: &Stage, steps: &mut Vec<Step>) -> Outcome {
    let mut each = |step: Step| {
        if !output.is_json() {
            step.show(output, steps.len() + 1)?;
        }
        steps.push(step);
        Ok(())
    };
    if !story::tell(stage, &mut each)? {
        return Ok(());
    }
    if !output.is_json() {
        output.line(&format!("\n{TEAM}"))?;
    }
    team::tell(stage, &mut each)
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
            "The keys rested in this machine's keychain, sealed. Everything the demo made is gone, there too."
        }
        _ => {
            "No keychain answered here, so the keys rested in sealed files. Everything the demo made is gone."
        }
    };
    format!("{told} Your own: withheld init")
}
