//! `withheld help schema CMD`: what a program may rely on in the document of a command.

use serde_json::{Value, json};
use withheld_core::Code;

use crate::failure::Failure;
use crate::output::{Outcome, Output};

/// The schemas that are part of the contract, by the command whose document they are of.
const SCHEMAS: &[(&str, &str)] = &[
    (
        "call",
        include_str!("../../../../../docs/schemas/call-1.json"),
    ),
    (
        "diff",
        include_str!("../../../../../docs/schemas/diff-1.json"),
    ),
    (
        "error",
        include_str!("../../../../../docs/schemas/error-1.json"),
    ),
    (
        "pending",
        include_str!("../../../../../docs/schemas/pending-1.json"),
    ),
    (
        "pull",
        include_str!("../../../../../docs/schemas/pull-1.json"),
    ),
    (
        "push",
        include_str!("../../../../../docs/schemas/push-1.json"),
    ),
    (
        "status",
        include_str!("../../../../../docs/schemas/status-1.json"),
    ),
    (
        "team members",
        include_str!("../../../../../docs/schemas/team_members-1.json"),
    ),
];

pub(super) fn run(output: Output, command: &[&str]) -> Outcome {
    let command = command.join(" ");
    if command.is_empty() {
        let names: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
        let text = names.join("\n");
        return output.result("withheld.help/1", json!({ "schemas": names }), &text);
    }
    let schema = of(&command).ok_or_else(|| {
        Failure::refuse(
            Code::NotFound,
            "there is no schema of that name",
            "see which there are: withheld help schema",
        )
    })?;
    let document: Value = serde_json::from_str(schema).unwrap_or_default();
    output.result(
        "withheld.help/1",
        json!({ "schema": document }),
        schema.trim_end(),
    )
}

fn of(command: &str) -> Option<&'static str> {
    let found = SCHEMAS.iter().find(|(name, _)| *name == command);
    found.map(|(_, schema)| *schema)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_here_under_the_name_of_its_command() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut named: Vec<String> = SCHEMAS
            .iter()
            .map(|(name, _)| format!("{}-1.json", name.replace(' ', "_")))
            .collect();
        named.sort();
        assert_eq!(named, files);
        for (name, schema) in SCHEMAS {
            let schema: Value = serde_json::from_str(schema).unwrap();
            let title = format!("withheld.{}/1", name.replace(' ', "_"));
            assert_eq!(schema["title"], title);
        }
    }
}
