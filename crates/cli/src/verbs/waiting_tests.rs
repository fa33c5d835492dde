use serde_json::json;

use super::*;

fn waiting() -> Vec<Waiting> {
    let since = crate::clock::now().as_ms() - 20_000;
    let since = withheld_core::Moment::from_ms(since);
    let mut all = json!([
        {"id": "b_1f3a9c025b7d8e46", "kind": "binding", "digest": "ab".repeat(32), "secret": "GITHUB_TOKEN", "environment": "billing/dev", "by": "lead",
            "since": since, "widens": false, "use": [
                {"host": "api.github.com", "port": 443, "methods": ["GET", "POST"], "paths": ["/*"], "inject": "bearer"},
                {"host": "github.com", "port": 443, "methods": ["GET"], "paths": ["/acme"], "inject": "basic:x-access-token"}]},
        {"id": "b_0000000000000001", "kind": "binding", "digest": "ab".repeat(32), "secret": "DATADOG_KEY", "environment": "billing/dev", "by": null,
            "since": since, "widens": true, "use": [
                {"host": "api.datadoghq.com", "port": 8443, "methods": ["GET"], "paths": ["/api/v1", "/api/v2"], "inject": "header:DD-API-KEY"}]},
    ]);
    for one in all.as_array_mut().unwrap() {
        for at in one["use"].as_array_mut().unwrap() {
            let usual = json!({"format": null, "vars": [], "prefix": null, "auto": false,
                "private": false, "foreign": false, "ca": null, "differs": null});
            let usual = usual.as_object().unwrap().clone();
            at.as_object_mut().unwrap().extend(usual);
        }
    }
    read(&all).unwrap()
}

/// With everything that a binding can ask for.
fn demanding() -> Waiting {
    let document = json!([{"id": "b_000000000000000a", "kind": "binding", "digest": "ab".repeat(32), "secret": "BOT_KEY", "environment": "billing/dev",
        "by": "lead", "since": withheld_core::Moment::from_ms(0), "widens": true, "use": [
            {"host": "api.test", "port": 8443, "methods": ["*"], "paths": ["/v1"], "inject": "header:X-Bot",
                "format": "Bot {}", "vars": ["BOT_KEY", "BOT_TOKEN"], "prefix": "bot_", "auto": true, "private": true,
                "foreign": true, "ca": ["00ff", "0a0b"], "differs": ["methods", "ca"]},
            {"host": "two.test", "port": 443, "methods": ["GET"], "paths": ["/*"], "inject": "bearer",
                "format": null, "vars": [], "prefix": null, "auto": false, "private": false,
                "foreign": false, "ca": null, "differs": null},
            {"host": "three.test", "port": 443, "methods": ["GET"], "paths": ["/*"], "inject": "query:key",
                "format": null, "vars": [], "prefix": null, "auto": false, "private": false,
                "foreign": false, "ca": null, "differs": []}]}]);
    read(&document).unwrap().remove(0)
}

#[test]
fn everything_that_a_binding_asks_for_is_on_the_card() {
    let lines = [
        "BOT_KEY in billing/dev, bound by lead, wider than what is accepted here",
        "  at    https://api.test:8443/v1",
        "  as    header:X-Bot (Bot {})",
        "  may   any method",
        "  vars  BOT_KEY,BOT_TOKEN",
        "  like  bot_…",
        "  trusts certificates of its own instead of the system's: sha256 00ff",
        "  trusts certificates of its own instead of the system's: sha256 0a0b",
        "  may reach private addresses",
        "  the client may bring credentials of its own",
        "  added without being asked for",
        "  takes the place of what is accepted here, and differs in: methods, ca",
        "  at    https://two.test",
        "  as    bearer",
        "  may   GET",
        "  new: nothing is accepted here for this place",
        "  at    https://three.test",
        "  as    query:key",
        "  may   GET",
        "  the same is accepted here already",
    ];
    assert_eq!(demanding().card(), lines.join("\n"));
    let listed = rows(&[demanding()]);
    let marks = "(certificates of its own, private addresses, credentials of the client, without being asked for)";
    assert!(listed.lines().next().unwrap().contains(marks), "{listed}");
}

#[test]
fn what_asks_for_more_than_a_place_is_not_plain() {
    assert!(waiting().iter().all(Waiting::is_plain));
    assert!(!demanding().is_plain());
    let changed = |change: fn(&mut Use)| {
        let mut one = waiting().remove(0);
        change(&mut one.uses[1]);
        one.is_plain()
    };
    assert!(!changed(|at| at.auto = true));
    assert!(!changed(|at| at.private = true));
    assert!(!changed(|at| at.foreign = true));
    assert!(!changed(|at| at.ca = Some(vec!["00ff".to_owned()])));
    // Certificates that the owner named here would be dropped.
    assert!(!changed(|at| at.differs = Some(vec!["ca".to_owned()])));
    assert!(changed(|at| at.differs = Some(vec!["methods".to_owned()])));
}

/// A broker that does not say what a binding asks for is not believed to have said that it asks nothing.
#[test]
fn what_is_not_said_is_not_read_as_no() {
    let mut without = json!({"host": "api.test", "port": 443, "methods": ["*"], "paths": ["/*"], "inject": "bearer",
        "format": null, "vars": [], "prefix": null, "auto": false, "private": false, "foreign": false,
        "ca": null, "differs": null});
    let reads = |one: &serde_json::Value| Use::deserialize(one).is_ok();
    assert!(reads(&without));
    for field in ["vars", "auto", "private", "foreign"] {
        let value = without.as_object_mut().unwrap().remove(field).unwrap();
        assert!(!reads(&without), "{field}");
        without[field] = value;
    }
}

#[test]
fn t7_what_comes_is_summed_up() {
    assert_eq!(
        summary(&waiting()),
        "2 secrets come with 3 hosts. Widest: GITHUB_TOKEN may POST on api.github.com."
    );
    assert_eq!(
        summary(&waiting()[1..]),
        "1 secret comes with 1 host. Widest: DATADOG_KEY may GET on api.datadoghq.com:8443."
    );
}

#[test]
fn more_hosts_and_any_method_are_wider() {
    let widest = |host: &str, methods: &[&str]| {
        let mut all = waiting();
        all[1].uses[0].host = host.to_owned();
        all[1].uses[0].methods = methods.iter().map(ToString::to_string).collect();
        let text = summary(&all);
        text.split_once("Widest: ").unwrap().1.to_owned()
    };
    assert_eq!(
        widest("api.datadoghq.com", &["*"]),
        "DATADOG_KEY may do anything on api.datadoghq.com:8443."
    );
    assert_eq!(
        widest("**.datadoghq.com", &["GET"]),
        "DATADOG_KEY may GET on **.datadoghq.com:8443."
    );
    assert_eq!(
        widest("api.datadoghq.com", &["PATCH"]),
        "GITHUB_TOKEN may POST on api.github.com."
    );
}

#[test]
fn what_waits_is_listed_to_choose_from() {
    let lines = [
        "b_1f3a9c025b7d8e46  lead                           GITHUB_TOKEN  billing/dev  GET,POST api.github.com                         20 s ago",
        "                                                                      GET github.com/acme",
        "b_0000000000000001  somebody who is not known yet  DATADOG_KEY   billing/dev  GET api.datadoghq.com:8443/api/v1,/api/v2       20 s ago",
    ];
    let shown = rows(&waiting());
    for (shown, line) in shown.lines().zip(lines) {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(shown), words(line));
    }
    assert_eq!(shown.lines().count(), lines.len());
}

#[test]
fn what_is_signed_is_shown_whole() {
    let all = waiting();
    let lines = [
        "GITHUB_TOKEN in billing/dev, bound by lead",
        "  at    https://api.github.com",
        "  as    bearer",
        "  may   GET,POST",
        "  at    https://github.com/acme",
        "  as    basic:x-access-token",
        "  may   GET",
    ];
    assert_eq!(all[0].card(), lines.join("\n"));
    assert!(all[1].card().starts_with(
        "DATADOG_KEY in billing/dev, bound by somebody who is not known yet, wider than what is accepted here\n"
    ));
    assert_eq!(named(&all), "2 bindings");
    assert_eq!(named(&all[..1]), "the binding of GITHUB_TOKEN");
}
