//! `withheld team remove MEMBER`: shows what it does, then what is left to do.

use serde_json::Value;
use withheld_core::api::TeamAct;
use withheld_core::team::PersonName;

use super::{act, look, person};
use crate::context::Context;
use crate::output::{Outcome, clean, counted, table};
use crate::owner::Owner;
use crate::said::{age, list, many, number, word, words};
use crate::terminal::stopped;

pub(super) fn run(context: &Context, written: &str) -> Outcome {
    let member = person(written)?;
    let owner = Owner::open(context)?;
    let would = owner.ask(look(TeamAct::RemoveLook {
        member: member.clone(),
    }))?;
    confirm(context, &member, &before(&member, &would))?;
    let purpose = format!("to remove {member}");
    let said = owner.ask_proven(act(TeamAct::Remove { member }), &purpose)?;
    let text = after(&said);
    context.output.result("withheld.team_remove/1", said, &text)
}

/// Where somebody can be asked, the name has to be typed.
fn confirm(context: &Context, member: &PersonName, shown: &str) -> Outcome {
    let Some(mut terminal) = context.questions() else {
        context.output.note(shown);
        return Ok(());
    };
    terminal.say(shown)?;
    let typed = terminal.ask(&format!("Type {member} to confirm:"))?;
    if typed == member.as_str() {
        Ok(())
    } else {
        Err(stopped())
    }
}

/// What would be done.
fn before(member: &PersonName, would: &Value) -> String {
    let environments: Vec<&Value> = list(&would["environments"]).collect();
    let secrets = |one: &&Value| number(&one["secrets"]);
    let all: usize = environments.iter().map(secrets).sum();
    let mut parts: Vec<String> = environments
        .iter()
        .map(|one| (secrets(one), clean(&word(&one["environment"])).into_owned()))
        .filter(|(count, _)| *count > 0)
        .enumerate()
        .map(|(at, (count, environment))| match at {
            0 => format!("{} in {environment}", many(count, "secret")),
            _ => format!("{count} in {environment}"),
        })
        .collect();
    if parts.is_empty() {
        parts.push("no secret".to_owned());
    }
    let mut now = vec!["takes away access".to_owned()];
    let rekeyed = match environments.len() {
        0 => None,
        1 => Some("the environment".to_owned()),
        2 => Some("both environments".to_owned()),
        many => Some(format!("all {many} environments")),
    };
    now.extend(rekeyed.map(|what| format!("re-keys {what} ({})", many(all, "secret"))));
    now.push(format!(
        "ends {}",
        many(number(&would["devices"]), "device")
    ));
    let mut text = format!(
        "{member} could read {}. Removing\n  now     {}",
        parts.join(", "),
        now.join(", ")
    );
    match all {
        0 => {}
        1 => text.push_str("\n  later   1 key must be changed at its provider"),
        all => text.push_str(&format!(
            "\n  later   {all} keys must be changed at their providers"
        )),
    }
    text
}

/// What was done, and what is left.
fn after(said: &Value) -> String {
    let at = word(&said["at"]);
    let time = at.split_once('T').map_or(&*at, |(_, time)| time);
    let time = time.split(['.', 'Z']).next().unwrap_or_default();
    let keys = list(&said["rotate"]).count();
    if keys == 0 {
        return format!("Removed at {}. No key has to be rotated.", clean(time));
    }
    format!(
        "Removed at {}. {} to rotate:\n{}",
        clean(time),
        counted(keys),
        rotate(&said["rotate"])
    )
}

pub(super) fn rotate(keys: &Value) -> String {
    let mut rows = vec![
        ["NAME", "ENVIRONMENT", "COULD READ IT", "SINCE", "HOW"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    rows.extend(list(keys).map(|key| {
        let (name, environment) = (word(&key["name"]), word(&key["environment"]));
        let since = age(&key["since"]);
        let how = format!("at its provider, then: withheld set {name} -e {environment}");
        vec![
            name,
            environment,
            words(&key["could_read"], " "),
            since.trim_end_matches(" ago").to_owned(),
            how,
        ]
    }));
    table(&rows)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock;

    fn shown(environments: Value, devices: u64) -> String {
        let member = PersonName::parse("newdev").unwrap();
        before(
            &member,
            &json!({"member": "newdev", "environments": environments, "devices": devices}),
        )
    }

    #[test]
    fn t6_what_a_removal_does_is_shown_first() {
        let environments = json!([{"environment": "billing/dev", "secrets": 42}, {"environment": "billing/prod", "secrets": 3}]);
        let lines = [
            "newdev could read 42 secrets in billing/dev, 3 in billing/prod. Removing",
            "  now     takes away access, re-keys both environments (45 secrets), ends 2 devices",
            "  later   45 keys must be changed at their providers",
        ];
        assert_eq!(shown(environments, 2), lines.join("\n"));
    }

    #[test]
    fn one_is_one_and_none_is_none() {
        let lines = [
            "newdev could read 1 secret in billing/dev. Removing",
            "  now     takes away access, re-keys the environment (1 secret), ends 1 device",
            "  later   1 key must be changed at its provider",
        ];
        let one = json!([{"environment": "billing/dev", "secrets": 1}]);
        assert_eq!(shown(one, 1), lines.join("\n"));
        let lines = [
            "newdev could read no secret. Removing",
            "  now     takes away access, ends 1 device",
        ];
        assert_eq!(shown(json!([]), 1), lines.join("\n"));
    }

    #[test]
    fn t6_what_is_left_is_a_list() {
        let since = clock::now().as_ms() - 150_000;
        let since = withheld_core::Moment::from_ms(since);
        let said = json!({"member": "newdev", "at": "2026-11-26T02:53:10.123Z", "rotate": [
            {"name": "STRIPE_KEY", "environment": "billing/prod", "could_read": ["newdev"], "since": since}]});
        let lines = [
            "Removed at 02:53:10. 1 key to rotate:",
            "NAME        ENVIRONMENT   COULD READ IT  SINCE  HOW",
            "STRIPE_KEY  billing/prod  newdev         2 min  at its provider, then: withheld set STRIPE_KEY -e billing/prod",
        ];
        assert_eq!(after(&said), lines.join("\n"));
        let said = json!({"at": "2026-11-26T02:53:10.123Z", "rotate": []});
        assert_eq!(
            after(&said),
            "Removed at 02:53:10. No key has to be rotated."
        );
    }
}
