//! What an environment is after honest commits, by hand from the story.

use withheld_team::cbor;
use withheld_team::chain::{Chain, Head};
use withheld_team::commit::{Changes, Entry, EnvChain, root};
use withheld_team::id::RecordId;
use withheld_team::{Verdict, commit};

use crate::cases::world;
use crate::format::{chain, history};
use crate::pages::state_root;
use crate::story::{DEV, S1, S2, S3, S4, Story};

fn setting() -> (Story, Chain, EnvChain) {
    let story = Story::new();
    let world = world(&story);
    let w = chain(&world, 17);
    let e = history(&world, &w, 8);
    (story, w, e)
}

fn versions(e: &EnvChain) -> Vec<(RecordId, u64, bool)> {
    let line = |entry: &Entry| (entry.rid, entry.ver, entry.is_deleted());
    e.entries().map(line).collect()
}

#[test]
fn the_state_follows_the_commits() {
    let (story, w, e) = setting();
    let expected = [
        (S1, 3, false),
        (S2, 2, false),
        (S3, 3, false),
        (S4, 1, false),
    ];
    assert_eq!(versions(&e), expected);
    assert_eq!((e.env(), e.epoch(), e.w_seq()), (DEV, 3, 16));
    let before = history(&world(&story), &w, 6);
    let expected = [
        (S1, 2, false),
        (S2, 2, false),
        (S3, 2, true),
        (S4, 1, false),
    ];
    assert_eq!(versions(&before), expected);
    assert_eq!((before.epoch(), before.w_seq()), (2, 14));
    for (commits, pages) in story.dev.iter().enumerate() {
        let seq = commits as u64;
        assert_eq!(e.hash_at(seq), Some(pages.head.hash));
        assert_eq!(pages.head.seq, seq);
    }
    assert_eq!(e.hash_at(9), None);
    let Head { seq, hash } = e.head();
    assert_eq!((seq, hash), (8, story.now().head.hash));
    assert_eq!(e.entry(&S4), story.now().entries.get(&S4));
    assert_eq!(e.entry(&crate::story::S5), None);
}

#[test]
fn an_environment_begins_with_nothing() {
    let (story, ..) = setting();
    let e = EnvChain::begin(&story.book.ws, &DEV);
    assert_eq!((e.head().seq, e.head().hash), (0, story.dev[0].head.hash));
    assert_eq!((e.epoch(), e.w_seq(), e.entries().count()), (0, 0, 0));
    assert_eq!(e.hash_at(0), Some(story.dev[0].head.hash));
    assert_eq!(e.hash_at(1), None);
}

#[test]
fn what_a_commit_did_is_told() {
    let (story, w, _) = setting();
    let mut e = history(&world(&story), &w, 4);
    let (four, five) = (&story.dev[4].entries, &story.dev[5].entries);
    let applied = e.apply(&w, &story.now().commits[4]).unwrap();
    assert_eq!(applied.commit.body.author, story.adam.id);
    assert_eq!(applied.commit.hash, story.dev[5].head.hash);
    let pairs: Vec<_> = applied
        .changes
        .iter()
        .map(|change| (change.before, change.now))
        .collect();
    assert_eq!(
        pairs,
        [S1, S2, S4].map(|rid| (Some(four[&rid]), five[&rid]))
    );
    e.apply(&w, &story.now().commits[5]).unwrap();
    e.apply(&w, &story.now().commits[6]).unwrap();
    let applied = e.apply(&w, &story.now().commits[7]).unwrap();
    let pairs: Vec<_> = applied
        .changes
        .iter()
        .map(|change| (change.before, change.now))
        .collect();
    let (seven, eight) = (&story.dev[7].entries, &story.dev[8].entries);
    assert_eq!(pairs, [S1, S3].map(|rid| (Some(seven[&rid]), eight[&rid])));
}

#[test]
fn the_root_to_sign_is_told_beforehand() {
    let (story, w, _) = setting();
    let e = history(&world(&story), &w, 4);
    let rewrap = story.dev[4].rewrap(2);
    let after = story.dev[4].after(&rewrap);
    assert_eq!(e.root_after(2, &rewrap), Ok(state_root(after.values())));
    let records = Changes::Records(vec![story.version(S2, 2).entry()]);
    let after = story.dev[4].after(&records);
    assert_eq!(e.root_after(1, &records), Ok(state_root(after.values())));
    assert!(
        e.root_after(2, &records).is_err(),
        "a new key re-wraps first"
    );
    assert_eq!(root(e.entries()), state_root(story.dev[4].entries.values()));
}

#[test]
fn a_snapshot_knows_no_more_than_it_was_shown() {
    let (story, w, whole) = setting();
    let state = story.dev[6].state();
    let e = EnvChain::from_snapshot(&w, &DEV, &story.now().commits[5], &state).unwrap();
    assert_eq!((e.head().seq, e.head().hash), (6, story.dev[6].head.hash));
    assert_eq!(
        e.hash_at(5),
        Some(story.dev[5].head.hash),
        "the commit that it follows"
    );
    assert_eq!(e.hash_at(4), None);
    let seen = |commits: usize| {
        let at = story.dev[commits].head;
        Head {
            seq: at.seq,
            hash: at.hash,
        }
    };
    assert_eq!(e.extends(&seen(6)), Ok(()));
    assert_eq!(e.extends(&seen(5)), Ok(()));
    let unverified = Verdict::Unverified("the history since a head that was seen");
    assert_eq!(e.extends(&seen(4)), Err(unverified));
    assert_eq!(e.extends(&seen(8)), Err(Verdict::Rollback));
    assert_eq!(whole.extends(&seen(4)), Ok(()));
}

#[test]
fn the_local_copy_is_the_same() {
    let (story, w, whole) = setting();
    let state = story.dev[6].state();
    let begun = EnvChain::from_snapshot(&w, &DEV, &story.now().commits[5], &state).unwrap();
    for e in [whole, begun] {
        assert_eq!(cbor::decode(&cbor::encode(&e)), Ok(e));
    }
}

#[test]
fn a_commit_is_read_as_it_was_written() {
    let (story, ..) = setting();
    let read = commit::Commit::read(&story.now().commits[0]).unwrap();
    assert_eq!(read.hash, story.dev[1].head.hash);
    assert_eq!(
        (read.body.seq, read.body.w_seq, read.body.epoch),
        (1, 12, 1)
    );
    assert_eq!(read.body.author, story.olga.id);
    let three = [S1, S2, S3].map(|rid| story.version(rid, 1).entry());
    assert_eq!(read.body.changes, Changes::Records(three.to_vec()));
}
