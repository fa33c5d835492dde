//! A server shows a state that is not what a writer signed, or one that no writer may sign.

use withheld_team::commit::{Changes, Entry};

use super::{
    At, BAD_SIGNATURE, NO_RIGHT, NOT_ALL, OTHER_ENVIRONMENT, OTHER_ROOT, SOMETHING, change,
    snapshot,
};
use crate::format::Case;
use crate::pages::state_root;
use crate::story::{S1, S2, S3, S4, S5, Story};

pub(crate) fn cases(s: &Story) -> Vec<Case> {
    [shown(s), signed_by_an_insider(s)].concat()
}

/// What is shown is not what the author of the last commit signed.
fn shown(s: &Story) -> Vec<Case> {
    let at = At(14, 0);
    let pages = &s.dev[6];
    let last = &pages.commits[5];
    let honest = snapshot(last.clone(), &pages.state());
    let case = |id, name, expected, attack| at.case(id, name, expected, attack, &honest);
    let without = |rid| {
        let entries = pages.entries.values().filter(|entry| entry.rid != rid);
        snapshot(last.clone(), &entries.copied().collect::<Vec<_>>())
    };
    let with = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut state = pages.state();
        change(&mut state);
        snapshot(last.clone(), &state)
    };
    let old = s.version(S2, 1).entry();
    let swapped = with(&|state| {
        let record = state[0].record;
        state[0].record = state[1].record;
        state[1].record = record;
    });
    let by = |author| {
        let draft = change(s, At(14, 6), 14, 2, author, S2);
        let state: Vec<_> = pages.after(&draft.body.changes).into_values().collect();
        snapshot(draft.seal(), &state)
    };
    let forged = change(s, At(14, 5), 14, 2, &s.adam, S2).signed_by(&s.eve.ops);
    vec![
        case("30", "omission", OTHER_ROOT, without(S4)),
        case("37", "hidden deletion", OTHER_ROOT, without(S3)),
        case("27", "swap two secrets", OTHER_ROOT, swapped),
        case(
            "28",
            "old version as new",
            OTHER_ROOT,
            with(&|state| state[1] = old),
        ),
        case(
            "26",
            "bit flip",
            OTHER_ROOT,
            with(&|state| state[1].ver ^= 1),
        ),
        case(
            "109",
            "forged signature",
            BAD_SIGNATURE,
            snapshot(forged.seal(), &pages.state()),
        ),
        case("32", "reader's state", NO_RIGHT, by(&s.mia)),
        case(
            "48",
            "removed device's state",
            "invalid: a commit by a device that was not in the workspace at its anchor",
            by(&s.rita),
        ),
        case(
            "29",
            "state of another environment",
            OTHER_ENVIRONMENT,
            snapshot(s.other.commits[0].clone(), &s.other.state()),
        ),
    ]
}

/// A writer signed a state that no history leads to.
fn signed_by_an_insider(s: &Story) -> Vec<Case> {
    let at = At(14, 0);
    let honest = snapshot(s.now().commits[5].clone(), &s.dev[6].state());
    let case = |id, name, expected, attack| at.case(id, name, expected, attack, &honest);
    let signed = |changes: Changes, state: &[Entry]| {
        let draft = s.dev[6].say(s.anchor(14), &s.adam, 2, changes);
        let root = state_root(state.iter());
        snapshot(draft.with(|body| body.root = root).seal(), state)
    };
    let version = s.next(6, S2, &s.adam).under(2).entry();
    let records = Changes::Records(vec![version]);
    let after: Vec<_> = s.dev[6].after(&records).into_values().collect();
    let unsorted: Vec<_> = after.iter().rev().copied().collect();
    let double = [&after[..1], &after[..]].concat();
    let elsewhere = Changes::Records(vec![s.next(6, S5, &s.adam).entry()]);
    let Changes::Rewrap(mut slots) = s.dev[6].rewrap(2) else {
        unreachable!("a re-wrap")
    };
    slots[0].1 = SOMETHING;
    let order = "invalid: a state that is out of order or double";
    let first = At(12, 0);
    let brought = change(s, first, 12, 1, &s.olga, S1);
    let alone: Vec<_> = s.dev[0]
        .after(&brought.body.changes)
        .into_values()
        .collect();
    let more = [&alone[..], &[version]].concat();
    let root = state_root(more.iter());
    let smuggled = brought.clone().with(|body| body.root = root);
    let elsewhere_first = brought.clone().with(|body| body.prev = SOMETHING);
    let honest_first = snapshot(brought.seal(), &alone);
    vec![
        case(
            "95",
            "state out of order",
            order,
            signed(records.clone(), &unsorted),
        ),
        case(
            "95b",
            "one secret twice",
            order,
            signed(records.clone(), &double),
        ),
        case(
            "95c",
            "change that is not in the state",
            OTHER_ROOT,
            signed(records, &s.dev[6].state()),
        ),
        case(
            "95d",
            "new secret that is not in the state",
            OTHER_ROOT,
            signed(elsewhere, &s.dev[6].state()),
        ),
        case(
            "103",
            "re-wrap that is not in the state",
            NOT_ALL,
            signed(Changes::Rewrap(slots.clone()), &s.dev[6].state()),
        ),
        case(
            "35",
            "incomplete re-wrap",
            NOT_ALL,
            signed(Changes::Rewrap(slots[1..].to_vec()), &s.dev[6].state()),
        ),
        first.case(
            "103b",
            "first commit with more than it brings",
            OTHER_ROOT,
            snapshot(smuggled.seal(), &more),
            &honest_first,
        ),
        first.case(
            "94",
            "what stands before the first",
            "invalid: a first commit that is another environment's",
            snapshot(elsewhere_first.seal(), &alone),
            &honest_first,
        ),
    ]
}
