//! `withheld help`: the short list, every verb, one of them; `help man` and `help schema`.

mod man;
mod schema;

use serde_json::json;
use withheld_core::Code;

use crate::cli::{Help, usage};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, Output};

pub(super) fn run(context: &Context, arguments: &Help) -> Outcome {
    let words: Vec<&str> = arguments.verb.iter().map(String::as_str).collect();
    let text = match *words {
        _ if arguments.all => usage::all(),
        [] => usage::short(),
        ["man", ref verb @ ..] => man::page(verb).ok_or_else(no_verb)?,
        ["schema", ref command @ ..] => return schema::run(context.output, command),
        ref verb => usage::of(verb).ok_or_else(no_verb)?,
    };
    shown(context.output, &text)
}

fn no_verb() -> Failure {
    Failure::refuse(
        Code::NotFound,
        "there is no such verb",
        "see the verbs: withheld help --all",
    )
}

/// Shows a text that is ours: help, or the version.
pub(crate) fn shown(output: Output, text: &str) -> Outcome {
    let text = text.trim_end();
    output.result("withheld.help/1", json!({ "text": text }), text)
}
