//! Keys that were sealed and are not with the server any more.

use super::*;

/// Anna sealed the keys to Bob, and the server lost them before he came for them.
fn lost() -> (Person, Person) {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let line = anna.invite("bob", Role::Member, &[right("dev", Right::Write)]);
    let mut bob = Person::new(&shelf);
    bob.join(&line, hour(3)).unwrap();
    assert_eq!(anna.sync(hour(3)).unwrap().sealed, 2);
    forget(&bob);
    bob.sync(hour(3)).unwrap();
    assert_eq!(bob.epoch(&bob.env("dev")), None);
    (anna, bob)
}

fn forget(bob: &Person) {
    let device = bob.team().state().file.device;
    let mut shelf = bob.post.shelf();
    shelf.envelopes.retain(|(_, to, _)| *to != device);
}

#[test]
fn keys_are_sealed_anew_where_the_server_was_put_back() {
    let (mut anna, mut bob) = lost();
    assert_eq!(anna.sync(hour(4)).unwrap().sealed, 0);
    // As many changes fewer as there were envelopes.
    anna.post.shelf().rev -= 2;
    assert_eq!(anna.sync(hour(4)).unwrap().sealed, 2);
    bob.sync(hour(4)).unwrap();
    assert_eq!(bob.epoch(&bob.env("dev")), Some(1));
    assert_eq!(anna.sync(hour(4)).unwrap().sealed, 0, "once");
    anna.restart().unwrap();
    assert_eq!(anna.sync(hour(5)).unwrap().sealed, 0);
}

#[test]
fn what_is_set_for_somebody_brings_the_keys_again() {
    let (mut anna, mut bob) = lost();
    // Nothing new: the right is the one that he has.
    anna.set("bob", &[right("dev", Right::Write)], None)
        .unwrap();
    bob.sync(hour(5)).unwrap();
    let dev = bob.env("dev");
    assert_eq!(bob.epoch(&dev), Some(1));
    // Nor does it matter that an epoch began with him.
    anna.invite("carl", Role::Member, &[]);
    let line = anna.invite("carl", Role::Member, &[right("dev", Right::Read)]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.join(&line, hour(5)).unwrap();
    anna.remove("carl").unwrap();
    forget(&bob);
    bob.sync(hour(6)).unwrap();
    assert_eq!(bob.epoch(&dev), None);
    anna.set("bob", &[right("dev", Right::Write)], None)
        .unwrap();
    bob.sync(hour(6)).unwrap();
    assert_eq!(bob.epoch(&dev), Some(2));
}
