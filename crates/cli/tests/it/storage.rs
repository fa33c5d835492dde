//! K: what rests on the disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use withheld_testkit::World;

use crate::common::{arrived_once, value, world};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

/// Everything below the home, looked at after each kind of command: `finish` searches what was seen.
#[test]
fn k01_cli_no_value_in_any_file_at_any_time() {
    let mut world = world!();
    let second = value("a second version: u7Qz2Kp9Xw4Lt8Vn3Ry6");
    world.also_hide(&second);
    let look = |world: &World, when: &str| {
        for path in files(&world.home()) {
            world.saw(
                format!("{when}: {}", path.display()),
                fs::read(&path).unwrap_or_default(),
            );
        }
    };
    world.set("KEY", &world.canaries.plain.clone());
    look(&world, "set");
    world.set("KEY", &second);
    look(&world, "set again");
    world.bind("KEY", "api.test/v1", &[]);
    look(&world, "bound");
    let agent = world.agent();
    agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send()
        .is(200);
    look(&world, "called");
    world.owner(&["lock"]).succeeds();
    look(&world, "locked");
    world.owner(&["unlock", "--no-input"]).succeeds();
    world.owner(&["rm", "KEY", "--no-input"]).succeeds();
    look(&world, "removed");
    world.finish();
}

#[test]
fn k02_cli_a_damaged_store_is_told() {
    let world = world!().with_key();
    world.owner(&["daemon", "stop"]).succeeds();
    let home = world.home();
    let store: Vec<PathBuf> = files(&home)
        .into_iter()
        .filter(|path| path.starts_with(home.join("vault")))
        .collect();
    assert!(store.len() >= 3, "{store:?}");
    let mut told = 0;
    for path in &store {
        let good = fs::read(path).unwrap();
        let mut flipped = good.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        for broken in [flipped, good[..good.len() / 2].to_vec(), Vec::new()] {
            fs::write(path, &broken).unwrap();
            let ran = world.owner(&["unlock", "--no-input", "--json"]).run();
            if ran.code == Some(0) {
                // An item is looked at when its value is needed; the one of another value is not.
                let agent = world.agent();
                let reply = agent
                    .call("GET", &world.url("api.test/v1/x"))
                    .secret("KEY")
                    .send();
                if reply.code().is_some() {
                    reply.is_refused("store_corrupt");
                    told += 1;
                } else {
                    reply.is(200);
                    arrived_once(&world);
                }
                world.owner(&["daemon", "stop"]).succeeds();
            } else {
                let code = ran.document()["error"]["code"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                assert!(
                    [
                        "store_corrupt",
                        "wrong_passphrase",
                        "signature_invalid",
                        "rollback_detected"
                    ]
                    .contains(&code.as_str()),
                    "{}: {ran}",
                    path.display()
                );
                world.owner(&["daemon", "stop"]).run();
            }
        }
        fs::write(path, &good).unwrap();
    }
    assert!(told >= 3, "{told}");
    world.owner(&["unlock", "--no-input"]).succeeds();
    world
        .agent()
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send()
        .is(200);
    world.finish();
}

#[test]
fn k03_cli_a_copied_store_opens_for_its_passphrase_only() {
    let world = world!().with_key();
    let other = world.folder().join("other-passphrase");
    fs::write(&other, "not the passphrase of this vault").unwrap();
    let agent = world.agent();
    world.owner(&["lock"]).succeeds();
    world
        .owner(&["unlock", "--no-input", "--json"])
        .env("WITHHELD_PASSPHRASE_FILE", &other)
        .fails(5)
        .says("wrong_passphrase");
    world
        .owner(&["unlock", "--no-input", "--json"])
        .without("WITHHELD_PASSPHRASE_FILE")
        .fails(5)
        .says("owner_needed");
    agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send()
        .is_refused("vault_locked");
    assert!(world.api.seen().is_empty());
    world.finish();
}

#[test]
fn k04_cli_something_else_in_place_of_a_file() {
    let world = world!().with_key();
    world.owner(&["daemon", "stop"]).succeeds();
    let target = world.folder().join("target");
    fs::write(&target, "untouched").unwrap();
    for name in [
        "policy",
        "vault/key",
        "vault/index",
        "run/lock",
        "audit/anchor",
    ] {
        let path = world.home().join(name);
        let kept = path.with_extension("kept");
        fs::rename(&path, &kept).unwrap();
        symlink(&target, &path).unwrap();
        let ran = world.owner(&["unlock", "--no-input", "--json"]).run();
        assert!(matches!(ran.code, Some(2 | 8)), "{name}: {ran}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let ran = world.owner(&["unlock", "--no-input", "--json"]).run();
        assert!(matches!(ran.code, Some(2 | 8)), "{name}: {ran}");
        fs::remove_dir(&path).unwrap();
        fs::rename(&kept, &path).unwrap();
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
    world.owner(&["unlock", "--no-input"]).succeeds();
    world.finish();
}

#[test]
fn k05_cli_twenty_at_once() {
    let world = world!();
    world.owner(&["unlock", "--no-input"]).succeeds();
    let key = world.canaries.plain.clone();
    std::thread::scope(|scope| {
        for number in 0..20 {
            let (world, key) = (&world, &key);
            scope.spawn(move || {
                world
                    .owner(&["set", &format!("KEY_{number}"), "--stdin", "--no-input"])
                    .typing(key.bytes())
                    .succeeds();
            });
        }
    });
    let listed = world.owner(&["ls", "--json"]).succeeds().text();
    for number in 0..20 {
        assert!(
            listed.contains(&format!("\"KEY_{number}\"")),
            "{number}: {listed}"
        );
    }
    world.finish();
}

#[test]
fn k07_cli_without_a_keychain_nothing_weaker_is_chosen() {
    let Some(world) = World::without_vault(crate::common::BINARY) else {
        return;
    };
    for arguments in [
        &["init", "--no-input", "--json"][..],
        &["init", "--vault", "keychain", "--no-input", "--json"],
    ] {
        let ran = world.owner(arguments).fails(6).says("keychain_unavailable");
        assert!(ran.text().contains("--vault file"), "{ran}");
        assert!(!world.home().join("vault/key").exists());
        assert!(!world.home().join("policy").exists());
    }
    let ran = world
        .owner(&["init", "--vault", "file", "--no-input", "--json"])
        .succeeds();
    assert!(ran.stderr.is_empty(), "{ran}");
    world.finish();
}
