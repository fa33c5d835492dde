//! Who begins an epoch, and for whom.

use withheld_team::Verdict::Invalid;
use withheld_team::id::EnvId;
use withheld_team::links::Op;

use crate::common::{Book, Device, Draft};
use crate::story::{DEV, DIRECTORY, PROD, People};
use crate::vectors::Group;

const RECIPIENTS: &str = "an epoch whose recipients are not those who may read the environment";

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    authors(&mut group, who, book);
    recipients(&mut group, who, book);
    numbers(&mut group, who, book);
    group
}

fn authors(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        mia2,
        otto,
        ..
    } = who;
    let dev = [olga, adam, mia, mia2];
    let honest = book.epoch(adam, DEV, 4, &dev);
    let text = "an epoch begun by someone who may not write the environment";
    let mut add = |what, draft: Draft, text| {
        group.add(what, book, draft.seal(), Invalid(text), honest.seal());
    };
    add(
        ("75", "a reader begins an epoch"),
        book.epoch(mia, DEV, 4, &dev),
        text,
    );
    let prod = [olga, adam, mia, mia2];
    add(
        ("75b", "an admin begins an epoch of what it reads"),
        book.epoch(adam, PROD, 1, &prod),
        text,
    );
    let everybody = [olga, adam, mia, mia2, otto];
    add(
        ("75c", "a member begins an epoch of the directory"),
        book.epoch(mia, DIRECTORY, 2, &everybody),
        text,
    );
    let nowhere = book.epoch(olga, EnvId::of([0xd9; 16]), 1, &[olga]);
    let text = "an epoch of an environment that nobody made";
    add(("75d", "an epoch of nowhere"), nowhere, text);
    let by_admin = honest.clone().signed_by(&[adam.by_admin()]);
    let text = "a link without a signature that it must have";
    add(("75e", "an epoch signed by the owner key"), by_admin, text);
    let by_another = honest.clone().signed_by(&[olga.by_ops()]);
    add(
        ("75f", "an epoch signed by another writer"),
        by_another,
        text,
    );
    let calm = book.until(17);
    let text = "a new epoch where nobody lost the right to read, by someone who is not an admin";
    group.add(
        ("75g", "a writer piles up epochs"),
        &calm,
        calm.epoch(mia, DEV, 4, &dev).seal(),
        Invalid(text),
        calm.epoch(adam, DEV, 4, &dev).seal(),
    );
}

fn recipients(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        mia2,
        otto,
        rita,
        ivan,
        ..
    } = who;
    let ghost = Device::new(9, 0x19);
    let mut add = |what, env, n, to: &[&Device], twin: &[&Device]| {
        let link = book.epoch(olga, env, n, to).seal();
        let twin = book.epoch(olga, env, n, twin).seal();
        group.add(what, book, link, Invalid(RECIPIENTS), twin);
    };
    let dev = [olga, adam, mia, mia2];
    add(
        ("36", "a ghost among the recipients"),
        DEV,
        4,
        &[olga, adam, mia, mia2, &ghost],
        &dev,
    );
    add(
        ("36b", "a recipient left out"),
        DEV,
        4,
        &[olga, adam, mia],
        &dev,
    );
    add(
        ("36c", "a removed device among the recipients"),
        DEV,
        4,
        &[olga, adam, mia, mia2, rita],
        &dev,
    );
    add(
        ("36d", "a member who may not read among the recipients"),
        DEV,
        4,
        &[olga, adam, mia, mia2, otto],
        &dev,
    );
    add(
        ("36e", "an invited stranger among the recipients"),
        DEV,
        4,
        &[olga, adam, mia, mia2, ivan],
        &dev,
    );
    add(
        ("36f", "one device instead of another"),
        DEV,
        4,
        &[olga, adam, mia, &ghost],
        &dev,
    );
    add(("36g", "nobody"), DEV, 4, &[], &dev);
    let directory = [olga, adam, mia, mia2, otto];
    add(
        ("36h", "a member left out of the directory"),
        DIRECTORY,
        2,
        &dev,
        &directory,
    );
}

fn numbers(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        mia2,
        ..
    } = who;
    let dev = [olga, adam, mia, mia2];
    let honest = book.epoch(adam, DEV, 4, &dev);
    let mut add = |what, draft: Draft, text| {
        group.add(what, book, draft.seal(), Invalid(text), honest.seal());
    };
    let text = "an epoch whose number is not the next";
    add(
        ("76", "an epoch is skipped"),
        book.epoch(adam, DEV, 5, &dev),
        text,
    );
    add(
        ("76b", "an epoch a second time"),
        book.epoch(adam, DEV, 3, &dev),
        text,
    );
    let before = |n, wrapped: bool| {
        honest.clone().with(|body| {
            if let Op::Epoch {
                prev_n, prev_wrap, ..
            } = &mut body.op
            {
                *prev_n = n;
                *prev_wrap = wrapped.then(|| [4; 72].into());
            }
        })
    };
    let text = "an epoch that wraps the key of a later one";
    add(
        ("76c", "an epoch that wraps its own key"),
        before(4, true),
        text,
    );
    add(
        ("76d", "an epoch that wraps a key that is not there"),
        before(9, true),
        text,
    );
    let text = "an epoch that names an earlier key and wraps none, or wraps one and names none";
    add(
        ("76e", "an epoch that names an earlier key and wraps none"),
        before(3, false),
        text,
    );
    add(
        ("76f", "an epoch that wraps a key and names none"),
        before(0, true),
        text,
    );
    let text = "an epoch whose number is not the next";
    let second = book.epoch(olga, PROD, 2, &dev).seal();
    let first = book.epoch(olga, PROD, 1, &dev).seal();
    group.add(
        ("76g", "the first epoch is skipped"),
        book,
        second,
        Invalid(text),
        first,
    );
    let text = "an epoch that wraps the key of a later one";
    let own = before(4, true).seal();
    group.add(
        ("76h", "a spoilt epoch is passed over"),
        book,
        own,
        Invalid(text),
        before(2, true).seal(),
    );
    let own = before(4, true).seal();
    group.add(
        ("76i", "every epoch before is passed over"),
        book,
        own,
        Invalid(text),
        before(0, false).seal(),
    );
}
