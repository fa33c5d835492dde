//! What comes into the vault, and what does not.

use super::acts::*;
use super::*;
use crate::home::kill;
use crate::team::post::Answer;
use withheld_team::drift::State as Drift;

#[test]
fn what_one_pushes_the_other_pulls() {
    let (mut anna, mut bob) = two();
    let pushed = anna.push("billing/prod").unwrap();
    assert_eq!(pushed.pushed, versions(&[("STRIPE_KEY", 1)]));
    assert_eq!((pushed.total, pushed.at), (1, 1));
    bob.keep("dev", "DB_URL", b"whCANARYdb");
    bob.push("dev").unwrap();
    let pulled = bob.pull("billing/prod").unwrap();
    assert_eq!(pulled.pulled, versions(&[("STRIPE_KEY", 1)]));
    assert_eq!((pulled.total, pulled.at), (1, 1));
    assert_eq!(
        bob.held("billing/prod", "STRIPE_KEY").unwrap(),
        b"whCANARYstripe"
    );
    let held = bob.vault.names(&environment("billing/prod"));
    assert_eq!(held[0].origin, Origin::Member);
    anna.pull("dev").unwrap();
    assert_eq!(anna.held("dev", "DB_URL").unwrap(), b"whCANARYdb");
    // Once more is nothing, after a start too.
    for _ in 0..2 {
        let again = bob.pull("billing/prod").unwrap();
        assert_eq!((again.pulled, again.total), (vec![], 1));
        bob.restart().unwrap();
    }
    let held = bob.vault.names(&environment("billing/prod"));
    assert_eq!(held[0].versions.len(), 1);
}

#[test]
fn a_pull_is_one_change_of_the_vault() {
    let (mut anna, mut bob) = two();
    for number in 0..50 {
        anna.keep(
            "dev",
            &format!("KEY_{number}"),
            format!("whCANARY{number}").as_bytes(),
        );
    }
    anna.keep("dev", "GONE", b"whCANARYgone");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    for number in 0..50 {
        anna.keep(
            "dev",
            &format!("KEY_{number}"),
            format!("whCANARYb{number}").as_bytes(),
        );
    }
    anna.drop_value("dev", "GONE");
    anna.push("dev").unwrap();
    anna.push_of("dev", &["GONE"], false).unwrap();
    bob.post.page = 7;
    kill::seen();
    let pulled = bob.pull("dev").unwrap();
    let index = bob.home.index();
    let written = kill::seen()
        .into_iter()
        .filter(|file| *file == index)
        .count();
    assert_eq!(written, 1);
    assert_eq!(
        (pulled.pulled.len(), pulled.removed),
        (50, secrets(&["GONE"]))
    );
    for number in 0..50 {
        let held = bob.held("dev", &format!("KEY_{number}")).unwrap();
        assert_eq!(held, format!("whCANARYb{number}").as_bytes());
    }
    assert_eq!(bob.held("dev", "GONE"), None);
}

#[test]
fn only_what_is_named_is_pulled() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYdb");
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    let pulled = bob.pull_of("dev", &["OTHER"], false).unwrap();
    assert_eq!(pulled.pulled, versions(&[("OTHER", 1)]));
    assert_eq!(pulled.total, 2);
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::RemoteOnly));
    assert_eq!(
        code(bob.pull_of("dev", &["NOWHERE"], false)),
        Some(Code::NotFound)
    );
    assert_eq!(code(bob.pull("qa")), Some(Code::NotFound));
}

#[test]
fn what_both_changed_is_left_alone_until_somebody_decides() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    for name in ["DB_URL", "OTHER"] {
        anna.keep("dev", name, b"whCANARYannas");
    }
    anna.push("dev").unwrap();
    bob.keep("dev", "DB_URL", b"whCANARYbobs");
    let pulled = bob.pull("dev").unwrap();
    assert_eq!(pulled.pulled, versions(&[("OTHER", 2)]), "the others go on");
    assert_eq!(pulled.diverged, secrets(&["DB_URL"]));
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYbobs");
    let pulled = bob.pull_of("dev", &["DB_URL"], true).unwrap();
    assert_eq!(pulled.pulled, versions(&[("DB_URL", 2)]));
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYannas");
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
    // What was only changed here gives way where it is named.
    bob.keep("dev", "DB_URL", b"whCANARYbobs");
    assert_eq!(bob.pull("dev").unwrap().pulled, []);
    assert_eq!(bob.pull_of("dev", &["DB_URL"], false).unwrap().pulled, []);
    bob.pull_of("dev", &["DB_URL"], true).unwrap();
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYannas");
}

#[test]
fn both_changed_to_the_same_is_no_conflict() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    bob.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    bob.sync(now()).unwrap();
    assert_eq!(
        bob.state_of("dev", "DB_URL"),
        Some(Drift::Diverged),
        "not looked at yet"
    );
    let pulled = bob.pull("dev").unwrap();
    assert_eq!((pulled.pulled, pulled.diverged), (vec![], vec![]));
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
    // Also under the key of a later epoch, and when it is set again to what it was.
    let line = anna.invite("dora", Role::Member, &[right("dev", Right::Read)]);
    let mut dora = Person::new(&anna.post.shelf);
    dora.join(&line, now()).unwrap();
    anna.remove("dora").unwrap();
    assert_eq!(anna.here(&anna.env("dev")).chain.epoch(), 2);
    bob.keep("dev", "DB_URL", b"whCANARYone");
    assert_eq!(bob.push("dev").unwrap().pushed, []);
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
}

#[test]
fn a_secret_that_is_gone_goes_here_too() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    anna.drop_value("dev", "DB_URL");
    anna.push_of("dev", &["DB_URL"], false).unwrap();
    bob.sync(now()).unwrap();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Behind));
    let pulled = bob.pull("dev").unwrap();
    assert_eq!((pulled.removed, pulled.total), (secrets(&["DB_URL"]), 0));
    assert_eq!(bob.held("dev", "DB_URL"), None);
    assert_eq!(bob.drift("dev"), []);
    // It may come again.
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYtwo");
    // Changed here and gone there is for somebody to decide.
    bob.keep("dev", "DB_URL", b"whCANARYbobs");
    anna.drop_value("dev", "DB_URL");
    anna.push_of("dev", &["DB_URL"], false).unwrap();
    assert_eq!(bob.pull("dev").unwrap().diverged, secrets(&["DB_URL"]));
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYbobs");
    bob.pull_of("dev", &["DB_URL"], true).unwrap();
    assert_eq!(bob.held("dev", "DB_URL"), None);
}

#[test]
fn a_record_that_does_not_open_holds_no_other_up() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    anna.put_with(&dev, 1, "BAD_SLOT", |new| new.slot.wrap_value[3] ^= 1);
    anna.put_with(&dev, 2, "BAD_META", |new| new.slot.wrap_meta[3] ^= 1);
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    let pulled = bob.pull("dev").unwrap();
    assert_eq!(pulled.pulled, versions(&[("OTHER", 1)]));
    assert_eq!(
        pulled.tampered,
        secrets(&["BAD_SLOT"]),
        "the other has no name"
    );
    assert_eq!(bob.state_of("dev", "BAD_SLOT"), Some(Drift::Tampered));
    bob.restart().unwrap();
    assert_eq!(bob.state_of("dev", "BAD_SLOT"), Some(Drift::Tampered));
    assert_eq!(bob.pull("dev").unwrap().tampered, secrets(&["BAD_SLOT"]));
}

#[test]
fn a_version_that_is_set_aside_is_healed_by_a_push_of_the_good_value() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    anna.put(&dev, 7, "DB_URL", b"whCANARYgood");
    bob.pull("dev").unwrap();
    anna.put_with(&dev, 7, "DB_URL", |new| new.slot.wrap_value[3] ^= 1);
    let pulled = bob.pull("dev").unwrap();
    assert_eq!(pulled.tampered, secrets(&["DB_URL"]));
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYgood");
    let rows = bob.team().drift(&environment("dev"), now());
    assert_eq!(rows[0].state, Drift::Tampered);
    assert_eq!(rows[0].fault, Some("its slot does not open"));
    assert_eq!(rows[0].changed_by, Some(person("anna")));
    assert_eq!(bob.push("dev").unwrap().tampered, secrets(&["DB_URL"]));
    let pushed = bob.push_of("dev", &["DB_URL"], true).unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 3)]));
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
    anna.pull_of("dev", &["DB_URL"], true).unwrap();
    assert_eq!(anna.held("dev", "DB_URL").unwrap(), b"whCANARYgood");
}

#[test]
fn a_value_is_the_one_of_its_names_and_one_that_can_be_used() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    anna.put(&dev, 1, "GOOD", b"whCANARYgood");
    anna.put(&dev, 2, "SHORT", b"short");
    anna.put_meta(&dev, 3, b"whCANARYone", |rid, key| {
        Meta::new("TAG", rid, &value(b"whCANARYtwo"), None, key).unwrap()
    });
    anna.put_meta(&dev, 4, b"whCANARYone", |rid, key| {
        Meta::new("no name", rid, &value(b"whCANARYone"), None, key).unwrap()
    });
    let pulled = bob.pull("dev").unwrap();
    assert_eq!(pulled.pulled, versions(&[("GOOD", 1)]));
    assert_eq!(pulled.tampered, secrets(&["SHORT", "TAG"]));
    let rows = bob.team().drift(&environment("dev"), now());
    let faults: Vec<_> = rows.iter().map(|row| row.fault).collect();
    let size = "its value is shorter or longer than any that is taken";
    assert_eq!(
        faults,
        [None, Some(size), Some("its tag is not the value's")]
    );
    assert_eq!(
        (bob.held("dev", "SHORT"), bob.held("dev", "TAG")),
        (None, None)
    );
}

#[test]
fn a_server_that_hands_out_another_value_is_convicted() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    bob.post.change = Some(Box::new(|request, answer: &mut Answer| {
        if request.path.ends_with(":get")
            && String::from_utf8_lossy(&request.body).contains("value")
        {
            shelf::edit(answer, |json| {
                let value = json["records"][0]["value"].as_str().unwrap();
                let flipped = if value.starts_with('A') { "B" } else { "A" };
                json["records"][0]["value"] = format!("{flipped}{}", &value[1..]).into();
            });
        }
    }));
    assert_eq!(code(bob.pull("dev")), Some(Code::SignatureInvalid));
    assert_eq!(
        (bob.held("dev", "DB_URL"), bob.held("dev", "OTHER")),
        (None, None)
    );
    assert_eq!(
        bob.team().freshness(now()).last_fault,
        Some(Code::SignatureInvalid)
    );
    assert_eq!(bob.state_of("dev", "OTHER"), Some(Drift::Tampered));
    bob.post.change = Some(Box::new(|request, answer: &mut Answer| {
        if request.path.ends_with(":get")
            && String::from_utf8_lossy(&request.body).contains("value")
        {
            shelf::edit(answer, |json| json["records"] = serde_json::json!([]));
        }
    }));
    assert_eq!(code(bob.pull("dev")), Some(Code::Unverified));
    bob.post.change = None;
    // A look at the heads shows no value: it takes nothing back.
    bob.sync(now()).unwrap();
    bob.restart().unwrap();
    assert_eq!(
        bob.team().freshness(now()).last_fault,
        Some(Code::SignatureInvalid)
    );
    assert_eq!(bob.pull("dev").unwrap().pulled.len(), 2);
    assert_eq!(bob.team().freshness(now()).last_fault, None);
    assert_eq!(bob.state_of("dev", "OTHER"), Some(Drift::InSync));
}

#[test]
fn what_was_held_against_a_value_ends_with_its_version() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    bob.post.change = Some(Box::new(|request, answer: &mut Answer| {
        let fetches = String::from_utf8_lossy(&request.body).contains("value");
        if request.path.ends_with(":get") && fetches {
            shelf::edit(answer, |json| json["records"][0]["value"] = "AAAA".into());
        }
    }));
    assert_eq!(code(bob.pull("dev")), Some(Code::SignatureInvalid));
    bob.post.change = None;
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    bob.sync(now()).unwrap();
    assert!(
        !bob.team().freshness(now()).verified,
        "it is the same version"
    );
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.push("dev").unwrap();
    bob.sync(now()).unwrap();
    assert!(bob.team().freshness(now()).verified);
}

#[test]
fn no_more_is_pulled_at_once_than_there_is_room_for() {
    let (mut anna, mut bob) = two();
    assert_eq!(bob.team().room, 67_108_864);
    for name in ["ONE", "OTHER"] {
        anna.keep("dev", name, &[b'w'; 60_000]);
    }
    anna.push("dev").unwrap();
    // One of them, sealed and padded, fits; two do not.
    bob.team.as_mut().unwrap().room = 100_000;
    let refusal = bob.pull("dev").unwrap_err();
    assert_eq!(refusal.code, Code::TooLarge);
    assert!(refusal.hint.as_str().contains("withheld pull NAME"));
    assert_eq!(
        (bob.held("dev", "ONE"), bob.held("dev", "OTHER")),
        (None, None)
    );
    assert_eq!(evidence_of(&bob), 0);
    for name in ["ONE", "OTHER"] {
        bob.pull_of("dev", &[name], false).unwrap();
        assert_eq!(bob.held("dev", name).unwrap(), [b'w'; 60_000]);
    }
}

fn evidence_of(person: &Person) -> usize {
    let names = person.home.names(&person.home.team()).unwrap().into_iter();
    names.filter(|name| name.starts_with("evidence")).count()
}

/// The owner sets a value in the moment in which the team's is fetched.
#[test]
fn a_value_that_is_set_meanwhile_is_not_lost() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    anna.keep("dev", "DB_URL", b"whCANARYannas");
    anna.keep("dev", "OTHER", b"whCANARYannas");
    anna.push("dev").unwrap();
    let vault = Arc::clone(&bob.vault);
    let mut once = Some(vault);
    bob.post.change = Some(Box::new(move |request, _: &mut Answer| {
        let fetches = String::from_utf8_lossy(&request.body).contains("value");
        if request.path.ends_with(":get")
            && fetches
            && let Some(vault) = once.take()
        {
            let items = [(secret("DB_URL"), value(b"whCANARYbobs"))];
            vault
                .store(&environment("dev"), &items, Origin::Owner, now())
                .unwrap();
        }
    }));
    let pulled = bob.pull("dev").unwrap();
    assert_eq!(pulled.diverged, secrets(&["DB_URL"]));
    assert_eq!(pulled.pulled, versions(&[("OTHER", 2)]));
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYbobs");
    assert_eq!(bob.held("dev", "OTHER").unwrap(), b"whCANARYannas");
    assert!(bob.here(&bob.env("dev")).file.journal.is_empty());
}
