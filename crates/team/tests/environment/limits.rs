//! How much one commit may bring and one environment may hold.

use withheld_team::commit::{Changes, Commit, Entry, EnvChain};
use withheld_team::id::{Hash, RecordId};
use withheld_team::{Verdict, commit};

use crate::cases::world;
use crate::format::chain;
use crate::pages::Pages;
use crate::story::{DEV, Story};

const THING: Hash = Hash::of([0x77; 32]);
const TOO_MANY_CHANGES: Verdict = Verdict::Invalid("a commit with no changes, or with too many");
const TOO_MANY_SECRETS: Verdict = Verdict::Invalid("an environment with too many secrets");

/// New secrets, numbered.
fn secrets(from: u32, until: u32) -> Vec<Entry> {
    let secret = |n: u32| {
        let mut rid = [0; 16];
        rid[..4].copy_from_slice(&n.to_be_bytes());
        Entry {
            rid: RecordId::of(rid),
            ver: 1,
            record: THING,
            slot: Some(THING),
        }
    };
    (from..until).map(secret).collect()
}

#[test]
fn the_limits_are_the_pages() {
    assert_eq!((commit::MAX_RECORDS, commit::MAX_LIVE), (1_000, 20_000));
}

#[test]
fn a_commit_brings_a_thousand_records() {
    let s = Story::new();
    let read = |changes| {
        let draft = Pages::begin(s.book.ws, DEV).say(s.anchor(12), &s.olga, 1, changes);
        Commit::read(&draft.seal()).map(drop)
    };
    assert_eq!(read(Changes::Records(secrets(0, 1_000))), Ok(()));
    assert_eq!(
        read(Changes::Records(secrets(0, 1_001))),
        Err(TOO_MANY_CHANGES)
    );
}

#[test]
fn a_rewrap_is_of_twenty_thousand_secrets() {
    let s = Story::new();
    let read = |until| {
        let slots = secrets(0, until)
            .iter()
            .map(|entry| (entry.rid, THING))
            .collect();
        let draft = s.dev[0].say(s.anchor(12), &s.olga, 1, Changes::Rewrap(slots));
        Commit::read(&draft.seal()).map(drop)
    };
    assert_eq!(read(20_000), Ok(()));
    assert_eq!(read(20_001), Err(TOO_MANY_CHANGES));
}

/// Of which deleted ones are not counted: they need no key.
#[test]
fn an_environment_holds_twenty_thousand_secrets() {
    let s = Story::new();
    let w = chain(&world(&s), 12);
    let mut full = Pages::begin(s.book.ws, DEV);
    full.entries = secrets(0, 20_000)
        .into_iter()
        .map(|entry| (entry.rid, entry))
        .collect();
    full.head.seq = 30;
    let snapshot = |pages: &Pages, change: Entry| {
        let changes = Changes::Records(vec![change]);
        let draft = pages.say(s.anchor(12), &s.olga, 1, changes.clone());
        let state: Vec<_> = pages.after(&changes).into_values().collect();
        EnvChain::from_snapshot(&w, &DEV, &draft.seal(), &state)
    };
    let first = secrets(0, 1)[0];
    let mut newer = first;
    newer.ver = 2;
    let mut gone = newer;
    gone.slot = None;
    let one_more = secrets(20_000, 20_001)[0];
    assert_eq!(snapshot(&full, one_more).err(), Some(TOO_MANY_SECRETS));

    let mut e = snapshot(&full, newer).unwrap();
    full.push(&full.say(s.anchor(12), &s.olga, 1, Changes::Records(vec![newer])));
    let add = full.say(s.anchor(12), &s.olga, 1, Changes::Records(vec![one_more]));
    assert_eq!(e.apply(&w, &add.seal()).err(), Some(TOO_MANY_SECRETS));
    gone.ver = 3;
    let in_exchange = Changes::Records(vec![gone, one_more]);
    let exchange = full.say(s.anchor(12), &s.olga, 1, in_exchange);
    assert!(e.apply(&w, &exchange.seal()).is_ok());
    assert_eq!(e.entries().count(), 20_001);
}

/// Somebody who may write signs a state at the last place that a number can say.
#[test]
fn no_place_runs_over() {
    let s = Story::new();
    let w = chain(&world(&s), 17);
    let sign = |seq| {
        let changes = Changes::Records(vec![secrets(0, 1)[0]]);
        let draft = Pages::begin(s.book.ws, DEV).say(s.anchor(17), &s.olga, 3, changes);
        draft.with(|body| body.seq = seq).seal()
    };
    let end = (1 << 63) - 1;
    let last = sign(end);
    let e = EnvChain::from_snapshot(&w, &DEV, &last, &secrets(0, 1)).unwrap();
    assert_eq!(e.head().seq, end);
    assert_eq!(e.holds_cuts(&w), Ok(()));
    let after = e.clone().apply(&w, &sign(end - 1));
    assert!(after.is_err());
    let again = e.clone().apply(&w, &last);
    assert_eq!(
        again.err(),
        Some(Verdict::Invalid("a commit out of its place"))
    );
    let beyond = e.clone().apply(&w, &sign(end + 1));
    assert_eq!(
        beyond.err(),
        Some(Verdict::Invalid(
            "a commit at a place that no commit can have"
        ))
    );
}
