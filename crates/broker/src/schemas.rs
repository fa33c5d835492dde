//! The schemas of what the broker answers: the documents that the command line hands on as they come.

use serde_json::{Value, json};
use withheld_core::Code;
use withheld_core::refusal::Facts;
use withheld_core::schema::{Document, of};

use crate::refusal_reply::Fault;
use crate::{agent_api, team_api};

/// All of them.
#[must_use]
pub fn documents() -> Vec<Document> {
    let mut all = vec![error()];
    all.extend(agent_api::documents());
    all.extend(team_api::documents());
    all
}

fn error() -> Document {
    let mut fault = of::<Fault>();
    let fields = &mut fault["properties"];
    fields["code"] = json!({
        "description": fields["code"]["description"],
        "oneOf": Code::ALL.iter().map(word).collect::<Vec<_>>(),
    });
    let facts = &mut fault["properties"]["facts"];
    // The command line puts there what a pull or push did before it failed.
    let [pull, push] = team_api::unfinished();
    *facts = json!({
        "description": facts["description"],
        "anyOf": [of::<Facts>(), pull, push],
    });
    Document::with(
        "error",
        "What `--json` says when a command fails, and what a refused request is answered with",
        "error",
        fault,
    )
}

fn word(code: &Code) -> Value {
    json!({ "const": code, "description": code.about() })
}
