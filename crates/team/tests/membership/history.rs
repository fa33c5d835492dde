//! What a chain says about the past and the present: the story's people, by hand.

use std::sync::Arc;

use withheld_team::chain::{Chain, CutAt, recipients_hash};
use withheld_team::id::{DeviceId, EnvId, Hash, MemberId};
use withheld_team::links::{Op, Right, Role};

use crate::common::{Book, Device, Invitation, nothing_committed, recipients};
use crate::story::{DEV, DIRECTORY, IVAN_UNTIL, PROD, People, cut, story, third_commit};

fn told() -> (People, Book, Chain) {
    let (who, book) = story();
    let mut chain = Chain::begin(book.ws, &book.links[0]).unwrap();
    for link in &book.links[1..] {
        chain.apply(link).unwrap();
    }
    (who, book, chain)
}

/// The positions at which something changed, with what held from there on.
fn changes<T: PartialEq + Copy>(chain: &Chain, at: impl Fn(&Chain, u64) -> T) -> Vec<(u64, T)> {
    let mut changes: Vec<(u64, T)> = Vec::new();
    for seq in 0..=chain.head().seq + 1 {
        let now = at(chain, seq);
        if changes.last().is_none_or(|(_, before)| *before != now) {
            changes.push((seq, now));
        }
    }
    changes
}

#[test]
fn rights_are_known_at_every_position() {
    let (who, _, chain) = told();
    let rights =
        |of: &Device, env| changes(&chain, |chain, seq| chain.right_at(&of.member, &env, seq));
    use Right::{None, Read, Write};
    assert_eq!(rights(&who.olga, DEV), [(0, None), (2, Write)]);
    assert_eq!(rights(&who.olga, PROD), [(0, None), (3, Write)]);
    assert_eq!(rights(&who.olga, DIRECTORY), [(0, None), (1, Write)]);
    assert_eq!(rights(&who.adam, DEV), [(0, None), (5, Write)]);
    assert_eq!(rights(&who.adam, PROD), [(0, None), (18, Read)]);
    assert_eq!(rights(&who.adam, DIRECTORY), [(0, None), (5, Write)]);
    assert_eq!(rights(&who.mia, DEV), [(0, None), (7, Write), (19, Read)]);
    assert_eq!(rights(&who.mia, PROD), [(0, None), (7, Read)]);
    assert_eq!(rights(&who.mia, DIRECTORY), [(0, None), (7, Read)]);
    assert_eq!(rights(&who.rita, DEV), [(0, None), (14, Write), (16, None)]);
    assert_eq!(rights(&who.rita, PROD), [(0, None), (15, Read), (16, None)]);
    assert_eq!(
        rights(&who.rita, DIRECTORY),
        [(0, None), (14, Read), (16, None)]
    );
    assert_eq!(
        rights(&who.otto, DIRECTORY),
        [(0, None), (21, Write), (23, Read)]
    );
    assert_eq!(rights(&who.ivan, DIRECTORY), [(0, None)]);
    assert_eq!(chain.right(&who.mia.member, &DEV), Read);
    assert_eq!(chain.right(&who.rita.member, &DEV), None);
}

#[test]
fn roles_are_known_at_every_position() {
    let (who, _, chain) = told();
    let roles = |of: &Device| changes(&chain, |chain, seq| chain.role_at(&of.member, seq));
    let (member, admin, owner) = (Some(Role::Member), Some(Role::Admin), Some(Role::Owner));
    assert_eq!(roles(&who.olga), [(0, None), (1, owner)]);
    assert_eq!(roles(&who.rita), [(0, None), (14, member), (16, None)]);
    assert_eq!(
        roles(&who.otto),
        [(0, None), (21, owner), (22, admin), (23, member)]
    );
    assert_eq!(chain.member(&who.otto.member).map(|otto| otto.role), member);
}

#[test]
fn members_and_devices_are_kept_after_their_removal() {
    let (who, _, chain) = told();
    let all: Vec<_> = chain
        .members()
        .map(|member| (member.id, member.joined, member.removed))
        .collect();
    let id = |byte| MemberId::of([byte; 16]);
    let expected = [
        (id(1), 1, None),
        (id(2), 5, None),
        (id(3), 7, None),
        (id(4), 14, Some(16)),
        (id(5), 21, None),
    ];
    assert_eq!(all, expected);
    assert_eq!(chain.devices().count(), 6);
    let device = |device: &Device| {
        let known = chain.device(&device.id).unwrap();
        assert_eq!((&known.public, known.id), (&device.public, device.id));
        (known.member, known.since, known.until)
    };
    assert_eq!(device(&who.olga), (id(1), 1, None));
    assert_eq!(device(&who.mia2), (id(3), 8, None));
    assert_eq!(device(&who.rita), (id(4), 14, Some(16)));
    assert!(chain.device(&who.ivan.id).is_none());
    assert!(chain.member(&who.ivan.member).is_none());
    let rita = chain.device(&who.rita.id).unwrap();
    assert_eq!(
        [13, 14, 15, 16].map(|seq| rita.is_live_at(seq)),
        [false, true, true, false]
    );
}

#[test]
fn invitations_know_who_used_them() {
    let (who, _, chain) = told();
    let mia = chain.invite(&who.for_mia.id).unwrap();
    assert_eq!(
        (mia.by, mia.used, mia.role),
        (who.olga.member, Some(who.mia.member), Role::Member)
    );
    assert_eq!(mia.rights, [(DEV, Right::Write), (PROD, Right::Read)]);
    assert_eq!(
        chain.member(&who.mia.member).unwrap().invite,
        Some(who.for_mia.id)
    );
    assert_eq!(chain.member(&who.olga.member).unwrap().invite, None);
    let ivan = chain.invite(&who.for_ivan.id).unwrap();
    assert_eq!(
        (ivan.by, ivan.used, ivan.expires),
        (who.adam.member, None, IVAN_UNTIL)
    );
    assert!(chain.invite(&Invitation::new(0x39).id).is_none());
}

#[test]
fn epochs_are_known_at_every_position_and_stale_when_a_recipient_left() {
    let (who, _, chain) = told();
    let of = |env| {
        changes(&chain, move |chain, seq| {
            chain.epoch_at(&env, seq).map(|epoch| epoch.n)
        })
    };
    assert_eq!(
        of(DEV),
        [(0, None), (10, Some(1)), (11, Some(2)), (17, Some(3))]
    );
    assert_eq!(of(DIRECTORY), [(0, None), (9, Some(1))]);
    assert_eq!(of(PROD), [(0, None)]);
    let stale = |env| changes(&chain, move |chain, seq| chain.is_stale(&env, seq));
    // Rita joined after the second epoch and is no recipient of it; but any holder has sealed her the
    // key, so her removal makes it stale until the third.
    assert_eq!(stale(DEV), [(0, false), (16, true), (17, false)]);
    assert_eq!(stale(DIRECTORY), [(0, false), (16, true)]);
    let epochs = &chain.env(&DEV).unwrap().epochs;
    let (first, second, third) = (&epochs[0], &epochs[1], &epochs[2]);
    // Nobody came or went between these two: the set is kept once.
    assert!(Arc::ptr_eq(&first.recipients, &second.recipients));
    assert_eq!((third.n, third.seq, third.prev_n), (3, 17, 2));
    assert_eq!(
        *third.recipients,
        *sorted(&[&who.olga, &who.adam, &who.mia, &who.mia2])
    );
    assert_eq!(
        (third.commit_root, third.commit_meta),
        (Hash::of([3; 32]), Hash::of([0x83; 32]))
    );
    assert_eq!(third.prev_wrap, Some([3; 72].into()));
}

#[test]
fn an_epoch_is_stale_from_the_link_on_that_takes_a_recipients_right() {
    let (who, book) = story();
    let People {
        olga,
        adam,
        mia,
        mia2,
        rita,
        ivan,
        ..
    } = &who;
    // Rita is a recipient of an epoch at 16; the removal stands at 17, and a fourth epoch at 18.
    let mut book = book.until(15);
    let all = [olga, adam, mia, mia2, rita];
    book.push(&book.epoch(adam, DEV, 3, &all));
    let cuts = vec![cut(DEV, third_commit())];
    let member = rita.member;
    book.push(&book.say(adam, Op::MemberRemove { member, cuts }));
    book.push(&book.epoch(adam, DEV, 4, &all[..4]));
    let grant = |member, right, cut| {
        let env = DEV;
        Op::Grant {
            member,
            env,
            right,
            cut,
        }
    };
    // Ivan has the right from 19 to 20, and no epoch begins in between: he was given the key all the same.
    book.push(&book.join(&who.for_ivan, ivan));
    book.push(&book.say(adam, grant(ivan.member, Right::None, None)));
    book.push(&book.epoch(adam, DEV, 5, &all[..4]));
    let cut = Some(third_commit());
    book.push(&book.say(adam, grant(mia.member, Right::None, cut)));
    let mut chain = Chain::begin(book.ws, &book.links[0]).unwrap();
    for link in &book.links[1..] {
        chain.apply(link).unwrap();
    }
    let stale = changes(&chain, |chain, seq| chain.is_stale(&DEV, seq));
    let times = [(17, true), (18, false), (20, true), (21, false), (22, true)];
    assert_eq!(stale, [&[(0, false)][..], &times].concat());
    assert_eq!(chain.recipients(&DEV), sorted(&[olga, adam]));
}

#[test]
fn recipients_are_the_live_devices_of_those_who_may_read() {
    let (who, _, chain) = told();
    let People {
        olga,
        adam,
        mia,
        mia2,
        otto,
        ..
    } = &who;
    assert_eq!(chain.recipients(&DEV), sorted(&[olga, adam, mia, mia2]));
    assert_eq!(chain.recipients(&PROD), sorted(&[olga, adam, mia, mia2]));
    assert_eq!(
        chain.recipients(&DIRECTORY),
        sorted(&[olga, adam, mia, mia2, otto])
    );
    for order in [[mia.id, olga.id], [olga.id, mia.id]] {
        assert_eq!(recipients_hash(&order), recipients(&[olga, mia]));
    }
    assert_eq!(recipients_hash(&[]), recipients(&[]));
}

fn sorted(devices: &[&Device]) -> Vec<DeviceId> {
    let mut ids: Vec<_> = devices.iter().map(|device| device.id).collect();
    ids.sort();
    ids
}

#[test]
fn cuts_are_kept_by_environment() {
    let (_, book, chain) = told();
    let at = |w_seq, seq, hash| CutAt { w_seq, seq, hash };
    let third = third_commit();
    assert_eq!(
        chain.cuts(&DEV),
        [at(16, 3, third.hash), at(19, 3, third.hash)]
    );
    let nothing = nothing_committed(&book.ws, DIRECTORY);
    assert_eq!(chain.cuts(&DIRECTORY), [at(23, 0, nothing.hash)]);
    assert_eq!(chain.cuts(&PROD), []);
    assert_eq!(chain.cuts(&EnvId::of([9; 16])), []);
}

#[test]
fn the_head_and_every_hash_are_those_of_the_links() {
    let (_, book, chain) = told();
    assert_eq!((chain.ws(), chain.ts()), (book.ws, book.ts));
    assert_eq!((chain.head().seq, chain.head().hash), (23, book.head()));
    assert_eq!(chain.hash_at(1), Some(Hash::from(book.ws)));
    assert_eq!(chain.hash_at(22), Some(book.until(22).head()));
    assert_eq!(
        (chain.hash_at(0), chain.hash_at(24), chain.hash_at(u64::MAX)),
        (None, None, None)
    );
    assert_eq!(chain.envs().collect::<Vec<_>>(), [DIRECTORY, DEV, PROD]);
    assert_eq!(
        chain.env(&PROD).map(|env| (env.id, env.created)),
        Some((PROD, 3))
    );
}
