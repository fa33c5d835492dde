//! Somebody who may write commits changes that no commit may bring.

use withheld_team::commit::Changes;

use super::{At, NOT_ALL, OTHER_ROOT, SOMETHING, bytes, change, commit};
use crate::format::Case;
use crate::story::{S1, S2, S3, S5, Story};

pub(crate) fn cases(s: &Story) -> Vec<Case> {
    [changes(s), keys(s)].concat()
}

fn changes(s: &Story) -> Vec<Case> {
    let at = At(14, 6);
    let pages = &s.dev[6];
    let next = |rid| s.next(6, rid, &s.adam).under(2);
    let records = |records| commit(&pages.say(s.anchor(14), &s.adam, 2, Changes::Records(records)));
    let two = [next(S1).entry(), next(S2).entry()];
    let honest = records(two.to_vec());
    let gone = records(vec![next(S2).deleted().entry()]);
    let case = |id, name, expected, attack| at.case(id, name, expected, attack, &honest);
    let version = |rid, ver| records(vec![next(rid).entry_with(|entry| entry.ver = ver)]);
    let skip = "invalid: a version that is not the next one";
    let none = "invalid: a version that no secret can have";
    let order = "invalid: a commit whose changes are out of order or double";
    let nothing = "invalid: a deletion of what is not there";
    vec![
        case("38", "version skip", skip, version(S2, 4)),
        case(
            "28",
            "a version that was there, again",
            skip,
            version(S2, 2),
        ),
        case("38b", "new secret at version 2", skip, version(S5, 2)),
        case("38c", "new secret at version 0", none, version(S5, 0)),
        case(
            "38d",
            "deleted secret at version 1 again",
            skip,
            version(S3, 1),
        ),
        at.case(
            "102",
            "deletion of what never was",
            nothing,
            records(vec![next(S5).deleted().entry()]),
            &gone,
        ),
        at.case(
            "102b",
            "deletion of what is deleted",
            nothing,
            records(vec![next(S3).deleted().entry()]),
            &gone,
        ),
        case(
            "95b",
            "no change",
            "invalid: a commit with no changes, or with too many",
            records(vec![]),
        ),
        case(
            "95c",
            "changes out of order",
            order,
            records(vec![two[1], two[0]]),
        ),
        case(
            "95d",
            "one change twice",
            order,
            records(vec![two[0], two[0]]),
        ),
    ]
}

fn keys(s: &Story) -> Vec<Case> {
    let (at, first, none) = (At(14, 6), At(14, 4), At(14, 0));
    let honest = commit(&change(s, at, 14, 2, &s.adam, S2));
    let rewrap = bytes(s.now().commits[4].clone());
    let not_in_force = "invalid: a commit under a key that was not in force at its anchor";
    let say = |slots| s.dev[4].say(s.anchor(14), &s.adam, 2, Changes::Rewrap(slots));
    let Changes::Rewrap(slots) = s.dev[4].rewrap(2) else {
        unreachable!("a re-wrap")
    };
    let without = |rid| slots.iter().copied().filter(|slot| slot.0 != rid).collect();
    let mut with_deleted = slots.clone();
    with_deleted.insert(2, (S3, SOMETHING));
    let mut another = slots.clone();
    another[2].0 = S5;
    let mut twice = slots.clone();
    twice.insert(0, slots[0]);
    let mut newer = s.dev[4].clone();
    newer.entries.get_mut(&S2).unwrap().ver = 2;
    let newer = newer.say(s.anchor(14), &s.adam, 2, s.dev[4].rewrap(2));
    let same_key = s.dev[6].say(s.anchor(14), &s.adam, 2, s.dev[6].rewrap(2));
    let empty = |slots| s.dev[0].say(s.anchor(12), &s.olga, 1, Changes::Rewrap(slots));
    let case = |id, name, expected, attack| first.case(id, name, expected, attack, &rewrap);
    vec![
        at.case(
            "98",
            "old epoch named",
            not_in_force,
            commit(&change(s, at, 14, 1, &s.adam, S2)),
            &honest,
        ),
        at.case(
            "98b",
            "epoch to come named",
            not_in_force,
            commit(&change(s, at, 14, 3, &s.adam, S2)),
            &honest,
        ),
        none.case(
            "98c",
            "epoch named before it began",
            not_in_force,
            commit(&change(s, none, 9, 1, &s.olga, S1)),
            &bytes(s.now().commits[0].clone()),
        ),
        case(
            "35",
            "new key without a re-wrap",
            "invalid: a new key without a re-wrap of every secret",
            commit(&change(s, first, 14, 2, &s.adam, S2)),
        ),
        case(
            "35b",
            "incomplete re-wrap",
            NOT_ALL,
            commit(&say(without(S2))),
        ),
        case(
            "103",
            "re-wrap that brings a deleted secret back",
            NOT_ALL,
            commit(&say(with_deleted)),
        ),
        case(
            "103b",
            "re-wrap of another secret",
            NOT_ALL,
            commit(&say(another)),
        ),
        case(
            "103c",
            "re-wrap of one secret twice",
            "invalid: a commit whose changes are out of order or double",
            commit(&say(twice)),
        ),
        case(
            "104",
            "re-wrap that changes a version",
            OTHER_ROOT,
            commit(&newer),
        ),
        at.case(
            "104b",
            "re-wrap under the same key",
            "invalid: a re-wrap without a new key",
            commit(&same_key),
            &honest,
        ),
        none.case(
            "104c",
            "re-wrap of what is not there",
            NOT_ALL,
            commit(&empty(vec![(S1, SOMETHING)])),
            &commit(&empty(vec![])),
        ),
    ]
}
