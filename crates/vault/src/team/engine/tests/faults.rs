//! How long what did not verify is held against the server, where nobody else writes.

use super::acts::*;
use super::hostile::tamper;
use super::*;
use serde_json::json;

#[test]
fn a_fault_ends_where_a_founder_is_alone() {
    for (field, other, expected) in [
        ("hash", json!("ab".repeat(32)), Code::ForkDetected),
        ("seq", json!(1), Code::RollbackDetected),
    ] {
        let mut anna = Person::founder(&Arc::default());
        anna.sync(hour(2)).unwrap();
        std::fs::remove_file(anna.home.team().join("seen")).unwrap();
        anna.restart().unwrap();
        tamper(&mut anna, "/heads", move |heads| {
            heads["w"][field] = other.clone()
        });
        assert_eq!(code(anna.sync(now())), Some(expected));
        anna.post.change = None;
        for value in [b"whCANARYone", b"whCANARYtwo"] {
            anna.keep("dev", "DB_URL", value);
            anna.push("dev").unwrap();
        }
        anna.sync(now()).unwrap();
        assert_eq!(anna.team().freshness(now()).last_fault, None);
        anna.restart().unwrap();
        assert_eq!(anna.team().freshness(now()).last_fault, None);
    }
}

/// What this device wrote before it is no answer to it.
#[test]
fn a_fault_is_not_ended_by_what_was_there_before_it() {
    let mut anna = Person::founder(&Arc::default());
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    std::fs::remove_file(anna.home.team().join("seen")).unwrap();
    anna.restart().unwrap();
    tamper(&mut anna, "/heads", |heads| {
        heads["w"]["hash"] = "ab".repeat(32).into();
    });
    assert_eq!(code(anna.sync(now())), Some(Code::ForkDetected));
    assert_eq!(code(anna.sync(now())), Some(Code::ForkDetected));
    assert_eq!(anna.team().state().file.faults.len(), 1, "once");
    anna.post.change = None;
    for _ in 0..2 {
        anna.sync(now()).unwrap();
        let last = anna.team().freshness(now()).last_fault;
        assert_eq!(last, Some(Code::ForkDetected));
    }
}
