//! What the tests of a team share: a server with a tap before it, and two people.

use std::fs;

use withheld_testkit::serde_json::{Value, json};
use withheld_testkit::{Agent, Canaries, Canary, Ran, Tap, TeamServer, World};

use crate::common::BINARY;

/// A server, and the tap by which everybody reaches it.
pub(super) struct Post {
    pub(super) server: TeamServer,
    pub(super) tap: Tap,
}

impl Post {
    pub(super) fn start() -> Self {
        let server = TeamServer::start(BINARY);
        let tap = Tap::start(server.address());
        Self { server, tap }
    }

    /// Starts the server again, behind the same address.
    pub(super) fn again(&mut self) {
        self.server.again();
        self.tap.lead_to(self.server.address());
    }

    /// The same, to be killed at a call of the server's own.
    pub(super) fn again_until(&mut self, call: u64) -> Result<(), String> {
        self.server.again_until(call)?;
        self.tap.lead_to(self.server.address());
        Ok(())
    }

    /// The database is what its chains say.
    #[track_caller]
    pub(super) fn verifies(&self) -> Value {
        self.server.verify().exits(0).data()
    }
}

/// A value that a test makes up.
pub(super) fn fresh() -> Canary {
    Canaries::fresh().plain
}

/// Founds the team `acme`.
#[track_caller]
pub(super) fn found(world: &World, post: &Post) -> Value {
    let create = world.owner(&["team", "create", "acme", "--as", "lead", "--no-input"]);
    create
        .args(&["--json", "--server", &post.tap.url(), "--token-file"])
        .arg(post.server.token_file())
        .succeeds()
        .data()
}

/// The line that lets somebody in.
#[track_caller]
pub(super) fn invite(world: &World, member: &str, to: &[&str]) -> String {
    let mut words = vec!["team", "invite", member, "--no-input", "--json"];
    words.extend(to.iter().flat_map(|access| ["--to", access]));
    let said = world.owner(&words).succeeds().data();
    said["invitation"].as_str().unwrap().to_owned()
}

/// The arguments of a join by this line, which is put into a file.
pub(super) fn join_words(world: &World, line: &str) -> Vec<String> {
    let file = world.folder().join("invitation");
    fs::write(&file, format!("{line}\n")).unwrap();
    let file = file.to_str().unwrap();
    ["team", "join", "--no-input", "--json", "--from-file", file]
        .map(ToOwned::to_owned)
        .to_vec()
}

/// A join, not run yet.
pub(super) fn joining(world: &World, line: &str) -> withheld_testkit::Command {
    let words = join_words(world, line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    world.owner(&words)
}

/// Its broker looks at the server from time to time; now it does not.
#[track_caller]
pub(super) fn away(world: &World) {
    world.owner(&["daemon", "stop"]).succeeds();
}

/// Whoever comes back and looks hands the keys over to those who joined.
#[track_caller]
pub(super) fn back(world: &World) {
    world.owner(&["unlock", "--no-input"]).succeeds();
    world.status();
}

/// Opens the vault, and joins.
#[track_caller]
pub(super) fn join(world: &World, line: &str) -> Value {
    world.owner(&["unlock", "--no-input"]).succeeds();
    joining(world, line).succeeds().data()
}

/// What a program of this user is told.
#[track_caller]
pub(super) fn asked(world: &World, arguments: &[&str]) -> Value {
    told(world, arguments).succeeds().data()
}

/// The same, not run yet.
pub(super) fn told(world: &World, arguments: &[&str]) -> withheld_testkit::Command {
    world.user_runs(arguments).arg("--json")
}

/// The one of a list that has this name.
#[track_caller]
pub(super) fn named(list: &Value, name: &str) -> Value {
    let all = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let found = all.iter().find(|one| one["name"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {list}"))
        .clone()
}

/// Accepts whatever waits, and says how many did.
#[track_caller]
pub(super) fn accept_all(world: &World) -> usize {
    let waiting = asked(world, &["pending"])["waiting"].clone();
    let ids: Vec<&str> = waiting
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    if !ids.is_empty() {
        let words = [&["approve", "--no-input", "--json"], ids.as_slice()].concat();
        world.owner(&words).succeeds();
    }
    ids.len()
}

/// `lead`, who founded the team, and `newdev`, who may write to `default/dev`. `KEY` is in sync, and
/// both may use it at `api.test/v1` of the founder's world.
pub(super) struct Two {
    pub(super) lead: World,
    pub(super) newdev: World,
    pub(super) post: Post,
    /// What `KEY` is.
    pub(super) key: Canary,
}

impl Two {
    /// Nothing where this machine cannot hold their worlds.
    pub(super) fn new() -> Option<Self> {
        Some(Self::of(World::new(BINARY)?, World::new(BINARY)?))
    }

    /// The same, of worlds with an empty vault each.
    pub(super) fn of(lead: World, newdev: World) -> Self {
        let mut two = Self {
            key: fresh(),
            lead,
            newdev,
            post: Post::start(),
        };
        two.hide(&two.key.clone());
        two.lead.set("KEY", &two.key);
        two.lead.bind("KEY", "api.test/v1", &["--inject", "bearer"]);
        found(&two.lead, &two.post);
        two.push();
        two.join();
        two
    }

    fn join(&self) {
        let line = invite(&self.lead, "newdev", &["dev:write"]);
        away(&self.lead);
        join(&self.newdev, &line);
        back(&self.lead);
        let pulled = asked(&self.newdev, &["pull"]);
        assert_eq!(pulled["pulled"], json!([{"name": "KEY", "version": 1}]));
        assert_eq!(accept_all(&self.newdev), 1);
    }

    /// A value that both worlds must not show.
    pub(super) fn value(&mut self) -> Canary {
        let value = fresh();
        self.hide(&value);
        value
    }

    pub(super) fn hide(&mut self, value: &Canary) {
        self.lead.also_hide(value);
        self.newdev.also_hide(value);
    }

    #[track_caller]
    pub(super) fn push(&self) -> Value {
        asked(&self.lead, &["push"])
    }

    /// A new value of `KEY`, pushed by its founder.
    #[track_caller]
    pub(super) fn rotate(&mut self) -> Canary {
        let value = self.value();
        self.lead.set("KEY", &value);
        self.push();
        value
    }

    /// A program of the second member.
    #[track_caller]
    pub(super) fn agent(&self) -> Agent {
        self.newdev.agent()
    }

    /// What arrives upstream when this agent uses `KEY` is this value.
    #[track_caller]
    pub(super) fn arrives(&self, agent: &Agent, value: &Canary) {
        agent
            .call("GET", &self.lead.url("api.test/v1/x"))
            .secret("KEY")
            .send()
            .is(200);
        let expected = format!("Bearer {}", value.text());
        assert_eq!(self.lead.api.last().all("authorization"), [expected]);
    }

    /// Both are in the team and the database is whole; then each world's own end.
    #[track_caller]
    pub(super) fn finish(self) {
        self.post.verifies();
        self.lead.finish();
        self.newdev.finish();
    }
}

/// A secret's state and versions, by `diff` and by `status`, which say the same.
#[track_caller]
pub(super) fn stands(world: &World, name: &str) -> (String, Value, Value) {
    let diff = asked(world, &["diff"]);
    let status = world.status();
    let (one, other) = (
        named(&diff["secrets"], name),
        named(&status["secrets"], name),
    );
    for field in ["state", "remote_version"] {
        assert_eq!(one[field], other[field], "{field} of {name}");
    }
    // What was never shared has a version here alone, and `status` shows that one.
    if one["state"] != "local-only" {
        assert_eq!(one["version"], other["version"], "version of {name}");
    }
    let state = one["state"].as_str().unwrap().to_owned();
    (state, one["version"].clone(), one["remote_version"].clone())
}

/// Asserts how a secret stands.
#[track_caller]
pub(super) fn is(world: &World, name: &str, state: &str, version: Value, remote: Value) {
    assert_eq!(stands(world, name), (state.to_owned(), version, remote));
}

/// Asserts the exit status of `diff --exit-code`, whose document is there all the same.
#[track_caller]
pub(super) fn diff_exits(world: &World, code: i32) -> Ran {
    let ran = told(world, &["diff", "--exit-code"]).run().exits(code);
    assert!(ran.data()["secrets"].is_array());
    ran
}
