//! Who gives rights, to whom, and what taking one away needs.

use withheld_team::Verdict::{Invalid, Unknown};
use withheld_team::id::{EnvId, Hash};
use withheld_team::links::{Op, Position, Right};

use crate::common::{Book, Device, Draft, nothing_committed};
use crate::story::{DEV, DIRECTORY, PROD, People, third_commit};
use crate::vectors::Group;

const NOT_HAD: &str = "a right given by someone who does not have it";

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    givers(&mut group, who, book);
    receivers(&mut group, who, book);
    cuts(&mut group, who, book);
    group
}

fn givers(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        otto,
        ..
    } = who;
    let twin = book.grant(adam, otto, DEV, Right::Write).seal();
    let mut add = |what, draft: Draft, text| {
        group.add(what, book, draft.seal(), Invalid(text), twin.clone());
    };
    let text = "a right given by someone who is not an admin";
    let reads = book.grant(mia, otto, DEV, Right::Read);
    add(
        ("61", "a member gives a right that the member has"),
        reads,
        text,
    );
    let more = book.grant(adam, adam, PROD, Right::Write);
    add(
        ("9", "an admin gives itself a higher right"),
        more.clone(),
        NOT_HAD,
    );
    add(
        ("9b", "an admin gives another a right that it does not have"),
        book.grant(adam, otto, PROD, Right::Write),
        NOT_HAD,
    );
    let text = "a grant with a second signature by someone who does not have the right";
    add(
        ("9c", "an admin and a reader give the right to write"),
        more.clone().and_by(mia.by_admin()),
        text,
    );
    let text = "a grant with a second signature that it does not need";
    let needless = book
        .grant(adam, otto, DEV, Right::Write)
        .and_by(olga.by_admin());
    add(
        ("9d", "a second signature where one is enough"),
        needless,
        text,
    );

    let before = book.until(17);
    let own = before.grant(adam, adam, PROD, Right::Read).seal();
    group.add(
        ("10", "an admin lets itself read an environment"),
        &before,
        own,
        Invalid(NOT_HAD),
        book.links[17].clone(),
    );

    // Rita read `PROD` until position 16.
    let removed = before
        .grant(adam, adam, PROD, Right::Read)
        .and_by(who.rita.by_admin());
    let text = "a grant with a second signature by someone who does not have the right";
    group.add(
        ("10b", "a removed member vouches"),
        &before,
        removed.seal(),
        Invalid(text),
        book.links[17].clone(),
    );
    let while_member = book.until(15).grant(adam, adam, PROD, Right::Read);
    let twin = while_member.clone().and_by(who.rita.by_admin()).seal();
    group.add(
        ("10c", "nobody vouches"),
        &book.until(15),
        while_member.seal(),
        Invalid(NOT_HAD),
        twin,
    );
}

fn receivers(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        otto,
        rita,
        ivan,
        ..
    } = who;
    let twin = book.grant(olga, otto, DEV, Right::Read).seal();
    let mut add = |what, to: &Device, env, right, verdict| {
        let link = book.grant(olga, to, env, right).seal();
        group.add(what, book, link, verdict, twin.clone());
    };
    let text = Invalid("a right for someone who is not a member");
    add(
        ("62", "a right for a removed member"),
        rita,
        DEV,
        Right::Read,
        text,
    );
    add(
        ("62b", "a right for a stranger"),
        ivan,
        DEV,
        Right::Read,
        text,
    );
    let text = Invalid("a right on the directory, which is never given");
    add(
        ("61b", "a right on the directory"),
        otto,
        DIRECTORY,
        Right::Write,
        text,
    );
    let text = Invalid("a right on an environment that nobody made");
    let nowhere = EnvId::of([0xd9; 16]);
    add(
        ("61c", "a right on an environment that is not there"),
        otto,
        nowhere,
        Right::None,
        text,
    );
    let text = Unknown("the right `meta`");
    add(
        ("61d", "a right of another version"),
        otto,
        DEV,
        Right::Meta,
        text,
    );
}

fn cuts(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        otto,
        ..
    } = who;
    let before = book.until(18);
    let lowered = book.links[18].clone();
    let mut add = |what, right, cut, text| {
        let link = grant(&before, adam, (mia, DEV, right), cut).seal();
        group.add(what, &before, link, Invalid(text), lowered.clone());
    };
    let text = "the right to write taken away without a cut";
    add(
        ("63", "a writer becomes a reader without a cut"),
        Right::Read,
        None,
        text,
    );
    add(
        ("63b", "a writer loses everything without a cut"),
        Right::None,
        None,
        text,
    );
    let text = "a cut where nobody loses the right to write";
    add(
        ("63c", "a writer stays a writer, with a cut"),
        Right::Write,
        Some(third_commit()),
        text,
    );
    let text = "a cut before the first commit that names a commit";
    let wrong = Position {
        seq: 0,
        hash: Hash::of([0xc3; 32]),
    };
    add(
        ("63d", "a cut at 0 with a commit's hash"),
        Right::Read,
        Some(wrong),
        text,
    );
    let elsewhere = nothing_committed(&before.ws, PROD);
    add(
        ("63e", "a cut at 0 of another environment"),
        Right::Read,
        Some(elsewhere),
        text,
    );

    let text = "a cut where nobody loses the right to write";
    let reader = grant(book, olga, (mia, PROD, Right::None), Some(third_commit()));
    let twin = book.grant(olga, mia, PROD, Right::None).seal();
    group.add(
        ("63f", "a reader loses everything, with a cut"),
        book,
        reader.seal(),
        Invalid(text),
        twin,
    );
    let new = grant(book, olga, (otto, DEV, Right::Write), Some(third_commit()));
    let twin = book.grant(olga, otto, DEV, Right::Write).seal();
    group.add(
        ("63g", "a new writer, with a cut"),
        book,
        new.seal(),
        Invalid(text),
        twin,
    );
    let without = grant(&before, adam, (mia, DEV, Right::None), None);
    let at_zero = nothing_committed(&before.ws, DEV);
    let twin = grant(&before, adam, (mia, DEV, Right::None), Some(at_zero)).seal();
    let text = "the right to write taken away without a cut";
    group.add(
        ("63h", "no cut where nothing was committed"),
        &before,
        without.seal(),
        Invalid(text),
        twin,
    );
}

fn grant(
    book: &Book,
    author: &Device,
    what: (&Device, EnvId, Right),
    cut: Option<Position>,
) -> Draft {
    let (to, env, right) = what;
    let member = to.member;
    book.say(
        author,
        Op::Grant {
            member,
            env,
            right,
            cut,
        },
    )
}
