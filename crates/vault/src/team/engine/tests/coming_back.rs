//! Whoever was removed and is invited again.

use super::*;
use crate::home::kill;

fn removed(knows: bool) -> (Person, Person) {
    let (mut anna, mut bob) = two();
    for (env, name) in [("dev", "DB_URL"), ("billing/prod", "STRIPE_KEY")] {
        anna.keep(env, name, b"whCANARYold");
        anna.push(env).unwrap();
    }
    anna.remove("bob").unwrap();
    if knows {
        assert_eq!(code(bob.sync(hour(7))), Some(Code::UnknownCaller));
    }
    (anna, bob)
}

#[test]
fn who_was_removed_comes_back_with_another_device() {
    for knows in [true, false] {
        let (mut anna, mut bob) = removed(knows);
        let before = (bob.team().state().me(), bob.team().state().file.device);
        let line = anna.invite("bob", Role::Member, &[right("dev", Right::Read)]);
        bob.join(&line, hour(8)).unwrap();
        anna.sync(hour(8)).unwrap();
        bob.sync(hour(8)).unwrap();
        let after = (bob.team().state().me(), bob.team().state().file.device);
        assert!(before.0 != after.0 && before.1 != after.1, "{knows}");
        bob.pull("dev").unwrap();
        assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYold");
        // No more than he was let in to.
        let prod = anna.env("billing/prod");
        assert_eq!(bob.epoch(&prod), None);
        assert_eq!(code(bob.pull("billing/prod")), Some(Code::NoGrant));
        bob.restart().unwrap();
        bob.sync(hour(9)).unwrap();
        assert_eq!(bob.epoch(&bob.env("dev")), Some(2));
    }
}

#[test]
fn who_was_removed_can_found_a_team() {
    let (_anna, mut bob) = removed(true);
    bob.post.shelf = Arc::default();
    bob.create().unwrap();
    bob.restart().unwrap();
    bob.sync(hour(8)).unwrap();
}

#[test]
fn who_is_in_a_team_joins_no_other() {
    let (mut anna, mut bob) = two();
    let line = anna.invite("bob", Role::Member, &[]);
    assert_eq!(code(bob.join(&line, hour(3))), Some(Code::Conflict));
    let mut dora = Person::founder(&Arc::default());
    let line = dora.invite("bob", Role::Member, &[]);
    bob.post.shelf = Arc::clone(&dora.post.shelf);
    assert_eq!(code(bob.join(&line, hour(3))), Some(Code::Conflict));
    bob.post.shelf = Arc::clone(&anna.post.shelf);
    bob.restart().unwrap();
    bob.sync(hour(4)).unwrap();
}

/// Killed at any write, the same line brings him in at the next try.
#[test]
fn a_return_that_was_interrupted_goes_on() {
    for write in 0.. {
        let (mut anna, mut bob) = removed(write % 2 == 0);
        let line = anna.invite("bob", Role::Member, &[right("dev", Right::Read)]);
        kill::after(write);
        let joined = bob.join(&line, hour(8));
        if !kill::never() {
            joined.unwrap();
            assert!(write > 4, "{write}");
            break;
        }
        let mut bob = bob.reopened();
        match bob.join(&line, hour(8)) {
            Ok(()) => {}
            Err(refusal) => assert!(
                matches!(refusal.code, Code::Conflict | Code::NotFound),
                "{refusal}"
            ),
        }
        anna.sync(hour(8)).unwrap();
        bob.sync(hour(8)).unwrap();
        assert_eq!(bob.epoch(&bob.env("dev")), Some(2), "{write}");
    }
}
