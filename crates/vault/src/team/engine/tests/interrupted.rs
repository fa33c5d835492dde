//! What was written and not answered: sent again, byte for byte.

use super::*;
use withheld_team::api::ProblemCode;

/// What was sent to be stored.
fn stores(person: &mut Person) -> Vec<(String, Vec<u8>)> {
    let seen = std::mem::take(&mut person.post.seen);
    let stores = seen.into_iter().filter(|request| request.method == "POST");
    stores.map(|request| (request.path, request.body)).collect()
}

#[test]
fn a_team_whose_founding_was_not_answered_is_founded_with_the_same_bytes() {
    for trouble in [Trouble::Down, Trouble::Deaf] {
        let mut anna = Person::new(&Arc::default());
        anna.post.trouble = trouble;
        assert_eq!(
            code(anna.create()),
            Some(Code::ServerUnreachable),
            "{trouble:?}"
        );
        let first = stores(&mut anna);
        anna.post.trouble = Trouble::None;
        anna.create().unwrap();
        assert_eq!(stores(&mut anna), first);
        assert!(anna.sync(hour(2)).unwrap().changed);
        assert_eq!(anna.team().members().len(), 1);
        assert_eq!(
            code(anna.create()),
            Some(Code::Conflict),
            "there is one now"
        );
    }
}

#[test]
fn a_team_whose_founding_was_not_answered_is_founded_by_nobody_but_the_command() {
    let mut anna = Person::new(&Arc::default());
    anna.post.trouble = Trouble::Deaf;
    assert_eq!(code(anna.create()), Some(Code::ServerUnreachable));
    let first = stores(&mut anna);
    anna.post.trouble = Trouble::None;
    anna.restart().unwrap();
    assert!(anna.team().is_begun());
    assert_eq!(code(anna.sync(hour(2))), Some(Code::NotFound));
    assert_eq!(anna.post.seen, [], "nothing was sent");
    anna.create().unwrap();
    assert_eq!(stores(&mut anna), first);
    anna.restart().unwrap();
    assert!(!anna.team().is_begun());
    assert_eq!(anna.team().workspace().unwrap().as_str(), "acme");
}

#[test]
fn a_team_that_the_server_does_not_take_leaves_nothing_behind() {
    let mut anna = Person::new(&Arc::default());
    anna.post.change = Some(Box::new(|_, answer| {
        *answer = shelf::problem(ProblemCode::Unsigned);
    }));
    assert_eq!(code(anna.create()), Some(Code::UnknownCaller));
    anna.post.change = None;
    assert!(Team::open(&anna.vault).unwrap().is_none());
    assert!(anna.home.names(&anna.home.team()).unwrap().is_empty());
    let fresh = Person::new(&Arc::default());
    anna.post.shelf = Arc::clone(&fresh.post.shelf);
    anna.create().unwrap();
}

#[test]
fn a_join_that_was_not_answered_is_sent_again() {
    for trouble in [Trouble::DeafToStores, Trouble::NoStores] {
        let shelf = Arc::default();
        let mut anna = Person::founder(&shelf);
        let line = anna.invite("bob", Role::Member, &[right("dev", Right::Read)]);
        let mut bob = Person::new(&shelf);
        bob.post.trouble = trouble;
        assert_eq!(
            code(bob.join(&line, hour(3))),
            Some(Code::ServerUnreachable)
        );
        let first = stores(&mut bob);
        bob.post.trouble = Trouble::None;
        if trouble == Trouble::NoStores {
            bob.restart().unwrap();
            bob.sync(hour(3)).unwrap();
        } else {
            bob.join(&line, hour(3)).unwrap();
        }
        assert_eq!(stores(&mut bob)[0], first[0], "{trouble:?}");
        anna.sync(hour(3)).unwrap();
        bob.sync(hour(3)).unwrap();
        assert_eq!(bob.epoch(&bob.env("dev")), Some(1));
    }
}

#[test]
fn a_join_is_written_anew_where_somebody_else_was_faster() {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let line = anna.invite("bob", Role::Member, &[right("dev", Right::Read)]);
    let mut bob = Person::new(&shelf);
    bob.post.trouble = Trouble::NoStores;
    assert_eq!(
        code(bob.join(&line, hour(3))),
        Some(Code::ServerUnreachable)
    );
    anna.invite("carl", Role::Member, &[]);
    bob.post.trouble = Trouble::None;
    assert_eq!(
        code(bob.restart().and_then(|()| bob.sync(hour(3)).map(drop))),
        Some(Code::Conflict)
    );
    bob.join(&line, hour(3)).unwrap();
    anna.sync(hour(3)).unwrap();
    bob.sync(hour(3)).unwrap();
    assert_eq!(bob.epoch(&bob.env("dev")), Some(1));
}

#[test]
fn a_change_that_was_not_answered_is_sent_again() {
    for trouble in [Trouble::DeafToStores, Trouble::NoStores] {
        let (mut anna, mut bob) = two();
        let dev = anna.env("dev");
        anna.put(&dev, 7, "STRIPE_KEY", b"whCANARYstripe");
        stores(&mut anna);
        anna.post.trouble = trouble;
        assert_eq!(
            code(anna.remove("bob").map(drop)),
            Some(Code::ServerUnreachable)
        );
        let first = stores(&mut anna);
        assert_eq!(first.len(), 1);
        anna.post.trouble = Trouble::None;
        anna.restart().unwrap();
        anna.sync(hour(7)).unwrap();
        assert_eq!(stores(&mut anna)[0], first[0], "{trouble:?}");
        // Its new key was in the bundle only: it came back in an envelope.
        assert_eq!(
            (anna.epoch(&dev), anna.here(&dev).chain.epoch()),
            (Some(2), 2)
        );
        assert_eq!(anna.names(&dev), ["STRIPE_KEY"]);
        assert_eq!(anna.team().members()[1].removed, Some(hour(6)));
        assert_eq!(code(bob.sync(hour(7))), Some(Code::UnknownCaller));
        let again = anna.sync(hour(7)).unwrap();
        assert!(!again.changed && stores(&mut anna).is_empty(), "once");
    }
}

#[test]
fn a_change_that_came_too_late_is_dropped() {
    let (mut anna, mut bob) = two();
    anna.set("bob", &[], Some(Role::Admin)).unwrap();
    anna.post.trouble = Trouble::NoStores;
    let team = anna.team.as_ref().unwrap();
    let late = team.add_environment(&anna.proof, &mut anna.post, &environment("qa"), hour(5));
    assert_eq!(code(late), Some(Code::ServerUnreachable));
    bob.sync(hour(5)).unwrap();
    let team = bob.team.as_ref().unwrap();
    team.add_environment(&bob.proof, &mut bob.post, &environment("staging"), hour(5))
        .unwrap();
    anna.post.trouble = Trouble::None;
    anna.sync(hour(5)).unwrap();
    let names: Vec<_> = anna
        .team()
        .environments()
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert!(names.contains(&environment("staging")) && !names.contains(&environment("qa")));
}
