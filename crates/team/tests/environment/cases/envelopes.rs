//! Envelopes that nobody in the workspace sealed, or that are for nothing on the chain.

use withheld_team::id::EnvId;

use super::{At, BAD_SIGNATURE, NOT_ONE_ENCODING, SOMETHING, cut};
use crate::common::Device;
use crate::format::{Case, Hex, Step};
use crate::pages::sealed;
use crate::story::{DEV, OTHER, Story};
use crate::version::Letter;

pub(crate) fn cases(s: &Story) -> Vec<Case> {
    let letter = |epoch, to: &Device, by: &Device| Letter::new(&s.book, DEV, epoch, to, by);
    let honest = letter(2, &s.mia, &s.adam);
    let twin = step(honest.seal());
    let case = |id, name, expected, letter: &Letter| {
        At(14, 0).case(id, name, expected, step(letter.seal()), &twin)
    };
    let with = |change: fn(&mut withheld_team::envelope::Envelope)| honest.clone().with(change);
    let unknown_key = "invalid: an envelope for a key that the chain does not name";
    vec![
        case(
            "39",
            "by an unknown device",
            "invalid: an envelope by a device that is not in the workspace",
            &letter(2, &s.mia, &s.eve),
        ),
        case(
            "39b",
            "forged signature",
            BAD_SIGNATURE,
            &honest.clone().signed_by(&s.eve.ops),
        ),
        At(14, 0).case(
            "15",
            "signed as a record",
            BAD_SIGNATURE,
            step(sealed(
                &honest.body.to_bytes(),
                &honest.key,
                "withheld/v0/sig/record",
            )),
            &twin,
        ),
        At(14, 0).case(
            "39c",
            "by a device that was removed before",
            "invalid: an envelope by a device that was removed before the key was made",
            step(letter(2, &s.mia, &s.rita).seal()),
            &step(letter(1, &s.mia, &s.rita).seal()),
        ),
        case(
            "39d",
            "to an unknown device",
            "invalid: an envelope to a device that is not in the workspace",
            &letter(2, &s.eve, &s.adam),
        ),
        case(
            "91",
            "of another workspace",
            "invalid: an envelope of another workspace",
            &with(|body| body.ws = SOMETHING.into()),
        ),
        case(
            "92",
            "for an unknown environment",
            unknown_key,
            &with(|body| body.env = EnvId::of([9; 16])),
        ),
        case(
            "92b",
            "for an epoch of another environment",
            unknown_key,
            &with(|body| body.env = OTHER),
        ),
        case(
            "98",
            "for an epoch to come",
            unknown_key,
            &letter(3, &s.olga, &s.adam),
        ),
        case(
            "90",
            "of another format",
            "unknown: the format of this envelope",
            &with(|body| body.v = 1),
        ),
        case(
            "90b",
            "of another class",
            "unknown: the class of this envelope",
            &with(|body| body.class = 1),
        ),
        At(14, 0).case(
            "82",
            "truncated",
            NOT_ONE_ENCODING,
            step(cut(honest.seal())),
            &twin,
        ),
    ]
}

fn step(envelope: Vec<u8>) -> Step {
    Step::Envelope {
        envelope: Hex(envelope),
    }
}
