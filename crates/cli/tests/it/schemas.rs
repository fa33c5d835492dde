//! The documents of `--json` against `docs/schemas`, both ways: a story in which two people share keys runs
//! the built binary; every document of a kind that has a schema must fit it, and at the end every property
//! of every schema must have been there with a value. So a field that is new, gone or of another type is
//! noticed, and written down before this passes.
//!
//! The schemas are made from the types that the documents are written from, and a unit test of the program
//! says where the files differ (`verbs/help/schema.rs`). That alone would agree with any mistake in the
//! types: a field that nothing ever fills, a `json!` beside them, a document that another one slips into.
//! Here the built program speaks for itself. The short `checker` knows what these files use; a crate for
//! all of JSON Schema would bring dozens more into the lock file.

mod checker;
mod story;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use withheld_core::Code;
use withheld_testkit::Command;
use withheld_testkit::serde_json::{self, Value};

use self::checker::Schema;

/// Where the schemas are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas");

/// What no command of this story makes: a member whom another version renamed, and a passphrase that was
/// changed, for which somebody has to type.
const NOT_HERE: &[&str] = &["/data/members/*/renamed", "/data/passphrase"];

/// The schemas, by the name that a document bears.
struct Book(BTreeMap<String, Schema>);

impl Book {
    fn open() -> Self {
        let files = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap());
        let schemas = files.map(|file| {
            let schema = read(&file.path());
            let title = schema["title"].as_str().unwrap().to_owned();
            let name = title.strip_prefix("withheld.").unwrap().replace('/', "-");
            assert_eq!(file.file_name().to_str().unwrap(), format!("{name}.json"));
            assert_eq!(schema["properties"]["schema"]["const"], title);
            (title, Schema::new(schema))
        });
        Self(schemas.collect())
    }

    /// Runs a command, and checks the document that it prints. Its `data`, or its `error`.
    #[track_caller]
    fn ran(&mut self, name: &str, exit: i32, command: Command) -> Value {
        let ran = command.arg("--json").run().exits(exit);
        let document = ran.document();
        let title = format!("withheld.{name}/1");
        assert_eq!(document["schema"], title, "{ran}");
        let schema = self.0.get_mut(&title).expect("a schema");
        let faults = schema.faults(&document);
        assert!(faults.is_empty(), "{}\n{ran}", faults.join("\n"));
        let part = if name == "error" { "error" } else { "data" };
        document[part].clone()
    }

    fn is_all_seen(&self) {
        for (title, schema) in &self.0 {
            let mut unseen = schema.unseen();
            unseen.retain(|place| !NOT_HERE.contains(&place.as_str()));
            assert!(unseen.is_empty(), "{title}, no document has: {unseen:?}");
        }
    }
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn every_code_is_in_the_schema_of_an_error() {
    let schema = read(&Path::new(FOLDER).join("error-1.json"));
    let codes = &schema["properties"]["error"]["properties"]["code"]["oneOf"];
    let codes = codes.as_array().unwrap().iter();
    let codes: Vec<&str> = codes.filter_map(|code| code["const"].as_str()).collect();
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes, known);
}

#[test]
fn documents_fit_their_schemas_and_schemas_their_documents() {
    let mut book = Book::open();
    if story::told(&mut book) {
        book.is_all_seen();
    }
}
