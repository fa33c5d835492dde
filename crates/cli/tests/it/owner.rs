//! What the owner's commands say before and after they are signed: which environment, which hosts, what went.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout};

use withheld_testkit::World;
use withheld_testkit::serde_json::{Value, json};

use crate::common::{BINARY, nothing_arrived, world};

/// A folder whose file says that it is of the project `billing`.
fn of_billing(world: &World) -> PathBuf {
    let folder = world.folder().join("repository");
    fs::create_dir_all(folder.join(".git")).unwrap();
    fs::write(folder.join("withheld.toml"), "project = \"billing\"\n").unwrap();
    folder
}

/// A command at a terminal, and the person before it.
struct Typist {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    seen: Vec<u8>,
}

impl Typist {
    fn at(world: &World, folder: &Path, arguments: &str) -> Self {
        let command = format!("{BINARY} --home {} {arguments}", world.home().display());
        let mut child = world
            .program("script", &["-qefc", &command, "/dev/null"])
            .within(folder)
            .spawn();
        Self {
            input: child.stdin.take().unwrap(),
            output: child.stdout.take().unwrap(),
            seen: Vec::new(),
            child,
        }
    }

    /// Waits for a question, and answers it.
    #[track_caller]
    fn answers(&mut self, question: &str, answer: &str) {
        let mut piece = [0; 1024];
        while !self.shown().contains(question) {
            let count = self.output.read(&mut piece).unwrap();
            assert!(count > 0, "no [{question}] in {}", self.shown());
            self.seen.extend_from_slice(&piece[..count]);
        }
        self.input
            .write_all(format!("{answer}\r").as_bytes())
            .unwrap();
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// All that was shown, and how it ended.
    fn ends(mut self, world: &World) -> (String, Option<i32>) {
        self.output.read_to_end(&mut self.seen).unwrap();
        let status = self.child.wait().unwrap();
        world.saw("a terminal", self.seen.clone());
        (self.shown(), status.code())
    }
}

#[test]
fn x18_cli_the_owner_reads_where_a_file_sends_a_key() {
    let world = world!();
    let folder = of_billing(&world);
    let here = |arguments: &[&str]| world.owner(arguments).within(&folder);
    let set = here(&["set", "KEY", "--stdin", "--no-input"])
        .typing(world.canaries.plain.bytes())
        .succeeds();
    assert_eq!(
        set.text(),
        "Stored KEY in billing/dev, version 1. Agents cannot read it, and cannot use it yet.\nSay where they can: withheld bind KEY --host HOST -e billing/dev\n"
    );
    // That runs as it is printed, wherever it is typed.
    let bound = world
        .owner(&["bind", "KEY", "--host", "api.test", "-e", "billing/dev"])
        .arg("--no-input")
        .succeeds();
    assert_eq!(
        bound.text(),
        "Bound KEY to api.test in billing/dev. Agents can use it there and cannot read it.\n"
    );
    let mut typist = Typist::at(&world, &folder, "bind KEY --host b.test");
    let line =
        "Owner passphrase, to bind KEY to b.test in billing/dev, as withheld.toml here says:";
    typist.answers(line, world.passphrase());
    let (shown, code) = typist.ends(&world);
    assert_eq!(code, Some(0), "{shown}");
    // Who names it, or has no such file, reads that no file chose it.
    let mut typist = Typist::at(&world, world.folder(), "rm KEY -e billing/dev");
    let line = "Owner passphrase, to remove KEY with all its versions in billing/dev:";
    typist.answers(line, world.passphrase());
    let (shown, code) = typist.ends(&world);
    assert_eq!(code, Some(0), "{shown}");
    let said =
        "Removed KEY with its bindings in billing/dev. At its provider the key is still valid.";
    assert!(shown.contains(said), "{shown}");
    let gone = here(&["rm", "KEY", "--no-input"]).fails(3).errors();
    let hint = "  hint: see what is there: withheld ls -e billing/dev\n";
    assert!(gone.ends_with(hint), "{gone}");
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn in_the_default_environment_nothing_is_named() {
    let world = world!();
    let mut typist = Typist::at(&world, world.folder(), "set KEY --host api.test");
    typist.answers("Value (hidden):", world.canaries.plain.text());
    let line = "Owner passphrase, to bind KEY to api.test:";
    typist.answers(line, world.passphrase());
    let (shown, code) = typist.ends(&world);
    assert_eq!(code, Some(0), "{shown}");
    let said = "Stored KEY, version 1. Agents can use it and cannot read it.\r\n";
    assert!(shown.ends_with(said), "{shown}");
    world.finish();
}

#[test]
fn x03_cli_a_host_that_shows_what_it_is_sent_is_typed_once_more() {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    let hosts = || {
        let listed = world.user_runs(&["ls", "KEY", "--json"]).succeeds().data();
        let bindings = listed["secrets"][0]["bindings"].as_array().unwrap().clone();
        bindings.into_iter().map(|one| one["host"].clone())
    };
    let bind = |host: &str| Typist::at(&world, world.folder(), &format!("bind KEY --host {host}"));
    let question = "Type the host to bind it all the same:";
    let mut typist = bind("webhook.site");
    typist.answers(question, "y");
    let (shown, code) = typist.ends(&world);
    assert_eq!(code, Some(5), "{shown}");
    let why = "webhook.site shows or stores what it is sent.";
    assert!(shown.contains(why), "{shown}");
    assert_eq!(hosts().count(), 0);

    let mut typist = bind("webhook.site");
    typist.answers(question, "webhook.site");
    let line = "Owner passphrase, to bind KEY to webhook.site:";
    typist.answers(line, world.passphrase());
    assert_eq!(typist.ends(&world).1, Some(0));
    assert_eq!(hosts().collect::<Vec<_>>(), ["webhook.site"]);

    // A key of one service, elsewhere.
    let bind_here = |host: &str| world.owner(&["bind", "KEY", "--no-input", "--host", host]);
    bind_here("api.github.com").succeeds();
    let mut typist = bind("evil.test");
    typist.answers(question, "");
    let (shown, code) = typist.ends(&world);
    assert_eq!(code, Some(5), "{shown}");
    let why = "KEY is bound to api.github.com, and evil.test is not a host of GitHub.";
    assert!(shown.contains(why), "{shown}");
    // Where nobody can be asked it is said.
    let noted = bind_here("httpbin.org/anything").succeeds();
    let why = "note: httpbin.org shows or stores what it is sent.\n";
    assert!(noted.errors().contains(why), "{noted}");
    world.finish();
}

#[test]
fn a_binding_is_taken_away_at_its_port_and_path() {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    let all = ["b.test:444/b", "a.test:444", "a.test:443/b", "a.test:443/a"];
    let mut bind = vec!["bind", "KEY", "--no-input"];
    bind.extend(all.iter().flat_map(|host| ["--host", *host]));
    world.owner(&bind).succeeds();
    let spots = |data: &Value, place: &str| {
        let rows = data.pointer(place).unwrap().as_array().unwrap().iter();
        let spot = |row: &Value| format!("{} {} {}", row["host"], row["port"], row["paths"][0]);
        rows.map(|row| spot(row).replace('"', ""))
            .collect::<Vec<_>>()
    };
    // In their order, whoever reads them.
    let listed = world.user_runs(&["ls", "--json"]).succeeds().data();
    let in_order = [
        "a.test 443 /a/*",
        "a.test 443 /b/*",
        "a.test 444 /*",
        "b.test 444 /b/*",
    ];
    assert_eq!(spots(&listed, "/secrets/0/bindings"), in_order);
    assert_eq!(spots(&world.status(), "/secrets/0/use"), in_order);

    let remove = |at: &str| world.owner(&["bind", "KEY", "--no-input", "--remove", at]);
    let none = remove("a.test:443/c").fails(3).errors();
    let why = "error: `KEY` is not bound to `a.test:443/c`\n";
    assert!(none.contains(why), "{none}");
    let one = remove("a.test:443/a").succeeds();
    assert_eq!(one.text(), "Unbound KEY from a.test/a.\n");
    let rest = world.user_runs(&["ls", "--json"]).succeeds().data();
    assert_eq!(spots(&rest, "/secrets/0/bindings"), in_order[1..]);
    let host = remove("a.test").arg("--json").succeeds().data();
    assert_eq!(host["removed"], "a.test");
    assert_eq!(spots(&host, "/unbound"), in_order[1..3]);
    assert_eq!(
        remove("b.test").succeeds().text(),
        "Unbound KEY from b.test:444/b.\n"
    );
    world.finish();
}

#[test]
fn hosts_and_agents_are_said_as_they_are_typed_and_listed_in_their_order() {
    let world = world!();
    let allow = |host: &str| world.owner(&["allow", "--no-input", host]);
    for wrong in ["*", "http://x.test/", "x.test/v1"] {
        let text = allow(wrong).fails(2).errors();
        let hint = "  hint: name the host alone, as HOST or HOST:PORT, like: api.example.com\n";
        assert!(text.ends_with(hint), "{text}");
    }
    assert_eq!(
        allow("x.test:8443").succeeds().text(),
        "Allowed for every agent, without a key: x.test:8443.\n"
    );
    allow("a.test").succeeds();
    let allowed = world.owner(&["allow", "--json"]).succeeds().data();
    let hosts: Vec<_> = allowed["allowed"].as_array().unwrap().iter().collect();
    let hosts: Vec<_> = hosts.iter().map(|one| one["host"].clone()).collect();
    assert_eq!(hosts, ["a.test", "x.test"]);

    let add = |name: &str| {
        let words = ["agent", "add", name, "--no-input", "--json"];
        world.owner(&words).succeeds();
    };
    add("zoe");
    add("adam");
    let listed = world.owner(&["agent", "ls", "--json"]).succeeds().data();
    let agents: Vec<_> = listed["agents"].as_array().unwrap().iter().collect();
    let agents: Vec<_> = agents.iter().map(|one| one["agent"].clone()).collect();
    assert_eq!(agents, ["adam", "local", "zoe"]);

    // What a new record does to the old one is read before it is signed.
    let mut typist = Typist::at(&world, world.folder(), "agent add zoe --grant KEY");
    let line = "Owner passphrase, to let zoe use KEY instead of what its record says:";
    typist.answers(line, world.passphrase());
    let (shown, code) = typist.ends(&world);
    assert_eq!(code, Some(0), "{shown}");
    world.finish();
}

#[test]
fn an_agent_lists_its_own_environment_alone() {
    let world = world!().with_key();
    let agent = world.agent();
    let elsewhere = agent.withheld(&["ls", "-e", "prod", "--json"]);
    elsewhere.fails(5).says("owner_needed");
    agent.withheld(&["ls", "-e", "dev"]).succeeds();
    let status = agent.withheld(&["status"]).succeeds().text();
    // That a binding is a private one is no alarm.
    assert!(!status.contains("Look at"), "{status}");
    let pending = world.owner(&["pending", "--json"]).succeeds().data();
    assert_eq!(pending["waiting"], json!([]));
    world.finish();
}
