//! Changes of who may do what, each by the owner of this device, signed with the owner's key.

use withheld_core::name::{Environment, PersonName};
use withheld_core::team::{Access, Role};
use withheld_core::{Code, Moment, Refusal, text};
use withheld_secret::{Expose as _, SecretValue};
use withheld_team::chain::Chain;
use withheld_team::id::{EnvId, MemberId};
use withheld_team::links::{self, Op};

use super::Team;
use super::card::{NamedRight, Names};
use super::create::random;
use super::directory::{self, Meant, Name};
use super::draft::Draft;
use super::removal::rekey;
use super::state::State;
use super::words::{on_chain, right_on_chain};
use crate::owner::OwnerProof;
use crate::team::invitation::Invitation;
use crate::team::post::Post;

/// An invitation that is to be.
#[derive(Clone, Debug)]
pub struct Invite {
    /// What the guest will be called.
    pub member: PersonName,
    /// The role.
    pub role: Role,
    /// The rights.
    pub rights: Vec<Access>,
    /// The last moment of a join; at most seven days from now.
    pub expires: Moment,
}

/// The line that lets one person join: for the owner's own eyes, to be handed over in private.
pub struct InvitationLine(pub(super) SecretValue);

impl InvitationLine {
    /// The line as text.
    #[expect(
        clippy::disallowed_methods,
        reason = "an invitation is made to be shown to who asked for it, once; it opens no value by itself"
    )]
    #[must_use]
    pub fn text(&self) -> String {
        self.0
            .expose(|line| String::from_utf8_lossy(line).into_owned())
    }
}

impl Team {
    /// Invites somebody; the line to hand over, good for one join.
    ///
    /// # Errors
    /// `no_grant` where the owner of this device may not invite like that, `not_found` for an
    /// environment that the team does not have, `usage` for terms that cannot be; as [`Team::sync`].
    pub fn invite(
        &self,
        proof: &OwnerProof,
        post: &mut dyn Post,
        invite: &Invite,
        now: Moment,
    ) -> Result<InvitationLine, Refusal> {
        let _talking = self.talk(post)?;
        let line = self.change(post, now, |state| {
            is_admin(state)?;
            let mut draft = Draft::on(state, &self.seed, Some(proof), now);
            draft.refresh(&EnvId::DIRECTORY)?;
            let head = draft.next.chain.head();
            let (line, key) = Invitation::issue(&self.server, state.file.ws, head)?;
            let rights = ids_of(state, &invite.rights)?;
            let card =
                names(state, invite, &rights)?.seal(key.card(), &state.file.ws, &key.id())?;
            draft.link(Op::Invite {
                invite: key.id(),
                key: key.public(),
                role: on_chain(invite.role),
                rights,
                expires: u64::try_from(invite.expires.as_ms()).unwrap_or(0),
                confirm: false,
                card: card.into(),
            })?;
            let name = Name::Invited(key.id(), &invite.member);
            directory::write(&mut draft, &self.seed, &[name])?;
            Ok((draft, line))
        })?;
        self.finish(post, now);
        Ok(InvitationLine(line))
    }

    /// Makes an environment; the owner of this device may write it.
    ///
    /// # Errors
    /// `conflict` where the team has one of this name, `no_grant`; as [`Team::sync`].
    pub fn add_environment(
        &self,
        proof: &OwnerProof,
        post: &mut dyn Post,
        environment: &Environment,
        now: Moment,
    ) -> Result<(), Refusal> {
        let _talking = self.talk(post)?;
        self.change(post, now, |state| {
            is_admin(state)?;
            if state.env_named(environment).is_some() {
                return Err(Refusal::new(
                    Code::Conflict,
                    text!("the team has `{}` already", *environment),
                    "see who may do what there: withheld team members",
                ));
            }
            let env = EnvId::of(random()?);
            let mut draft = Draft::on(state, &self.seed, Some(proof), now);
            draft.refresh(&EnvId::DIRECTORY)?;
            draft.link(Op::EnvCreate { env })?;
            draft.rotate(&env)?;
            let name = Name::Environment(env, environment);
            directory::write(&mut draft, &self.seed, &[name])?;
            Ok((draft, ()))
        })?;
        self.finish(post, now);
        Ok(())
    }

    /// Sets what somebody may do. Where a right to read is taken away, the environment gets a new key
    /// with the same change. The keys of what may be read are sealed to that person once more.
    ///
    /// # Errors
    /// `not_found` for a name that nobody has, `no_grant`; as [`Team::sync`].
    pub fn set(
        &self,
        proof: &OwnerProof,
        post: &mut dyn Post,
        member: &PersonName,
        rights: &[Access],
        role: Option<Role>,
        now: Moment,
    ) -> Result<(), Refusal> {
        let _talking = self.talk(post)?;
        let meant = Meant::by(member);
        let closing = |state: &State| {
            is_admin(state)?;
            let member = meant.in_team(state)?;
            let mut closing = ids_of(state, rights)?;
            closing.retain(|(env, right)| loses_write(&state.chain, &member, env, *right));
            Ok(closing.into_iter().map(|(env, _)| env).collect())
        };
        let member = self.change_closing(post, now, closing, |state| {
            is_admin(state)?;
            let member = meant.in_team(state)?;
            let mut draft = Draft::on(state, &self.seed, Some(proof), now);
            for (env, right) in ids_of(state, rights)? {
                set_right(&mut draft, member, env, right)?;
            }
            if let Some(role) = role {
                set_role(&mut draft, member, on_chain(role))?;
            }
            rekey(&mut draft)?;
            Ok((draft, member))
        })?;
        self.finish_for(post, member, now);
        Ok(())
    }
}

/// Grants a right, or takes it away with a cut.
fn set_right(
    draft: &mut Draft<'_>,
    member: MemberId,
    env: EnvId,
    right: links::Right,
) -> Result<(), Refusal> {
    let chain = &draft.next.chain;
    if chain.right(&member, &env) == right {
        return Ok(());
    }
    let cut = loses_write(chain, &member, &env, right)
        .then(|| draft.cut(&env))
        .transpose()?;
    draft.link(Op::Grant {
        member,
        env,
        right,
        cut,
    })
}

fn loses_write(chain: &Chain, member: &MemberId, env: &EnvId, right: links::Right) -> bool {
    right < links::Right::Write && chain.right(member, env) == links::Right::Write
}

fn set_role(draft: &mut Draft<'_>, member: MemberId, role: links::Role) -> Result<(), Refusal> {
    let before = draft.next.chain.member(&member).map(|member| member.role);
    if before == Some(role) {
        return Ok(());
    }
    let loses_write = before >= Some(links::Role::Admin) && role < links::Role::Admin;
    let cut = loses_write
        .then(|| draft.cut(&EnvId::DIRECTORY))
        .transpose()?;
    draft.link(Op::RoleSet { member, role, cut })
}

/// The ids of environments, sorted, each once.
fn ids_of(state: &State, rights: &[Access]) -> Result<Vec<(EnvId, links::Right)>, Refusal> {
    let mut ids: Vec<(EnvId, links::Right)> = Vec::new();
    for Access { environment, right } in rights {
        let env = state.env_named(environment).ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                text!("the team has no `{}`", *environment),
                "see what it has: withheld team members",
            )
        })?;
        if ids.iter().any(|(other, _)| *other == env) {
            return Err(Refusal::new(
                Code::Usage,
                text!("`{}` is named twice", *environment),
                "name each environment once",
            ));
        }
        ids.push((env, right_on_chain(*right)));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// What the guest is told, in the order of the rights.
fn names(
    state: &State,
    invite: &Invite,
    rights: &[(EnvId, links::Right)],
) -> Result<Names, Refusal> {
    let rights = rights.iter().filter_map(|(env, right)| {
        let environment = state.name_of(env)?.clone();
        Some(NamedRight {
            environment,
            right: *right,
        })
    });
    Ok(Names {
        workspace: state.workspace().ok_or_else(super::draft::locked)?,
        member: invite.member.clone(),
        inviter: state.person(&state.me()).ok_or_else(super::draft::locked)?,
        rights: rights.collect(),
    })
}

/// Who may change what others may do.
fn is_admin(state: &State) -> Result<(), Refusal> {
    let me = state.chain.member(&state.me());
    if me.is_some_and(|me| me.role >= links::Role::Admin) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::NoGrant,
        "only an admin of the team may do that",
        "see who is one: withheld team members",
    ))
}
