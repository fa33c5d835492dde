//! Who is in the team, and what they may open.

use std::sync::Arc;

use serde::Serialize;
use withheld_audit::Act;
use withheld_core::name::{Environment, SecretName};
use withheld_core::team::{Access, PersonName, Right, Role};
use withheld_core::{Code, Moment, Refusal, plain, text};
use withheld_vault::team::{Exposed, Invite, MemberRow, Team};

use super::Owner;
use crate::answer::Answer;
use crate::clock;
use crate::courier::Courier;
use crate::house::House;

// Shown to whoever invites, and kept nowhere.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(withheld_core::schema::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(crate = "withheld_core::schema::schemars")
)]
pub(super) struct Invited {
    /// What the team will call who is invited.
    member: PersonName,
    /// What they will be able to do about people.
    role: Role,
    /// What they will be able to open.
    to: Vec<Access>,
    /// Until when the line is good.
    expires_at: Moment,
    /// The line by which one person may join: as good as the rights in it, and shown this once.
    invitation: String,
}

plain! {
    pub(super) struct Changed {
        /// The member's name.
        member: PersonName,
        /// What they may do about people now; null where that cannot be read here yet.
        role: Option<Role>,
        /// What they may open now. By environment.
        to: Vec<Access>,
    }

    struct RemoveLook {
        member: PersonName,
        environments: Vec<Readable>,
        devices: u64,
    }

    struct Readable {
        environment: Environment,
        secrets: usize,
    }

    pub(super) struct Removed {
        /// The name of who was removed.
        member: PersonName,
        /// When, by the clock of this machine.
        at: Moment,
        /// The environments that got a new key, which they do not get.
        environments: Vec<Environment>,
        /// How many secrets of those they could read.
        secrets: u64,
        /// How many devices of theirs were in the team.
        devices: u64,
        /// What is to be changed at its provider, because they could read it. By environment, then by name.
        rotate: Vec<Rotate>,
    }

    /// A secret to change at its provider.
    pub(super) struct Rotate {
        /// The secret's name.
        name: SecretName,
        /// PROJECT/ENVIRONMENT.
        environment: Environment,
        /// Names of those who could read it and may not any more.
        could_read: Vec<PersonName>,
        /// When the first of them could not any more.
        since: Moment,
    }
}

pub(super) fn invite(
    house: &Arc<House>,
    owner: &Owner,
    member: PersonName,
    role: Role,
    to: Vec<Access>,
    expires_s: u64,
) -> Result<Answer, Refusal> {
    let team = house.team()?;
    let _ = house.glance(&team);
    if team.members().iter().any(|row| is_live(row, &member)) {
        return Err(Refusal::new(
            Code::Conflict,
            text!("`{}` is in the team already", member),
            "choose another name; see who is in: withheld team members",
        )
        .for_good());
    }
    let mut courier = Courier::to(house, &team.server())?;
    let now = clock::now();
    let ms = i64::try_from(expires_s.saturating_mul(1000)).unwrap_or(i64::MAX);
    let invite = Invite {
        member: member.clone(),
        role,
        rights: to.clone(),
        expires: Moment::from_ms(now.as_ms().saturating_add(ms)),
    };
    super::log(house, Act::TeamInvite, None)?;
    let line = team.invite(&owner.proof, &mut courier, &invite, now)?;
    house.invited.notify_one();
    let invited = Invited {
        member,
        role,
        to,
        expires_at: invite.expires,
        invitation: line.text(),
    };
    Answer::private("withheld.team_invite/1", &invited)
}

pub(super) fn set(
    house: &Arc<House>,
    owner: &Owner,
    member: PersonName,
    to: Vec<Access>,
    role: Option<Role>,
) -> Result<Answer, Refusal> {
    let team = house.team()?;
    is_member(&team, &member)?;
    leaves_a_writer(&team, &member, &to)?;
    let mut courier = Courier::to(house, &team.server())?;
    super::log(house, Act::TeamSet, None)?;
    team.set(&owner.proof, &mut courier, &member, &to, role, clock::now())?;
    let now = team.members().into_iter().find(|row| is_live(row, &member));
    let (role, to) = now.map_or((role, to), |now| (Some(now.role), by_name(now.rights)));
    Answer::of("withheld.team_set/1", &Changed { member, role, to })
}

/// Whether somebody may write every environment after this. Where nobody may, no key of it is ever
/// made anew and nothing comes to it.
fn leaves_a_writer(team: &Team, member: &PersonName, to: &[Access]) -> Result<(), Refusal> {
    let writes = |row: &MemberRow, environment: &Environment| {
        let own = row
            .rights
            .iter()
            .find(|one| one.environment == *environment);
        row.removed.is_none() && own.is_some_and(|own| own.right == Right::Write)
    };
    let members = team.members();
    let lost = to.iter().find(|one| {
        let writers = members.iter().filter(|row| writes(row, &one.environment));
        let (theirs, others): (Vec<_>, Vec<_>) = writers.partition(|row| is_live(row, member));
        one.right != Right::Write && !theirs.is_empty() && others.is_empty()
    });
    match lost {
        None => Ok(()),
        Some(lost) => Err(Refusal::new(
            Code::Usage,
            text!("nobody else may write `{}`", lost.environment),
            text!(
                "let somebody else first: withheld team set NAME --to {}:write",
                lost.environment
            ),
        )),
    }
}

/// Whether this is the member of that name.
fn is_live(row: &MemberRow, name: &PersonName) -> bool {
    row.removed.is_none() && row.name.as_ref() == Some(name)
}

/// Who is invited is no member yet.
fn is_member(team: &Team, member: &PersonName) -> Result<(), Refusal> {
    let is_it = |name: &Option<PersonName>| name.as_ref() == Some(member);
    if team.members().iter().any(|row| is_live(row, member)) {
        return Ok(());
    }
    let guests = team.guests(clock::now());
    let Some(guest) = guests.iter().find(|guest| is_it(&guest.name)) else {
        return Ok(());
    };
    Err(Refusal::new(
        Code::NotFound,
        text!(
            "`{}` is invited until {} and has not joined",
            *member,
            guest.expires
        ),
        "wait until the invitation lapses or is used; see both: withheld team members",
    ))
}

/// Where a list of environments is shown, their names are its order.
pub(super) fn by_name(mut rights: Vec<Access>) -> Vec<Access> {
    rights.sort_by(|one, other| one.environment.cmp(&other.environment));
    rights
}

/// What a removal would do, by what is known here.
pub(super) fn remove_look(house: &Arc<House>, member: &PersonName) -> Result<Answer, Refusal> {
    let team = house.team()?;
    let _ = house.glance(&team);
    is_member(&team, member)?;
    let mut would = team.look_at_removal(member, clock::now())?;
    would.environments.sort();
    let secrets = |environment: &Environment| {
        let in_it = would
            .exposed
            .iter()
            .filter(|one| one.environment == *environment);
        in_it.count()
    };
    let look = RemoveLook {
        member: member.clone(),
        environments: would
            .environments
            .iter()
            .map(|environment| Readable {
                environment: environment.clone(),
                secrets: secrets(environment),
            })
            .collect(),
        devices: would.devices,
    };
    Answer::of("withheld.team_remove_look/1", &look)
}

pub(super) fn remove(
    house: &Arc<House>,
    owner: &Owner,
    member: &PersonName,
) -> Result<Answer, Refusal> {
    let team = house.team()?;
    let mut courier = Courier::to(house, &team.server())?;
    super::log(house, Act::TeamRemove, None)?;
    let now = clock::now();
    let mut removed = team.remove(&owner.proof, &mut courier, member, now)?;
    removed.environments.sort();
    let rotate = rotate(removed.exposed);
    let is_done = |one: &&Rotate| removed.environments.contains(&one.environment);
    let answer = Removed {
        member: member.clone(),
        at: now,
        secrets: rotate.iter().filter(is_done).count() as u64,
        environments: removed.environments,
        devices: removed.devices,
        rotate,
    };
    Answer::of("withheld.team_remove/1", &answer)
}

/// One row a secret, whoever could read it.
pub(super) fn rotate(exposed: Vec<Exposed>) -> Vec<Rotate> {
    let mut rows: Vec<Rotate> = Vec::new();
    for one in exposed {
        let known = rows
            .iter_mut()
            .find(|row| row.name == one.name && row.environment == one.environment);
        match known {
            Some(row) => {
                row.could_read.push(one.who);
                row.since = row.since.min(one.since);
            }
            None => rows.push(Rotate {
                name: one.name,
                environment: one.environment,
                could_read: vec![one.who],
                since: one.since,
            }),
        }
    }
    rows.sort_by(|one, other| {
        (&one.environment, &one.name).cmp(&(&other.environment, &other.name))
    });
    rows
}
