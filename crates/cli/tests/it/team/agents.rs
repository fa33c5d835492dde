//! What an agent may carry between the two sides, and what only the owner decides: which secrets the team
//! gets to see, which side is right, and what a colleague's binding may do.

use withheld_testkit::World;
use withheld_testkit::serde_json::{Value, json};

use super::drift::two;
use super::two::{Post, Two, asked, found, fresh, invite, is, join, stands};
use crate::common::BINARY;

/// Made with: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=example
const PEM: &str = "\
-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUIxZgB/Y0PDE7V7VK8ZVIe/SAYWgwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjYwNzMxNDdaGA8yMTI2MTEwMjA3
MzE0N1owEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABA4iUlK1+Eo5afJVU2Ixi56JpBKJ+foYw828nfLUWqXQsc56x4WmW1d0NGPl
a5W1aGXdqMz2en2ItT7iRcBhY9yjUzBRMB0GA1UdDgQWBBQfYfJiTv0qnrJGJnjR
kqkIBJutvzAfBgNVHSMEGDAWgBQfYfJiTv0qnrJGJnjRkqkIBJutvzAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIGSJCtivhGjOktQNYgRCjO+WlXxL
N0o/etDdSvboCu5iAiAg/iY+yw+Q+gKJhA1GUEZRDUZA2dmEiwO9sZ76xOY1kg==
-----END CERTIFICATE-----
";
/// By: openssl x509 -noout -fingerprint -sha256
const FINGERPRINT: &str = "e8485aee39db2934f61616deaa062935198ed7bd8ef8cba626d56a53b3eea1bc";

/// What an agent of the second member is told.
#[track_caller]
fn told(two: &Two, arguments: &[&str]) -> Value {
    let agent = two.agent();
    let ran = agent.withheld(arguments).arg("--json").succeeds();
    ran.data()
}

/// An agent of the second member is told that this is the owner's. The hint.
#[track_caller]
fn refused(two: &Two, arguments: &[&str]) -> String {
    let agent = two.agent();
    let ran = agent.withheld(arguments).arg("--json").fails(5);
    let ran = ran.says("owner_needed");
    let hint = ran.document()["error"]["hint"].clone();
    hint.as_str().unwrap().to_owned()
}

/// Since the last look, nobody gave the server anything to keep.
#[track_caller]
fn is_told_nothing(two: &Two) {
    let seen = two.post.tap.take();
    let commits: Vec<_> = seen
        .iter()
        .filter(|one| one.is("POST", "/commits") || one.is("POST", "/links"))
        .map(|one| &one.path)
        .collect();
    assert!(commits.is_empty(), "{commits:?}");
}

#[test]
fn an_agent_shows_the_team_no_secret_for_the_first_time() {
    let mut two = two!();
    let (own, newer) = (two.value(), two.value());
    two.newdev.set("OWN_KEY", &own);
    two.post.tap.take();
    let hint = refused(&two, &["push", "OWN_KEY"]);
    assert!(
        hint.contains("withheld push OWN_KEY -e default/dev"),
        "{hint}"
    );
    refused(&two, &["push", "KEY", "OWN_KEY"]);
    refused(&two, &["push", "NO_SUCH_KEY"]);
    assert_eq!(told(&two, &["push"])["pushed"], json!([]));
    is_told_nothing(&two);
    assert_eq!(stands(&two.newdev, "OWN_KEY").0, "local-only");
    // A new version of what the team has goes, and nothing beside it.
    two.newdev.set("KEY", &newer);
    let pushed = json!([{"name": "KEY", "version": 2}]);
    assert_eq!(told(&two, &["push"])["pushed"], pushed);
    is(&two.lead, "KEY", "behind", json!(1), json!(2));
    let secrets = asked(&two.lead, &["diff"])["secrets"].clone();
    assert_eq!(secrets.as_array().unwrap().len(), 1, "{secrets}");
    two.newdev.set("KEY", &own);
    let pushed = json!([{"name": "KEY", "version": 3}]);
    assert_eq!(told(&two, &["push", "KEY"])["pushed"], pushed);
    // The owner does show it.
    let pushed = json!([{"name": "OWN_KEY", "version": 1}]);
    assert_eq!(asked(&two.newdev, &["push", "OWN_KEY"])["pushed"], pushed);
    two.finish();
}

#[test]
fn an_agent_takes_nothing_from_the_team() {
    let two = two!();
    two.newdev.owner(&["rm", "KEY", "--no-input"]).succeeds();
    two.post.tap.take();
    refused(&two, &["push", "KEY"]);
    assert_eq!(told(&two, &["push"])["removed"], json!([]));
    is_told_nothing(&two);
    is(&two.lead, "KEY", "in-sync", json!(1), json!(1));
    assert_eq!(
        asked(&two.newdev, &["push", "KEY"])["removed"],
        json!(["KEY"])
    );
    two.finish();
}

#[test]
fn an_agent_does_not_say_which_side_is_right() {
    let mut two = two!();
    two.rotate();
    let ours = two.value();
    two.newdev.set("KEY", &ours);
    two.post.tap.take();
    for way in [["pull", "remote"], ["push", "local"]] {
        let [verb, side] = way;
        refused(&two, &[verb, "KEY", "--take", side]);
        refused(&two, &[verb, "--take", side]);
        let agent = two.agent();
        agent
            .withheld(&[verb, "KEY", "--json"])
            .fails(7)
            .says("conflict");
    }
    is_told_nothing(&two);
    is(&two.newdev, "KEY", "diverged", json!(1), json!(2));
    asked(&two.newdev, &["push", "KEY", "--take", "local"]);
    two.finish();
}

/// Certificates that stand in the system's place are seen before they are accepted, and what they
/// stand for is in the log.
#[test]
fn z11_cli_approve_shows_whose_certificates_would_be_trusted() {
    let two = two!();
    let file = two.lead.folder().join("other-ca.pem");
    std::fs::write(&file, PEM).unwrap();
    let host = two.lead.host_port("other.test");
    let bind = ["bind", "KEY", "--host", &host, "--inject", "bearer"];
    two.lead
        .owner(&bind)
        .args(&["--private", "--no-input", "--ca"])
        .arg(&file)
        .succeeds();
    two.push();
    asked(&two.newdev, &["pull"]);
    let waiting = asked(&two.newdev, &["pending"])["waiting"].clone();
    let id = waiting[0]["id"].as_str().unwrap();
    let uses = waiting[0]["use"].as_array().unwrap();
    let by_host = |host: &str| uses.iter().find(|one| one["host"] == host).unwrap();
    let other = by_host("other.test");
    assert_eq!(
        (&other["ca"], &other["private"], &other["differs"]),
        (&json!([FINGERPRINT]), &json!(true), &Value::Null)
    );
    assert_eq!(by_host("api.test")["differs"], json!([]));
    let listed = two.newdev.user_runs(&["pending"]).succeeds().text();
    assert!(
        listed.contains("(certificates of its own, private addresses)"),
        "{listed}"
    );
    let approve = two.newdev.owner(&["approve", id, "--no-input"]);
    let shown = approve.succeeds().errors();
    for line in [
        format!("trusts certificates of its own instead of the system's: sha256 {FINGERPRINT}"),
        "may reach private addresses".to_owned(),
        "new: nothing is accepted here for this place".to_owned(),
    ] {
        assert!(
            shown.lines().any(|one| one.trim() == line),
            "{line}: {shown}"
        );
    }
    let records = two.newdev.records(&[]);
    let mut approved = records.iter().rev().filter(|one| one["act"] == "approve");
    let approved = approved.next().unwrap();
    assert_eq!(
        (&approved["environment"], &approved["secrets"]),
        (&json!("default/dev"), &json!(["KEY"]))
    );
    two.finish();
}

/// Nobody is there who could read it.
#[test]
fn a_join_without_questions_accepts_nothing() {
    let (Some(mut lead), Some(mut newdev)) = (World::new(BINARY), World::new(BINARY)) else {
        return;
    };
    let (post, value) = (Post::start(), fresh());
    lead.also_hide(&value);
    newdev.also_hide(&value);
    lead.set("KEY", &value);
    lead.bind("KEY", "api.test/v1", &["--inject", "bearer"]);
    found(&lead, &post);
    asked(&lead, &["push"]);
    let line = invite(&lead, "newdev", &["dev:read"]);
    assert_eq!(join(&newdev, &line)["accepted"], json!([]));
    asked(&newdev, &["pull"]);
    let waiting = asked(&newdev, &["pending"])["waiting"].clone();
    assert_eq!(waiting[0]["secret"], "KEY");
    assert!(waiting[0]["use"][0]["ca"].is_array(), "{waiting}");
    let agent = newdev.agent();
    agent
        .withheld(&["call", &lead.url("api.test/v1/x"), "--secret", "KEY"])
        .arg("--json")
        .fails(4)
        .says("no_binding");
    assert!(lead.api.seen().is_empty());
    post.verifies();
    lead.finish();
    newdev.finish();
}

/// What was allowed for a secret that is gone is not said of the next one of its name.
#[test]
fn z11_cli_bindings_of_a_removed_secret_do_not_come_back() {
    let mut two = two!();
    let (first, second) = (two.value(), two.value());
    two.lead.set("NEW_KEY", &first);
    two.lead
        .bind("NEW_KEY", "api.test/v1", &["--inject", "bearer"]);
    two.lead.owner(&["rm", "NEW_KEY", "--no-input"]).succeeds();
    two.lead.set("NEW_KEY", &second);
    two.push();
    let pulled = asked(&two.newdev, &["pull"]);
    assert_eq!(pulled["pulled"], json!([{"name": "NEW_KEY", "version": 1}]));
    assert_eq!(asked(&two.newdev, &["pending"])["waiting"], json!([]));
    two.finish();
}
