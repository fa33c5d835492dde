//! Who is in the team, and what they may open.

use std::sync::Arc;

use serde::Serialize;
use withheld_audit::Act;
use withheld_core::name::{Environment, SecretName};
use withheld_core::team::{Access, PersonName, Role};
use withheld_core::{Moment, Refusal, plain};
use withheld_vault::team::{Exposed, Invite};

use super::Owner;
use crate::answer::Answer;
use crate::clock;
use crate::courier::Courier;
use crate::house::House;

/// Shown to whoever invites, and kept nowhere: the line lets one person join.
#[derive(Serialize)]
struct Invited {
    member: PersonName,
    role: Role,
    to: Vec<Access>,
    expires_at: Moment,
    invitation: String,
}

plain! {
    struct Changed {
        member: PersonName,
        role: Option<Role>,
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

    struct Removed {
        member: PersonName,
        at: Moment,
        environments: Vec<Environment>,
        secrets: u64,
        devices: u64,
        rotate: Vec<Rotate>,
    }

    struct Rotate {
        name: SecretName,
        environment: Environment,
        could_read: Vec<PersonName>,
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
    let mut courier = Courier::to(house, &team.server())?;
    super::log(house, Act::TeamSet, None)?;
    team.set(&owner.proof, &mut courier, &member, &to, role, clock::now())?;
    Answer::of("withheld.team_set/1", &Changed { member, role, to })
}

/// What a removal would do, by what is known here.
pub(super) fn remove_look(house: &Arc<House>, member: &PersonName) -> Result<Answer, Refusal> {
    let team = house.team()?;
    let _ = house.glance(&team);
    let would = team.look_at_removal(member, clock::now())?;
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
    let removed = team.remove(&owner.proof, &mut courier, member, now)?;
    let answer = Removed {
        member: member.clone(),
        at: now,
        environments: removed.environments,
        secrets: removed.secrets,
        devices: removed.devices,
        rotate: rotate(removed.exposed),
    };
    Answer::of("withheld.team_remove/1", &answer)
}

/// One row a secret, whoever could read it.
fn rotate(exposed: Vec<Exposed>) -> Vec<Rotate> {
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
