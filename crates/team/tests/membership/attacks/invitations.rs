//! Who invites whom to what, and for how long.

use withheld_team::Verdict::{Invalid, Unknown};
use withheld_team::id::{EnvId, InviteId};
use withheld_team::links::{Body, Op, Right, Role};

use crate::common::{Book, DAY, Device, Invitation};
use crate::story::{DEV, DIRECTORY, PROD, People};
use crate::vectors::Group;

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    roles(&mut group, who, book);
    rights(&mut group, who, book);
    terms(&mut group, who, book);
    group
}

fn roles(group: &mut Group, who: &People, book: &Book) {
    let new = Invitation::new(0x41);
    let until = book.ts + DAY;
    let invite = |by: &Device, role| {
        book.say(by, new.op(role, &[(DEV, Right::Read)], until))
            .seal()
    };
    let by_admin = invite(&who.adam, Role::Member);
    let by_owner = invite(&who.olga, Role::Admin);
    let mut add = |what, link, verdict, twin: &Vec<u8>| {
        group.add(what, book, link, verdict, twin.clone());
    };
    let text = Invalid("an invitation by someone who is not an admin");
    add(
        ("64", "a member invites"),
        invite(&who.mia, Role::Member),
        text,
        &by_admin,
    );
    let text = Invalid("an invitation of an admin or owner by someone who is not an owner");
    add(
        ("65", "an admin invites an admin"),
        invite(&who.adam, Role::Admin),
        text,
        &by_owner,
    );
    add(
        ("65b", "an admin invites an owner"),
        invite(&who.adam, Role::Owner),
        text,
        &by_admin,
    );
    let text = Unknown("the role `machine`");
    add(
        ("65c", "a machine is invited"),
        invite(&who.olga, Role::Machine),
        text,
        &by_owner,
    );
}

fn rights(group: &mut Group, who: &People, book: &Book) {
    let new = Invitation::new(0x41);
    let until = book.ts + DAY;
    let invite = |rights: &[_]| {
        book.say(&who.adam, new.op(Role::Member, rights, until))
            .seal()
    };
    let twin = invite(&[(DEV, Right::Write), (PROD, Right::Read)]);
    let mut add = |what, rights: &[_], verdict| {
        group.add(what, book, invite(rights), verdict, twin.clone());
    };
    let text = Invalid("an invitation with a right that the inviter does not have");
    add(
        ("66", "an invitation to write what the inviter reads"),
        &[(DEV, Right::Write), (PROD, Right::Write)],
        text,
    );
    let text = Invalid("an invitation with its rights out of order, or with one twice");
    add(
        ("66b", "rights out of order"),
        &[(PROD, Right::Read), (DEV, Right::Write)],
        text,
    );
    add(
        ("66c", "a right twice"),
        &[(DEV, Right::Read), (DEV, Right::Write)],
        text,
    );
    let text = Invalid("a right on the directory, which is never given");
    add(
        ("66d", "an invitation to the directory"),
        &[(DIRECTORY, Right::Write)],
        text,
    );
    let text = Invalid("a right on an environment that nobody made");
    add(
        ("66e", "an invitation to nowhere"),
        &[(EnvId::of([0xd9; 16]), Right::None)],
        text,
    );
    add(
        ("66f", "a right of another version"),
        &[(DEV, Right::Meta)],
        Unknown("the right `meta`"),
    );
}

fn terms(group: &mut Group, who: &People, book: &Book) {
    let new = Invitation::new(0x41);
    let now = book.say(&who.adam, new.op(Role::Member, &[], 0)).body.ts;
    let invite = |expires| book.say(&who.adam, new.op(Role::Member, &[], expires));
    let week = invite(now + 7 * DAY);
    let moment = invite(now + 1).seal();
    let text = "an invitation for more than seven days";
    let longer = invite(now + 7 * DAY + 1).seal();
    group.add(
        ("67", "a week and a moment"),
        book,
        longer,
        Invalid(text),
        week.seal(),
    );
    let month = invite(now + 30 * DAY).seal();
    group.add(
        ("67b", "thirty days"),
        book,
        month,
        Invalid(text),
        week.seal(),
    );
    let text = "an invitation that ends before it begins";
    group.add(
        ("67c", "over at once"),
        book,
        invite(now).seal(),
        Invalid(text),
        moment,
    );

    let card = |len: usize| {
        let long = vec![5; len];
        week.clone()
            .with(|body: &mut Body| card(&mut body.op, &long))
            .seal()
    };
    let text = "an invitation with a card that is too long";
    group.add(
        ("67e", "a card of 1,025 bytes"),
        book,
        card(1025),
        Invalid(text),
        card(1024),
    );

    let mut add = |what, change: &dyn Fn(&mut Op), verdict| {
        let link = week
            .clone()
            .with(|body: &mut Body| change(&mut body.op))
            .seal();
        group.add(what, book, link, verdict, week.seal());
    };
    let text = Unknown("invitations that are confirmed after the join");
    add(("67d", "an invitation to be confirmed"), &confirm, text);
    let text = Invalid("an invitation whose id is not that of its key");
    add(("68b", "an id that is not the key's"), &other_id, text);
    let again = who.for_ivan.op(Role::Member, &[], now + DAY);
    let text = Invalid("an invitation that was made already");
    add(
        ("68", "an open invitation a second time"),
        &|op| *op = again.clone(),
        text,
    );
    let again = who.for_mia.op(Role::Member, &[], now + DAY);
    add(
        ("68c", "a used invitation a second time"),
        &|op| *op = again.clone(),
        text,
    );
}

fn confirm(op: &mut Op) {
    if let Op::Invite { confirm, .. } = op {
        *confirm = true;
    }
}

fn card(op: &mut Op, long: &[u8]) {
    if let Op::Invite { card, .. } = op {
        *card = long.to_vec().into();
    }
}

fn other_id(op: &mut Op) {
    if let Op::Invite { invite, .. } = op {
        *invite = InviteId::of([1; 16]);
    }
}
