//! Places and versions that are none: 0, or more than a database's signed numbers can say.

use withheld_team::commit::{Changes, Entry};

use super::{At, NOW, change, commit, committed, snapshot};
use crate::format::Case;
use crate::pages::state_root;
use crate::story::{S2, S4, S5, Story};
use crate::version::Version;

const NO_PLACE: &str = "invalid: a commit at a place that no commit can have";
const NO_VERSION: &str = "invalid: a version that no secret can have";
const TOO_LARGE: u64 = 1 << 63;

/// In a commit.
pub(crate) fn commits(s: &Story) -> Vec<Case> {
    let honest = change(s, NOW, 14, 2, &s.adam, S2);
    let case = |id, name, expected, attack| NOW.case(id, name, expected, attack, &commit(&honest));
    let at = |seq| commit(&honest.clone().with(|body| body.seq = seq));
    let version = |rid, ver| {
        let entry = s.next(6, rid, &s.adam).under(2);
        let entry = entry.entry_with(|entry| entry.ver = ver);
        let changes = Changes::Records(vec![entry]);
        commit(&s.dev[6].say(s.anchor(14), &s.adam, 2, changes))
    };
    vec![
        case(
            "93c",
            "place too large for a database",
            NO_PLACE,
            at(TOO_LARGE),
        ),
        case("93d", "the largest place", NO_PLACE, at(u64::MAX)),
        case("38e", "secret at version 0", NO_VERSION, version(S2, 0)),
        case(
            "38f",
            "version too large for a database",
            NO_VERSION,
            version(S2, TOO_LARGE),
        ),
        case(
            "38g",
            "new secret at the largest version",
            NO_VERSION,
            version(S5, u64::MAX),
        ),
    ]
}

/// In a state that a writer signed.
pub(crate) fn states(s: &Story) -> Vec<Case> {
    let at = At(14, 0);
    let records = Changes::Records(vec![s.next(6, S2, &s.adam).under(2).entry()]);
    let honest: Vec<_> = s.dev[6].after(&records).into_values().collect();
    let signed = |state: &[Entry], seq: u64| {
        let draft = s.dev[6].say(s.anchor(14), &s.adam, 2, records.clone());
        let root = state_root(state.iter());
        let draft = draft.with(|body| (body.root, body.seq) = (root, seq));
        snapshot(draft.seal(), state)
    };
    let twin = signed(&honest, TOO_LARGE - 1);
    let with = |ver| {
        let mut state = honest.clone();
        for entry in state.iter_mut().filter(|entry| entry.rid == S4) {
            entry.ver = ver;
        }
        signed(&state, 7)
    };
    let case = |id, name, expected, attack, twin| at.case(id, name, expected, attack, twin);
    let large = with(TOO_LARGE - 1);
    vec![
        case(
            "93",
            "state at a place too large for a database",
            NO_PLACE,
            signed(&honest, TOO_LARGE),
            &twin,
        ),
        case("38", "state with a version 0", NO_VERSION, with(0), &large),
        case(
            "38b",
            "state with a version too large for a database",
            NO_VERSION,
            with(TOO_LARGE),
            &large,
        ),
    ]
}

/// In a record or a slot that a commit brings.
pub(crate) fn secrets(s: &Story) -> Vec<Case> {
    let honest = s.next(6, S2, &s.adam).under(2);
    let twin = committed::brought(s, &honest.entry(), &honest);
    let case = |id, name, version: Version| {
        let entry = version.entry_with(|entry| (entry.rid, entry.ver) = (S2, 3));
        let attack = committed::brought(s, &entry, &version);
        NOW.case(id, name, NO_VERSION, attack, &twin)
    };
    let record = |ver| honest.clone().with(|body| body.header.ver = ver);
    let slot = |ver| honest.clone().slot_with(|slot| slot.ver = ver);
    vec![
        case("28c", "record of version 0", record(0)),
        case("28d", "record of a version too large", record(TOO_LARGE)),
        case("44c", "slot of version 0", slot(0)),
        case("44d", "slot of a version too large", slot(TOO_LARGE)),
    ]
}
