//! The rules of the operations on people: invitations, joins, devices, removals, roles.

use super::environments::{cut_before_first, cut_where_lost, grantable};
use super::rules::{live, may_take, require};
use super::{Chain, Member};
use crate::Verdict::{self, Invalid, Unknown};
use crate::id::{DeviceId, EnvId, InviteId, MemberId, VerifyKey};
use crate::links::{Cut, Position, Right, Role, invite_id};

/// How long an invitation may stand.
const INVITE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// How long the card of an invitation may be.
const CARD_BYTES: usize = 1024;
/// How many devices a member may have at once.
const DEVICES: usize = 10;

pub(super) const USED: Verdict = Invalid("a join with an invitation that was used already");

/// Operation 4: what an inviter may give. Judged again at the join, so that nobody comes back by an
/// invitation that they wrote before they were removed, or before they lost what it gives.
pub(super) fn may_invite(
    chain: &Chain,
    inviter: &Member,
    role: Role,
    rights: &[(EnvId, Right)],
) -> Result<(), Verdict> {
    known_role(role)?;
    require(
        inviter.role >= Role::Admin,
        "an invitation by someone who is not an admin",
    )?;
    require(
        role < Role::Admin || inviter.role == Role::Owner,
        "an invitation of an admin or owner by someone who is not an owner",
    )?;
    require(
        rights.is_sorted_by(|one, next| one.0 < next.0),
        "an invitation with its rights out of order, or with one twice",
    )?;
    rights.iter().try_for_each(|(env, right)| {
        grantable(chain, env, *right)?;
        require(
            chain.right(&inviter.id, env) >= *right,
            "an invitation with a right that the inviter does not have",
        )
    })
}

/// Operation 4: an invitation is its key, and is made once.
pub(super) fn invite_once(
    chain: &Chain,
    invite: &InviteId,
    key: &VerifyKey,
) -> Result<(), Verdict> {
    require(
        *invite == invite_id(key),
        "an invitation whose id is not that of its key",
    )?;
    require(
        !chain.invites.contains_key(invite),
        "an invitation that was made already",
    )
}

/// Operation 4: an invitation ends soon.
pub(super) fn invite_ends(ts: u64, expires: u64, confirm: bool) -> Result<(), Verdict> {
    if confirm {
        return Err(Unknown("invitations that are confirmed after the join"));
    }
    require(ts < expires, "an invitation that ends before it begins")?;
    require(
        expires <= ts.saturating_add(INVITE_MS),
        "an invitation for more than seven days",
    )
}

/// Operation 4: what is written for the guest is short, whatever it says.
pub(super) fn card_fits(card: &[u8]) -> Result<(), Verdict> {
    require(
        card.len() <= CARD_BYTES,
        "an invitation with a card that is too long",
    )
}

/// Operation 5.
pub(super) fn join(
    chain: &Chain,
    ts: u64,
    invite: &InviteId,
    member: &MemberId,
    device: &DeviceId,
) -> Result<(), Verdict> {
    let unused = chain
        .invites
        .get(invite)
        .filter(|invite| invite.used.is_none());
    let invite = unused.ok_or(USED)?;
    require(ts <= invite.expires, "a join after the invitation ended")?;
    let inviter = live(chain, &invite.by).ok_or(Invalid(
        "a join by an invitation of someone who was removed",
    ))?;
    may_invite(chain, inviter, invite.role, &invite.rights)?;
    require(
        !chain.members.contains_key(member),
        "a join as someone who is or was a member",
    )?;
    require(
        !chain.devices.contains_key(device),
        "a join with a device that is or was somebody's",
    )
}

/// Operation 6.
pub(super) fn device_add(
    chain: &Chain,
    author: &Member,
    member: &MemberId,
    device: &DeviceId,
) -> Result<(), Verdict> {
    require(
        *member == author.id,
        "a device added for another member than its author",
    )?;
    require(
        !chain.devices.contains_key(device),
        "a device that is or was somebody's already",
    )?;
    let devices = chain.devices().filter(|device| device.member == author.id);
    require(
        devices.count() < DEVICES,
        "an eleventh device of one member",
    )
}

/// Operation 8.
pub(super) fn member_remove(
    chain: &Chain,
    author: &Member,
    member: &MemberId,
    cuts: &[Cut],
) -> Result<(), Verdict> {
    let subject = live(chain, member).ok_or(Invalid("a removal of someone who is not a member"))?;
    require(
        may_take(author, subject),
        "a removal by someone whose role is not higher",
    )?;
    require(!last_owner(chain, subject), "a removal of the last owner")?;
    let writable = chain
        .envs()
        .filter(|env| chain.right(member, env) == Right::Write);
    require(
        writable.eq(cuts.iter().map(|cut| cut.env)),
        "a removal that does not cut exactly the environments that the member could write",
    )?;
    cuts.iter().try_for_each(|cut| {
        let position = Position {
            seq: cut.seq,
            hash: cut.hash,
        };
        cut_before_first(chain, &cut.env, &position)
    })
}

/// Operation 10.
pub(super) fn role_set(
    chain: &Chain,
    author: &Member,
    member: &MemberId,
    role: Role,
    cut: Option<&Position>,
) -> Result<(), Verdict> {
    known_role(role)?;
    require(
        author.role == Role::Owner,
        "a role given by someone who is not an owner",
    )?;
    let subject = live(chain, member).ok_or(Invalid("a role for someone who is not a member"))?;
    require(
        role == Role::Owner || !last_owner(chain, subject),
        "another role for the last owner",
    )?;
    let loses_write = subject.role >= Role::Admin && role < Role::Admin;
    cut_where_lost(chain, &EnvId::DIRECTORY, cut, loses_write)
}

fn last_owner(chain: &Chain, member: &Member) -> bool {
    let owner = |member: &&Member| member.removed.is_none() && member.role == Role::Owner;
    chain
        .members()
        .filter(owner)
        .all(|owner| owner.id == member.id)
}

fn known_role(role: Role) -> Result<(), Verdict> {
    if role == Role::Machine {
        return Err(Unknown("the role `machine`"));
    }
    Ok(())
}
