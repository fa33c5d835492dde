//! `withheld help schema CMD`: what a program may rely on in the document of a command.

use serde_json::{Value, json};
use withheld_core::Code;

use crate::failure::Failure;
use crate::output::{Outcome, Output};

/// A file of `docs/schemas` a line: the command whose document it is of, and its name.
macro_rules! schemas {
    ($($command:literal $file:literal)*) => {
        /// The schemas that are part of the contract, by the command whose document they are of.
        const SCHEMAS: &[(&str, &str)] = &[$((
            $command,
            include_str!(concat!("../../../../../docs/schemas/", $file, "-1.json")),
        ),)*];
    };
}

schemas! {
    "agent add" "agent_add"
    "agent rm" "agent_rm"
    "approve" "approve"
    "audit" "audit"
    "bind" "bind"
    "call" "call"
    "daemon" "daemon"
    "deny" "deny"
    "diff" "diff"
    "doctor" "doctor"
    "error" "error"
    "lock" "lock"
    "ls" "ls"
    "pending" "pending"
    "pull" "pull"
    "push" "push"
    "rm" "rm"
    "set" "set"
    "status" "status"
    "team create" "team_create"
    "team invite" "team_invite"
    "team log" "team_log"
    "team members" "team_members"
    "team remove" "team_remove"
    "team set" "team_set"
    "unlock" "unlock"
    "why" "why"
    "why last" "why_last"
}

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
    use std::fs;
    use std::path::Path;

    use withheld_core::schema::Document;

    use super::*;
    use crate::verbs;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas");

    /// Everything that a schema is made for.
    fn documents() -> Vec<Document> {
        let mut all = withheld_broker::schemas::documents();
        all.extend(verbs::documents());
        all.sort_by_key(|document| document.name);
        all
    }

    /// With `WITHHELD_SCHEMAS=write` in the environment the files are written first. That of a document that
    /// is new begins empty: the list above holds it already.
    #[test]
    fn schemas_are_what_the_types_say() {
        let is_asked = std::env::var_os("WITHHELD_SCHEMAS").is_some_and(|what| what == "write");
        for document in documents() {
            let name = format!("{}-1.json", document.name);
            let file = Path::new(FOLDER).join(&name);
            let said = serde_json::to_string_pretty(&document.schema).unwrap() + "\n";
            if is_asked {
                fs::write(&file, &said).unwrap();
            }
            let written = fs::read_to_string(&file).unwrap_or_default();
            let lines = || written.lines().chain([""]).zip(said.lines().chain([""]));
            let differs = lines().position(|(written, said)| written != said);
            assert!(
                written == said,
                "docs/schemas/{name} is not what its type says now, from line {}.\n\
                 Is the change one that readers can live with? Then write the schemas anew:\n  \
                 WITHHELD_SCHEMAS=write cargo test -p withheld --bin withheld schemas",
                differs.map_or(0, |line| line + 1)
            );
        }
    }

    #[test]
    fn every_schema_is_here_under_the_name_of_its_command() {
        let files = fs::read_dir(FOLDER).unwrap();
        let mut files: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let named = |name: &str| format!("{}-1.json", name.replace(' ', "_"));
        let shown: Vec<String> = SCHEMAS.iter().map(|(name, _)| named(name)).collect();
        assert_eq!(shown, files);
        let made: Vec<String> = documents().iter().map(|one| named(one.name)).collect();
        assert_eq!(made, files);
        for (name, schema) in SCHEMAS {
            let schema: Value = serde_json::from_str(schema).unwrap();
            let title = format!("withheld.{}/1", name.replace(' ', "_"));
            assert_eq!(schema["title"], title);
        }
    }
}
