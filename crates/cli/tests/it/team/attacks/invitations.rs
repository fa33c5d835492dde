//! Attacks on invitations and joins.

use withheld_testkit::items;
use withheld_testkit::rogue::{Hand, Invite, Item, Rogue, link, now_ms, random};

use super::stage::{ADMIN, DAY, MEMBER, READ, Stage, invitation};
use super::{Lie, Row};

pub(super) const ROWS: &[Row] = rows! {
     19 "a join without the invitation's secret"  INVALID Refuses("invalid") no_secret;
     20 "an invitation is used again"             INVALID Refuses("invalid") again;
     21 "a join after the invitation's end"       INVALID Refuses("invalid") expired;
     56 "a join in another device's name"         INVALID Refuses("invalid") other_author;
     57 "a join as the owner"                     INVALID Refuses("invalid") takeover;
     58 "a join that the new device did not sign" INVALID Refuses("invalid") bad_device;
     64 "a member invites"                        INVALID Refuses("invalid") member_invites;
     65 "an admin invites an admin"               INVALID Refuses("invalid") admin_invites_admin;
     66 "an admin invites to what it cannot read" INVALID Refuses("invalid") beyond;
     67 "an invitation for thirty days"           INVALID Refuses("invalid") thirty_days;
     68 "an invitation of a key that was used"    INVALID Refuses("invalid") same_id;
};

/// A guest with an open invitation, and the join that it would send.
fn guest(stage: &Stage) -> (Rogue, Item) {
    let guest = stage.boss.guest(&stage.invites(READ));
    let join = guest.join(&stage.boss.shown());
    (guest, join)
}

fn hands(guest: &Rogue) -> [Hand; 3] {
    let device = &guest.device;
    [device.ops(), device.admin(), guest.invite.hand()]
}

fn joins(stage: &Stage, body: &Item, hands: &[Hand]) -> Lie {
    stage.links(&[link(&body.encode(), hands)])
}

/// The server knows the invitation's id and makes up a secret.
fn no_secret(stage: &mut Stage) -> Lie {
    let (guest, body) = guest(stage);
    let [ops, admin, invite] = hands(&guest);
    let other = Invite::of(random()).hand();
    let forged = other.in_the_name_of(guest.invite.id);
    assert_eq!(forged.name, invite.name);
    joins(stage, &body, &[ops, admin, forged])
}

fn again(stage: &mut Stage) -> Lie {
    let first = stage.hires(READ);
    let second = stage.boss.guest(&first.invite);
    let body = second.join(&stage.boss.shown());
    joins(stage, &body, &hands(&second))
}

/// The invitation was for a moment only.
fn expired(stage: &mut Stage) -> Lie {
    let (shown, invite) = (stage.boss.shown(), Invite::of(random()));
    let to = [(stage.dev, READ)];
    let (made, ended) = (now_ms() - 30_000, now_ms() - 20_000);
    let op = invitation(&invite, MEMBER, &to, ended);
    let body = shown.next(stage.boss.device.id, op).with(4, made).encode();
    let invites = link(&body, &[stage.boss.device.admin()]);
    stage.boss.sends(&[invites], &[], &[]).is(200);
    let guest = stage.boss.guest(&invite);
    joins(stage, &guest.join(&stage.boss.shown()), &hands(&guest))
}

fn other_author(stage: &mut Stage) -> Lie {
    let (guest, body) = guest(stage);
    let body = body.with(5, stage.boss.device.id);
    joins(stage, &body, &hands(&guest))
}

fn takeover(stage: &mut Stage) -> Lie {
    let (guest, body) = guest(stage);
    let [owner, _] = stage.built(&stage.boss.shown());
    let says = body.at(6).at(1).clone().with(1, owner.member);
    let body = body.with(6, items![5, says]);
    joins(stage, &body, &hands(&guest))
}

fn bad_device(stage: &mut Stage) -> Lie {
    let (guest, body) = guest(stage);
    let [ops, admin, invite] = hands(&guest);
    let forged = stage.boss.device.ops().in_the_name_of(guest.device.id);
    assert_eq!(forged.name, ops.name);
    joins(stage, &body, &[forged, admin, invite])
}

fn member_invites(stage: &mut Stage) -> Lie {
    let reader = stage.hires(READ);
    let op = invitation(
        &Invite::of(random()),
        MEMBER,
        &[(stage.dev, READ)],
        now_ms() + DAY,
    );
    let body = stage.boss.shown().next(reader.device.id, op).encode();
    stage.links(&[link(&body, &[reader.device.admin()])])
}

fn says(stage: &Stage, op: Item) -> Lie {
    stage.links(&[stage.says(&stage.boss.shown(), op)])
}

fn admin_invites_admin(stage: &mut Stage) -> Lie {
    let invite = Invite::of(random());
    says(stage, invitation(&invite, ADMIN, &[], now_ms() + DAY))
}

fn beyond(stage: &mut Stage) -> Lie {
    let (invite, to) = (Invite::of(random()), [(stage.prod, READ)]);
    says(stage, invitation(&invite, MEMBER, &to, now_ms() + DAY))
}

fn thirty_days(stage: &mut Stage) -> Lie {
    let (invite, to) = (Invite::of(random()), [(stage.dev, READ)]);
    says(stage, invitation(&invite, MEMBER, &to, now_ms() + 30 * DAY))
}

fn same_id(stage: &mut Stage) -> Lie {
    let used = stage.boss.invite.clone();
    let to = [(stage.dev, READ)];
    says(stage, invitation(&used, MEMBER, &to, now_ms() + DAY))
}
