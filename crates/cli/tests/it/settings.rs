//! `withheld config`: what the owner sets, and how it is taken back.

use std::fs;

use withheld_testkit::World;
use withheld_testkit::serde_json::{Value, json};

use crate::common::world;

fn setting(world: &World, key: &str) -> Value {
    let ran = world.user_runs(&["config", key, "--json"]).succeeds();
    ran.data()["settings"][key].clone()
}

fn set(world: &World, key: &str, value: &str) {
    let ran = world.owner(&["config", key, value, "--no-input", "--json"]);
    ran.succeeds();
}

#[test]
fn config_auto_pull_is_one_of_three_words_and_needs_the_owner() {
    let world = world!();
    assert_eq!(setting(&world, "auto-pull"), Value::Null);
    for word in ["ask", "never", "verified"] {
        set(&world, "auto-pull", word);
        assert_eq!(setting(&world, "auto-pull"), word);
    }
    let wrong = world.owner(&["config", "auto-pull", "always", "--no-input", "--json"]);
    wrong.fails(2).says("usage");
    let agent = world.agent();
    let agents = agent.withheld(&["config", "auto-pull", "never", "--no-input", "--json"]);
    agents.fails(5).says("owner_needed");
    let unproven = world.user_runs(&["config", "auto-pull", "never", "--no-input", "--json"]);
    unproven.fails(5).says("owner_needed");
    assert_eq!(setting(&world, "auto-pull"), "verified");
    set(&world, "auto-pull", "");
    assert_eq!(setting(&world, "auto-pull"), Value::Null);
    world.finish();
}

#[test]
fn config_extra_ca_copies_the_certificates() {
    let world = world!();
    let pem = fs::read_to_string(world.ca_file()).unwrap();
    let file = world.folder().join("roots.pem");
    let name = file.to_str().unwrap();
    let refused = |text: &str, code: &str| {
        fs::write(&file, text).unwrap();
        let ran = world.owner(&["config", "extra-ca", name, "--no-input", "--json"]);
        let ran = ran.fails(2).says(code);
        assert!(
            ran.text().contains("withheld config extra-ca FILE"),
            "{ran}"
        );
        assert_eq!(setting(&world, "extra-ca"), Value::Null);
    };
    refused("no certificates\n", "usage");
    let key = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";
    refused(&format!("{pem}{key}"), "usage");
    let broken = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    refused(&format!("{pem}{broken}"), "config_invalid");

    fs::write(&file, &pem).unwrap();
    set(&world, "extra-ca", name);
    assert_eq!(setting(&world, "extra-ca"), "1 certificate");
    fs::write(&file, format!("{pem}{pem}")).unwrap();
    assert_eq!(setting(&world, "extra-ca"), "1 certificate");
    set(&world, "extra-ca", name);
    fs::remove_file(&file).unwrap();
    // It is the home's own now, and a broker that starts reads it there.
    world.owner(&["daemon", "stop"]).succeeds();
    world.owner(&["unlock", "--no-input"]).succeeds();
    assert_eq!(setting(&world, "extra-ca"), "2 certificates");
    let all = world.user_runs(&["config", "--json"]).succeeds().data();
    let expected = json!({"listen": null, "audit-durability": null, "extra-ca": "2 certificates", "auto-pull": null});
    assert_eq!(all["settings"], expected);
    set(&world, "extra-ca", "");
    assert_eq!(setting(&world, "extra-ca"), Value::Null);
    world.finish();
}

#[test]
fn config_every_setting_goes_back_to_its_default() {
    let world = world!();
    for (key, value) in [("listen", "127.0.0.1:7799"), ("audit-durability", "power")] {
        set(&world, key, value);
        assert_eq!(setting(&world, key), value);
        set(&world, key, "");
        assert_eq!(setting(&world, key), Value::Null);
    }
    world.owner(&["daemon", "stop"]).succeeds();
    world.owner(&["unlock", "--no-input"]).succeeds();
    world.finish();
}
