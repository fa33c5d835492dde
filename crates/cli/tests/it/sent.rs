//! What is said of a request, and above all whether it was sent: who takes a sent one for unsent sends it
//! again.

use std::fs;
use std::thread;

use withheld_testkit::serde_json::json;
use withheld_testkit::{Answer, Latch};

use crate::common::{Way, arrived_once, key_in, nothing_arrived, world};

#[test]
fn r09_a_reply_that_is_held_back_is_no_reason_to_send_twice() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    world
        .api
        .answer(|_| Answer::with(201, &[("content-encoding", "br")], "coded"));
    for way in [Way::Proxy, Way::Call] {
        let error = way.send(&agent, "POST", &url).json()["error"].clone();
        assert_eq!(error["code"], "reply_undecodable");
        let message = error["message"].as_str().unwrap();
        let begin =
            "Withheld sent this request, and did not hand on its whole reply (status 201): ";
        assert!(message.starts_with(begin), "{message}");
        let hint = error["hint"].as_str().unwrap();
        let look = "look whether it arrived before you send it again; ";
        assert!(hint.starts_with(look), "{hint}");
        assert_eq!(error["retry"], "never");
        let audit = json!({"who": "agent", "argv": ["withheld", "audit", "--last", "1"]});
        assert_eq!(error["next"], json!([audit]));
        let record = world.records(&["--last", "1"]).remove(0);
        assert_eq!(record["outcome"], "unknown_outcome");
        assert_eq!(
            (&record["status"], &record["refusal"]),
            (&json!(201), &error["code"])
        );
    }
    // What asks only may be sent again.
    let error = Way::Call.send(&agent, "GET", &url).json()["error"].clone();
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.starts_with("ask the service"), "{hint}");
    world.finish();
}

#[test]
fn a_key_that_is_replaced_while_a_short_reply_comes_holds_nothing_back() {
    let world = world!().with_key();
    let agent = world.agent();
    let newer = world.canaries.nasty.clone();
    let (latch, echo) = (Latch::default(), newer.text().to_owned());
    let wait = latch.clone();
    world.api.answer(move |seen| {
        let body = format!("{} {echo}", key_in(seen));
        let length = body.len().to_string();
        let head = Answer::head(200, &[("content-length", &length)]);
        head.wait(&wait).then(body)
    });
    let url = world.url("api.test/v1/x");
    let ran = thread::scope(|scope| {
        let call = scope.spawn(|| {
            let call = [
                "call", "POST", &url, "-d", "charge=1", "--secret", "KEY", "--json",
            ];
            agent.withheld(&call).run()
        });
        world.api.wait_for(1);
        world.set("KEY", &newer);
        latch.lift();
        call.join().unwrap()
    });
    let document = ran.exits(0).document();
    assert_eq!(document["data"]["status"], 200);
    assert_eq!(document["data"]["redactions"], 2);
    arrived_once(&world);
    world.finish();
}

#[test]
fn a_body_that_is_too_large_for_a_document_came_all_the_same() {
    let world = world!().with_key();
    let agent = world.agent();
    world.api.answer(|_| Answer::ok(vec![b'.'; (1 << 20) + 1]));
    let url = world.url("api.test/v1/x");
    for (method, begin) in [
        ("POST", "look what it did before you send it again; "),
        (
            "GET",
            "only sending it again brings its body, with: -o FILE",
        ),
    ] {
        let call = ["call", method, &url, "--secret", "KEY", "--json"];
        let error = agent.withheld(&call).fails(2).document()["error"].clone();
        assert_eq!(
            (&error["code"], &error["retry"]),
            (&json!("too_large"), &json!("never"))
        );
        assert_eq!(
            error["message"],
            "the request was sent and answered with status 200, but its body is over 1 MiB, too large for a document"
        );
        let hint = error["hint"].as_str().unwrap();
        assert!(
            hint.starts_with(begin) && hint.ends_with("-o FILE"),
            "{hint}"
        );
    }
    assert_eq!(world.api.seen().len(), 2);
    world.finish();
}

#[test]
fn a_file_that_cannot_be_written_is_found_out_before_anything_is_sent() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    let call = |file: &std::path::Path, url: &str| {
        let call = agent.withheld(&["call", "POST", url, "--secret", "KEY", "-o"]);
        call.arg(file)
    };
    let nowhere = world.user().join("nowhere/body");
    let ran = call(&nowhere, &url).fails(6);
    assert!(ran.errors().contains("nothing was sent"), "{ran}");
    nothing_arrived(&world);
    // What is refused makes no file, and empties none.
    let (new, kept) = (world.user().join("new"), world.user().join("kept"));
    fs::write(&kept, "kept").unwrap();
    for file in [&new, &kept] {
        call(file, &world.url("evil.test/")).fails(4);
    }
    assert!(!new.exists());
    assert_eq!(fs::read(&kept).unwrap(), b"kept");
    world.api.answer(|_| Answer::ok("new"));
    call(&kept, &url).succeeds();
    assert_eq!(fs::read(&kept).unwrap(), b"new");
    world.finish();
}

#[test]
fn a_refused_head_says_why() {
    let world = world!().with_key();
    let agent = world.agent();
    let call = ["call", "HEAD", &world.url("evil.test/"), "--json"];
    let error = agent.withheld(&call).fails(4).document()["error"].clone();
    assert_eq!(
        (&error["code"], &error["type"]),
        (&json!("host_denied"), &json!("withheld_refusal"))
    );
    assert_eq!(
        error["message"],
        "Withheld did not send this request: `evil.test` is not allowed for `local`."
    );
    assert_eq!(error["retry"], "after_owner");
    world.finish();
}

#[test]
fn why_leads_to_no_why() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("evil.test/");
    agent.withheld(&["call", &url]).fails(4);
    for why in [
        &["why", "GET", &url, "--json"][..],
        &["why", "--last", "--json"],
    ] {
        let said = agent.withheld(why).run().exits(1).document()["data"].clone();
        let said = if said["last"].is_object() {
            &said["last"]
        } else {
            &said
        };
        assert_eq!(said["hint"], "see what you may use: withheld status");
        let status = json!([{"who": "agent", "argv": ["withheld", "status"]}]);
        assert_eq!(said["next"], status);
    }
    world.finish();
}

#[test]
fn an_agent_sees_no_act_of_the_owner() {
    let world = world!().with_key();
    let agent = world.agent_named("codex", &["--grant", "KEY"]);
    agent
        .withheld(&["call", &world.url("api.test/v1/x"), "--secret", "KEY"])
        .succeeds();
    let said = agent.withheld(&["audit", "--json"]).succeeds().document();
    let records = said["data"]["records"].as_array().unwrap();
    assert!(
        records.iter().all(|record| record["kind"] != "owner"),
        "{said}"
    );
    assert!(
        records.iter().any(|record| record["kind"] == "request"),
        "{said}"
    );
    // The owner finds it by the agent's name as before.
    let all = world.records(&["--agent", "codex"]);
    assert!(
        all.iter().any(|record| record["act"] == "agent_add"),
        "{all:?}"
    );
    world.finish();
}
