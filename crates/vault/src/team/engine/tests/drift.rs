//! How every secret stands, told from the local copy.

use super::acts::*;
use super::*;
use withheld_team::drift::{Cause, Flag, State as Drift};

#[test]
fn a_secret_is_in_each_state_once() {
    let (mut anna, mut bob) = two();
    assert_eq!(anna.drift("dev"), []);
    anna.keep("dev", "DB_URL", b"whCANARYone");
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::LocalOnly));
    anna.push("dev").unwrap();
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
    assert_eq!(
        bob.state_of("dev", "DB_URL"),
        None,
        "he has not heard of it"
    );
    bob.sync(now()).unwrap();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::RemoteOnly));
    bob.pull("dev").unwrap();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::Ahead));
    anna.push("dev").unwrap();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
    bob.sync(now()).unwrap();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Behind));
    bob.keep("dev", "DB_URL", b"whCANARYthree");
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Diverged));
    let late = bob.team().drift(&environment("dev"), hour(7 + 73));
    assert_eq!(late.len(), 1);
    let told = (late[0].state, late[0].provisional);
    assert_eq!(told, (Drift::Unverified, Drift::Diverged));
    bob.drop_value("dev", "DB_URL");
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Diverged));
}

#[test]
fn a_row_says_which_version_whose_and_when() {
    let (mut anna, mut bob) = two();
    bob.keep("dev", "DB_URL", b"whCANARYone");
    bob.push("dev").unwrap();
    anna.pull("dev").unwrap();
    bob.keep("dev", "DB_URL", b"whCANARYtwo");
    bob.push("dev").unwrap();
    anna.sync(now()).unwrap();
    let rows = anna.team().drift(&environment("dev"), now());
    let [row] = &rows[..] else {
        panic!("one secret")
    };
    assert_eq!((row.version, row.remote_version), (Some(1), Some(2)));
    assert_eq!(row.changed_by, Some(person("bob")));
    assert_eq!(row.changed_at, Some(now()));
    assert_eq!((row.fault, &row.flags[..]), (None, &[][..]));
    let as_of = anna.team().as_of(&environment("dev")).unwrap();
    assert_eq!(as_of.e, 2);
    assert_eq!(as_of.w, anna.team().log().len() as u64);
    assert_eq!(anna.team().as_of(&environment("qa")), None);
}

#[test]
fn what_is_not_shared_is_only_here() {
    let (anna, _) = two();
    anna.keep("qa", "DB_URL", b"whCANARYone");
    assert_eq!(anna.state_of("qa", "DB_URL"), Some(Drift::LocalOnly));
}

#[test]
fn without_a_key_nothing_is_verified() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    let shelf = Arc::clone(&anna.post.shelf);
    let line = anna.invite("carl", Role::Member, &[right("dev", Right::Write)]);
    let mut carl = Person::new(&shelf);
    carl.keep("dev", "DB_URL", b"whCANARYhis");
    carl.join(&line, now()).unwrap();
    assert_eq!(carl.state_of("dev", "DB_URL"), Some(Drift::Unverified));
    assert_eq!(code(carl.pull("dev")), Some(Code::Unverified));
    assert_eq!(code(carl.push("dev")), Some(Code::Unverified));
    anna.sync(now()).unwrap();
    carl.sync(now()).unwrap();
    assert_eq!(carl.state_of("dev", "DB_URL"), Some(Drift::Diverged));
    // Whoever loses the right keeps what is here and hears no more of it.
    anna.set("bob", &[right("dev", Right::None)], None).unwrap();
    bob.sync(now()).unwrap();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Unverified));
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYone");
    assert_eq!(code(bob.pull("dev")), Some(Code::NoGrant));
}

#[test]
fn what_somebody_could_read_is_flagged_until_it_is_changed() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    anna.remove("bob").unwrap();
    let flags = |anna: &Person| {
        anna.team().drift(&environment("dev"), now())[0]
            .flags
            .clone()
    };
    let flag = Flag::NeedsUpstreamRotation(Cause::MemberRemoved);
    assert_eq!(flags(&anna), [flag]);
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.push("dev").unwrap();
    assert_eq!(flags(&anna), []);
}

#[test]
fn two_records_of_one_name_are_one_secret_and_are_healed_by_a_push() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    bob.put(&dev, 8, "DB_URL", b"whCANARYeight");
    bob.put(&dev, 3, "DB_URL", b"whCANARYthree");
    anna.pull("dev").unwrap();
    assert_eq!(anna.held("dev", "DB_URL").unwrap(), b"whCANARYthree");
    let flags = |anna: &Person| {
        anna.team().drift(&environment("dev"), now())[0]
            .flags
            .clone()
    };
    assert_eq!(flags(&anna), [Flag::DuplicateName]);
    anna.keep("dev", "DB_URL", b"whCANARYnew");
    let pushed = anna.push("dev").unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 2)]));
    assert_eq!(flags(&anna), []);
    bob.pull("dev").unwrap();
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYnew");
}
