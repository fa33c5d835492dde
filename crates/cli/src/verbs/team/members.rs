//! `withheld team members`: who is in, who was, who is invited; and what each may open.

use serde_json::Value;
use withheld_core::api::TeamAct;

use super::{look, rights_said};
use crate::context::Context;
use crate::output::{Outcome, clean, counted, table};
use crate::owner::Owner;
use crate::said::{ago, list, number, time, word};
use crate::verbs::diff::not_verified;

pub(super) fn run(context: &Context) -> Outcome {
    let said = Owner::open(context)?.ask(look(TeamAct::Members))?;
    let text = text(&said);
    context
        .output
        .result("withheld.team_members/1", said, &text)
}

fn text(said: &Value) -> String {
    let mut rows = vec![
        ["MEMBER", "ROLE", "MAY", "DEVICES", "STATE"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    rows.extend(list(&said["members"]).map(row));
    let mut parts = vec![
        format!(
            "{} at {}",
            clean(&word(&said["workspace"])),
            clean(&word(&said["server"]))
        ),
        table(&rows),
    ];
    let rotate = list(&said["rotate"]).count();
    if rotate > 0 {
        parts.push(format!("Still to rotate: {}", counted(rotate)));
        parts.push(super::remove::rotate(&said["rotate"]));
    }
    if !said["fault"].is_null() {
        if let Some(age) = said["age_s"].as_u64() {
            parts.push(format!("The server was heard {}.", ago(age)));
        }
        parts.push(not_verified(&said["fault"]));
    }
    parts.join("\n")
}

fn row(member: &Value) -> Vec<String> {
    let may = match rights_said(&member["to"]) {
        none if none.is_empty() => "nothing".to_owned(),
        rights => rights,
    };
    let name = member["name"].as_str().unwrap_or("not known yet");
    let name = match member["renamed"].as_str() {
        Some(renamed) => format!("{name} (now {renamed})"),
        None => name.to_owned(),
    };
    vec![
        name,
        word(&member["role"]),
        may,
        number(&member["devices"]).to_string(),
        state(member),
    ]
}

fn state(member: &Value) -> String {
    let at = |name: &str| member[name].is_string().then(|| time(&member[name]));
    if let Some(at) = at("removed_at") {
        return format!("removed {at}");
    }
    if let Some(at) = at("invited_until") {
        return format!("invited until {at}");
    }
    format!("joined {}", at("joined_at").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock;

    #[test]
    fn members_guests_and_leavers_are_told_apart() {
        let said = json!({"workspace": "acme", "server": "https://team.example.com", "members": [
            {"name": "lead", "renamed": "boss", "role": "owner", "to": [{"environment": "billing/dev", "right": "write"}], "devices": 1,
                "joined_at": "2026-11-20T08:00:00.000Z", "removed_at": null, "invited_until": null},
            {"name": "newdev", "role": "member", "to": [{"environment": "billing/dev", "right": "read"}], "devices": 0,
                "joined_at": null, "removed_at": null, "invited_until": "2026-11-27T06:20:44.000Z"},
            {"name": null, "role": "member", "to": [], "devices": 0,
                "joined_at": "2026-11-20T09:00:00.000Z", "removed_at": "2026-11-21T09:00:00.000Z", "invited_until": null},
        ]});
        let lines = [
            "acme at https://team.example.com",
            "MEMBER           ROLE    MAY                   DEVICES  STATE",
            "lead (now boss)  owner   write on billing/dev  1        joined 2026-11-20 08:00:00Z",
            "newdev           member  read on billing/dev   0        invited until 2026-11-27 06:20:44Z",
            "not known yet    member  nothing               0        removed 2026-11-21 09:00:00Z",
        ];
        assert_eq!(text(&said), lines.join("\n"));
    }

    #[test]
    fn what_is_left_to_do_and_what_is_not_known_stand_below() {
        let since = clock::now().as_ms() - 150_000;
        let since = withheld_core::Moment::from_ms(since);
        let said = json!({"workspace": "acme", "server": "https://team.example.com", "members": [],
            "rotate": [{"name": "A_KEY", "environment": "billing/dev", "could_read": ["newdev"], "since": since}],
            "age_s": 240, "fault": {"code": "server_unreachable", "message": "the team's server is slow to answer",
                "hint": "what is here stays in use; try again: withheld pull"}});
        let lines = [
            "acme at https://team.example.com",
            "MEMBER  ROLE  MAY  DEVICES  STATE",
            "Still to rotate: 1 key",
            "NAME   ENVIRONMENT  COULD READ IT  SINCE  HOW",
            "A_KEY  billing/dev  newdev         2 min  at its provider, then: withheld set A_KEY -e billing/dev",
            "The server was heard 4 min ago.",
            "Not verified: this is what is known here.",
            "  cause: the team's server is slow to answer",
            "  hint: what is here stays in use; try again: withheld pull",
        ];
        assert_eq!(text(&said), lines.join("\n"));
    }
}
