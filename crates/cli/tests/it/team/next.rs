//! What somebody of a team types next: `status` and `push` name what only its name removes, what nobody
//! verified is not claimed, and what the team would lose is refused.

use withheld_testkit::World;
use withheld_testkit::serde_json::{Value, json};

use super::drift::two;
use super::two::{Two, asked, away, invite, is, named, told};

/// The commands that `status` says come next.
fn next(world: &World) -> Vec<Value> {
    let next = world.status()["next"].clone();
    let next = next.as_array().unwrap().iter();
    next.map(|step| step["argv"].clone()).collect()
}

fn removed(two: &Two, name: &str) {
    let rm = two.lead.owner(&["rm", name, "--no-input"]);
    rm.succeeds();
}

#[test]
fn what_was_removed_here_goes_for_the_team_by_its_name() {
    let mut two = two!();
    let other = two.value();
    two.lead.set("OTHER_KEY", &other);
    two.push();
    removed(&two, "KEY");
    is(&two.lead, "KEY", "ahead", Value::Null, json!(1));
    let push = json!(["withheld", "push", "KEY", "-e", "default/dev"]);
    assert_eq!(next(&two.lead), [push]);
    let diff = two.lead.user_runs(&["diff"]).succeeds().text();
    let row = "KEY   ahead  none  1 ";
    assert!(diff.contains(row), "{diff}");

    let all = two.lead.user_runs(&["push"]).succeeds().text();
    assert_eq!(
        all,
        "KEY was removed here: withheld push KEY -e default/dev removes it for the team, withheld pull KEY --take remote -e default/dev brings it back.\n"
    );
    is(&two.newdev, "KEY", "in-sync", json!(1), json!(1));
    asked(
        &two.lead,
        &["pull", "KEY", "--take", "remote", "-e", "default/dev"],
    );
    is(&two.lead, "KEY", "in-sync", json!(1), json!(1));
    removed(&two, "KEY");
    assert_eq!(asked(&two.lead, &["push"])["removed_here"], json!(["KEY"]));
    let pushed = asked(&two.lead, &["push", "KEY", "-e", "default/dev"]);
    assert_eq!(
        (&pushed["removed"], &pushed["removed_here"]),
        (&json!(["KEY"]), &json!([]))
    );
    is(&two.newdev, "KEY", "behind", json!(1), json!(2));
    let nowhere = told(&two.lead, &["diff", "-e", "prod"]).fails(3);
    nowhere.says("not_found");
    two.finish();
}

#[test]
fn what_nobody_verified_is_not_claimed() {
    let mut two = two!();
    // A locked vault knows that there is a team, and not what it has.
    two.newdev.owner(&["lock"]).succeeds();
    let unknown = |world: &World, fault: &str| {
        let status = world.status();
        let key = named(&status["secrets"], "KEY");
        assert_eq!(status["project"]["workspace"], Value::Null, "{status}");
        assert_eq!(key["state"], "unverified", "{status}");
        assert_eq!(status["verified"], false, "{status}");
        assert_eq!(status["fault"]["code"], fault, "{status}");
        key["use"].clone()
    };
    let locked = unknown(&two.newdev, "vault_locked");
    away(&two.newdev);
    assert_eq!(unknown(&two.newdev, "broker_down"), locked);
    two.newdev.owner(&["unlock", "--no-input"]).succeeds();

    // A server that does not answer is named, with what to type, wherever the team is shown.
    away(&two.lead);
    two.post.server.stop();
    let status = two.newdev.status();
    assert_eq!(status["fault"]["code"], "server_unreachable", "{status}");
    assert_eq!(status["next"][0]["why"], "server_unreachable", "{status}");
    assert!(status["as_of"]["age_s"].is_u64(), "{status}");
    for words in [&["diff"][..], &["team", "members"]] {
        let said = two.newdev.user_runs(words).succeeds().text();
        assert!(said.contains("\n  cause: "), "{said}");
        assert!(said.contains("\n  hint: "), "{said}");
        let fault = asked(&two.newdev, words)["fault"]["code"].clone();
        assert_eq!(fault, "server_unreachable");
    }
    two.lead.finish();
    two.newdev.finish();
}

#[test]
fn what_a_change_of_people_leaves_to_do_is_said() {
    let two = two!();
    let team = |words: &[&str]| {
        let words = [&["team"], words, &["--no-input", "--json"]].concat();
        two.lead.owner(&words)
    };
    let set = team(&["set", "newdev", "--role", "admin"])
        .succeeds()
        .data();
    let write = json!([{"environment": "default/dev", "right": "write"}]);
    assert_eq!((&set["role"], &set["to"]), (&json!("admin"), &write));
    let log = asked(&two.lead, &["team", "log"]);
    let entries = log["entries"].as_array().unwrap();
    let last = entries.last().unwrap();
    assert_eq!(
        (&last["what"], &last["role"]),
        (&json!("role_set"), &json!("admin"))
    );
    assert!(entries.iter().all(|one| one["what"].is_string()), "{log}");

    invite(&two.lead, "guest", &["dev:read"]);
    let unborn = team(&["remove", "guest"]).fails(3).document();
    let message = unborn["error"]["message"].as_str().unwrap();
    assert!(message.contains("`guest` is invited until "), "{unborn}");

    let removed = team(&["remove", "newdev"]).succeeds().data();
    assert_eq!(removed["secrets"], 1, "{removed}");
    // Now nobody else may write.
    team(&["set", "lead", "--to", "dev:none"])
        .fails(2)
        .says("usage");
    let rotate = json!(["withheld", "set", "KEY", "-e", "default/dev"]);
    assert_eq!(next(&two.lead), [rotate]);
    let members = asked(&two.lead, &["team", "members"]);
    let left = &members["rotate"][0];
    assert_eq!(
        (&left["name"], &left["could_read"]),
        (&json!("KEY"), &json!(["newdev"]))
    );
    let text = two.lead.user_runs(&["status"]).succeeds().text();
    let words = "Look at  KEY (rotate it: a removed member could read it)";
    assert!(text.contains(words), "{text}");

    // The removed one is told, and what is here stays.
    let status = two.newdev.status();
    assert_eq!(status["fault"]["code"], "unknown_caller", "{status}");
    let step = json!(["withheld", "team", "members"]);
    assert_eq!(status["next"][0]["argv"], step, "{status}");
    two.lead.finish();
    two.newdev.finish();
}

#[test]
fn a_binding_that_was_taken_away_here_is_not_offered_first() {
    let two = two!();
    let host = two.lead.host_port("api.test");
    two.lead
        .owner(&["bind", "KEY", "--remove", &host, "--no-input"])
        .succeeds();
    // What the owner took away does not wait for the owner.
    assert_eq!(two.lead.status()["waiting"], json!([]));
    assert_eq!(
        next(&two.lead),
        [json!(["withheld", "push", "-e", "default/dev"])]
    );
    two.push();
    assert_eq!(two.lead.status()["waiting"], json!([]));
    two.finish();
}

/// Each of them lets in what the owner did not mean to accept along with the others.
#[test]
fn what_asks_for_more_than_places_is_accepted_by_itself() {
    let mut two = two!();
    for name in ["FIRST", "SECOND"] {
        let value = two.value();
        two.lead.set(name, &value);
        let host = format!("{}.test", name.to_lowercase());
        let bind = ["bind", name, "--no-input", "--host", &host];
        two.lead.owner(&bind).succeeds();
    }
    let other = two.value();
    two.lead.set("THIRD", &other);
    two.lead.bind("THIRD", "api.test/v1", &[]);
    two.push();
    asked(&two.newdev, &["pull"]);
    let status = two.newdev.status();
    let id = |name: &str| {
        let waiting = status["waiting"].as_array().unwrap().iter();
        let mut waiting = waiting.filter(|one| one["secret"] == name);
        waiting.next().unwrap()["id"].clone()
    };
    let steps = next(&two.newdev);
    assert!(steps.contains(&json!(["withheld", "approve", id("THIRD")])));
    let plain = steps
        .iter()
        .find(|step| step.as_array().unwrap().len() == 4);
    let plain = plain.unwrap().as_array().unwrap();
    assert!(plain.contains(&id("FIRST")) && plain.contains(&id("SECOND")));
    // An agent that is refused for it is told the same, and no command that would bind it elsewhere.
    let url = two.lead.url("api.test/v1/x");
    let words = json!(["withheld", "approve", id("THIRD")]);
    let hint = format!(
        "have the owner look at what waits: withheld approve {}",
        id("THIRD").as_str().unwrap()
    );
    let call = ["call", &url, "--secret", "THIRD", "--json"];
    let call = two.newdev.user_runs(&call).fails(4).document();
    let why = ["why", "GET", &url, "--secret", "THIRD", "--json"];
    let why = two.newdev.user_runs(&why).run().exits(1).document();
    for said in [&call["error"], &why["data"]] {
        assert_eq!(
            (&said["code"], &said["hint"]),
            (&json!("no_binding"), &json!(hint))
        );
        assert_eq!(said["next"], json!([{"who": "owner", "argv": words}]));
    }
    two.finish();
}

#[test]
fn who_may_not_read_an_environment_waits_for_no_key() {
    let mut two = two!();
    let value = two.value();
    let set = ["set", "PROD_KEY", "-e", "prod", "--stdin", "--no-input"];
    two.lead.owner(&set).typing(value.bytes()).succeeds();
    two.lead
        .owner(&["push", "-e", "prod", "--no-input"])
        .succeeds();
    let diff = asked(&two.newdev, &["diff", "-e", "prod"]);
    assert_eq!(diff["fault"]["code"], "no_grant");
    assert_eq!(
        diff["fault"]["message"],
        "the owner of this device may not read `default/prod`"
    );
    two.finish();
}

#[test]
fn a_name_of_the_team_is_given_once_and_a_team_founded_once() {
    let two = two!();
    let team = |words: &[&str]| {
        two.lead
            .owner(&[&["team"], words, &["--no-input"]].concat())
    };
    let taken = team(&["invite", "newdev", "--to", "dev:read", "--json"]);
    taken.fails(7).says("conflict");
    let first = team(&["invite", "zed", "--to", "dev:read"]).succeeds();
    assert!(!first.errors().contains("note:"), "{first}");
    let second = team(&["invite", "zed", "--to", "dev:read"]).succeeds();
    let note = "note: zed is invited already, until ";
    assert!(second.errors().contains(note), "{second}");
    // The file of the token is gone, as after every founding.
    let url = two.post.tap.url();
    let create = ["create", "again", "--server", &url, "--token-file", "none"];
    let again = team(&create).fails(7);
    let why = "error: this installation belongs to a team already\n";
    assert!(again.errors().contains(why), "{again}");
    two.finish();
}
