//! `withheld team log`: what was done about members, oldest first.

use serde_json::Value;
use withheld_core::api::TeamAct;

use super::look;
use crate::context::Context;
use crate::output::{Outcome, table};
use crate::owner::Owner;
use crate::said::{list, number, time, word};

pub(super) fn run(context: &Context) -> Outcome {
    let said = Owner::open(context)?.ask(look(TeamAct::Log))?;
    let text = text(&said);
    context.output.result("withheld.team_log/1", said, &text)
}

fn text(said: &Value) -> String {
    let mut rows = vec![
        ["NR", "TIME", "WHO", "WHAT", "WHOM", "ENVIRONMENT"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    rows.extend(list(&said["entries"]).map(|entry| {
        vec![
            number(&entry["seq"]).to_string(),
            time(&entry["at"]),
            word(&entry["who"]),
            what(entry),
            word(&entry["whom"]),
            word(&entry["environment"]),
        ]
    }));
    table(&rows)
}

/// What was done, with what it was set to.
fn what(entry: &Value) -> String {
    let done = word(&entry["what"]).replace('_', " ");
    let to = match (&entry["right"], &entry["role"], &entry["key"]) {
        (right, _, _) if right.is_string() => word(right),
        (_, role, _) if role.is_string() => word(role),
        (_, _, key) if key.is_u64() => number(key).to_string(),
        _ => return done,
    };
    format!("{done}: {to}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_change_has_a_line() {
        let said = json!({"entries": [
            {"seq": 1, "at": "2026-11-20T08:00:00.000Z", "who": "lead", "what": "founded", "whom": null, "environment": null},
            {"seq": 2, "at": "2026-11-20T08:00:01.000Z", "who": "lead", "what": "right_set", "right": "read", "whom": "newdev", "environment": "billing/dev"},
            {"seq": 3, "at": "2026-11-20T08:00:02.000Z", "who": "lead", "what": "new_key", "key": 2, "whom": null, "environment": "billing/dev"},
        ]});
        let lines = [
            "NR  TIME                  WHO   WHAT             WHOM    ENVIRONMENT",
            "1   2026-11-20 08:00:00Z  lead  founded",
            "2   2026-11-20 08:00:01Z  lead  right set: read  newdev  billing/dev",
            "3   2026-11-20 08:00:02Z  lead  new key: 2               billing/dev",
        ];
        assert_eq!(text(&said), lines.join("\n"));
    }
}
