//! One honest chain with every operation in it. The attacks are tried at its positions.

use withheld_team::id::{EnvId, Hash};
use withheld_team::links::{Cut, Op, Position, Right, Role};

use crate::common::{Book, DAY, Device, Invitation, MINUTE, START, nothing_committed};

pub(crate) const DIRECTORY: EnvId = EnvId::of([0; 16]);
pub(crate) const DEV: EnvId = EnvId::of([0xd0; 16]);
pub(crate) const PROD: EnvId = EnvId::of([0xd1; 16]);

/// Everybody, with what they are when the story ends.
pub(crate) struct People {
    /// Owner; writes both environments.
    pub(crate) olga: Device,
    /// Admin; writes `DEV`, reads `PROD`.
    pub(crate) adam: Device,
    /// Member; reads both environments, wrote `DEV` until position 19.
    pub(crate) mia: Device,
    /// Mia's second device.
    pub(crate) mia2: Device,
    /// Removed at position 16.
    pub(crate) rita: Device,
    /// Member; was owner, then admin.
    pub(crate) otto: Device,
    /// Not a member: holds an invitation as a member who reads `DEV`.
    pub(crate) ivan: Device,
    pub(crate) for_adam: Invitation,
    pub(crate) for_mia: Invitation,
    pub(crate) for_ivan: Invitation,
    pub(crate) for_rita: Invitation,
    pub(crate) for_otto: Invitation,
}

pub(crate) fn people() -> People {
    People {
        olga: Device::new(1, 0x11),
        adam: Device::new(2, 0x12),
        mia: Device::new(3, 0x13),
        mia2: Device::new(3, 0x23),
        rita: Device::new(4, 0x14),
        otto: Device::new(5, 0x15),
        ivan: Device::new(6, 0x16),
        for_adam: Invitation::new(0x32),
        for_mia: Invitation::new(0x33),
        for_ivan: Invitation::new(0x36),
        for_rita: Invitation::new(0x34),
        for_otto: Invitation::new(0x35),
    }
}

/// When the open invitation for Ivan ends.
pub(crate) const IVAN_UNTIL: u64 = START + 10 * MINUTE + 6 * DAY;

/// The commit that a cut of `DEV` names.
pub(crate) fn third_commit() -> Position {
    let hash = Hash::of([0xc3; 32]);
    Position { seq: 3, hash }
}

pub(crate) fn cut(env: EnvId, at: Position) -> Cut {
    let Position { seq, hash } = at;
    Cut { env, seq, hash }
}

pub(crate) fn story() -> (People, Book) {
    story_from(START)
}

/// The story, begun at this time.
pub(crate) fn story_from(start: u64) -> (People, Book) {
    let who = people();
    let mut book = Book::begin(&who.olga, 7, start);
    beginnings(&who, &mut book);
    epochs(&who, &mut book);
    removal(&who, &mut book);
    changes(&who, &mut book);
    (who, book)
}

/// 2 to 8.
fn beginnings(who: &People, book: &mut Book) {
    let until = book.ts + DAY;
    book.push(&book.say(&who.olga, Op::EnvCreate { env: DEV }));
    book.push(&book.say(&who.olga, Op::EnvCreate { env: PROD }));
    let op = who.for_adam.op(Role::Admin, &[(DEV, Right::Write)], until);
    book.push(&book.say(&who.olga, op));
    book.push(&book.join(&who.for_adam, &who.adam));
    let rights = [(DEV, Right::Write), (PROD, Right::Read)];
    let op = who.for_mia.op(Role::Member, &rights, until);
    book.push(&book.say(&who.olga, op));
    book.push(&book.join(&who.for_mia, &who.mia));
    book.push(&book.device_add(&who.mia, &who.mia2));
}

/// 9 to 12.
fn epochs(who: &People, book: &mut Book) {
    let People {
        olga,
        adam,
        mia,
        mia2,
        ..
    } = who;
    let all = [olga, adam, mia, mia2];
    book.push(&book.epoch(olga, DIRECTORY, 1, &all));
    book.push(&book.epoch(adam, DEV, 1, &all));
    book.push(&book.epoch(adam, DEV, 2, &all));
    let op = who
        .for_ivan
        .op(Role::Member, &[(DEV, Right::Read)], book.ts + 6 * DAY);
    book.push(&book.say(adam, op));
}

/// 13 to 17.
fn removal(who: &People, book: &mut Book) {
    let People {
        olga,
        adam,
        mia,
        mia2,
        rita,
        ..
    } = who;
    let op = who
        .for_rita
        .op(Role::Member, &[(DEV, Right::Write)], book.ts + DAY);
    book.push(&book.say(olga, op));
    book.push(&book.join(&who.for_rita, rita));
    book.push(&book.grant(olga, rita, PROD, Right::Read));
    let op = Op::MemberRemove {
        member: rita.member,
        cuts: vec![cut(DEV, third_commit())],
    };
    book.push(&book.say(adam, op));
    // Mia is no admin; Rita has the key of the second epoch.
    book.push(&book.epoch(mia, DEV, 3, &[olga, adam, mia, mia2]));
}

/// 18 to 23.
fn changes(who: &People, book: &mut Book) {
    let People {
        olga, adam, otto, ..
    } = who;
    let vouched = book.grant(adam, adam, PROD, Right::Read);
    book.push(&vouched.and_by(olga.by_admin()));
    book.push(&lowered(book, who));
    let op = who.for_otto.op(Role::Owner, &[], book.ts + DAY);
    book.push(&book.say(olga, op));
    book.push(&book.join(&who.for_otto, otto));
    book.push(&book.say(olga, role(otto, Role::Admin, None)));
    let cut = nothing_committed(&book.ws, DIRECTORY);
    book.push(&book.say(olga, role(otto, Role::Member, Some(cut))));
}

/// Mia loses the right to write `DEV`.
fn lowered(book: &Book, who: &People) -> crate::common::Draft {
    let op = Op::Grant {
        member: who.mia.member,
        env: DEV,
        right: Right::Read,
        cut: Some(third_commit()),
    };
    book.say(&who.adam, op)
}

pub(crate) fn role(of: &Device, role: Role, cut: Option<Position>) -> Op {
    let member = of.member;
    Op::RoleSet { member, role, cut }
}
