//! What every link must be, whatever it does.

use withheld_team::Verdict::{Fork, Invalid, Unknown};
use withheld_team::id::Hash;
use withheld_team::links::{Link, Right, Role};

use crate::common::{Book, MINUTE, genesis, seal, sign};
use crate::story::{DEV, PROD, People, role};
use crate::vectors::Group;

const NOT_CANONICAL: &str = "bytes that are not in the one encoding";
const UNKNOWN_KEY: &str = "a signature by a key that nobody here has";
const MISSING: &str = "a link without a signature that it must have";
const ORDER: &str = "signatures out of their order, or by one key twice";
const PLACE: &str = "a link out of its place";

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    places(&mut group, who, book);
    versions(&mut group, book);
    encodings(&mut group, who, book);
    signatures(&mut group, who, book);
    group
}

/// The story's own links, shown elsewhere, and links that name another place.
fn places(group: &mut Group, who: &People, book: &Book) {
    let told = |seq: usize| book.links[seq - 1].clone();
    let mut shown = |what, after: usize, seq: usize, verdict| {
        group.add(
            what,
            &book.until(after),
            told(seq),
            verdict,
            told(after + 1),
        );
    };
    shown(("3", "the grant at 15 is dropped"), 14, 16, Invalid(PLACE));
    shown(
        ("4", "the removal at 16 comes before the grant at 15"),
        14,
        16,
        Invalid(PLACE),
    );
    shown(("4b", "a link a second time"), 16, 16, Invalid(PLACE));

    let at = book.until(16);
    let honest = at.say(&who.olga, role(&who.adam, Role::Owner, None));
    let twin = honest.seal();
    let mut add = |what, link, verdict| group.add(what, &at, link, verdict, twin.clone());
    let jump = honest.clone().with(|body| body.seq += 1);
    add(("53", "a position too far"), jump.seal(), Invalid(PLACE));
    let zero = honest.clone().with(|body| body.seq = 0);
    let text = "a link at a position that no link can have";
    add(("53b", "position 0"), zero.seal(), Invalid(text));
    let prev = honest.clone().with(|body| body.prev = Hash::of([9; 32]));
    add(
        ("54", "a link that follows another one than the last"),
        prev.seal(),
        Fork,
    );
    let (signer, _) = who.olga.by_admin();
    let forged = prev.signed_by(&[(signer, who.mia.admin.clone())]);
    add(
        ("54b", "another history that nobody signed"),
        forged.seal(),
        Invalid("a bad signature"),
    );
    let beside = book
        .until(15)
        .say(&who.olga, role(&who.adam, Role::Owner, None));
    add(
        ("54c", "a second link at a position that is known"),
        beside.seal(),
        Fork,
    );
    let early = honest.clone().with(|body| body.ts -= 6 * MINUTE + 1);
    let late = honest.clone().with(|body| body.ts -= 6 * MINUTE);
    let text = "a link dated before the one that it follows";
    group.add(
        ("18", "a link dated back by more than five minutes"),
        &at,
        early.seal(),
        Invalid(text),
        late.seal(),
    );

    let foreign = Book::begin(&who.olga, 8, book.ts);
    let foreign = honest.clone().with(|body| body.ws = foreign.ws).seal();
    let text = "a link of another workspace";
    group.add(
        ("17", "a link of another workspace"),
        &at,
        foreign,
        Invalid(text),
        twin.clone(),
    );
    let second = at.say(&who.adam, genesis(&who.adam, 9, 0).body.op);
    group.add(
        ("49b", "a second genesis"),
        &at,
        second.seal(),
        Invalid("a second genesis"),
        twin,
    );
}

fn versions(group: &mut Group, book: &Book) {
    let at = book.until(1);
    let twin = book.links[1].clone();
    let honest = Link::read(&twin).unwrap();
    let mut add = |what, byte: usize, value: u8, verdict| {
        let mut body = honest.body.to_vec();
        body[byte] = value;
        let link = Link::of(body, honest.signatures.clone());
        group.add(what, &at, link, verdict, twin.clone());
    };
    // The body: an array of seven, the version. The operation is the last 20 bytes: an array of two,
    // the number, an array of one, and sixteen bytes with their length before.
    let op = honest.body.len() - 19;
    add(
        ("13", "a link of version 1"),
        1,
        1,
        Unknown("links of another version"),
    );
    add(
        ("13b", "a link of version 23"),
        1,
        23,
        Unknown("links of another version"),
    );
    for (id, number, text) in [
        ("13c", 3, "the operation `confirm`"),
        ("13d", 7, "the operation `device_revoke`"),
        ("13e", 11, "the operation `machine_add`"),
        ("13f", 12, "the operation `invite_revoke`"),
        ("13g", 13, "the operation `waive`"),
        ("13h", 14, "an operation of another version"),
        ("13i", 15, "the operation `env_archive`"),
        ("13j", 16, "the operation `suite_upgrade`"),
        ("13k", 17, "the operation `tombstone`"),
        ("13l", 18, "an operation of another version"),
    ] {
        add((id, text), op, number, Unknown(text));
    }
}

fn encodings(group: &mut Group, who: &People, book: &Book) {
    let at = book.until(1);
    let twin = book.links[1].clone();
    let honest = Link::read(&twin).unwrap();
    let longer_array = [&[0x98, 0x02], &twin[1..]].concat();
    let trailing = [&twin[..], &[0]].concat();
    let cut_short = twin[..twin.len() - 1].to_vec();
    let mut add = |what, link| {
        group.add(what, &at, link, Invalid(NOT_CANONICAL), twin.clone());
    };
    add(("14", "a longer form of the same array"), longer_array);
    add(("14b", "a byte after the link"), trailing);
    add(("14c", "a link cut short"), cut_short);
    let by = [who.olga.by_admin()];
    let signed = |body: Vec<u8>| seal(body, &by, "withheld/v0/sig/wlink");
    // Byte 1 is the version, 0: as two bytes.
    let longer = [&honest.body[..1], &[0x18, 0x00], &honest.body[2..]].concat();
    add(("14d", "a longer form of a number, signed"), signed(longer));
    let one_more = [&[0x88], &honest.body[1..], &[0]].concat();
    add(("14e", "an eighth field, signed"), signed(one_more));
    let endless = [&[0x9f], &honest.body[1..], &[0xff]].concat();
    add(
        ("14f", "an array without a length, signed"),
        signed(endless),
    );
    add(("14g", "no body, signed"), signed(Vec::new()));
    add(
        ("14h", "half a body, signed"),
        signed(honest.body[..40].to_vec()),
    );
}

fn signatures(group: &mut Group, who: &People, book: &Book) {
    let at = book.until(16);
    let honest = at.say(&who.olga, role(&who.adam, Role::Owner, None));
    let body = honest.body.to_bytes();
    let (olga, adam) = (who.olga.by_admin(), who.adam.by_admin());
    let twin = honest.seal();
    let mut add = |what, link, text| group.add(what, &at, link, Invalid(text), twin.clone());

    let commit = seal(body.clone(), &honest.by, "withheld/v0/sig/commit");
    add(
        ("15", "a signature that was made under a commit's label"),
        commit,
        "a bad signature",
    );
    let bare = Link::of(body.clone(), vec![(olga.0, sign(&olga.1, "", &body))]);
    add(
        ("15b", "a signature without a label"),
        bare,
        "a bad signature",
    );
    let draft = |by: &[_]| honest.clone().signed_by(by).seal();
    add(
        ("55", "signed by another admin than the author"),
        draft(std::slice::from_ref(&adam)),
        MISSING,
    );
    let forged = draft(&[(olga.0, adam.1.clone())]);
    add(
        ("55b", "another admin's signature under the author's name"),
        forged,
        "a bad signature",
    );
    add(("55c", "signed by nobody"), draft(&[]), MISSING);
    add(
        ("55d", "signed unattended, without the owner key"),
        draft(&[who.olga.by_ops()]),
        MISSING,
    );
    let more = draft(&[olga.clone(), adam.clone()]);
    add(
        ("55e", "signed by one admin more"),
        more,
        "a link with a signature too many",
    );
    add(
        ("55f", "signed by a stranger, too"),
        draft(&[olga.clone(), who.ivan.by_admin()]),
        UNKNOWN_KEY,
    );
    add(
        ("55g", "signed twice"),
        draft(&[olga.clone(), olga.clone()]),
        ORDER,
    );

    let vouched = book.until(17);
    let twin = book.links[17].clone();
    let mut swapped = Link::read(&twin).unwrap();
    swapped.signatures.reverse();
    let swapped = minicbor::to_vec(&swapped).unwrap();
    group.add(
        ("55h", "signatures in another order"),
        &vouched,
        swapped,
        Invalid(ORDER),
        twin.clone(),
    );
    let extra = [who.mia.by_admin(), who.adam.by_admin(), who.olga.by_admin()];
    let draft = vouched.grant(&who.adam, &who.adam, PROD, Right::Read);
    let three = draft.clone().signed_by(&extra).seal();
    let text = "a link with a signature too many";
    group.add(
        ("55i", "a grant signed by two more"),
        &vouched,
        three,
        Invalid(text),
        twin.clone(),
    );
    let unattended = draft.and_by(who.olga.by_ops()).seal();
    group.add(
        ("55j", "a grant vouched for unattended"),
        &vouched,
        unattended,
        Invalid(text),
        twin,
    );

    let removed = book.until(16);
    let by_rita = removed.epoch(
        &who.rita,
        DEV,
        3,
        &[&who.olga, &who.adam, &who.mia, &who.mia2],
    );
    let text = "a link by a device that was removed";
    group.add(
        ("12", "a removed device signs"),
        &removed,
        by_rita.seal(),
        Invalid(text),
        book.links[16].clone(),
    );
}
