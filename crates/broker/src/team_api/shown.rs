//! What is shown of the team, from the copy here.

use std::sync::Arc;

use withheld_core::name::Workspace;
use withheld_core::team::{Access, PersonName, Role};
use withheld_core::{Moment, Refusal, Text, plain, text};
use withheld_vault::team::{Guest, LogRow, MemberRow, ServerAddress};

use crate::answer::Answer;
use crate::clock;
use crate::house::House;

plain! {
    struct Members {
        workspace: Option<Workspace>,
        server: Text,
        members: Vec<Member>,
    }

    /// Somebody who is in the team, was, or may join.
    struct Member {
        name: Option<PersonName>,
        role: Role,
        to: Vec<Access>,
        devices: u64,
        you: bool,
        joined_at: Option<Moment>,
        removed_at: Option<Moment>,
        invited_until: Option<Moment>,
    }

    struct Log {
        entries: Vec<LogRow>,
    }
}

pub(super) fn members(house: &Arc<House>) -> Result<Answer, Refusal> {
    let team = house.team()?;
    // Who is offline sees who was there last.
    let _ = house.glance(&team);
    let mut members: Vec<Member> = team.members().into_iter().map(Member::of).collect();
    members.extend(team.guests(clock::now()).into_iter().map(Member::to_come));
    let members = Members {
        workspace: team.workspace(),
        server: address(&team.server()),
        members,
    };
    Answer::of("withheld.team_members/1", &members)
}

pub(super) fn log(house: &Arc<House>) -> Result<Answer, Refusal> {
    let team = house.team()?;
    let _ = house.glance(&team);
    let entries = team.log();
    Answer::of("withheld.team_log/1", &Log { entries })
}

/// The address as the owner wrote it.
pub(super) fn address(server: &ServerAddress) -> Text {
    if server.port == server.scheme.default_port() {
        return text!("{}://{}", server.scheme, server.host);
    }
    text!("{}://{}:{}", server.scheme, server.host, server.port)
}

impl Member {
    fn of(row: MemberRow) -> Self {
        Self {
            name: row.name,
            role: row.role,
            to: row.rights,
            devices: row.devices,
            you: row.you,
            joined_at: Some(row.joined),
            removed_at: row.removed,
            invited_until: None,
        }
    }

    fn to_come(guest: Guest) -> Self {
        Self {
            name: guest.name,
            role: guest.role,
            to: guest.rights,
            devices: 0,
            you: false,
            joined_at: None,
            removed_at: None,
            invited_until: Some(guest.expires),
        }
    }
}
