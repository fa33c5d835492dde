//! `withheld completions SHELL`.

use clap::CommandFactory as _;
use serde_json::json;

use crate::cli::{Arguments, Completions};
use crate::context::Context;
use crate::output::Outcome;

pub(super) fn run(context: &Context, arguments: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "withheld",
        &mut script,
    );
    if context.output.is_json() {
        let data = json!({
            "shell": arguments.shell.to_string(),
            "script": String::from_utf8_lossy(&script),
        });
        return context.output.document("withheld.completions/1", data);
    }
    context.output.bytes(&script)
}
