//! Somebody who may write commits a record or a slot that is not what the commit says.

use withheld_team::commit::{Changes, Entry};
use withheld_team::id::RecordId;
use withheld_team::record::Kind;

use super::{BAD_SIGNATURE, NOW, SOMETHING, show};
use crate::format::{Case, Step};
use crate::pages::Draft;
use crate::story::{OTHER, S1, S2, S5, Story};
use crate::version::Version;

const HALF: &str = "invalid: a record that is neither a value nor a deletion";
const FALSE_DELETION: &str =
    "invalid: a deletion that is shown as a value, or a value as a deletion";

pub(crate) fn cases(s: &Story) -> Vec<Case> {
    [headers(s), deletions(s), slots(s)].concat()
}

/// Somebody who may write commits a record that is not what the commit says.
fn headers(s: &Story) -> Vec<Case> {
    let honest = next(s, S2);
    let fresh = next(s, S5);
    let twin = brought(s, &honest.entry(), &honest);
    let case = |id, name, expected, attack| NOW.case(id, name, expected, attack, &twin);
    let lie = |id, name, expected, version: Version| {
        let entry = version.entry_with(|entry| (entry.rid, entry.ver) = (S2, 3));
        case(id, name, expected, brought(s, &entry, &version))
    };
    let with = |change: fn(&mut withheld_team::record::Body)| honest.clone().with(change);
    let elsewhere = "invalid: a record of another environment";
    let follows = "invalid: a record that does not follow the version before it";
    let entry_of_eve = with(|_| ()).with(|body| body.header.author = s.eve.id);
    vec![
        lie(
            "110",
            "forged record signature",
            BAD_SIGNATURE,
            honest.clone().signed_by(&s.eve.ops),
        ),
        lie(
            "110b",
            "record by an unknown device",
            "invalid: a record by a device that is not in the workspace",
            entry_of_eve.signed_by(&s.eve.ops),
        ),
        lie(
            "90",
            "record of another format",
            "unknown: the format of this record",
            with(|body| body.header.v = 1),
        ),
        lie(
            "99",
            "record of another workspace",
            elsewhere,
            with(|body| body.header.ws = SOMETHING.into()),
        ),
        lie(
            "99b",
            "record of another environment",
            elsewhere,
            with(|body| body.header.env = OTHER),
        ),
        lie(
            "99c",
            "record of another secret",
            "invalid: a record of another secret",
            with(|body| body.header.rid = S1),
        ),
        lie(
            "28b",
            "old record as a new version",
            "invalid: a record of another version",
            s.version(S2, 1).clone().under(2),
        ),
        lie(
            "99d",
            "record that follows nothing",
            follows,
            with(|body| body.header.prev = SOMETHING),
        ),
        NOW.case(
            "99e",
            "new secret that follows something",
            follows,
            brought(
                s,
                &fresh
                    .clone()
                    .with(|body| body.header.prev = SOMETHING)
                    .entry(),
                &fresh.clone().with(|body| body.header.prev = SOMETHING),
            ),
            &brought(s, &fresh.entry(), &fresh),
        ),
    ]
}

fn deletions(s: &Story) -> Vec<Case> {
    let (value, gone) = (next(s, S2), next(s, S2).deleted());
    let (one, other) = (
        brought(s, &value.entry(), &value),
        brought(s, &gone.entry(), &gone),
    );
    let hidden = value.entry_with(|entry| entry.slot = None);
    let shown = gone.entry_with(|entry| entry.slot = value.entry().slot);
    let sealed_deletion = value.clone().with(|body| body.header.kind = Kind::Deleted);
    let empty_value = value.clone().with(|body| body.sealed = None);
    vec![
        NOW.case(
            "37e",
            "hidden deletion",
            FALSE_DELETION,
            brought(s, &hidden, &value),
            &other,
        ),
        NOW.case(
            "102",
            "deletion that claims a slot",
            FALSE_DELETION,
            brought(s, &shown, &gone),
            &one,
        ),
        NOW.case(
            "102c",
            "deletion that seals something",
            HALF,
            brought(s, &sealed_deletion.entry(), &sealed_deletion),
            &other,
        ),
        NOW.case(
            "102d",
            "value that seals nothing",
            HALF,
            brought(s, &empty_value.entry(), &empty_value),
            &one,
        ),
    ]
}

/// Somebody who may write commits a slot that is for something else.
fn slots(s: &Story) -> Vec<Case> {
    let honest = next(s, S2);
    let twin = brought(s, &honest.entry(), &honest);
    let lie = |id, name, expected, change: fn(&mut withheld_team::slot::Slot)| {
        let version = honest.clone().slot_with(change);
        NOW.case(
            id,
            name,
            expected,
            brought(s, &version.entry(), &version),
            &twin,
        )
    };
    let elsewhere = "invalid: a slot that belongs to another secret";
    let old = "invalid: a slot under a key that is not the environment's";
    vec![
        lie(
            "90b",
            "slot of another format",
            "unknown: the format of this slot",
            |slot| slot.v = 1,
        ),
        lie("101", "slot of another environment", elsewhere, |slot| {
            slot.env = OTHER
        }),
        lie("44", "slot of another secret", elsewhere, |slot| {
            slot.rid = S1
        }),
        lie("44b", "slot of another version", elsewhere, |slot| {
            slot.ver = 2
        }),
        lie("98", "slot under the old key", old, |slot| slot.epoch = 1),
    ]
}

fn next(s: &Story, rid: RecordId) -> Version {
    s.next(6, rid, &s.adam).under(2)
}

/// A version, with the commit whose entry brings it.
pub(super) fn brought(s: &Story, entry: &Entry, version: &Version) -> Step {
    let changes = Changes::Records(vec![*entry]);
    let commit: Draft = s.dev[6].say(s.anchor(14), &s.adam, 2, changes);
    show(Some(&commit), entry.rid, version)
}
