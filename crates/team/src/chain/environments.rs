//! The rules of the operations on environments: creation, rights, epochs, and cuts.

use super::rules::{live, may_take, require};
use super::{Chain, Member, recipients_hash};
use crate::Verdict::{self, Invalid, Unknown};
use crate::id::{DeviceId, EnvId, Hash, MemberId};
use crate::links::{Position, Right, Role, env_genesis};

/// Operation 1.
pub(super) fn env_create(chain: &Chain, author: &Member, env: &EnvId) -> Result<(), Verdict> {
    require(
        author.role >= Role::Admin,
        "an environment made by someone who is not an admin",
    )?;
    require(
        !chain.envs.contains_key(env),
        "an environment that was there already",
    )
}

/// Operation 2: admins give. What somebody has is taken away as the place here is: by oneself, by a
/// higher role, or by an owner, so that no admin shuts out the others.
pub(super) fn grant_by(
    chain: &Chain,
    author: &Member,
    member: &MemberId,
    env: &EnvId,
    right: Right,
) -> Result<(), Verdict> {
    let subject = live(chain, member).ok_or(Invalid("a right for someone who is not a member"))?;
    if right < chain.right(member, env) {
        return require(
            may_take(author, subject),
            "a right taken away by someone whose role is not higher",
        );
    }
    require(
        author.role >= Role::Admin,
        "a right given by someone who is not an admin",
    )
}

/// Operation 2: a right is given by who has it, or with the signature of one who has.
pub(super) fn grant_vouched(
    chain: &Chain,
    author: &Member,
    env: &EnvId,
    right: Right,
    co_signer: Option<DeviceId>,
) -> Result<(), Verdict> {
    grantable(chain, env, right)?;
    let has_it = chain.right(&author.id, env) >= right || is_rescue(chain, author, env, right);
    let Some(co_signer) = co_signer else {
        return require(has_it, "a right given by someone who does not have it");
    };
    require(
        !has_it,
        "a grant with a second signature that it does not need",
    )?;
    let holder = chain.devices.get(&co_signer);
    require(
        holder.is_some_and(|holder| chain.right(&holder.member, env) >= right),
        "a grant with a second signature by someone who does not have the right",
    )
}

/// Whether an owner gives an environment somebody who writes it, when nobody is left who does: or it
/// would be lost for ever.
fn is_rescue(chain: &Chain, author: &Member, env: &EnvId, right: Right) -> bool {
    let writes = |member: &Member| chain.right(&member.id, env) == Right::Write;
    right == Right::Write && author.role == Role::Owner && !chain.members().any(writes)
}

/// Operation 2: what is taken away.
pub(super) fn grant_cut(
    chain: &Chain,
    member: &MemberId,
    env: &EnvId,
    right: Right,
    cut: Option<&Position>,
) -> Result<(), Verdict> {
    let loses_write = chain.right(member, env) == Right::Write && right < Right::Write;
    cut_where_lost(chain, env, cut, loses_write)
}

/// Operation 9: who is to have the key follows from the chain, whoever begins the epoch.
pub(super) fn epoch(
    chain: &Chain,
    author: &Member,
    env: &EnvId,
    n: u64,
    recipients: &Hash,
) -> Result<(), Verdict> {
    let known = chain.envs.get(env);
    let epochs = &known
        .ok_or(Invalid("an epoch of an environment that nobody made"))?
        .epochs;
    require(
        chain.right(&author.id, env) == Right::Write,
        "an epoch begun by someone who may not write the environment",
    )?;
    require(
        n == epochs.last().map_or(0, |last| last.n) + 1,
        "an epoch whose number is not the next",
    )?;
    // Epochs are kept for ever, by everybody: so who may only write cannot pile them up.
    require(
        n == 1 || author.role >= Role::Admin || chain.is_stale(env, chain.head().seq),
        "a new epoch where nobody lost the right to read, by someone who is not an admin",
    )?;
    require(
        *recipients == recipients_hash(&chain.recipients(env)),
        "an epoch whose recipients are not those who may read the environment",
    )
}

/// Operation 9: the key that is wrapped under this one; not always the one before, so that a spoilt
/// epoch can be passed over.
pub(super) fn epoch_before(n: u64, prev_n: u64, wrapped: bool) -> Result<(), Verdict> {
    require(prev_n < n, "an epoch that wraps the key of a later one")?;
    require(
        wrapped == (prev_n != 0),
        "an epoch that names an earlier key and wraps none, or wraps one and names none",
    )
}

/// Everybody's right on the directory is that of the role.
pub(super) fn grantable(chain: &Chain, env: &EnvId, right: Right) -> Result<(), Verdict> {
    if right == Right::Meta {
        return Err(Unknown("the right `meta`"));
    }
    require(
        *env != EnvId::DIRECTORY,
        "a right on the directory, which is never given",
    )?;
    require(
        chain.envs.contains_key(env),
        "a right on an environment that nobody made",
    )
}

/// Whoever loses the right to write could still, with the server's help, write something that looks
/// earlier. So the link that takes the right away pins where the environment was.
pub(super) fn cut_where_lost(
    chain: &Chain,
    env: &EnvId,
    cut: Option<&Position>,
    loses_write: bool,
) -> Result<(), Verdict> {
    match cut {
        None => require(!loses_write, "the right to write taken away without a cut"),
        Some(cut) => {
            require(loses_write, "a cut where nobody loses the right to write")?;
            cut_before_first(chain, env, cut)
        }
    }
}

pub(super) fn cut_before_first(chain: &Chain, env: &EnvId, cut: &Position) -> Result<(), Verdict> {
    require(
        cut.seq != 0 || cut.hash == env_genesis(&chain.ws, env),
        "a cut before the first commit that names a commit",
    )
}
