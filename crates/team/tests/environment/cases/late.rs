//! A server shows less than there is, or what a removal that is heard of later does not allow.

use withheld_team::id::Hash;
use withheld_team::links::{Cut, Op, Position, Right, Role};

use super::{At, BEHIND_A_CUT, NOT_THE_CUT, SOMETHING, change, snapshot};
use crate::common::{DAY, Draft, Invitation};
use crate::format::{Case, Hex, Step};
use crate::story::{DEV, S1, Story};

pub(crate) fn cases(s: &Story) -> Vec<Case> {
    [older(s), removals(s), vec![came_and_left(s)]].concat()
}

/// A true state, but not the newest that this client can know of.
fn older(s: &Story) -> Vec<Case> {
    let at = |commits: usize| Hash::of(*hash_of(s, commits).as_bytes());
    let nothing = |seq: usize, hash| Step::Nothing {
        seq: seq as u64,
        hash,
    };
    let state = |commits: usize| {
        let pages = &s.dev[commits];
        snapshot(pages.commits[commits - 1].clone(), &pages.state())
    };
    let (short, here) = (At(17, 3), At(17, 4));
    let all = |commits: &[Vec<u8>]| Step::All {
        links: vec![],
        commits: commits.iter().cloned().map(Hex).collect(),
    };
    vec![
        here.case(
            "22",
            "rollback behind a head that was seen",
            "rollback",
            nothing(6, at(6)),
            &nothing(4, at(4)),
        ),
        here.case(
            "6",
            "another commit than the one that was seen",
            "fork",
            nothing(3, at(4)),
            &nothing(3, at(3)),
        ),
        here.case(
            "6b",
            "another beginning",
            "fork",
            nothing(0, at(4)),
            &nothing(0, s.dev[0].head.hash),
        ),
        At(17, 0).case(
            "22b",
            "state before what a removal pinned",
            "rollback",
            state(3),
            &state(8),
        ),
        short.case(
            "82",
            "history that ends before what a removal pinned",
            "rollback",
            all(&[]),
            &all(&s.now().commits[3..]),
        ),
    ]
}

fn hash_of(s: &Story, commits: usize) -> Hash {
    s.dev[commits].head.hash
}

/// Somebody who came after the key was made has it all the same, and leaves.
fn came_and_left(s: &Story) -> Case {
    let here = At(12, 4);
    let invitation = Invitation::new(0x35);
    let mut book = s.book.until(12);
    let mut links = Vec::new();
    let mut say = |draft: Draft| {
        book.push(&draft);
        links.push(Hex(draft.seal()));
        book.clone()
    };
    let until = s.book.until(12).ts + DAY;
    let invite = invitation.op(Role::Member, &[(DEV, Right::Read)], until);
    let book = say(s.book.until(12).say(&s.olga, invite));
    let joined = say(book.join(&invitation, &s.eve));
    let op = Op::MemberRemove {
        member: s.eve.member,
        cuts: vec![],
    };
    let left = say(joined.say(&s.olga, op));
    let all = |seq: usize, head: Hash| {
        let mut commit = change(s, here, 12, 1, &s.olga, S1);
        (commit.body.w_seq, commit.body.w_hash) = (seq as u64, head);
        Step::All {
            links: links[..seq - 12].to_vec(),
            commits: vec![Hex(commit.seal())],
        }
    };
    here.case(
        "34",
        "write under a key that a late reader took along",
        "invalid: a commit under a key that somebody who lost access still has",
        all(15, left.head()),
        &all(14, joined.head()),
    )
}

/// A removal that is heard of after the commits that it is about.
fn removals(s: &Story) -> Vec<Case> {
    let here = At(12, 4);
    let remove = |at: Position| {
        let Position { seq, hash } = at;
        let op = Op::MemberRemove {
            member: s.rita.member,
            cuts: vec![Cut {
                env: DEV,
                seq,
                hash,
            }],
        };
        Step::All {
            links: vec![Hex(s.book.until(12).say(&s.olga, op).seal())],
            commits: vec![],
        }
    };
    let at = |commits: usize| s.dev[commits].head;
    let other = Position {
        hash: SOMETHING,
        ..at(4)
    };
    let later = Position {
        seq: 5,
        hash: SOMETHING,
    };
    vec![
        here.case(
            "33",
            "commit that the remover did not have",
            BEHIND_A_CUT,
            remove(at(3)),
            &remove(at(4)),
        ),
        here.case(
            "97",
            "other commit at the cut",
            NOT_THE_CUT,
            remove(other),
            &remove(at(4)),
        ),
        here.case(
            "5",
            "commit that the remover had",
            "rollback",
            remove(later),
            &remove(at(4)),
        ),
    ]
}
