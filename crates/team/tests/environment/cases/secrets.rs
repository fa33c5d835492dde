//! A server, or somebody who may write, shows another record, part or slot than the signed one.

use super::{BAD_SIGNATURE, NOT_ONE_ENCODING, NOW, cut, flip, show};
use crate::format::{Case, Hex, Step};
use crate::pages::sealed;
use crate::story::{S1, S2, S3, S4, Story};
use crate::version::Version;

const OTHER_RECORD: &str = "invalid: a record other than the one in the signed state";
const OTHER_META: &str = "invalid: a name part other than the one that was signed";
const OTHER_VALUE: &str = "invalid: a value part other than the one that was signed";
const OTHER_SLOT: &str = "invalid: a slot other than the one in the signed state";

pub(crate) fn cases(s: &Story) -> Vec<Case> {
    [by_the_server(s), parts_and_slots(s)].concat()
}

fn by_the_server(s: &Story) -> Vec<Case> {
    let current = s.version(S2, 2);
    let honest = show(None, S2, current);
    let case = |id, name, expected, attack| NOW.case(id, name, expected, attack, &honest);
    let record = |bytes: Vec<u8>| with_record(&honest, bytes);
    let signed = current.seal();
    let elsewhere = Version::after(&s.other, None, S1, &s.olga);
    vec![
        case(
            "26",
            "bit flip in a record",
            OTHER_RECORD,
            record(flip(signed.clone(), signed.len() - 70)),
        ),
        case(
            "26b",
            "bit flip in a record's signature",
            BAD_SIGNATURE,
            record(flip(signed.clone(), signed.len() - 40)),
        ),
        case(
            "15",
            "record signed as a commit",
            BAD_SIGNATURE,
            record(sealed(
                &current.body.to_bytes(),
                &current.key,
                "withheld/v0/sig/commit",
            )),
        ),
        case(
            "82",
            "truncated record",
            NOT_ONE_ENCODING,
            record(cut(signed)),
        ),
        case(
            "27",
            "swap two secrets",
            OTHER_RECORD,
            show(None, S2, &s.version(S1, 2).clone().under(2)),
        ),
        case(
            "28",
            "old version as new",
            OTHER_RECORD,
            show(None, S2, s.version(S2, 1)),
        ),
        case(
            "29",
            "record from another environment",
            OTHER_RECORD,
            show(None, S2, &elsewhere),
        ),
        case(
            "37",
            "deletion of another secret",
            OTHER_RECORD,
            record(s.version(S3, 2).seal()),
        ),
    ]
}

fn parts_and_slots(s: &Story) -> Vec<Case> {
    let honest = show(None, S2, s.version(S2, 2));
    let gone = show(None, S3, s.version(S3, 2));
    let case = |id, name, expected, attack| NOW.case(id, name, expected, attack, &honest);
    let Step::Secret {
        meta: Some(meta),
        value: Some(value),
        slot: Some(slot),
        ..
    } = &honest
    else {
        unreachable!("all parts are there")
    };
    let (meta, value, slot) = (meta.0.clone(), value.0.clone(), slot.0.clone());
    let other = s.version(S1, 2).clone().under(2).slot.unwrap().to_bytes();
    let older = s.version(S4, 1).slot.clone().unwrap().to_bytes();
    let rewrapped = s.version(S4, 1).clone().under(2);
    vec![
        case(
            "26c",
            "bit flip in a name",
            OTHER_META,
            with_meta(&honest, flip(meta.clone(), 3)),
        ),
        case(
            "26d",
            "bit flip in a value",
            OTHER_VALUE,
            with_value(&honest, flip(value.clone(), 3)),
        ),
        case(
            "82b",
            "truncated value",
            OTHER_VALUE,
            with_value(&honest, cut(value.clone())),
        ),
        case(
            "27b",
            "value in place of the name",
            OTHER_META,
            with_meta(&honest, value),
        ),
        NOW.case(
            "37b",
            "deletion with a name",
            OTHER_META,
            with_meta(&gone, meta.clone()),
            &gone,
        ),
        NOW.case(
            "37c",
            "deletion with a value",
            OTHER_VALUE,
            with_value(&gone, meta),
            &gone,
        ),
        NOW.case(
            "37d",
            "deletion with a slot",
            OTHER_SLOT,
            with_slot(&gone, slot.clone()),
            &gone,
        ),
        case(
            "26e",
            "bit flip in a slot",
            OTHER_SLOT,
            with_slot(&honest, flip(slot.clone(), 60)),
        ),
        case(
            "82c",
            "truncated slot",
            NOT_ONE_ENCODING,
            with_slot(&honest, cut(slot)),
        ),
        case(
            "43",
            "slot of another secret",
            OTHER_SLOT,
            with_slot(&honest, other),
        ),
        NOW.case(
            "100",
            "slot from before the re-wrap",
            OTHER_SLOT,
            with_slot(&show(None, S4, &rewrapped), older),
            &show(None, S4, &rewrapped),
        ),
    ]
}

fn with_record(step: &Step, bytes: Vec<u8>) -> Step {
    let mut step = step.clone();
    if let Step::Secret { record, .. } = &mut step {
        *record = Hex(bytes);
    }
    step
}

fn with_meta(step: &Step, bytes: Vec<u8>) -> Step {
    let mut step = step.clone();
    if let Step::Secret { meta, .. } = &mut step {
        *meta = Some(Hex(bytes));
    }
    step
}

fn with_value(step: &Step, bytes: Vec<u8>) -> Step {
    let mut step = step.clone();
    if let Step::Secret { value, .. } = &mut step {
        *value = Some(Hex(bytes));
    }
    step
}

fn with_slot(step: &Step, bytes: Vec<u8>) -> Step {
    let mut step = step.clone();
    if let Step::Secret { slot, .. } = &mut step {
        *slot = Some(Hex(bytes));
    }
    step
}
