#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use withheld_core::destination::Host;
use withheld_core::name::Environment;
use withheld_vault::Origin;

use super::*;
use crate::test_house::{Case, home, name};

#[test]
fn a_host_that_lost_its_binding_is_washed_on() {
    let case = Case::open();
    let washes = |host: &str| case.house.wire.washes(&Host::parse(host).unwrap());
    assert!(!washes("localhost"));
    case.store("API_KEY");
    assert!(washes("localhost") && !washes("other.test"));
    let unbind = json!({
        "do": "unbind", "environment": "dev", "names": ["API_KEY"], "host": "localhost",
    });
    case.ask(unbind, "proof").unwrap();
    assert!(case.house.policy().unwrap().bindings().is_empty());
    assert!(washes("localhost"));
}

/// What the standing session was given.
fn given(case: &Case) -> Arming {
    let local = case.house.sessions.local();
    let given = lock(&local.session.given);
    given.as_ref().unwrap().arming
}

fn arm(case: &Case) -> Arming {
    let vault = case.house.unlocked().unwrap();
    case.house.arm_all(&vault).unwrap();
    given(case)
}

/// The sealed items of a vault.
fn items(home: &withheld_vault::Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.items()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_session_is_given_what_it_does_not_have_and_nothing_twice() {
    let case = Case::open();
    case.store("A_KEY");
    case.store("B_KEY");
    let had = arm(&case);
    assert_eq!(had.values(), 2);
    assert_eq!(arm(&case), had);
    case.store_value("A_KEY", "whCANARYnewer5Yt8Wq1Zx6Vb");
    let has = given(&case);
    assert_eq!(has.values(), 3);
    assert_eq!(arm(&case), has);
    let remove = json!({"do": "remove", "environment": "dev", "names": ["A_KEY"]});
    case.ask(remove, "proof").unwrap();
    assert_eq!(arm(&case), has);
    // What was removed is not kept beyond a lock.
    case.lock().unwrap();
    case.unlock().unwrap();
    assert_eq!(given(&case).values(), 1);
}

/// Where the keychain has it again, it could be sent again.
#[test]
fn a_value_that_could_not_be_opened_is_given_as_soon_as_it_can() {
    // Nobody writes to a vault whose broker was stopped: what is there then is whole.
    let temp = Case::open().stop();
    let before = items(&home(&temp));
    let case = Case::start(temp);
    case.unlock().unwrap();
    case.store("A_KEY");
    let temp = case.stop();
    let mut new = items(&home(&temp));
    new.retain(|item| !before.contains(item));
    let [item] = &new[..] else {
        panic!("one value, one item")
    };
    let away = home(&temp).path().join("away");
    fs::rename(item, &away).unwrap();
    let case = Case::start(temp);
    case.unlock().unwrap();
    assert_eq!(given(&case).values(), 0);
    fs::rename(&away, item).unwrap();
    assert_eq!(arm(&case).values(), 1);
}

#[test]
fn what_is_looked_for_no_longer_is_let_go_before_it_is_most() {
    let case = Case::open();
    case.store("A_KEY");
    // The newest, and sixteen before it.
    let needed = 17;
    let vault = case.house.unlocked().unwrap();
    let mut is_shrunk = false;
    let mut had = given(&case).values();
    for number in 0..2 * needed + SPARE + 2 {
        let deposit = case.deposit(&format!("whCANARY{number:017}"));
        let (dev, key) = (Environment::dev(), name("A_KEY"));
        vault
            .deposit(&dev, &key, &deposit, Origin::Owner, clock::now())
            .unwrap();
        let has = arm(&case).values();
        assert!(has <= 2 * needed + SPARE + 1, "{has}");
        assert!(has > had || has == needed, "{has} after {had}");
        is_shrunk |= has < had;
        had = has;
    }
    assert!(is_shrunk);
}
