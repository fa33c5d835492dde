//! Who comes in.

use withheld_team::Verdict::Invalid;
use withheld_team::id::{KemKey, MemberId};
use withheld_team::links::{Link, Op, Right, Role};

use crate::common::{Book, Device, Draft, Invitation, nothing_committed};
use crate::story::{DEV, DIRECTORY, IVAN_UNTIL, People, cut, role, third_commit};
use crate::vectors::Group;

const UNKNOWN_KEY: &str = "a signature by a key that nobody here has";
const MISSING: &str = "a link without a signature that it must have";

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    ghosts(&mut group, who, book);
    swapped_key(&mut group, who, book);
    invitations(&mut group, who, book);
    identities(&mut group, who, book);
    inviters(&mut group, who, book);
    group
}

fn ghosts(group: &mut Group, who: &People, book: &Book) {
    let People { ivan, for_ivan, .. } = who;
    let honest = book.join(for_ivan, ivan);
    let ghost = Device::new(9, 0x19);
    let forged = Invitation::new(0x39);
    let mut add = |what, draft: &Draft, text| {
        group.add(what, book, draft.seal(), Invalid(text), honest.seal());
    };
    add(
        ("1", "a ghost joins by an invitation that nobody made"),
        &book.join(&forged, &ghost),
        UNKNOWN_KEY,
    );
    let own_key = (for_ivan.by().0, forged.key.clone());
    let mut guessed = book.join(for_ivan, &ghost);
    guessed.by[2] = own_key;
    add(
        ("19", "a ghost joins by an invitation without its secret"),
        &guessed,
        "a bad signature",
    );
    let unsigned = book
        .join(for_ivan, &ghost)
        .signed_by(&[ghost.by_ops(), ghost.by_admin()]);
    add(
        ("19b", "a ghost joins without the invitation's signature"),
        &unsigned,
        MISSING,
    );
    let other = book.join(for_ivan, ivan);
    let other = other.signed_by(&[ivan.by_ops(), ivan.by_admin(), who.for_mia.by()]);
    add(
        ("19c", "a join signed by another invitation"),
        &other,
        MISSING,
    );
    let no_ops = book
        .join(for_ivan, ivan)
        .signed_by(&[ivan.by_admin(), for_ivan.by()]);
    add(
        ("58b", "a join without the device's signature"),
        &no_ops,
        MISSING,
    );
    let no_admin = book
        .join(for_ivan, ivan)
        .signed_by(&[ivan.by_ops(), for_ivan.by()]);
    add(
        ("58c", "a join without the owner key's signature"),
        &no_admin,
        MISSING,
    );
    let mut forged_ops = honest.clone();
    forged_ops.by[0].1 = who.mia.ops.clone();
    add(
        ("58", "a join with a bad signature of the device"),
        &forged_ops,
        "a bad signature",
    );
    let mut forged_admin = honest.clone();
    forged_admin.by[1].1 = who.mia.admin.clone();
    add(
        ("58d", "a join with a bad signature of the owner key"),
        &forged_admin,
        "a bad signature",
    );
    let stranger = honest.clone().with(|body| body.author = who.mia.id);
    add(
        ("56", "a join in the name of another device"),
        &stranger,
        "a join whose author is not its device",
    );
}

/// The server puts a key of its own where envelopes would be sealed to.
fn swapped_key(group: &mut Group, who: &People, book: &Book) {
    let honest = book.join(&who.for_ivan, &who.ivan);
    let mut swapped = honest.clone();
    let mut device = who.ivan.public.clone();
    device.kem = KemKey::of([0xee; KemKey::LEN]);
    let new = device.id();
    swapped.body.op = Op::Join {
        invite: who.for_ivan.id,
        member: who.ivan.member,
        device,
    };
    let kept = Link::read(&honest.seal()).unwrap().signatures;
    let link = Link::of(swapped.body.to_bytes(), kept.clone());
    group.add(
        ("2", "another key for envelopes in a join"),
        book,
        link,
        Invalid(UNKNOWN_KEY),
        honest.seal(),
    );

    swapped.body.author = new;
    let renamed = kept.into_iter().map(|(signer, signature)| {
        use withheld_team::links::Signer::{Admin, Invite, Ops};
        let signer = match signer {
            Ops(_) => Ops(new),
            Admin(_) => Admin(new),
            Invite(invite) => Invite(invite),
        };
        (signer, signature)
    });
    let link = Link::of(swapped.body.to_bytes(), renamed.collect());
    group.add(
        (
            "2b",
            "another key for envelopes, and the device's id with it",
        ),
        book,
        link,
        Invalid("a bad signature"),
        honest.seal(),
    );
}

fn invitations(group: &mut Group, who: &People, book: &Book) {
    let People {
        ivan,
        for_ivan,
        for_mia,
        ..
    } = who;
    let honest = book.join(for_ivan, ivan);
    let again = book.join(for_mia, ivan).seal();
    let text = "a join with an invitation that was used already";
    group.add(
        ("20", "an invitation a second time"),
        book,
        again,
        Invalid(text),
        honest.seal(),
    );
    let late = honest.clone().with(|body| body.ts = IVAN_UNTIL + 1).seal();
    let last = honest.with(|body| body.ts = IVAN_UNTIL).seal();
    let text = "a join after the invitation ended";
    group.add(
        ("21", "a join after the end"),
        book,
        late,
        Invalid(text),
        last,
    );
}

fn identities(group: &mut Group, who: &People, book: &Book) {
    let People {
        ivan,
        rita,
        for_ivan,
        ..
    } = who;
    let twin = book.join(for_ivan, ivan).seal();
    let mut add = |what, device: &Device, member: MemberId, text| {
        let mut device = device.clone();
        device.member = member;
        let link = book.join(for_ivan, &device).seal();
        group.add(what, book, link, Invalid(text), twin.clone());
    };
    let text = "a join as someone who is or was a member";
    add(("57", "a join as the owner"), ivan, who.olga.member, text);
    add(
        ("57b", "a join as a removed member"),
        ivan,
        rita.member,
        text,
    );
    let text = "a join with a device that is or was somebody's";
    add(
        ("57c", "a join with a removed device"),
        rita,
        ivan.member,
        text,
    );
    add(
        ("57d", "a join with a member's device"),
        &who.mia,
        ivan.member,
        text,
    );
}

/// An invitation is worth what its inviter may still give. The twin is an invitation by the owner.
fn inviters(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        adam,
        ivan,
        for_ivan,
        ..
    } = who;
    let by_owner = Invitation::new(0x42);
    let op = by_owner.op(Role::Member, &[(DEV, Right::Read)], IVAN_UNTIL);
    let invited = book.clone().and(&book.say(olga, op));
    let mut add = |what, op: Op, text| {
        let changed = invited.clone().and(&invited.say(olga, op));
        let link = changed.join(for_ivan, ivan).seal();
        let twin = changed.join(&by_owner, ivan).seal();
        group.add(what, &changed, link, Invalid(text), twin);
    };
    let member = adam.member;
    let nothing = nothing_committed(&book.ws, DIRECTORY);
    let cuts = vec![cut(DIRECTORY, nothing), cut(DEV, third_commit())];
    let text = "a join by an invitation of someone who was removed";
    add(
        ("21b", "the inviter was removed"),
        Op::MemberRemove { member, cuts },
        text,
    );
    let text = "an invitation by someone who is not an admin";
    add(
        ("21c", "the inviter is no longer an admin"),
        role(adam, Role::Member, Some(nothing)),
        text,
    );
    let lowered = Op::Grant {
        member,
        env: DEV,
        right: Right::None,
        cut: Some(third_commit()),
    };
    let text = "an invitation with a right that the inviter does not have";
    add(
        ("21d", "the inviter no longer has the right"),
        lowered,
        text,
    );
}
