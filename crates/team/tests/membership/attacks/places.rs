//! Times that walk back, positions that are none, and a beginning that is shown later.

use withheld_team::Verdict::Invalid;
use withheld_team::id::Hash;
use withheld_team::links::{Cut, Op, Position, Right, Role};

use crate::common::{Book, MINUTE, genesis};
use crate::story::{DEV, People, role, third_commit};
use crate::vectors::Group;

/// One more than a database's signed numbers can say.
const TOO_LARGE: u64 = 1 << 63;

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    times(&mut group, who, book);
    positions(&mut group, who, book);
    cuts(&mut group, who, book);
    beginnings(&mut group, who, book);
    group
}

/// The first of two links is dated back as far as it may be; the second, further.
fn times(group: &mut Group, who: &People, book: &Book) {
    let dated = |book: &Book, ts: u64| {
        let draft = book.grant(&who.olga, &who.otto, DEV, Right::Read);
        draft.with(|body| body.ts = ts)
    };
    let earliest = book.ts - 5 * MINUTE;
    let back = book.clone().and(&dated(book, earliest));
    let twin = dated(&back, earliest).seal();
    let mut add = |what, ts| {
        let link = dated(&back, ts).seal();
        let text = "a link dated before the one that it follows";
        group.add(what, &back, link, Invalid(text), twin.clone());
    };
    add(
        ("18b", "two links that walk back, five minutes each"),
        earliest - 5 * MINUTE,
    );
    add(
        ("18c", "two links that walk back, the second a millisecond"),
        earliest - 1,
    );
}

fn positions(group: &mut Group, who: &People, book: &Book) {
    let honest = book.grant(&who.olga, &who.otto, DEV, Right::Read);
    let mut add = |what, seq| {
        let link = honest.clone().with(|body| body.seq = seq).seal();
        let text = "a link at a position that no link can have";
        group.add(what, book, link, Invalid(text), honest.seal());
    };
    add(("53c", "a position too large for a database"), TOO_LARGE);
    add(("53d", "the largest position"), u64::MAX);
}

fn cuts(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        rita,
        ..
    } = who;
    let text = "a cut at a position that no commit can have";
    let at = |seq| Position {
        seq,
        ..third_commit()
    };
    let lowered = |seq| {
        let before = book.until(18);
        let op = Op::Grant {
            member: mia.member,
            env: DEV,
            right: Right::Read,
            cut: Some(at(seq)),
        };
        before.say(adam, op).seal()
    };
    group.add(
        ("63i", "a cut at a position too large for a database"),
        &book.until(18),
        lowered(TOO_LARGE),
        Invalid(text),
        lowered(TOO_LARGE - 1),
    );
    let removed = |seq| {
        let before = book.until(15);
        let Position { seq, hash } = at(seq);
        let cuts = vec![Cut {
            env: DEV,
            seq,
            hash,
        }];
        let member = rita.member;
        before.say(adam, Op::MemberRemove { member, cuts }).seal()
    };
    group.add(
        ("46i", "a removal that cuts at a position too large"),
        &book.until(15),
        removed(TOO_LARGE),
        Invalid(text),
        removed(TOO_LARGE - 1),
    );
    let demoted = |seq| {
        let op = role(adam, Role::Member, Some(at(seq)));
        book.say(olga, op).seal()
    };
    group.add(
        ("77m", "a role that cuts at a position too large"),
        book,
        demoted(TOO_LARGE),
        Invalid(text),
        demoted(TOO_LARGE - 1),
    );
}

/// A genesis brings the keys that sign it: a stranger's is no proof of another history.
fn beginnings(group: &mut Group, who: &People, book: &Book) {
    let (text, stranger) = ("a second genesis", &who.ivan);
    let op = genesis(stranger, 9, 0).body.op;
    let twin = book.grant(&who.olga, &who.otto, DEV, Right::Read).seal();
    let mut add = |what, link: Vec<u8>| {
        group.add(what, book, link, Invalid(text), twin.clone());
    };
    let beside = book.until(15).say(stranger, op.clone()).seal();
    add(("49c", "a stranger's genesis beside a link"), beside);
    let next = book.say(stranger, op);
    let follows = next.clone().with(|body| body.prev = Hash::of([9; 32]));
    add(
        ("49d", "a stranger's genesis after another link"),
        follows.seal(),
    );
    let unsigned = next.signed_by(&[]).seal();
    add(("49e", "a genesis that nobody signed"), unsigned);
}
