//! What is shown of the team, from the copy here.

use std::sync::Arc;

use withheld_core::name::{Environment, Workspace};
use withheld_core::team::{Access, PersonName, Right, Role};
use withheld_core::{Moment, Refusal, Text, plain, text};
use withheld_vault::team::{Guest, LogRow, MemberRow, ServerAddress, What};

use super::exchange::{Fault, age_s};
use super::people::{Rotate, by_name, rotate};
use crate::answer::Answer;
use crate::clock;
use crate::house::House;

plain! {
    pub(super) struct Members {
        /// The team's name; null before the directory could be read.
        workspace: Option<Workspace>,
        /// Where its server is.
        server: Text,
        /// Who is in, who was, and behind them who is invited.
        members: Vec<Member>,
        /// What is to be changed at its provider, because somebody could read it who may not any more.
        /// By environment, then by name.
        rotate: Vec<Rotate>,
        /// Seconds since the server last answered; null: never.
        age_s: Option<u64>,
        /// Why this may not be what the team has now; null where it is.
        fault: Option<Fault>,
    }

    /// Somebody who is in the team, was, or may join.
    struct Member {
        /// The first name that was seen here, by which commands know them; null where the directory does
        /// not say.
        name: Option<PersonName>,
        /// What the directory says now; null where that is the same name.
        renamed: Option<PersonName>,
        /// What they may do about people.
        role: Role,
        /// What they may open; environments that are not here are closed to them. By environment.
        to: Vec<Access>,
        /// How many devices of theirs are in the team.
        devices: u64,
        /// It is the owner of this machine.
        you: bool,
        /// When they joined, by the clock of their device; null: they have not.
        joined_at: Option<Moment>,
        /// When they were removed; null: they were not.
        removed_at: Option<Moment>,
        /// Until when their invitation is good; null: they joined, and need none.
        invited_until: Option<Moment>,
    }

    pub(super) struct Log {
        /// Oldest first.
        entries: Vec<Entry>,
    }

    /// One change of the team.
    struct Entry {
        /// Its position in the team's history, from 1.
        seq: u64,
        /// When, by the clock of who did it.
        at: Moment,
        /// The member who did it; null where the directory does not say.
        who: Option<PersonName>,
        /// What was done, like `right_set`.
        what: &'static str,
        /// What a right was set to; null where none was.
        right: Option<Right>,
        /// What a role was set to, or an invitation gives; null where none is.
        role: Option<Role>,
        /// The number of a new key of an environment; null where none was made.
        key: Option<u64>,
        /// To whom it was done; null where to nobody, or where the directory does not say.
        whom: Option<PersonName>,
        /// PROJECT/ENVIRONMENT; null where it is about none.
        environment: Option<Environment>,
    }
}

pub(super) fn members(house: &Arc<House>) -> Result<Answer, Refusal> {
    let team = house.team()?;
    // Who is offline sees who was there last.
    let looked = house.glance(&team);
    let mut members: Vec<Member> = team.members().into_iter().map(Member::of).collect();
    members.sort_by(|one, other| (&one.name, one.joined_at).cmp(&(&other.name, other.joined_at)));
    let mut guests: Vec<Member> = team
        .guests(clock::now())
        .into_iter()
        .map(Member::to_come)
        .collect();
    guests.sort_by(|one, other| {
        (&one.name, one.invited_until).cmp(&(&other.name, other.invited_until))
    });
    members.extend(guests);
    let members = Members {
        workspace: team.workspace(),
        server: address(&team.server()),
        members,
        rotate: rotate(team.exposed()),
        age_s: age_s(&team),
        fault: Fault::of_team(&team, looked.as_ref()),
    };
    Answer::of("withheld.team_members/1", &members)
}

pub(super) fn log(house: &Arc<House>) -> Result<Answer, Refusal> {
    let team = house.team()?;
    let _ = house.glance(&team);
    let entries = team.log().into_iter().map(Entry::of).collect();
    Answer::of("withheld.team_log/1", &Log { entries })
}

/// The address as the owner wrote it.
pub(super) fn address(server: &ServerAddress) -> Text {
    if server.port == server.scheme.default_port() {
        return text!("{}://{}", server.scheme, server.host);
    }
    text!("{}://{}:{}", server.scheme, server.host, server.port)
}

impl Entry {
    fn of(row: LogRow) -> Self {
        let (what, right, role, key) = match row.what {
            What::Founded => ("founded", None, None, None),
            What::EnvironmentMade => ("environment_made", None, None, None),
            What::RightSet(right) => ("right_set", Some(right), None, None),
            What::Invited(role) => ("invited", None, Some(role), None),
            What::Joined => ("joined", None, None, None),
            What::DeviceAdded => ("device_added", None, None, None),
            What::Removed => ("removed", None, None, None),
            What::NewKey(key) => ("new_key", None, None, Some(key)),
            What::RoleSet(role) => ("role_set", None, Some(role), None),
        };
        Self {
            seq: row.seq,
            at: row.at,
            who: row.who,
            what,
            right,
            role,
            key,
            whom: row.whom,
            environment: row.environment,
        }
    }
}

impl Member {
    fn of(row: MemberRow) -> Self {
        Self {
            name: row.name,
            renamed: row.renamed,
            role: row.role,
            to: by_name(row.rights),
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
            renamed: None,
            role: guest.role,
            to: by_name(guest.rights),
            devices: 0,
            you: false,
            joined_at: None,
            removed_at: None,
            invited_until: Some(guest.expires),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_done_is_one_word_and_what_it_was_set_to_stands_beside_it() {
        let row = |what| LogRow {
            seq: 3,
            at: Moment::from_ms(0),
            who: None,
            what,
            whom: None,
            environment: None,
        };
        let said = |what| {
            let said = json!(Entry::of(row(what)));
            [&said["what"], &said["right"], &said["role"], &said["key"]].map(Clone::clone)
        };
        let none = || json!(null);
        for (what, expected) in [
            (What::Founded, [json!("founded"), none(), none(), none()]),
            (
                What::RightSet(Right::Read),
                [json!("right_set"), json!("read"), none(), none()],
            ),
            (
                What::RoleSet(Role::Admin),
                [json!("role_set"), none(), json!("admin"), none()],
            ),
            (
                What::NewKey(2),
                [json!("new_key"), none(), none(), json!(2)],
            ),
        ] {
            assert_eq!(said(what), expected);
        }
    }

    #[test]
    fn a_member_keeps_the_first_name_and_the_new_one_is_shown() {
        let person = |name: &str| PersonName::parse(name).unwrap();
        let mut row = MemberRow {
            name: Some(person("bob")),
            renamed: Some(person("anna")),
            role: Role::Member,
            rights: Vec::new(),
            devices: 1,
            joined: Moment::from_ms(0),
            removed: None,
            you: false,
        };
        let shown = json!(Member::of(row.clone()));
        assert_eq!(
            (&shown["name"], &shown["renamed"]),
            (&json!("bob"), &json!("anna"))
        );
        row.renamed = None;
        assert_eq!(json!(Member::of(row))["renamed"], json!(null));
    }
}
