//! `withheld team members`: who is in, who was, who is invited; and what each may open.

use serde_json::Value;
use withheld_core::api::TeamAct;

use super::{look, rights_said};
use crate::context::Context;
use crate::output::{Outcome, clean, table};
use crate::owner::Owner;
use crate::said::{list, number, time, word};

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
    format!(
        "{} at {}\n{}",
        clean(&word(&said["workspace"])),
        clean(&word(&said["server"])),
        table(&rows)
    )
}

fn row(member: &Value) -> Vec<String> {
    let may = match rights_said(&member["to"]) {
        none if none.is_empty() => "nothing".to_owned(),
        rights => rights,
    };
    vec![
        member["name"]
            .as_str()
            .unwrap_or("not known yet")
            .to_owned(),
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

    #[test]
    fn members_guests_and_leavers_are_told_apart() {
        let said = json!({"workspace": "acme", "server": "https://team.example.com", "members": [
            {"name": "lead", "role": "owner", "to": [{"environment": "billing/dev", "right": "write"}], "devices": 1,
                "joined_at": "2026-11-20T08:00:00.000Z", "removed_at": null, "invited_until": null},
            {"name": "newdev", "role": "member", "to": [{"environment": "billing/dev", "right": "read"}], "devices": 0,
                "joined_at": null, "removed_at": null, "invited_until": "2026-11-27T06:20:44.000Z"},
            {"name": null, "role": "member", "to": [], "devices": 0,
                "joined_at": "2026-11-20T09:00:00.000Z", "removed_at": "2026-11-21T09:00:00.000Z", "invited_until": null},
        ]});
        let lines = [
            "acme at https://team.example.com",
            "MEMBER         ROLE    MAY                   DEVICES  STATE",
            "lead           owner   write on billing/dev  1        joined 2026-11-20 08:00:00Z",
            "newdev         member  read on billing/dev   0        invited until 2026-11-27 06:20:44Z",
            "not known yet  member  nothing               0        removed 2026-11-21 09:00:00Z",
        ];
        assert_eq!(text(&said), lines.join("\n"));
    }
}
