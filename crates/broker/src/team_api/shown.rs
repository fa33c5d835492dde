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
    struct Members {
        workspace: Option<Workspace>,
        server: Text,
        members: Vec<Member>,
        /// What is to be changed at its provider: somebody could read it who may not any more.
        rotate: Vec<Rotate>,
        /// How long ago the server spoke.
        age_s: Option<u64>,
        /// Why this may not be what the team has now; `null` where it is.
        fault: Option<Fault>,
    }

    /// Somebody who is in the team, was, or may join.
    struct Member {
        name: Option<PersonName>,
        /// What the directory says now, where that is another name.
        renamed: Option<PersonName>,
        role: Role,
        to: Vec<Access>,
        devices: u64,
        you: bool,
        joined_at: Option<Moment>,
        removed_at: Option<Moment>,
        invited_until: Option<Moment>,
    }

    struct Log {
        entries: Vec<Entry>,
    }

    /// One change of the team.
    struct Entry {
        seq: u64,
        at: Moment,
        who: Option<PersonName>,
        what: &'static str,
        /// What a right was set to.
        right: Option<Right>,
        /// What a role was set to, or an invitation gives.
        role: Option<Role>,
        /// The number of a new key.
        key: Option<u64>,
        whom: Option<PersonName>,
        environment: Option<Environment>,
    }
}

pub(super) fn members(house: &Arc<House>) -> Result<Answer, Refusal> {
    let team = house.team()?;
    // Who is offline sees who was there last.
    let looked = house.glance(&team);
    let mut members: Vec<Member> = team.members().into_iter().map(Member::of).collect();
    members.extend(team.guests(clock::now()).into_iter().map(Member::to_come));
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
