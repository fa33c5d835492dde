//! The process is killed at every write of a pull and of a push: what is found afterwards is all old or
//! all new, and what was pushed is there once.

use super::acts::*;
use super::*;
use crate::home::kill;
use withheld_team::drift::State as Drift;

const NAMES: [&str; 4] = ["CHANGED", "GONE", "NEW", "OTHER"];

fn values(person: &Person) -> [Option<Vec<u8>>; 4] {
    NAMES.map(|name| person.held("dev", name))
}

fn plain(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn old() -> [Option<Vec<u8>>; 4] {
    [
        plain("whCANARYold"),
        plain("whCANARYgone"),
        None,
        plain("whCANARYold"),
    ]
}

fn new() -> [Option<Vec<u8>>; 4] {
    [
        plain("whCANARYnew"),
        None,
        plain("whCANARYnew"),
        plain("whCANARYnew"),
    ]
}

/// Both have the old values; of the new ones, only the first has them.
fn before() -> (Person, Person) {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "CHANGED", b"whCANARYold");
    anna.keep("dev", "OTHER", b"whCANARYold");
    anna.keep("dev", "GONE", b"whCANARYgone");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    for name in ["CHANGED", "OTHER", "NEW"] {
        anna.keep("dev", name, b"whCANARYnew");
    }
    anna.drop_value("dev", "GONE");
    let drafts = r#"[{"host":"db.example.com","port":443,"place":"bearer"}]"#;
    let drafts: Vec<withheld_core::BindingDraft> = serde_json::from_str(drafts).unwrap();
    let dev = environment("dev");
    anna.team()
        .sign_bindings(&anna.proof, &bound(&dev, &secret("OTHER"), &drafts), 2)
        .unwrap();
    (anna, bob)
}

#[test]
fn a_pull_that_is_killed_at_any_write_leaves_the_old_values_or_the_new_ones() {
    let (mut anna, bob) = before();
    anna.push_of("dev", &NAMES, false).unwrap();
    let (mut found_old, mut found_new) = (0, 0);
    for write in 0.. {
        let mut bob = bob.copied();
        bob.post.shelf = Arc::clone(&anna.post.shelf);
        assert_eq!(values(&bob), old());
        kill::after(write);
        let pulled = bob.pull("dev");
        if !kill::never() {
            pulled.unwrap();
            break;
        }
        let mut bob = bob.reopened();
        let found = values(&bob);
        if found == old() {
            found_old += 1;
        } else {
            assert_eq!(found, new(), "a mix after write {write}");
            found_new += 1;
            // What was applied is known to be: nobody takes it for a change of the owner's.
            assert!(
                bob.drift("dev").iter().all(|row| row.1 == Drift::InSync),
                "{write}"
            );
        }
        assert!(bob.here(&bob.env("dev")).file.journal.is_empty());
        let pulled = bob.pull("dev").unwrap();
        assert_eq!((pulled.diverged, pulled.tampered), (vec![], vec![]));
        assert_eq!(values(&bob), new(), "after write {write}");
        let rows = bob.drift("dev");
        assert_eq!(rows.len(), 3);
        assert!(
            rows.iter().all(|row| row.1 == Drift::InSync),
            "{write}: {rows:?}"
        );
    }
    assert!(found_old > 3 && found_new > 1, "{found_old}, {found_new}");
}

#[test]
fn a_push_that_is_killed_at_any_write_is_there_once() {
    let (anna, _bob) = before();
    let dev = anna.env("dev");
    let (mut not_yet, mut there) = (0, 0);
    for write in 0.. {
        let mut anna = anna.copied();
        kill::after(write);
        let pushed = anna.push_of("dev", &NAMES, false);
        if !kill::never() {
            pushed.unwrap();
            break;
        }
        let mut anna = anna.reopened();
        assert_eq!(values(&anna), new(), "what is here stays");
        let commits = anna.post.shelf().envs[&dev].commits.len();
        match commits {
            1 => not_yet += 1,
            2 => there += 1,
            _ => panic!("{commits} commits"),
        }
        anna.sync(now()).unwrap();
        anna.push_of("dev", &["CHANGED", "NEW", "OTHER"], false)
            .unwrap();
        if anna.state_of("dev", "GONE").is_some() {
            anna.push_of("dev", &["GONE"], false).unwrap();
        }
        assert_eq!(anna.team().state().unpushed(&environment("dev")).count(), 0);
        let rows = anna.drift("dev");
        assert_eq!(rows.len(), 3, "{write}");
        assert!(
            rows.iter().all(|row| row.1 == Drift::InSync),
            "{write}: {rows:?}"
        );
        let shelf = anna.post.shelf();
        let mut versions: Vec<u64> = shelf.envs[&dev]
            .entries
            .values()
            .map(|one| one.ver)
            .collect();
        versions.sort_unstable();
        assert_eq!(versions, [1, 2, 2, 2], "each once, after write {write}");
    }
    assert!(not_yet > 1 && there > 1, "{not_yet}, {there}");
}

/// Killed after the journal, and then the owner set a value, which got the number that the team's was to
/// have.
#[test]
fn a_version_of_the_owners_is_not_taken_for_the_teams() {
    let (mut anna, mut bob) = before();
    anna.push_of("dev", &["CHANGED"], false).unwrap();
    bob.sync(now()).unwrap();
    let dev = bob.env("dev");
    let state = bob.team().state();
    let mut next = crate::team::engine::state::State::clone(&state);
    let file = &mut next.env_mut(&dev).file;
    let mut rows = file.base.clone();
    rows.retain(|row| row.name == secret("CHANGED"));
    rows[0].ver = 2;
    rows[0].local = 2;
    file.journal = rows;
    bob.team().keep(next).unwrap();
    bob.keep("dev", "CHANGED", b"whCANARYbobs");
    let bob = bob.reopened();
    assert!(bob.here(&dev).file.journal.is_empty());
    assert_eq!(bob.state_of("dev", "CHANGED"), Some(Drift::Diverged));
    // Had the pull put it there, it would be known.
    let mut bob = bob;
    bob.pull_of("dev", &["CHANGED"], true).unwrap();
    assert_eq!(bob.state_of("dev", "CHANGED"), Some(Drift::InSync));
}
