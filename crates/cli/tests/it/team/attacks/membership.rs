//! Attacks on who is a member, and on the chain that says so.

use withheld_testkit::items;
use withheld_testkit::rogue::{Device, Id, Invite, Item, Shown, link, link_under, now_ms, random};

use super::stage::{DAY, MEMBER, READ, Stage, WRITE, invitation};
use super::{Lie, Row};

pub(super) const ROWS: &[Row] = rows! {
      1 "a ghost invites itself with a key of its own"    INVALID    Refuses("invalid")  ghost;
      2 "another envelope key in a join that was signed"  INVALID    Refuses("invalid")  swapped_kem;
      3 "a link is dropped"                               INVALID    Refuses("conflict") dropped;
      4 "two links in the other order"                    INVALID    Refuses("conflict") reordered;
      5 "the removal of a member is taken back"           ROLLBACK   Liar                unremoved;
      9 "a reader gives itself the right to write"        INVALID    Refuses("invalid")  self_grant;
     10 "an admin gives itself what it cannot read"       INVALID    Refuses("invalid")  admin_grant;
     11 "an admin removes the owner"                      INVALID    Refuses("invalid")  owner_removed;
     12 "a removed device signs"                          INVALID    Refuses("invalid")  removed_signs;
     13 "a link of another version"                       UNVERIFIED Refuses("unknown")  other_version;
     14 "a number in a longer form than it needs, signed" INVALID    Refuses("invalid")  longer_form;
     15 "a link signed as a commit"                       INVALID    Refuses("invalid")  as_a_commit;
     17 "a link of another workspace"                     INVALID    Refuses("conflict") foreign;
     36 "an epoch for a ghost too"                        INVALID    Refuses("invalid")  ghost_recipient;
     46 "a removal without a cut"                         INVALID    Refuses("invalid")  uncut;
     53 "a link one position too far"                     INVALID    Refuses("conflict") too_far;
     54 "a link after another one than the last"          FORK       Refuses("conflict") other_before;
     55 "signed by another key than the author's"         INVALID    Refuses("invalid")  other_key;
};

/// The harmless operation of what only differs in its frame: the rogue, an admin, may make environments.
fn harmless() -> Item {
    let env: Id = random();
    items![1, items![env]]
}

/// What the rogue says next, with this changed before it is signed.
fn framed(stage: &Stage, change: impl FnOnce(Item) -> Item) -> Lie {
    let body = stage.boss.shown().next(stage.boss.device.id, harmless());
    let body = change(body).encode();
    stage.links(&[link(&body, &[stage.boss.device.admin()])])
}

fn ghost(stage: &mut Stage) -> Lie {
    let mut shown = stage.boss.shown();
    let known = shown.links.len();
    let invite = Invite::of(random());
    let ghost = stage.boss.guest(&invite).device;
    let op = invitation(&invite, MEMBER, &[(stage.dev, WRITE)], now_ms() + DAY);
    let invites = shown.next(ghost.id, op).encode();
    shown.links.push(link(&invites, &[ghost.admin()]));
    let op = items![5, items![invite.id, random::<16>(), &ghost.public]];
    let joins = shown.next(ghost.id, op).encode();
    let hands = [ghost.ops(), ghost.admin(), invite.hand()];
    shown.links.push(link(&joins, &hands));
    stage.links(&shown.links[known..])
}

/// The server puts a key of its own into the place of the guest's.
fn swapped_kem(stage: &mut Stage) -> Lie {
    let invite = stage.invites(READ);
    let guest = stage.boss.guest(&invite);
    let body = guest.join(&stage.boss.shown());
    let device = &guest.device;
    let hands = [device.ops(), device.admin(), invite.hand()];
    let signed = Item::decode(&link(&body.encode(), &hands));
    let other = Device::fresh().public;
    let public = device.public.clone().with(2, other.at(2));
    let says = body.at(6).at(1).clone().with(2, public);
    let changed = body.with(6, items![5, says]).encode();
    stage.links(&[signed.with(0, changed).encode()])
}

fn two_links(stage: &Stage) -> [Vec<u8>; 2] {
    let mut shown = stage.boss.shown();
    let first = stage.says(&shown, harmless());
    shown.links.push(first.clone());
    [first, stage.says(&shown, harmless())]
}

fn dropped(stage: &mut Stage) -> Lie {
    let [_, second] = two_links(stage);
    stage.links(&[second])
}

fn reordered(stage: &mut Stage) -> Lie {
    let [first, second] = two_links(stage);
    stage.links(&[second, first])
}

fn unremoved(stage: &mut Stage) -> Lie {
    let gone = stage.hires(WRITE);
    let before = stage.fires(&gone);
    stage.is_seen();
    Lie::of(before, None)
}

fn self_grant(stage: &mut Stage) -> Lie {
    let reader = stage.hires(READ);
    let op = items![2, items![reader.member, stage.dev, WRITE]];
    let body = stage.boss.shown().next(reader.device.id, op).encode();
    stage.links(&[link(&body, &[reader.device.admin()])])
}

fn admin_grant(stage: &mut Stage) -> Lie {
    let op = items![2, items![stage.boss.member, stage.prod, READ]];
    stage.links(&[stage.says(&stage.boss.shown(), op)])
}

fn owner_removed(stage: &mut Stage) -> Lie {
    let shown = stage.boss.shown();
    let [owner, _] = stage.built(&shown);
    let op = items![
        8,
        items![
            owner.member,
            cuts(&shown, &shown.commits.keys().copied().collect::<Vec<_>>())
        ]
    ];
    stage.links(&[stage.says(&shown, op)])
}

fn cuts(shown: &Shown, envs: &[Id]) -> Item {
    let cut = |env: &Id| {
        let (seq, hash) = shown.commit_head(*env);
        items![*env, seq, hash]
    };
    envs.iter().map(cut).collect::<Vec<_>>().into()
}

/// It adds a device of its own, as every member may.
fn removed_signs(stage: &mut Stage) -> Lie {
    let gone = stage.hires(WRITE);
    stage.fires(&gone);
    stage.is_seen();
    stage.still();
    let new = Device::fresh();
    let op = items![6, items![gone.member, &new.public]];
    let body = stage.boss.shown().next(gone.device.id, op).encode();
    let hands = [gone.device.admin(), new.ops(), new.admin()];
    stage.links(&[link(&body, &hands)])
}

fn other_version(stage: &mut Stage) -> Lie {
    framed(stage, |body| body.with(0, 1))
}

fn longer_form(stage: &mut Stage) -> Lie {
    let body = stage.boss.shown().next(stage.boss.device.id, harmless());
    let body = body.encode();
    // An array of seven, and its version 0 as two bytes.
    assert_eq!(body[..2], [0x87, 0x00]);
    let longer = [&[0x87, 0x18, 0x00], &body[2..]].concat();
    stage.links(&[link(&longer, &[stage.boss.device.admin()])])
}

fn as_a_commit(stage: &mut Stage) -> Lie {
    let body = stage.boss.shown().next(stage.boss.device.id, harmless());
    let hands = [stage.boss.device.admin()];
    stage.links(&[link_under("sig/commit", &body.encode(), &hands)])
}

/// Its own workspace, where it may do anything, with as many links.
fn foreign(stage: &mut Stage) -> Lie {
    let founder = &stage.boss.device;
    let mut own = Shown::founded(founder, |body| body);
    while own.links.len() <= stage.boss.shown().links.len() {
        let body = own.next(founder.id, harmless()).encode();
        own.links.push(link(&body, &[founder.admin()]));
    }
    stage.links(&own.links[own.links.len() - 1..])
}

fn ghost_recipient(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let people = shown.people();
    let mut readers: Vec<Id> = people
        .readers(stage.dev)
        .iter()
        .map(|it| it.device)
        .collect();
    readers.push(Device::fresh().id);
    let op = key.next().begin(&readers, &key);
    stage.links(&[stage.begins(&shown, op)])
}

/// The member to whom it is shown would be gone, and could go on writing.
fn uncut(stage: &mut Stage) -> Lie {
    let shown = stage.boss.shown();
    let [_, member] = stage.built(&shown);
    let op = items![8, items![member.member, items![]]];
    stage.links(&[stage.says(&shown, op)])
}

fn too_far(stage: &mut Stage) -> Lie {
    framed(stage, |body| {
        let seq = body.at(2).int();
        body.with(2, seq + 1)
    })
}

fn other_before(stage: &mut Stage) -> Lie {
    framed(stage, |body| body.with(3, random::<32>()))
}

fn other_key(stage: &mut Stage) -> Lie {
    let [owner, _] = stage.built(&stage.boss.shown());
    framed(stage, |body| body.with(5, owner.device))
}
