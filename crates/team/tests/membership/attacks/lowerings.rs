//! Who takes rights away, from whom; and who gives the right to write when nobody is left who has it.

use withheld_team::Verdict::Invalid;
use withheld_team::id::EnvId;
use withheld_team::links::{Cut, Op, Position, Right};

use crate::common::{Book, Device, Draft, nothing_committed};
use crate::story::{DEV, DIRECTORY, PROD, People, cut, third_commit};
use crate::vectors::Group;

const NOT_HIGHER: &str = "a right taken away by someone whose role is not higher";
const NOT_AN_ADMIN: &str = "a right given by someone who is not an admin";
const NOT_HAD: &str = "a right given by someone who does not have it";

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    above(&mut group, who, book);
    beside(&mut group, who, book);
    oneself(&mut group, who, book);
    orphaned(&mut group, who, book);
    left_behind(&mut group, who, book);
    group
}

fn set(
    book: &Book,
    by: &Device,
    of: &Device,
    what: (EnvId, Right),
    cut: Option<Position>,
) -> Draft {
    let (member, (env, right)) = (of.member, what);
    book.say(
        by,
        Op::Grant {
            member,
            env,
            right,
            cut,
        },
    )
}

/// An admin, who writes `DEV` as the owner does, would shut the owner out.
fn above(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga, adam, otto, ..
    } = who;
    let at = Some(third_commit());
    let twin = set(book, olga, adam, (DEV, Right::None), at).seal();
    let mut add = |what, right| {
        let link = set(book, adam, olga, (DEV, right), at).seal();
        group.add(what, book, link, Invalid(NOT_HIGHER), twin.clone());
    };
    add(("111", "an admin takes an owner's right"), Right::None);
    add(
        ("111b", "an admin takes an owner's right to write"),
        Right::Read,
    );
    let two_owners = book.until(21);
    let link = set(&two_owners, adam, olga, (DEV, Right::None), at);
    let by_the_other = set(&two_owners, otto, olga, (DEV, Right::None), at);
    group.add(
        ("111c", "an admin takes the right of one of two owners"),
        &two_owners,
        link.seal(),
        Invalid(NOT_HIGHER),
        by_the_other.seal(),
    );
}

/// Otto is an admin at position 22, a member from 23 on.
fn beside(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        otto,
        ..
    } = who;
    let reads = |book: Book| {
        let draft = book.grant(olga, otto, DEV, Right::Read);
        book.and(&draft)
    };
    let two_admins = reads(book.until(22));
    let loses = |book: &Book, by| set(book, by, otto, (DEV, Right::None), None).seal();
    group.add(
        ("111d", "an admin takes an admin's right"),
        &two_admins,
        loses(&two_admins, adam),
        Invalid(NOT_HIGHER),
        loses(&two_admins, olga),
    );
    let two_members = reads(book.clone());
    group.add(
        ("111e", "a member takes a member's right"),
        &two_members,
        loses(&two_members, mia),
        Invalid(NOT_HIGHER),
        loses(&two_members, adam),
    );
    let at = Some(third_commit());
    group.add(
        ("111f", "a member takes an admin's right"),
        book,
        set(book, mia, adam, (DEV, Right::Read), at).seal(),
        Invalid(NOT_HIGHER),
        set(book, adam, adam, (DEV, Right::Read), at).seal(),
    );
}

/// Everybody may lay down what they have, and only that.
fn oneself(group: &mut Group, who: &People, book: &Book) {
    let mia = &who.mia;
    let twin = set(book, mia, mia, (DEV, Right::None), None).seal();
    let mut add = |what, right| {
        let link = set(book, mia, mia, (DEV, right), None).seal();
        group.add(what, book, link, Invalid(NOT_AN_ADMIN), twin.clone());
    };
    add(("111g", "a member gives itself more"), Right::Write);
    add(("111h", "a member gives itself what it has"), Right::Read);
    let before = book.until(18);
    let at = Some(third_commit());
    let down = |cut| set(&before, mia, mia, (DEV, Right::Read), cut).seal();
    group.add(
        ("111i", "a writer becomes a reader by itself without a cut"),
        &before,
        down(None),
        Invalid("the right to write taken away without a cut"),
        down(at),
    );
}

/// Olga, who alone writes `PROD`, lays the right down while Otto is an owner too.
fn orphaned(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        otto,
        ..
    } = who;
    let written = book.until(21);
    let takes = |book: &Book, by: &Device, right| book.grant(by, by, PROD, right);
    group.add(
        (
            "112",
            "an owner helps itself while somebody writes the environment",
        ),
        &written,
        takes(&written, otto, Right::Write).seal(),
        Invalid(NOT_HAD),
        takes(&written, otto, Right::Write)
            .and_by(olga.by_admin())
            .seal(),
    );
    let at = Some(nothing_committed(&book.ws, PROD));
    let down = set(&written, olga, olga, (PROD, Right::Read), at);
    let orphan = written.and(&down);
    let twin = takes(&orphan, otto, Right::Write).seal();
    let mut add = |what, draft: Draft, text| {
        group.add(what, &orphan, draft.seal(), Invalid(text), twin.clone());
    };
    add(
        ("112b", "an admin takes over what nobody writes"),
        takes(&orphan, adam, Right::Write),
        NOT_HAD,
    );
    add(
        ("112c", "a member takes over what nobody writes"),
        takes(&orphan, mia, Right::Write),
        NOT_AN_ADMIN,
    );
    add(
        ("112d", "an owner gives itself less than the right to write"),
        takes(&orphan, otto, Right::Read),
        NOT_HAD,
    );
    add(
        ("112e", "a rescue with a second signature"),
        takes(&orphan, otto, Right::Write).and_by(olga.by_admin()),
        "a grant with a second signature that it does not need",
    );
    let again = orphan.clone().and(&takes(&orphan, olga, Right::Write));
    group.add(
        ("112f", "an owner helps itself after the rescue"),
        &again,
        takes(&again, otto, Right::Write).seal(),
        Invalid(NOT_HAD),
        again.grant(olga, otto, PROD, Right::Write).seal(),
    );
}

/// Adam alone writes an environment, and is removed.
fn left_behind(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga, adam, otto, ..
    } = who;
    let env = EnvId::of([0xd2; 16]);
    let made = book.clone();
    let made = made.and(&book.say(adam, Op::EnvCreate { env }));
    let owner_takes = |book: &Book, right| book.grant(olga, olga, env, right).seal();
    group.add(
        ("112g", "an owner helps itself while the writer is there"),
        &made,
        owner_takes(&made, Right::Write),
        Invalid(NOT_HAD),
        made.grant(adam, olga, env, Right::Write).seal(),
    );
    let cuts: Vec<Cut> = vec![
        cut(DIRECTORY, nothing_committed(&book.ws, DIRECTORY)),
        cut(DEV, third_commit()),
        cut(env, nothing_committed(&book.ws, env)),
    ];
    let member = adam.member;
    let gone = made.say(olga, Op::MemberRemove { member, cuts });
    let gone = made.and(&gone);
    group.add(
        ("112h", "an owner lets another read what nobody writes"),
        &gone,
        gone.grant(olga, otto, env, Right::Read).seal(),
        Invalid(NOT_HAD),
        owner_takes(&gone, Right::Write),
    );
}
