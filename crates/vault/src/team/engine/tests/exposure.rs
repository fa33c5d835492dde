//! What must be changed where it is used, where the history before a snapshot is not known.

use super::*;
use crate::team::engine::state::State;
use withheld_team::drift::{Cause, Flag};

#[test]
fn what_may_be_older_than_a_snapshot_is_exposed_and_a_removal_says_so() {
    let (mut anna, _bob) = two();
    let line = anna.invite("carl", Role::Member, &[right("dev", Right::Read)]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.join(&line, hour(3)).unwrap();
    anna.sync(hour(3)).unwrap();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    anna.remove("bob").unwrap();
    // From here on the history before the new key is not here, as for whoever joins late.
    let dev = anna.env("dev");
    let mut next = State::clone(&anna.team().state());
    let here = next.env_mut(&dev);
    let (records, commit) = (
        here.records.clone(),
        here.file.commits.last().unwrap().clone(),
    );
    let entries = here.chain.entries().copied().collect();
    let chain = anna.team().state().chain.clone();
    let begun = EnvState::of_snapshot(&chain, &dev, &commit, entries).unwrap();
    let here = next.env_mut(&dev);
    here.begin_with(begun);
    here.records = records;
    *crate::team::engine::lock(&anna.team().state) = Arc::new(next);
    let flags = |anna: &Person| {
        anna.team().drift(&environment("dev"), hour(6))[0]
            .flags
            .clone()
    };
    assert_eq!(
        flags(&anna),
        [Flag::NeedsUpstreamRotation(Cause::MemberRemoved)]
    );
    let exposed = anna.remove("carl").unwrap().exposed;
    let rows: Vec<_> = exposed.iter().map(|row| (&row.name, &row.who)).collect();
    assert_eq!(rows, [(&secret("DB_URL"), &person("carl"))]);
    assert_eq!(anna.team().exposed().len(), 2, "Bob's, too");
    // The next version takes it off.
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.push("dev").unwrap();
    assert_eq!(anna.team().exposed(), []);
    assert_eq!(flags(&anna), []);
}
