//! A server, or somebody with a device, shows a commit that nobody may have made.

use super::{
    At, BAD_SIGNATURE, BEHIND_A_CUT, NO_RIGHT, NOT_ONE_ENCODING, NOT_THE_CUT, OTHER_ENVIRONMENT,
    OTHER_ROOT, SOMETHING, bytes, change, commit, cut,
};
use crate::format::Case;
use crate::pages::sealed;
use crate::story::{OTHER, S1, S2, Story};

pub(crate) fn cases(s: &Story) -> Vec<Case> {
    [authors(s), removals(s), fields(s)].concat()
}

fn authors(s: &Story) -> Vec<Case> {
    let at = At(14, 6);
    let honest = change(s, at, 14, 2, &s.adam, S2);
    let case = |id, name, expected, attack| at.case(id, name, expected, attack, &commit(&honest));
    let by = |author| commit(&change(s, at, 14, 2, author, S2));
    let as_a_record = sealed(
        &honest.body.to_bytes(),
        &s.adam.ops,
        "withheld/v0/sig/record",
    );
    let mut before_join = change(s, At(14, 0), 4, 1, &s.adam, S1);
    before_join.body.epoch = 1;
    vec![
        case(
            "31",
            "forged commit",
            "invalid: a commit by a device that is not in the workspace",
            by(&s.eve),
        ),
        case(
            "109",
            "forged signature",
            BAD_SIGNATURE,
            commit(&honest.clone().signed_by(&s.eve.ops)),
        ),
        case(
            "109b",
            "signed with the owner key",
            BAD_SIGNATURE,
            commit(&honest.clone().signed_by(&s.adam.admin)),
        ),
        case(
            "15",
            "signed as a record",
            BAD_SIGNATURE,
            bytes(as_a_record),
        ),
        case("32", "reader writes", NO_RIGHT, by(&s.mia)),
        case(
            "48",
            "removed device",
            "invalid: a commit by a device that was not in the workspace at its anchor",
            by(&s.rita),
        ),
        At(14, 0).case(
            "48b",
            "device that had not joined",
            "invalid: a commit by a device that was not in the workspace at its anchor",
            commit(&before_join),
            &bytes(s.now().commits[0].clone()),
        ),
        case(
            "31b",
            "unknown device, and an anchor that was not shown",
            "rollback",
            commit(&change(s, at, 14, 2, &s.eve, S2).with(|body| body.w_seq = 15)),
        ),
    ]
}

fn removals(s: &Story) -> Vec<Case> {
    let (first, pinned) = (At(14, 4), At(14, 3));
    let commits = &s.now().commits;
    let rewrap = bytes(commits[4].clone());
    let lowered = At(17, 8);
    let after_lowering = commit(&change(s, lowered, 17, 3, &s.olga, S2));
    vec![
        first.case(
            "33",
            "removed writer, old anchor",
            BEHIND_A_CUT,
            commit(&change(s, first, 12, 1, &s.rita, S1)),
            &rewrap,
        ),
        lowered.case(
            "33b",
            "writer who became a reader, old anchor",
            BEHIND_A_CUT,
            commit(&change(s, lowered, 16, 3, &s.adam, S1)),
            &after_lowering,
        ),
        lowered.case(
            "32b",
            "writer who became a reader",
            NO_RIGHT,
            commit(&change(s, lowered, 17, 3, &s.adam, S1)),
            &after_lowering,
        ),
        pinned.case(
            "97",
            "other commit at the cut",
            NOT_THE_CUT,
            commit(&change(s, pinned, 12, 1, &s.rita, S1)),
            &bytes(commits[3].clone()),
        ),
        first.case(
            "34",
            "stale-epoch write",
            "invalid: a commit under a key that somebody who lost access still has",
            commit(&change(s, first, 13, 1, &s.olga, S1)),
            &rewrap,
        ),
    ]
}

fn fields(s: &Story) -> Vec<Case> {
    let at = At(14, 6);
    let honest = change(s, at, 14, 2, &s.adam, S2);
    let case = |id, name, expected, attack| at.case(id, name, expected, attack, &commit(&honest));
    let with = |change: fn(&mut withheld_team::commit::Body)| commit(&honest.clone().with(change));
    let trailing = [honest.seal(), vec![0]].concat();
    let beside = change(s, At(14, 5), 14, 2, &s.olga, S1);
    let first = commit(&change(s, At(14, 0), 12, 1, &s.olga, S1));
    let other_first = change(s, At(14, 0), 12, 1, &s.olga, S1).with(|body| body.prev = SOMETHING);
    let regress = At(12, 4);
    let regressed = change(s, regress, 11, 1, &s.olga, S1);
    let out = "invalid: a commit out of its place";
    vec![
        case(
            "82",
            "truncated",
            NOT_ONE_ENCODING,
            bytes(cut(honest.seal())),
        ),
        case("82b", "one byte more", NOT_ONE_ENCODING, bytes(trailing)),
        case(
            "90",
            "version",
            "unknown: the format of this commit",
            with(|body| body.v = 1),
        ),
        case(
            "91",
            "workspace",
            OTHER_ENVIRONMENT,
            with(|body| body.ws = SOMETHING.into()),
        ),
        case(
            "92",
            "environment",
            OTHER_ENVIRONMENT,
            with(|body| body.env = OTHER),
        ),
        case("93", "place skipped", out, with(|body| body.seq = 8)),
        case(
            "93b",
            "place before the first",
            "invalid: a commit before the first",
            with(|body| body.seq = 0),
        ),
        case(
            "22",
            "a commit that was seen, again",
            out,
            bytes(s.now().commits[5].clone()),
        ),
        case(
            "6",
            "another commit at a place that was seen",
            "fork",
            commit(&beside),
        ),
        case(
            "94",
            "previous commit",
            "fork",
            with(|body| body.prev = SOMETHING),
        ),
        At(14, 0).case(
            "94b",
            "what stands before the first",
            "invalid: a first commit that is another environment's",
            commit(&other_first),
            &first,
        ),
        case(
            "8",
            "anchor of another history",
            "fork",
            with(|body| body.w_hash = SOMETHING),
        ),
        case(
            "8b",
            "anchor before the first link",
            "fork",
            with(|body| body.w_seq = 0),
        ),
        case(
            "3",
            "anchor that was not shown",
            "rollback",
            with(|body| body.w_seq = 15),
        ),
        regress.case(
            "47",
            "anchor regress",
            "invalid: a commit that had seen less than the one before it",
            commit(&regressed),
            &commit(&change(s, regress, 12, 1, &s.olga, S1)),
        ),
        case(
            "95",
            "state root",
            OTHER_ROOT,
            with(|body| body.root = SOMETHING),
        ),
    ]
}
