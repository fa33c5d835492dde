//! The documents of `--json` against `docs/schemas`, both ways: a story in which two people share keys runs
//! the built binary; every document of a kind that has a schema must fit it, and at the end every property
//! of every schema must have been there with a value. So a field that is new, gone or of another type is
//! noticed, and written down before this passes.
//!
//! The schemas are written by hand: made from the types of the code they would agree with any mistake in
//! them. They are checked by the short `checker`, which know what these files use; a crate for all of
//! JSON Schema would bring dozens more into the lock file.

mod checker;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use withheld_core::Code;
use withheld_testkit::serde_json::{self, Value, json};
use withheld_testkit::{Canaries, Canary, Command, TeamServer, World};

use self::checker::Schema;
use crate::common::BINARY;

/// Where the schemas are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas");

/// What no command of ours makes, and is shown all the same: a member whom another version renamed.
const ONLY_BY_OTHERS: &[&str] = &["/data/members/*/renamed"];

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
            unseen.retain(|place| !ONLY_BY_OTHERS.contains(&place.as_str()));
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
    let codes = &schema["properties"]["error"]["properties"]["code"]["enum"];
    let codes: Vec<&str> = codes
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes, known);
}

#[test]
fn documents_fit_their_schemas_and_schemas_their_documents() {
    let (Some(lead), Some(newdev)) = (World::new(BINARY), World::new(BINARY)) else {
        return;
    };
    let mut book = Book::open();
    let mut story = Story {
        lead,
        newdev,
        server: TeamServer::start(BINARY),
    };
    story.alone(&mut book);
    story.founded(&mut book);
    story.joined(&mut book);
    story.apart(&mut book);
    story.removed(&mut book);
    book.is_all_seen();
    story.lead.finish();
    story.newdev.finish();
}

struct Story {
    lead: World,
    newdev: World,
    server: TeamServer,
}

impl Story {
    /// A value that is in neither world's output.
    fn value(&mut self) -> Canary {
        let value = Canaries::fresh().plain;
        self.lead.also_hide(&value);
        self.newdev.also_hide(&value);
        value
    }

    /// A new value of `KEY`, which the team has then.
    fn rotate(&mut self) {
        let value = self.value();
        self.lead.set("KEY", &value);
        self.lead.user_runs(&["push"]).succeeds();
    }

    /// Before there is a team: calls, and a refusal.
    fn alone(&mut self, book: &mut Book) {
        let lead = &self.lead;
        let stopped = book.ran("status", 0, lead.user_runs(&["status"]));
        assert_eq!(stopped["broker"]["state"], "stopped");
        lead.set("KEY", &lead.canaries.plain.clone());
        let only_get = ["--inject", "bearer", "--method", "GET"];
        lead.bind("KEY", "api.test/v1", &only_get);
        let agent = lead.agent();
        book.ran("status", 0, agent.withheld(&["status"]));
        let url = lead.url("api.test/v1/x");
        let call = ["call", &url, "--secret", "KEY"];
        book.ran("call", 0, agent.withheld(&call));
        let file = lead.folder().join("body");
        let into = [&call[..], &["-o", file.to_str().unwrap()]].concat();
        book.ran("call", 0, agent.withheld(&into));
        let post = ["call", "POST", &url, "--secret", "KEY"];
        let refused = book.ran("error", 4, agent.withheld(&post));
        assert_eq!(refused["code"], "binding_violation");
        lead.owner(&["daemon", "stop"]).succeeds();
        let stopped = book.ran("status", 0, lead.user_runs(&["status"]));
        assert_eq!(stopped["secrets"][0]["name"], "KEY");
        lead.owner(&["unlock", "--no-input"]).succeeds();
    }

    fn founded(&mut self, book: &mut Book) {
        let lead = &self.lead;
        let server = format!("http://{}", self.server.address());
        lead.owner(&["team", "create", "acme", "--as", "lead", "--no-input"])
            .args(&["--server", &server, "--token-file"])
            .arg(self.server.token_file())
            .succeeds();
        self.bound_in_full();
        let lead = &self.lead;
        let pushed = book.ran("push", 0, lead.user_runs(&["push"]));
        assert_eq!(pushed["pushed"][0]["name"], "KEY");
        let invite = ["team", "invite", "newdev", "--to", "dev:write"];
        let said = lead.owner(&invite).args(&["--no-input", "--json"]);
        let line = said.succeeds().data()["invitation"].clone();
        let line = format!("{}\n", line.as_str().unwrap());
        fs::write(self.newdev.folder().join("line"), line).unwrap();
        let members = book.ran("team_members", 0, lead.owner(&["team", "members"]));
        assert!(members["members"][1]["invited_until"].is_string());
    }

    /// A key whose shape is known, and one more of its bindings has text round it.
    fn bound_in_full(&mut self) {
        let random = Canaries::fresh().plain;
        let letters = &random.text()[random.public()..];
        let value = Canary::new(format!("sk_live_{letters}"), "sk_live_".len());
        self.lead.also_hide(&value);
        self.newdev.also_hide(&value);
        let host = self.lead.host_port("api.test");
        let set = ["set", "LIVE_KEY", "--stdin", "--no-input", "--host", &host];
        let set = self.lead.owner(&set).typing(value.bytes());
        set.succeeds();
        let format = ["--inject", "header:X-Bot", "--format", "Bot {}"];
        self.lead.bind("LIVE_KEY", "other.test", &format);
    }

    /// What came with the secret waits; then both have the same.
    fn joined(&mut self, book: &mut Book) {
        self.newdev.owner(&["unlock", "--no-input"]).succeeds();
        let join = self.newdev.owner(&["team", "join", "--no-input"]);
        join.arg("--from-file")
            .arg(self.newdev.folder().join("line"))
            .succeeds();
        let newdev = &self.newdev;
        let waiting = book.ran("pending", 0, newdev.user_runs(&["pending"]));
        let id = waiting["waiting"][0]["id"].as_str().unwrap().to_owned();
        let status = book.ran("status", 0, newdev.user_runs(&["status"]));
        assert_eq!(status["waiting"][0]["id"], id.as_str());
        newdev.owner(&["approve", &id, "--no-input"]).succeeds();
        self.lead
            .bind("KEY", "api.test/v1", &["--inject", "bearer"]);
        self.rotate();
        let newdev = &self.newdev;
        let diff = book.ran("diff", 0, newdev.user_runs(&["diff"]));
        assert_eq!(diff["secrets"][0]["state"], "behind");
        let agent = newdev.agent();
        book.ran("status", 0, agent.withheld(&["status"]));
        let pulled = book.ran("pull", 0, agent.withheld(&["pull"]));
        assert_eq!(pulled["pulled"], json!([{"name": "KEY", "version": 2}]));
        let waiting = book.ran("pending", 0, newdev.user_runs(&["pending"]));
        let wider = &waiting["waiting"][0]["use"][0];
        assert_eq!(wider["differs"], json!(["methods"]), "{waiting}");
    }

    /// Both changed it, and each has one more: what can be done is done, and the rest is said.
    fn apart(&mut self, book: &mut Book) {
        let (new, ours, own) = (self.value(), self.value(), self.value());
        self.lead.set("NEW_KEY", &new);
        self.rotate();
        let newdev = &self.newdev;
        newdev.set("KEY", &ours);
        newdev.set("OWN_KEY", &own);
        book.ran("diff", 0, newdev.user_runs(&["diff"]));
        book.ran("status", 0, newdev.user_runs(&["status"]));
        for verb in ["pull", "push"] {
            let conflict = book.ran("error", 7, newdev.user_runs(&[verb]));
            assert_eq!(conflict["facts"]["diverged"], json!(["KEY"]));
        }
    }

    fn removed(&mut self, book: &mut Book) {
        self.lead
            .owner(&["team", "remove", "newdev", "--no-input"])
            .succeeds();
        let members = book.ran("team_members", 0, self.lead.owner(&["team", "members"]));
        assert!(members["members"][1]["removed_at"].is_string());
        let diff = book.ran("diff", 0, self.lead.user_runs(&["diff"]));
        assert!(!diff["secrets"][0]["flags"].as_array().unwrap().is_empty());
        book.ran("error", 4, self.newdev.user_runs(&["pull"]));
        // Who was removed is told why nothing is verified any more.
        for (name, words) in [
            ("diff", &["diff"][..]),
            ("status", &["status"]),
            ("team_members", &["team", "members"]),
        ] {
            let said = book.ran(name, 0, self.newdev.user_runs(words));
            assert_eq!(said["fault"]["code"], "unknown_caller", "{said}");
        }
    }
}
