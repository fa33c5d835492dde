//! `withheld help`: the short list, every verb, or one of them.

use serde_json::json;
use withheld_core::Code;

use crate::cli::{Help, usage};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, Output};

pub(super) fn run(context: &Context, arguments: &Help) -> Outcome {
    let text = if arguments.all {
        usage::all()
    } else if arguments.verb.is_empty() {
        usage::short()
    } else {
        usage::of(&arguments.verb).ok_or_else(|| {
            Failure::refuse(
                Code::NotFound,
                "there is no such verb",
                "see the verbs: withheld help --all",
            )
        })?
    };
    shown(context.output, &text)
}

/// Shows a text that is ours: help, or the version.
pub(crate) fn shown(output: Output, text: &str) -> Outcome {
    let text = text.trim_end();
    output.result("withheld.help/1", json!({ "text": text }), text)
}
