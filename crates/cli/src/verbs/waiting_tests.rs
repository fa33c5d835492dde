use serde_json::json;

use super::*;

fn waiting() -> Vec<Waiting> {
    let since = crate::clock::now().as_ms() - 20_000;
    let since = withheld_core::Moment::from_ms(since);
    read(&json!([
        {"id": "b_1f3a9c02", "kind": "binding", "secret": "GITHUB_TOKEN", "environment": "billing/dev", "by": "lead",
            "since": since, "widens": false, "use": [
                {"host": "api.github.com", "port": 443, "methods": ["GET", "POST"], "paths": ["/*"], "inject": "bearer"},
                {"host": "github.com", "port": 443, "methods": ["GET"], "paths": ["/acme"], "inject": "basic:x-access-token"}]},
        {"id": "b_00000001", "kind": "binding", "secret": "DATADOG_KEY", "environment": "billing/dev", "by": null,
            "since": since, "widens": true, "use": [
                {"host": "api.datadoghq.com", "port": 8443, "methods": ["GET"], "paths": ["/api/v1", "/api/v2"], "inject": "header:DD-API-KEY"}]},
    ]))
    .unwrap()
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
        "b_1f3a9c02  lead                           GITHUB_TOKEN  billing/dev  GET,POST api.github.com                         20 s ago",
        "                                                                      GET github.com/acme",
        "b_00000001  somebody who is not known yet  DATADOG_KEY   billing/dev  GET api.datadoghq.com:8443/api/v1,/api/v2       20 s ago",
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
