//! A: the log: what it never holds, what it always shows, and what breaks it.

use std::fs;
use std::path::PathBuf;

use withheld_testkit::{Agent, Answer, Latch, World};

use crate::common::{Way, bearer, busy, world};

/// A world in which a few things have happened.
fn eventful() -> Option<World> {
    let world = World::new(crate::common::BINARY)?.with_key();
    let agent = world.agent();
    for way in [Way::Proxy, Way::Call] {
        way.send(&agent, "GET", &world.url("api.test/v1/x")).is(200);
        way.send(&agent, "GET", &world.url("api.test/admin"))
            .is_refused("binding_violation");
    }
    Some(world)
}

#[test]
fn a01_cli_no_value_in_any_record() {
    let Some(world) = eventful() else { return };
    let agent = world.agent();
    world.api.answer(|seen| Answer::ok(&seen.head));
    agent
        .call("POST", &world.url("api.test/v1/x?note=a+private+note"))
        .secret("KEY")
        .field("User-Agent", "private agent")
        .body("private body")
        .send()
        .is(200);
    let exported = world.owner(&["audit", "export"]).succeeds();
    assert_eq!(exported.text(), world.log());
    for word in ["private", "note="] {
        assert!(!exported.text().contains(word), "{word}");
    }
    let known = [
        "seq",
        "request",
        "at",
        "kind",
        "agent",
        "session",
        "environment",
        "secrets",
        "method",
        "scheme",
        "host",
        "port",
        "path",
        "status",
        "outcome",
        "refusal",
        "ms",
        "bytes_up",
        "bytes_down",
        "redactions",
        "versions",
        "prev",
        "claimed",
        "count",
    ];
    for line in exported.text().lines() {
        let record: withheld_testkit::serde_json::Value =
            withheld_testkit::serde_json::from_str(line).unwrap();
        if record["kind"] == "request" {
            for name in record.as_object().unwrap().keys() {
                assert!(known.contains(&name.as_str()), "{name} in {line}");
            }
        }
    }
    world.finish();
}

fn control_characters(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let url = world.url("api.test/v1");
    for path in [
        "/a%0ab",
        "/a%1b%5b31mred",
        "/a%e2%80%aeltr",
        "/a%ed%a0%80",
        "/caf%c3%a9",
        "/a%07",
    ] {
        way.send(&agent, "GET", &format!("{url}{path}"));
    }
    let shown = world.user_runs(&["audit"]).succeeds();
    let clean = |byte: u8| byte == b'\n' || (0x20..0x7f).contains(&byte) || byte >= 0x80;
    assert!(
        shown.stdout.iter().all(|byte| clean(*byte)),
        "{}",
        shown.text()
    );
    assert!(!shown.text().contains('\u{202e}'));
    for line in world.log().lines() {
        assert!(
            line.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{line}"
        );
        let _: withheld_testkit::serde_json::Value =
            withheld_testkit::serde_json::from_str(line).unwrap();
    }
    world.finish();
}

#[test]
fn a02_proxy_control_characters() {
    control_characters(Way::Proxy);
}

#[test]
fn a02_call_control_characters() {
    control_characters(Way::Call);
}

#[test]
fn a02_call_claims_with_control_characters() {
    let world = world!().with_key();
    let agent = world.agent();
    for claim in [
        "a\u{1b}[31mred",
        "x".repeat(300).as_str(),
        "tab\there",
        "\u{202e}evil",
    ] {
        let reply = agent
            .call("GET", &world.url("api.test/v1/x"))
            .at("/proxy")
            .without("Withheld-Url")
            .without("Withheld-Session")
            .field("X-AS-Target-URL", &world.url("api.test/v1/x"))
            .field("X-AS-Inject-Bearer", "KEY")
            .field("X-AS-Agent-Token", &agent.token)
            .field("X-AS-Agent-ID", claim)
            .send();
        assert!(matches!(reply.status, 200 | 400), "{}", reply.shown());
    }
    for line in world.log().lines() {
        assert!(
            line.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{line}"
        );
    }
    world.finish();
}

fn secrets_of_others_in_paths(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let token = "9f8Zq2Lr7Wx4Kp1Tn6Vb3Md5";
    way.send(
        &agent,
        "GET",
        &world.url(&format!("api.test/v1/reset/{token}?token={token}&page=2")),
    );
    let log = world.log();
    assert!(!log.contains(token));
    assert!(!log.contains("page=2"));
    assert!(log.contains("\"path\":\"/v1/reset/*\""), "{log}");
    world.finish();
}

#[test]
fn a03_proxy_secrets_of_others_in_paths() {
    secrets_of_others_in_paths(Way::Proxy);
}

#[test]
fn a03_call_secrets_of_others_in_paths() {
    secrets_of_others_in_paths(Way::Call);
}

#[test]
fn a03_call_path_of_a_refused_host_is_hidden() {
    let world = world!().with_key();
    let agent = world.agent();
    agent
        .call("GET", &world.url("evil.test/a-private-path"))
        .send()
        .is_refused("host_denied");
    assert!(!world.log().contains("a-private-path"));
    world.finish();
}

/// The segment that is written to: each start of the broker begins one.
fn segment(world: &World) -> PathBuf {
    let mut segments: Vec<PathBuf> = fs::read_dir(world.home().join("audit"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    segments.sort();
    segments.pop().unwrap()
}

#[test]
fn a04_cli_every_change_of_the_log_is_told() {
    let Some(world) = eventful() else { return };
    world.owner(&["daemon", "stop"]).succeeds();
    let path = segment(&world);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    let count = lines.len();
    assert!(count > 8);
    let middle = count / 2;
    let without = |at: usize| -> String {
        lines
            .iter()
            .enumerate()
            .filter(|(own, _)| *own != at)
            .map(|(_, line)| *line)
            .collect()
    };
    let mut swapped = lines.clone();
    swapped.swap(middle, middle + 1);
    let mut doubled = lines.clone();
    doubled.insert(middle, lines[middle]);
    let cases = [
        (
            "edited",
            good.replacen("\"status\":200", "\"status\":201", 1),
        ),
        ("deleted", without(middle)),
        ("first deleted", without(0)),
        ("reordered", swapped.concat()),
        ("repeated", doubled.concat()),
        ("end cut", lines[..count - 3].concat()),
        ("emptied", String::new()),
    ];
    for (what, text) in cases {
        assert_ne!(text, good, "{what}");
        fs::write(&path, text).unwrap();
        let ran = world.user_runs(&["audit", "verify", "--json"]).fails(8);
        let code = ran.document()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        // What is cut off at the end is an older log; the rest is none that was ever written.
        let expected = if ["end cut", "emptied"].contains(&what) {
            "rollback_detected"
        } else {
            "log_broken"
        };
        assert_eq!(code, expected, "{what}: {ran}");
    }
    fs::write(&path, &good).unwrap();
    world.user_runs(&["audit", "verify"]).succeeds();
    let aside = world.folder().join("aside");
    fs::rename(&path, &aside).unwrap();
    let ran = world.user_runs(&["audit", "verify", "--json"]).run();
    assert!(matches!(ran.code, Some(1 | 8)), "{ran}");
    fs::rename(&aside, &path).unwrap();
    world.finish();
}

#[test]
fn a04_cli_a_broker_does_not_go_on_with_a_shortened_log() {
    let Some(world) = eventful() else { return };
    world.owner(&["daemon", "stop"]).succeeds();
    let path = segment(&world);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    fs::write(&path, lines[..2].concat()).unwrap();
    world
        .owner(&["unlock", "--no-input", "--json"])
        .fails(8)
        .says("rollback_detected");
    fs::write(&path, good).unwrap();
    world.finish();
}

#[test]
fn a05_cli_a_chain_made_anew_has_no_seal() {
    let Some(world) = eventful() else { return };
    world.owner(&["daemon", "stop"]).succeeds();
    let path = segment(&world);
    let good = fs::read_to_string(&path).unwrap();
    // Everything behind the change is hashed again, as one would who can write the file; the seals stay.
    let mut made = String::new();
    for line in good.lines() {
        let mut line = line.replace("\"agent\":\"local\"", "\"agent\":\"other\"");
        if let (Some(at), Some(last)) = (line.find("\"prev\":\""), made.lines().last()) {
            let at = at + "\"prev\":\"".len();
            let end = at + line[at..].find('"').unwrap();
            line.replace_range(at..end, &sha256(&world, last));
        }
        made.push_str(&line);
        made.push('\n');
    }
    assert_ne!(made, good);
    fs::write(&path, made).unwrap();
    world
        .user_runs(&["audit", "verify", "--json"])
        .fails(8)
        .says("log_broken");
    fs::write(&path, good).unwrap();
    world.finish();
}

/// The SHA-256 of a line, by coreutils.
fn sha256(world: &World, line: &str) -> String {
    let ran = world.program("sha256sum", &[]).typing(line).succeeds();
    ran.text().split_whitespace().next().unwrap().to_owned()
}

/// A request whose reply never comes.
fn never_answered(way: Way, agent: &Agent, url: &str) {
    let reply = match way {
        Way::Call => agent.call("GET", url).secret("KEY").try_send().ok(),
        Way::Proxy => {
            let authority = url.trim_start_matches("https://").trim_end_matches("/v1/x");
            let head = format!(
                "GET /v1/x HTTP/1.1\r\nHost: {authority}\r\nAuthorization: {}\r\n\r\n",
                bearer(agent)
            );
            agent.tunnel(authority).raw(head.as_bytes())
        }
    };
    assert!(reply.is_none_or(|reply| reply.code().is_some()));
}

/// The broker dies while the upstream has the credential and has not answered.
fn killed_in_between(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let latch = Latch::new();
    let held = latch.clone();
    world.api.answer(move |_| Answer::default().wait(&held));
    let url = world.url("api.test/v1/x");
    std::thread::scope(|scope| {
        scope.spawn(|| never_answered(way, &agent, &url));
        world.api.wait_for(1);
        let log = world.log();
        let intent = log
            .lines()
            .find(|line| line.contains("\"outcome\":\"intended\""));
        assert!(
            intent.is_some(),
            "the credential went out before its record"
        );
        world.kill_broker();
        latch.lift();
    });
    world.owner(&["unlock", "--no-input"]).succeeds();
    let records = world.records(&[]);
    assert!(
        records
            .iter()
            .any(|record| record["outcome"] == "unknown_outcome"),
        "{records:?}"
    );
    world.finish();
}

#[test]
fn a08_proxy_killed_in_between() {
    killed_in_between(Way::Proxy);
}

#[test]
fn a08_call_killed_in_between() {
    killed_in_between(Way::Call);
}

#[test]
fn a10_call_a_claimed_name_is_a_claim() {
    let world = world!().with_key();
    let agent = world.agent_named("claude", &["--grant", "KEY"]);
    agent
        .call("GET", &world.url("api.test/v1/x"))
        .at("/proxy")
        .without("Withheld-Url")
        .without("Withheld-Session")
        .field("X-AS-Target-URL", &world.url("api.test/v1/x"))
        .field("X-AS-Inject-Bearer", "KEY")
        .field("X-AS-Agent-Token", &agent.token)
        .field("X-AS-Agent-ID", "the-owner")
        .send()
        .is(200);
    agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .field("X-Agent-ID", "the-owner")
        .field("User-Agent", "the-owner")
        .send()
        .is(200);
    let records: Vec<_> = world
        .records(&[])
        .into_iter()
        .filter(|record| record["kind"] == "request")
        .collect();
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record["agent"] == "claude"));
    assert_eq!(records[0]["claimed"], "the-owner");
    world.finish();
}

#[test]
fn a10_proxy_a_claimed_name_is_a_claim() {
    let world = world!().with_key();
    let agent = world.agent_named("claude", &["--grant", "KEY"]);
    Way::Proxy
        .with(
            &agent,
            "GET",
            &world.url("api.test/v1/x"),
            &[
                ("X-Agent-ID", "the-owner"),
                ("User-Agent", "the-owner"),
                ("X-AS-Agent-ID", "the-owner"),
            ],
            b"",
        )
        .is(200);
    let records = world.records(&["--agent", "claude"]);
    assert!(records.iter().any(|record| record["kind"] == "request"));
    assert!(world.records(&["--agent", "the-owner"]).is_empty());
    world.finish();
}

/// The contract's record: two lines of one request, its fields as the interface names them.
#[test]
fn a01_proxy_a_request_is_two_records() {
    let world = world!().with_key();
    let agent = world.agent();
    Way::Proxy
        .with(
            &agent,
            "POST",
            &world.url("api.test/v1/x?q=1"),
            &[],
            b"12345",
        )
        .is(200);
    let log = world.log();
    let both: Vec<withheld_testkit::serde_json::Value> = log
        .lines()
        .map(|line| withheld_testkit::serde_json::from_str(line).unwrap())
        .filter(|record: &withheld_testkit::serde_json::Value| record["kind"] == "request")
        .collect();
    assert_eq!(both.len(), 2, "{log}");
    assert_eq!(both[0]["request"], both[1]["request"]);
    assert_eq!(both[0]["outcome"], "intended");
    assert!(both[0]["status"].is_null());
    let end = &both[1];
    assert_eq!(end["outcome"], "delivered");
    assert_eq!(end["status"], 200);
    assert_eq!(end["secrets"], withheld_testkit::serde_json::json!(["KEY"]));
    assert_eq!(end["versions"], withheld_testkit::serde_json::json!([1]));
    assert_eq!(
        (&end["method"], &end["scheme"], &end["host"]),
        (&"POST".into(), &"https".into(), &"api.test".into())
    );
    assert_eq!(end["port"], world.api.port());
    assert_eq!(end["path"], "/v1/x");
    assert_eq!(end["bytes_up"], 5);
    assert_eq!(end["bytes_down"], 11);
    assert_eq!(
        world
            .records(&[])
            .iter()
            .filter(|record| record["kind"] == "request")
            .count(),
        1
    );
    world.finish();
}
