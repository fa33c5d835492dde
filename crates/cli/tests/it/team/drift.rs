//! Each drift state, as `diff --json` and `status --json` say it, and the exit status of `--exit-code`.

use std::sync::{Mutex, mpsc};

use withheld_testkit::Changed;
use withheld_testkit::serde_json::{Value, json};

use super::two::{Two, asked, away, diff_exits, is, named, told};

/// Two members in sync; the test ends where this machine cannot hold them.
macro_rules! two {
    () => {
        match super::two::Two::new() {
            Some(two) => two,
            None => return,
        }
    };
}
pub(super) use two;

/// The commands that `status` says come next, without who and why.
fn next(two: &Two) -> Vec<Value> {
    let next = two.newdev.status()["next"].clone();
    let next = next.as_array().unwrap().iter();
    next.map(|step| step["argv"].clone()).collect()
}

#[test]
fn in_sync() {
    let two = two!();
    for world in [&two.lead, &two.newdev] {
        is(world, "KEY", "in-sync", json!(1), json!(1));
        let diff = diff_exits(world, 0).data();
        assert_eq!(
            (&diff["verified"], &diff["environment"]),
            (&json!(true), &json!("default/dev"))
        );
        let row = named(&diff["secrets"], "KEY");
        assert_eq!(
            (&row["changed_by"], &row["flags"]),
            (&json!("lead"), &json!([]))
        );
        assert!(row["changed_at"].is_string());
    }
    assert!(next(&two).is_empty());
    for verb in ["pull", "push"] {
        let ran = two.newdev.user_runs(&[verb]).succeeds();
        assert!(
            ran.text()
                .starts_with("Current. 1 secret, default/dev at 1, seen "),
            "{ran}"
        );
    }
    two.finish();
}

#[test]
fn behind() {
    let mut two = two!();
    let agent = two.agent();
    let before = two.key.clone();
    let value = two.rotate();
    is(&two.newdev, "KEY", "behind", json!(1), json!(2));
    diff_exits(&two.newdev, 1);
    assert_eq!(
        next(&two),
        [json!(["withheld", "pull", "-e", "default/dev"])]
    );
    // What is here stays in use until it is pulled.
    two.arrives(&agent, &before);
    let ran = two.newdev.user_runs(&["pull"]).succeeds();
    assert!(
        ran.text()
            .starts_with("Pulled 1 of 1: KEY 2. default/dev is current ("),
        "{ran}"
    );
    is(&two.newdev, "KEY", "in-sync", json!(2), json!(2));
    two.arrives(&agent, &value);
    // A deletion is a version like any other.
    two.lead.owner(&["rm", "KEY", "--no-input"]).succeeds();
    // Only by its name is it taken from the others as well.
    assert_eq!(two.push()["removed"], json!([]));
    assert_eq!(
        asked(&two.lead, &["push", "KEY"])["removed"],
        json!(["KEY"])
    );
    is(&two.newdev, "KEY", "behind", json!(2), json!(3));
    assert_eq!(asked(&two.newdev, &["pull"])["removed"], json!(["KEY"]));
    // Both logs have it: whence it was taken, and by which way; what is about to be done stands first.
    for (world, begun, acts) in [
        (&two.lead, "pushing", ["pushed", "pushed", "withdrawn"]),
        (&two.newdev, "pulling", ["pulled", "pulled", "removed"]),
    ] {
        let mut records = world.records(&[]);
        records.retain(|record| record["kind"] == "sync");
        let said: Vec<_> = records.iter().map(|record| &record["act"]).collect();
        let acts = acts.map(|act| [begun, act]);
        assert_eq!(said, acts.as_flattened());
        for record in &records {
            assert_eq!(record["secrets"], json!(["KEY"]), "{record}");
        }
    }
    assert_eq!(asked(&two.newdev, &["diff"])["secrets"], json!([]));
    two.finish();
}

#[test]
fn ahead() {
    let mut two = two!();
    let value = two.value();
    two.newdev.set("KEY", &value);
    is(&two.newdev, "KEY", "ahead", json!(1), json!(1));
    diff_exits(&two.newdev, 1);
    is(&two.lead, "KEY", "in-sync", json!(1), json!(1));
    let pushed = asked(&two.newdev, &["push"]);
    assert_eq!(pushed["pushed"], json!([{"name": "KEY", "version": 2}]));
    is(&two.newdev, "KEY", "in-sync", json!(2), json!(2));
    is(&two.lead, "KEY", "behind", json!(1), json!(2));
    let row = named(&asked(&two.lead, &["diff"])["secrets"], "KEY");
    assert_eq!(row["changed_by"], "newdev");
    two.finish();
}

#[test]
fn diverged() {
    let mut two = two!();
    let agent = two.agent();
    let theirs = two.rotate();
    let ours = two.value();
    two.newdev.set("KEY", &ours);
    is(&two.newdev, "KEY", "diverged", json!(1), json!(2));
    diff_exits(&two.newdev, 1);
    for verb in ["pull", "push"] {
        let ran = told(&two.newdev, &[verb]).fails(7).says("conflict");
        let error = &ran.document()["error"];
        assert_eq!(error["facts"]["diverged"], json!(["KEY"]), "{ran}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("withheld pull KEY --take remote"), "{ran}");
        assert!(hint.contains("withheld push KEY --take local"), "{ran}");
    }
    is(&two.newdev, "KEY", "diverged", json!(1), json!(2));
    two.arrives(&agent, &ours);
    asked(&two.newdev, &["pull", "KEY", "--take", "remote"]);
    is(&two.newdev, "KEY", "in-sync", json!(2), json!(2));
    two.arrives(&agent, &theirs);
    // The other way.
    let ours = two.value();
    two.newdev.set("KEY", &ours);
    two.rotate();
    is(&two.newdev, "KEY", "diverged", json!(2), json!(3));
    asked(&two.newdev, &["push", "KEY", "--take", "local"]);
    is(&two.newdev, "KEY", "in-sync", json!(4), json!(4));
    is(&two.lead, "KEY", "behind", json!(3), json!(4));
    two.arrives(&agent, &ours);
    // The same value on both sides is no conflict.
    let same = two.value();
    two.lead.user_runs(&["pull"]).succeeds();
    two.lead.set("KEY", &same);
    two.newdev.set("KEY", &same);
    two.push();
    asked(&two.newdev, &["pull"]);
    is(&two.newdev, "KEY", "in-sync", json!(5), json!(5));
    two.finish();
}

#[test]
fn local_only() {
    let mut two = two!();
    let value = two.value();
    two.newdev.set("OWN_KEY", &value);
    is(
        &two.newdev,
        "OWN_KEY",
        "local-only",
        Value::Null,
        Value::Null,
    );
    diff_exits(&two.newdev, 1);
    let secrets = asked(&two.lead, &["diff"])["secrets"].clone();
    assert_eq!(secrets.as_array().unwrap().len(), 1, "{secrets}");
    // It is pushed when that is asked for, and a pull leaves it alone.
    asked(&two.newdev, &["pull"]);
    is(
        &two.newdev,
        "OWN_KEY",
        "local-only",
        Value::Null,
        Value::Null,
    );
    asked(&two.newdev, &["push", "OWN_KEY"]);
    is(&two.newdev, "OWN_KEY", "in-sync", json!(1), json!(1));
    two.finish();
}

#[test]
fn remote_only() {
    let mut two = two!();
    let value = two.value();
    two.lead.set("NEW_KEY", &value);
    two.push();
    is(&two.newdev, "NEW_KEY", "remote-only", Value::Null, json!(1));
    is(&two.newdev, "KEY", "in-sync", json!(1), json!(1));
    diff_exits(&two.newdev, 1);
    let pulled = asked(&two.newdev, &["pull", "NEW_KEY"]);
    assert_eq!(pulled["pulled"], json!([{"name": "NEW_KEY", "version": 1}]));
    is(&two.newdev, "NEW_KEY", "in-sync", json!(1), json!(1));
    diff_exits(&two.newdev, 0);
    two.finish();
}

#[test]
fn unverified() {
    let two = two!();
    let agent = two.agent();
    // A new key, and the server keeps it to itself.
    for right in ["none", "write"] {
        let to = format!("dev:{right}");
        two.lead
            .owner(&["team", "set", "newdev", "--no-input", "--to", &to])
            .succeeds();
    }
    two.post
        .tap
        .script(super::script::on("GET", "/envelopes", |page| {
            page["envelopes"] = json!([]);
        }));
    is(&two.newdev, "KEY", "unverified", json!(1), json!(1));
    assert_eq!(diff_exits(&two.newdev, 6).data()["verified"], json!(false));
    told(&two.newdev, &["pull"]).fails(6).says("unverified");
    two.arrives(&agent, &two.key);
    two.post.tap.honest();
    asked(&two.newdev, &["pull"]);
    is(&two.newdev, "KEY", "in-sync", json!(1), json!(1));
    diff_exits(&two.newdev, 0);
    two.finish();
}

/// The server keeps back what is new, and says for ever that nothing is. Its word is fresh; what somebody
/// signed is as old as it is.
#[test]
fn a_freeze_shows_as_age() {
    let mut two = two!();
    let signed = |two: &Two| {
        let diff = asked(&two.newdev, &["diff"]);
        let as_of = &diff["as_of"];
        assert_eq!(diff["verified"], true, "{diff}");
        assert!(as_of["age_s"].as_u64().unwrap() < 60, "{diff}");
        let status = two.newdev.status();
        assert_eq!(status["as_of"]["signed_at"], as_of["signed_at"]);
        as_of["signed_at"].as_str().unwrap().to_owned()
    };
    let before = signed(&two);
    two.post.tap.script(|exchange| {
        let nothing_new = || Changed::bytes(304, "application/json", "");
        exchange.is("GET", "/heads").then(nothing_new)
    });
    two.rotate();
    is(&two.newdev, "KEY", "in-sync", json!(1), json!(1));
    assert_eq!(signed(&two), before);
    let text = two.newdev.user_runs(&["diff"]).succeeds().text();
    assert!(text.contains("\nNewest change signed "), "{text}");
    two.post.tap.honest();
    is(&two.newdev, "KEY", "behind", json!(1), json!(2));
    assert!(signed(&two) > before);
    two.finish();
}

/// Whoever looks at the values waits for nobody who waits for the server.
#[test]
fn a_deep_look_does_not_wait_for_a_server_that_stalls() {
    let two = two!();
    let same = two.key.clone();
    two.newdev.set("KEY", &same);
    is(&two.newdev, "KEY", "ahead", json!(1), json!(1));
    away(&two.lead);
    let (go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    two.post.tap.take();
    two.post.tap.script(move |exchange| {
        if exchange.is("GET", "/heads") {
            let _ = held.lock().unwrap().recv();
        }
        None
    });
    is(&two.newdev, "KEY", "unverified", json!(1), json!(1));
    let deep = asked(&two.newdev, &["diff", "--deep"]);
    assert_eq!(deep["verified"], false, "{deep}");
    let asked_once = two.post.tap.seen();
    assert_eq!(asked_once.len(), 1, "all of it in one look at the server");
    two.post.tap.honest();
    drop(go);
    // What was seen of the value is known from then on.
    asked(&two.newdev, &["diff", "--deep"]);
    is(&two.newdev, "KEY", "in-sync", json!(1), json!(1));
    two.finish();
}
