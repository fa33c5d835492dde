//! Removals and roles.

use withheld_team::Verdict::{self, Invalid, Unknown};
use withheld_team::id::Hash;
use withheld_team::links::{Cut, Op, Position, Role};

use crate::common::{Book, DAY, Device, Draft, Invitation, nothing_committed};
use crate::story::{DEV, DIRECTORY, PROD, People, cut, role, third_commit};
use crate::vectors::Group;

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    removals(&mut group, who, book);
    peers(&mut group, who, book);
    cuts(&mut group, who, book);
    roles(&mut group, who, book);
    owners(&mut group, who, book);
    group
}

fn remove(book: &Book, by: &Device, whom: &Device, cuts: &[Cut]) -> Draft {
    let (member, cuts) = (whom.member, cuts.to_vec());
    book.say(by, Op::MemberRemove { member, cuts })
}

fn removals(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        rita,
        ivan,
        otto,
        ..
    } = who;
    let twin = remove(book, mia, mia, &[]).seal();
    let mut add = |what, by: &Device, whom: &Device, cuts: &[Cut], text| {
        let link = remove(book, by, whom, cuts).seal();
        group.add(what, book, link, Invalid(text), twin.clone());
    };
    let nothing = |env| cut(env, nothing_committed(&book.ws, env));
    let olgas = [nothing(DIRECTORY), cut(DEV, third_commit()), nothing(PROD)];
    let text = "a removal by someone whose role is not higher";
    add(
        ("11", "an admin removes the owner"),
        adam,
        olga,
        &olgas,
        text,
    );
    add(
        ("11b", "a member removes an admin"),
        mia,
        adam,
        &olgas[..2],
        text,
    );
    add(("73", "a member removes a member"), mia, otto, &[], text);
    let text = "a removal of the last owner";
    add(("74", "the last owner leaves"), olga, olga, &olgas, text);
    let text = "a removal of someone who is not a member";
    add(
        ("73b", "a removal of a removed member"),
        adam,
        rita,
        &[],
        text,
    );
    add(("73c", "a removal of a stranger"), adam, ivan, &[], text);
}

/// An admin beside Adam: Otto at position 22; an owner beside Olga: Otto at position 21.
fn peers(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga, adam, otto, ..
    } = who;
    let text = "a removal by someone whose role is not higher";
    let two_admins = book.until(22);
    let nothing = |env| cut(env, nothing_committed(&book.ws, env));
    let by_peer = remove(&two_admins, adam, otto, &[nothing(DIRECTORY)]);
    let by_owner = remove(&two_admins, olga, otto, &[nothing(DIRECTORY)]);
    group.add(
        ("73d", "an admin removes an admin"),
        &two_admins,
        by_peer.seal(),
        Invalid(text),
        by_owner.seal(),
    );
    let two_owners = book.until(21);
    let by_admin = remove(&two_owners, adam, otto, &[nothing(DIRECTORY)]);
    let by_owner = remove(&two_owners, olga, otto, &[nothing(DIRECTORY)]);
    group.add(
        ("11c", "an admin removes one of two owners"),
        &two_owners,
        by_admin.seal(),
        Invalid(text),
        by_owner.seal(),
    );
    let olgas = [nothing(DIRECTORY), cut(DEV, third_commit()), nothing(PROD)];
    let leaves = remove(&two_owners, olga, olga, &olgas);
    let by_admin = remove(&two_owners, adam, olga, &olgas);
    group.add(
        ("11d", "an admin removes the other of two owners"),
        &two_owners,
        by_admin.seal(),
        Invalid(text),
        leaves.seal(),
    );
}

fn cuts(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga, adam, rita, ..
    } = who;
    let before = book.until(15);
    let removal = book.links[15].clone();
    let mut add = |what, cuts: &[Cut], text| {
        let link = remove(&before, adam, rita, cuts).seal();
        group.add(what, &before, link, Invalid(text), removal.clone());
    };
    let text = "a removal that does not cut exactly the environments that the member could write";
    let nothing = |env| cut(env, nothing_committed(&book.ws, env));
    let dev = cut(DEV, third_commit());
    add(("46", "a removal without a cut"), &[], text);
    add(
        ("46b", "a removal that cuts what the member only read, too"),
        &[dev, nothing(PROD)],
        text,
    );
    add(
        ("46c", "a removal that cuts another environment"),
        &[nothing(PROD)],
        text,
    );
    add(("46d", "a removal with a cut twice"), &[dev, dev], text);
    add(
        ("46e", "the removal of a member that cuts the directory"),
        &[nothing(DIRECTORY), dev],
        text,
    );
    let wrong = cut(
        DEV,
        Position {
            seq: 0,
            hash: Hash::of([0xc3; 32]),
        },
    );
    let zero = "a cut before the first commit that names a commit";
    add(("46f", "a cut at 0 with a commit's hash"), &[wrong], zero);

    let honest = remove(book, olga, adam, &[nothing(DIRECTORY), dev]).seal();
    let mut add = |what, cuts: &[Cut]| {
        let link = remove(book, olga, adam, cuts).seal();
        group.add(what, book, link, Invalid(text), honest.clone());
    };
    add(
        (
            "46g",
            "the removal of an admin without a cut of the directory",
        ),
        &[dev],
    );
    add(("46h", "cuts out of order"), &[dev, nothing(DIRECTORY)]);
}

fn roles(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        mia,
        otto,
        rita,
        ivan,
        ..
    } = who;
    let nothing = nothing_committed(&book.ws, DIRECTORY);
    let twin = book.say(olga, role(mia, Role::Admin, None)).seal();
    let mut add = |what, by: &Device, op: Op, verdict: Verdict| {
        group.add(what, book, book.say(by, op).seal(), verdict, twin.clone());
    };
    let text = Invalid("a role given by someone who is not an owner");
    add(
        ("77", "an admin makes itself an owner"),
        adam,
        role(adam, Role::Owner, None),
        text,
    );
    add(
        ("77b", "a member makes itself an admin"),
        mia,
        role(mia, Role::Admin, None),
        text,
    );
    add(
        ("77c", "an admin makes a member an admin"),
        adam,
        role(otto, Role::Admin, None),
        text,
    );
    let text = Invalid("a role for someone who is not a member");
    add(
        ("77d", "a role for a removed member"),
        olga,
        role(rita, Role::Admin, None),
        text,
    );
    add(
        ("77e", "a role for a stranger"),
        olga,
        role(ivan, Role::Admin, None),
        text,
    );
    let text = Unknown("the role `machine`");
    add(
        ("77f", "a member becomes a machine"),
        olga,
        role(mia, Role::Machine, None),
        text,
    );
    let text = Invalid("a cut where nobody loses the right to write");
    add(
        ("77g", "a member becomes an admin, with a cut"),
        olga,
        role(mia, Role::Admin, Some(nothing)),
        text,
    );
    add(
        ("77h", "an admin becomes an owner, with a cut"),
        olga,
        role(adam, Role::Owner, Some(nothing)),
        text,
    );

    let twin = book
        .say(olga, role(adam, Role::Member, Some(nothing)))
        .seal();
    let mut add = |what, cut, text| {
        let link = book.say(olga, role(adam, Role::Member, cut)).seal();
        group.add(what, book, link, Invalid(text), twin.clone());
    };
    let text = "the right to write taken away without a cut";
    add(
        ("77i", "an admin becomes a member without a cut"),
        None,
        text,
    );
    let text = "a cut before the first commit that names a commit";
    let elsewhere = nothing_committed(&book.ws, DEV);
    add(
        ("77j", "a cut of another environment than the directory"),
        Some(elsewhere),
        text,
    );
    let text = "a cut where nobody loses the right to write";
    let stays = |cut| book.say(olga, role(mia, Role::Member, cut)).seal();
    group.add(
        ("77l", "a member stays a member, with a cut"),
        book,
        stays(Some(nothing)),
        Invalid(text),
        stays(None),
    );
}

fn owners(group: &mut Group, who: &People, book: &Book) {
    let olga = &who.olga;
    let steps_down = |book: &Book| book.say(olga, role(olga, Role::Admin, None)).seal();
    let text = "another role for the last owner";
    let stays = book.say(olga, role(olga, Role::Owner, None)).seal();
    group.add(
        ("74b", "the last owner becomes an admin"),
        book,
        steps_down(book),
        Invalid(text),
        stays,
    );
    // An owner who was removed is no owner, and neither is one who became an admin.
    let two = book.until(21);
    let nothing = cut(DIRECTORY, nothing_committed(&book.ws, DIRECTORY));
    let one = two.clone().and(&remove(&two, olga, &who.otto, &[nothing]));
    let stays = one.say(olga, role(olga, Role::Owner, None)).seal();
    group.add(
        ("74c", "the only owner who is left becomes an admin"),
        &one,
        steps_down(&one),
        Invalid(text),
        stays,
    );
    let again = Invitation::new(0x43);
    let invite = again.op(Role::Owner, &[], one.ts + DAY);
    let open = one.clone().and(&one.say(olga, invite));
    let joined = open.clone().and(&open.join(&again, &who.ivan));
    group.add(
        (
            "74d",
            "the last owner becomes an admin before another joined",
        ),
        &open,
        steps_down(&open),
        Invalid(text),
        joined.links[joined.links.len() - 1].clone(),
    );
    let link = two.say(&who.adam, role(olga, Role::Admin, None)).seal();
    let text = "a role given by someone who is not an owner";
    group.add(
        ("77k", "an admin takes the role of one of two owners"),
        &two,
        link,
        Invalid(text),
        steps_down(&two),
    );
}
