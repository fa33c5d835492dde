//! The real Secret Service: gnome-keyring under a bus of the test's own.

use withheld_testkit::{Command, Keyring, Mood, World};

use crate::common::BINARY;

/// A world without a vault, and a keyring in this mood; nothing where this machine has none.
fn with_keyring(mood: Mood) -> Option<(World, Keyring)> {
    match Keyring::start(mood) {
        Ok(keyring) => Some((World::without_vault(BINARY)?, keyring)),
        Err(why) => {
            withheld_testkit::skip(&why);
            None
        }
    }
}

/// A command that finds the keyring.
fn beside(keyring: &Keyring, command: Command) -> Command {
    keyring
        .variables()
        .into_iter()
        .fold(command, |command, (name, value)| command.env(name, value))
}

#[test]
fn what_rests_in_the_keyring_opens_nothing() {
    let Some((world, keyring)) = with_keyring(Mood::Open) else {
        return;
    };
    let owner = |arguments: &[&str]| beside(&keyring, world.owner(arguments));
    owner(&["init", "--vault", "keychain", "--no-input"]).succeeds();
    owner(&["set", "KEY", "--stdin", "--no-input"])
        .typing(world.canaries.plain.bytes())
        .succeeds();
    let items = |when: &str| {
        let found = keyring
            .secret_tool(&["search", "--all", "service", "withheld"])
            .unwrap();
        world.saw(format!("secret-tool, {when}"), found.clone());
        String::from_utf8_lossy(&found)
            .lines()
            .filter(|line| line.starts_with('['))
            .count()
    };
    let shown = keyring.secret_tool(&["search", "--all", "--unlock", "service", "withheld"]);
    let with = items("stored");
    let shown = format!("{shown:?}");
    assert!(with >= 1, "no item in the keyring: {shown}");
    assert!(
        !world
            .home()
            .join("vault/items")
            .read_dir()
            .is_ok_and(|mut items| items.next().is_some())
    );
    owner(&[
        "bind",
        "KEY",
        "--host",
        &world.host_port("api.test"),
        "--private",
        "--no-input",
        "--ca",
    ])
    .arg(world.ca_file())
    .succeeds();
    owner(&["daemon", "stop"]).succeeds();
    owner(&["unlock", "--no-input"]).succeeds();
    let agent = world.agent();
    agent
        .call("GET", &world.url("api.test/"))
        .secret("KEY")
        .send()
        .is(200);
    owner(&["rm", "KEY", "--no-input"]).succeeds();
    assert!(items("removed") < with, "the item is still there");
    eprintln!("secret service: item there, opens nothing, gone after rm");
    world.finish();
}

/// One named error with its hint, and no file.
fn refused(mood: Mood, what: &str) {
    let Some((world, keyring)) = with_keyring(mood) else {
        return;
    };
    let ran = beside(
        &keyring,
        world.owner(&["init", "--vault", "keychain", "--no-input"]),
    )
    .fails(6);
    eprintln!("secret service, {what}:\n{}", ran.errors());
    beside(
        &keyring,
        world.owner(&["init", "--vault", "keychain", "--no-input", "--json"]),
    )
    .fails(6)
    .says("keychain_unavailable");
    for name in ["policy", "vault/key", "vault/index"] {
        assert!(!world.home().join(name).exists(), "{name} was written");
    }
    world.finish();
}

#[test]
fn a_bus_without_a_keyring() {
    refused(Mood::Missing, "no keyring on the bus");
}

#[test]
fn a_locked_keyring() {
    refused(Mood::Locked, "locked");
}

#[test]
fn a_silent_keyring() {
    refused(Mood::Silent, "silent");
}
