//! What counts as stored: that the server names it, and nothing else.

use super::shelf::edit;
use super::*;
use crate::team::post::{Answer, Outgoing};
use withheld_team::drift::State as Drift;

/// What is sent to be stored gets nowhere, and somebody on the way says that all is well.
fn said_well(person: &mut Person, status: u16, body: &'static str) {
    let stored = |request: &Outgoing| {
        request.method == "POST"
            && !request.path.ends_with(":get")
            && !request.path.ends_with("/lease")
    };
    let before = std::cell::RefCell::new(None);
    let shelf = Arc::clone(&person.post.shelf);
    *before.borrow_mut() = Some(shelf.lock().unwrap().clone());
    person.post.change = Some(Box::new(move |request, answer| {
        if stored(request) {
            *shelf.lock().unwrap() = before.borrow().clone().unwrap();
            *answer = Answer {
                status,
                etag: None,
                body: body.as_bytes().to_vec(),
            };
        }
    }));
}

const HTML: &str = "<html>welcome to the hotel's network</html>";

#[test]
fn a_commit_is_not_stored_because_somebody_says_well() {
    for (status, body) in [(200, HTML), (204, ""), (201, "{}"), (200, "null")] {
        let (mut anna, mut bob) = two();
        anna.keep("dev", "DB_URL", b"whCANARYone");
        said_well(&mut anna, status, body);
        let pushed = anna.push("dev");
        assert_eq!(code(pushed), Some(Code::ServerUnreachable), "{body}");
        let dev = anna.env("dev");
        assert!(anna.here(&dev).file.outbox.is_some(), "{body}");
        assert_eq!(anna.here(&dev).chain.head().seq, 0, "{body}");
        anna.post.change = None;
        anna.push("dev").unwrap();
        assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
        bob.pull("dev").unwrap();
        assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYone");
    }
}

/// Heads are heads of something: of what was sent, or of what came after it.
#[test]
fn heads_from_before_it_do_not_say_that_it_is_stored() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    let dev = anna.env("dev");
    for (field, said) in [("seq", 0_u64.into()), ("hash", "ab".repeat(32).into())] {
        let said: serde_json::Value = said;
        anna.post.change = Some(Box::new(move |request, answer| {
            if request.method == "POST" && request.path.ends_with("/commits") {
                edit(answer, |heads| {
                    for env in heads["envs"].as_array_mut().unwrap() {
                        env[field] = said.clone();
                    }
                });
            }
        }));
        assert_eq!(code(anna.push("dev")), Some(Code::ServerUnreachable));
        assert!(anna.here(&dev).file.outbox.is_some());
    }
    anna.post.change = None;
    anna.push("dev").unwrap();
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
}

#[test]
fn neither_are_a_removal_nor_keys_nor_a_join() {
    let (mut anna, mut bob) = two();
    said_well(&mut anna, 200, HTML);
    assert_eq!(code(anna.remove("bob")), Some(Code::ServerUnreachable));
    assert!(anna.team().state().file.pending.is_some());
    anna.post.change = None;
    anna.sync(hour(6)).unwrap();
    assert_eq!(code(bob.sync(hour(7))), Some(Code::UnknownCaller));
    let line = anna.invite("carl", Role::Member, &[right("dev", Right::Read)]);
    let mut carl = Person::new(&anna.post.shelf);
    said_well(&mut carl, 200, HTML);
    let joined = carl.join(&line, hour(3));
    assert_eq!(code(joined), Some(Code::ServerUnreachable));
    carl.post.change = None;
    carl.join(&line, hour(3)).unwrap();
    said_well(&mut anna, 200, HTML);
    assert_eq!(code(anna.sync(hour(7))), Some(Code::ServerUnreachable));
    anna.post.change = None;
    assert_eq!(anna.sync(hour(7)).unwrap().sealed, 2, "dev, the directory");
    carl.sync(hour(7)).unwrap();
    assert!(carl.epoch(&carl.env("dev")).is_some());
    let mut dora = Person::new(&Arc::default());
    said_well(&mut dora, 201, HTML);
    assert_eq!(code(dora.create()), Some(Code::ServerUnreachable));
    dora.post.change = None;
    dora.create().unwrap();
}
