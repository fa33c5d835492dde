//! The rules, each with its own refusal: a fragment of a sentence. Those of the operations are in
//! [`people`] and [`environments`].

use super::{Chain, Member, environments, people};
use crate::Verdict::{self, Fork, Invalid, Unknown};
use crate::id::{DeviceId, Hash, MemberId, WorkspaceId};
use crate::links::{Body, Op, Role, SUITE};

/// How far a link may be dated before the latest of those that it follows: clocks differ.
const LAG_MS: u64 = 5 * 60 * 1000;

pub(super) const SECOND_GENESIS: Verdict = Invalid("a second genesis");

/// Operation 0: the first link, whose hash was compared with the workspace's id.
pub(super) fn genesis(body: &Body) -> Result<(), Verdict> {
    let Op::Genesis { suite, device, .. } = &body.op else {
        return Err(Invalid("a chain that does not begin with a genesis"));
    };
    if *suite != SUITE {
        return Err(Unknown("the set of algorithms of this workspace"));
    }
    let zeros = WorkspaceId::from(Hash::ZERO);
    require(body.ws == zeros, "a genesis that names a workspace")?;
    require(body.seq == 1, "a genesis that is not the first link")?;
    require(body.prev == Hash::ZERO, "a genesis that follows a link")?;
    require(
        body.author == device.id(),
        "a genesis whose author is not its device",
    )
}

/// Whether a link stands where the chain ends.
pub(super) fn place(chain: &Chain, hash: &Hash, body: &Body) -> Result<(), Verdict> {
    let head = chain.head();
    let beside_known = chain.hash_at(body.seq).is_some_and(|known| known != *hash);
    let follows_unknown = body.seq == head.seq + 1 && body.prev != head.hash;
    if beside_known || follows_unknown {
        return Err(if is_spent(chain, body) {
            people::USED
        } else {
            Fork
        });
    }
    require(body.seq == head.seq + 1, "a link out of its place")?;
    require(
        body.ts >= chain.ts().saturating_sub(LAG_MS),
        "a link dated before the one that it follows",
    )
}

/// Whether a link is a join that comes after its invitation was used. Whoever had the line can still sign
/// one, so it is no proof of another history.
fn is_spent(chain: &Chain, body: &Body) -> bool {
    let Op::Join { invite, .. } = &body.op else {
        return false;
    };
    let invited = chain.invites.get(invite);
    let guest = invited.and_then(|invited| chain.members.get(&invited.used?));
    guest.is_some_and(|guest| guest.joined < body.seq)
}

/// Whether the author may do what a link does, to whom and with what it says.
pub(super) fn judge(chain: &Chain, body: &Body, co: Option<DeviceId>) -> Result<(), Verdict> {
    let author = || author(chain, body);
    match &body.op {
        Op::Genesis { .. } => Err(SECOND_GENESIS),
        Op::EnvCreate { env } => environments::env_create(chain, author()?, env),
        Op::Grant {
            member,
            env,
            right,
            cut,
        } => {
            let author = author()?;
            environments::grant_by(chain, author, member, env, *right)?;
            environments::grant_vouched(chain, author, env, *right, co)?;
            environments::grant_cut(chain, member, env, *right, cut.as_ref())
        }
        Op::Invite {
            invite,
            key,
            role,
            rights,
            expires,
            confirm,
            card,
        } => {
            people::may_invite(chain, author()?, *role, rights)?;
            people::invite_once(chain, invite, key)?;
            people::invite_ends(body.ts, *expires, *confirm)?;
            people::card_fits(card)
        }
        Op::Join {
            invite,
            member,
            device,
        } => {
            require(
                body.author == device.id(),
                "a join whose author is not its device",
            )?;
            people::join(chain, body.ts, invite, member, &body.author)
        }
        Op::DeviceAdd { member, device } => {
            people::device_add(chain, author()?, member, &device.id())
        }
        Op::MemberRemove { member, cuts } => people::member_remove(chain, author()?, member, cuts),
        Op::Epoch {
            env,
            n,
            recipients,
            prev_n,
            prev_wrap,
            ..
        } => {
            environments::epoch(chain, author()?, env, *n, recipients)?;
            environments::epoch_before(*n, *prev_n, prev_wrap.is_some())
        }
        Op::RoleSet { member, role, cut } => {
            people::role_set(chain, author()?, member, *role, cut.as_ref())
        }
    }
}

/// Whose device wrote the link. A removed device is known, so its signature was verified.
fn author<'a>(chain: &'a Chain, body: &Body) -> Result<&'a Member, Verdict> {
    let device = chain.devices.get(&body.author);
    let live = device.filter(|device| device.until.is_none());
    live.and_then(|device| chain.members.get(&device.member))
        .ok_or(Invalid("a link by a device that was removed"))
}

/// The member, unless removed or never there.
pub(super) fn live<'a>(chain: &'a Chain, member: &MemberId) -> Option<&'a Member> {
    let member = chain.members.get(member);
    member.filter(|member| member.removed.is_none())
}

/// Whether somebody may take from another what the other has: the place here, or a right.
pub(super) fn may_take(author: &Member, subject: &Member) -> bool {
    author.id == subject.id || author.role > subject.role || author.role == Role::Owner
}

pub(super) fn require(holds: bool, otherwise: &'static str) -> Result<(), Verdict> {
    if holds {
        Ok(())
    } else {
        Err(Invalid(otherwise))
    }
}
