//! What somebody types next: a refusal names what does not fit and a command that runs, and what a command
//! says of itself is true.

use withheld_testkit::serde_json::{Value, json};
use withheld_testkit::{Agent, Answer, Ran, World};

use crate::common::{value, world};

/// The commands that a refusal offers, as they are typed.
fn next(error: &Value) -> Vec<Vec<String>> {
    let words = |step: &Value| {
        let argv = step["argv"].as_array().unwrap().iter();
        argv.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let steps = error["next"].as_array().unwrap().iter();
    steps.map(words).collect()
}

/// Runs a command that was offered to an agent.
#[track_caller]
fn typed(agent: &Agent, argv: &[String]) -> Ran {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    assert_eq!(words[0], "withheld");
    agent.withheld(&words[1..]).run()
}

fn guarded(world: World) -> World {
    world.set("KEY", &world.canaries.plain.clone());
    let terms = ["--inject", "bearer", "--method", "GET"];
    world.bind("KEY", "api.test/v1", &terms);
    world
}

#[test]
fn a_refused_call_names_the_part_and_a_command_that_runs() {
    let world = guarded(world!());
    world.set("LOOSE_KEY", &value("no host so far: 5kfo3"));
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    let refused = |words: &[&str], message: &str| {
        let ran = agent.withheld(words).arg("--json").fails(4);
        let error = ran.document()["error"].clone();
        let said = error["message"].as_str().unwrap();
        assert!(said.contains(message), "{ran}");
        error
    };
    let error = refused(
        &["call", "DELETE", &url, "--secret", "KEY"],
        "`KEY` is not bound for DELETE on `api.test`",
    );
    let why = ["withheld", "why", "DELETE", &url, "--secret", "KEY"];
    assert_eq!(next(&error), [why.map(ToOwned::to_owned)]);
    let explained = typed(&agent, &next(&error)[0]).exits(1);
    assert!(explained.text().contains("\n  rule: b_"), "{explained}");

    let outside = world.url("api.test/v2");
    refused(
        &["call", &outside, "--secret", "KEY"],
        "`KEY` is not bound for this path on `api.test`",
    );
    let last = agent.withheld(&["why", "--last"]).run().exits(1);
    let port = world.host_port("api.test");
    for part in [&port, "\n  rule: b_", "bound for GET /v1/*\n  hint: "] {
        assert!(last.text().contains(part), "{part} in {last}");
    }
    refused(
        &["call", &url, "--inject", "query:key=KEY"],
        "`KEY` is not bound at this place on `api.test`",
    );
    let clear = url.replace("https://", "http://");
    let error = refused(&["call", &clear, "--secret", "KEY"], "over TLS only");
    assert_eq!(error["hint"], format!("use {url}"));

    // Widening is never offered ready-made.
    let error = refused(&["call", &url, "--secret", "LOOSE_KEY"], "not bound to any");
    let hint = error["hint"].as_str().unwrap();
    assert!(
        hint.ends_with("withheld bind LOOSE_KEY --host HOST"),
        "{hint}"
    );
    assert!(next(&error).iter().all(|argv| argv[1] == "why"), "{error}");
    world.finish();
}

#[test]
fn a_dry_run_says_what_goes_and_what_is_not_needed() {
    let world = guarded(world!());
    let agent = world.agent();
    let stage = |words: &[&str]| {
        let said = agent.withheld(words).arg("--json").succeeds().data();
        let stages = said["stages"].as_array().unwrap().iter();
        let mut fetch = stages.filter(|one| one["stage"] == "fetch");
        fetch.next().unwrap().clone()
    };
    let url = world.url("api.test/v1/x");
    let with = stage(&["why", "GET", &url, "--secret", "KEY"]);
    assert_eq!(with["result"], "pass");
    let without = stage(&["why", "GET", &url]);
    assert_eq!(without["result"], "not_tried");
    assert_eq!(without["note"], "nothing to fetch: no key goes with it");
    world.finish();
}

#[test]
fn a_body_goes_to_stdout_by_its_name_and_a_refused_key_is_told() {
    let world = guarded(world!());
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    let plain = agent
        .withheld(&["call", &url, "--secret", "KEY"])
        .succeeds();
    let ran = agent
        .withheld(&["call", &url, "--secret", "KEY", "-o", "-"])
        .succeeds();
    assert_eq!(ran.stdout, plain.stdout);
    assert!(!plain.stdout.is_empty());
    assert!(!world.user().join("-").exists());

    world.api.answer(|_| Answer::with(401, &[], "log in"));
    let refused = agent
        .withheld(&["call", &url, "--secret", "KEY"])
        .succeeds();
    assert!(
        refused.errors().contains(
            "note: api.test refused KEY version 1 (401). No newer version; the owner stores one: withheld set KEY -e default/dev"
        ),
        "{refused}"
    );
    let steps = world.status()["next"].clone();
    let set = json!({"who": "owner", "why": "secret_refused",
        "argv": ["withheld", "set", "KEY", "-e", "default/dev"]});
    assert_eq!(steps, json!([set]));
    // What the service accepts again is no suspect any more.
    world.api.answer(|_| Answer::with(200, &[], "well"));
    agent
        .withheld(&["call", &url, "--secret", "KEY"])
        .succeeds();
    assert_eq!(world.status()["next"], json!([]));
    world.finish();
}

#[test]
fn hints_name_what_is_to_be_changed() {
    let world = guarded(world!());
    let hint = |ran: &Ran| {
        let text = ran.errors();
        let (_, hint) = text.split_once("  hint: ").unwrap();
        hint.trim_end().to_owned()
    };
    let unproven = world.user_runs(&["rm", "KEY", "--no-input"]).fails(5);
    assert!(
        hint(&unproven).contains("WITHHELD_PASSPHRASE_FILE="),
        "{unproven}"
    );
    let junk = world.user_runs(&["status"]).env("WITHHELD_SESSION", "junk");
    let junk = junk.fails(4);
    assert!(
        hint(&junk).contains("withheld proxy env --as AGENT"),
        "{junk}"
    );
    let words = ["team", "invite", "newdev"];
    let unsaid = world.user_runs(&words).fails(2);
    assert_eq!(
        hint(&unsaid),
        "see how it is used: withheld help team invite"
    );
    let missing = world
        .owner(&["bind", "KEY", "--host", "a.test", "--no-input", "--ca"])
        .arg(world.folder().join("none.pem"))
        .fails(2);
    assert!(
        missing
            .errors()
            .contains("there is no such file of certificates"),
        "{missing}"
    );
    let group = world
        .owner(&["allow", "nosuchgroup", "--no-input"])
        .succeeds();
    assert!(
        group
            .errors()
            .contains("note: there is no group nosuchgroup"),
        "{group}"
    );
    for (replaced, words) in [(false, ["--ttl", "1h"]), (true, ["--ttl", "2h"])] {
        let add = world.owner(&["agent", "add", "worker", "--no-input", "--json"]);
        let said = add.args(&words).succeeds().data();
        assert_eq!(said["replaced"], replaced);
    }
    let file = world.folder().join("there");
    std::fs::write(&file, "").unwrap();
    let add = world.owner(&["agent", "add", "worker", "--no-input", "--json", "--out"]);
    let taken = add.arg(&file).fails(7);
    assert_eq!(taken.document()["error"]["retry"], "never", "{taken}");
    world.finish();
}

#[test]
fn what_is_unbound_and_where_it_may_go_is_said_one_way() {
    let world = world!();
    let stored = world.set("KEY", &world.canaries.plain.clone());
    assert_eq!(
        stored.text(),
        "Stored KEY, version 1. Agents cannot read it, and cannot use it yet.\nSay where they can: withheld bind KEY --host HOST\n"
    );
    let at = world.host_port("api.test");
    let set = ["set", "KEY", "--stdin", "--no-input", "--json", "--host"];
    let words = [&set[..], &[&at]].concat();
    let stored = world
        .owner(&words)
        .typing(world.canaries.plain.bytes())
        .succeeds();
    assert_eq!(stored.data()["stored"][0]["hosts"], json!([at]));
    let bound = world
        .owner(&["bind", "KEY", "--no-input", "--json", "--host"])
        .arg(format!("{at}/v1"))
        .succeeds()
        .data();
    let use_of = |row: &Value| (row["methods"].clone(), row["paths"].clone());
    let expected = (json!(["*"]), json!(["/v1/*"]));
    assert_eq!(use_of(&bound["bindings"][0]), expected);
    // The same without a broker, from what rests.
    let running = world.status()["secrets"][0].clone();
    world.owner(&["daemon", "stop"]).succeeds();
    let stopped = world.status();
    let at_rest = stopped["secrets"][0].clone();
    assert_eq!(
        (&at_rest["use"], &at_rest["vars"]),
        (&running["use"], &running["vars"])
    );
    for field in ["verified", "as_of", "fault"] {
        assert_eq!(stopped.get(field), Some(&Value::Null), "{field}");
    }
    world.owner(&["unlock", "--no-input"]).succeeds();
    world.finish();
}

#[test]
fn help_has_the_schemas_and_the_manual() {
    let world = world!();
    let help = |words: &[&str]| world.user_runs(&[&["help"], words].concat());
    let schema = help(&["schema", "status"]).succeeds().text();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/schemas/status-1.json"
    );
    assert_eq!(schema, std::fs::read_to_string(file).unwrap());
    let names = help(&["schema"]).succeeds().text();
    assert!(names.lines().any(|name| name == "team members"), "{names}");
    help(&["schema", "nothing"]).fails(3);
    let page = help(&["man", "push"]).succeeds().text();
    assert!(page.contains(".TH withheld-push 1"), "{page}");
    world.finish();
}
