//! Two people of one name: the one who is removed is the one who was meant.

use super::busy::Meanwhile;
use super::*;
use withheld_team::id::MemberId;

/// Anna has founded a team; two people called Bob have joined, and Carl, an owner like her.
fn two_bobs() -> (Person, Person, [MemberId; 2]) {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let mut join = |name: &str, role| {
        let line = anna.invite(name, role, &[right("dev", Right::Write)]);
        let mut guest = Person::new(&shelf);
        guest.join(&line, hour(3)).unwrap();
        anna.sync(hour(3)).unwrap();
        guest
    };
    let bobs = [join("bob", Role::Member), join("bob", Role::Member)];
    let mut carl = join("carl", Role::Owner);
    carl.sync(hour(4)).unwrap();
    let ids = bobs.map(|bob| bob.team().state().me());
    (anna, carl, ids)
}

fn is_there(person: &Person, id: &MemberId) -> bool {
    let state = person.team().state();
    state.chain.member(id).unwrap().removed.is_none()
}

#[test]
fn who_is_removed_by_somebody_else_meanwhile_is_nobody_elses_name() {
    let (mut anna, mut carl, [first, second]) = two_bobs();
    let Person {
        team, post, proof, ..
    } = &mut anna;
    let mut post = Meanwhile {
        post,
        at: "/heads",
        act: Some(Box::new(|| drop(carl.remove("bob").unwrap()))),
    };
    let team = team.as_ref().unwrap();
    let removed = team.remove(proof, &mut post, &person("bob"), hour(6));
    assert!(post.act.is_none());
    drop(post);
    assert_eq!(code(removed), Some(Code::NotFound));
    assert!(!is_there(&anna, &first) && is_there(&anna, &second));
    // Nor does anybody get that name by it.
    assert_eq!(code(anna.remove("bob")), Some(Code::NotFound));
    assert!(is_there(&anna, &second));
    assert_eq!(
        anna.team().state().person(&second),
        Some(person("bob.2")),
        "a name stays"
    );
    anna.remove("bob.2").unwrap();
    assert!(!is_there(&anna, &second));
}

#[test]
fn who_is_removed_meanwhile_passes_no_right_on() {
    let (mut anna, mut carl, [_, second]) = two_bobs();
    let dev = anna.env("dev");
    let Person {
        team, post, proof, ..
    } = &mut anna;
    let mut post = Meanwhile {
        post,
        at: "/heads",
        act: Some(Box::new(|| drop(carl.remove("bob").unwrap()))),
    };
    let team = team.as_ref().unwrap();
    let none = [right("dev", Right::None)];
    let set = team.set(proof, &mut post, &person("bob"), &none, None, hour(6));
    drop(post);
    assert_eq!(code(set), Some(Code::NotFound));
    let chain = &anna.team().state().chain;
    assert_eq!(
        chain.right(&second, &dev),
        withheld_team::links::Right::Write
    );
}
