#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

fn base() -> Value {
    json!({"host": "api.example.com", "port": 443, "paths": ["/v1"], "methods": ["GET", "POST"],
        "place": "bearer"})
}

/// The base with some of it changed.
fn with(change: &Value) -> BindingDraft {
    let mut draft = base();
    for (key, value) in change.as_object().unwrap() {
        draft[key] = value.clone();
    }
    serde_json::from_value(draft).unwrap()
}

fn policy(environment: &str, secret: &str, terms: &Value) -> PolicyContent {
    let id = withheld_core::name::BindingId::from_bytes([7; 6]);
    let mut binding = serde_json::to_value(with(terms)).unwrap();
    binding["id"] = json!(id);
    binding["environment"] = json!(environment);
    binding["secret"] = json!(secret);
    serde_json::from_value(
        json!({"counter": 1, "workspace": "local", "bindings": [binding],
        "allowed": [], "agents": []}),
    )
    .unwrap()
}

fn widens_to(accepted: &Value, offered: &Value) -> bool {
    let policy = policy("default/dev", "STRIPE_KEY", accepted);
    let (environment, secret) = ("dev".parse().unwrap(), "STRIPE_KEY".parse().unwrap());
    widens(&policy, &environment, &secret, &with(offered))
}

#[test]
fn anything_more_than_what_was_accepted_widens() {
    let accepted = json!({});
    for offered in [
        json!({"host": "api2.example.com"}),
        json!({"host": "*.example.com"}),
        json!({"host": "**.example.com"}),
        json!({"port": 8443}),
        json!({"paths": []}),
        json!({"paths": ["/"]}),
        json!({"paths": ["/v2"]}),
        json!({"paths": ["/v1beta"]}),
        json!({"paths": ["/*/x"]}),
        json!({"paths": ["/v1", "/v2"]}),
        json!({"methods": []}),
        json!({"methods": ["DELETE"]}),
        json!({"methods": ["GET", "POST", "PUT"]}),
        json!({"place": "header:X-Api-Key"}),
        json!({"place": "basic"}),
        json!({"place": "query:key"}),
        json!({"place": "header:X-Api-Key", "format": "Bot {}"}),
        json!({"auto": true}),
        json!({"private": true}),
        json!({"foreign": true}),
        json!({"ca": "another"}),
    ] {
        assert!(widens_to(&accepted, &offered), "{offered}");
    }
    assert!(widens_to(&json!({"ca": "one"}), &json!({})));
    assert!(widens_to(&json!({"ca": "one"}), &json!({"ca": "another"})));
    assert!(widens_to(
        &json!({"place": "header:X"}),
        &json!({"place": "header:X", "format": "Bot {}"})
    ));
    assert!(widens_to(
        &json!({"host": "*.example.com"}),
        &json!({"host": "a.b.example.com"})
    ));
    assert!(widens_to(
        &json!({"host": "*.example.com"}),
        &json!({"host": "**.example.com"})
    ));
}

#[test]
fn the_same_or_less_does_not() {
    for (accepted, offered) in [
        (json!({}), json!({})),
        (
            json!({}),
            json!({"paths": ["/v1/charges", "/v1/*/refunds"]}),
        ),
        (json!({"paths": []}), json!({"paths": ["/anything"]})),
        (json!({"paths": []}), json!({"paths": []})),
        (json!({"paths": ["/*/a"]}), json!({"paths": ["/x/a"]})),
        (json!({}), json!({"methods": ["GET"]})),
        (json!({"methods": []}), json!({"methods": ["DELETE"]})),
        (json!({"host": "*.example.com"}), json!({})),
        (
            json!({"host": "*.example.com"}),
            json!({"host": "*.example.com"}),
        ),
        (
            json!({"auto": true, "private": true, "foreign": true}),
            json!({}),
        ),
        (json!({"ca": "one"}), json!({"ca": "one"})),
        (
            json!({}),
            json!({"vars": ["STRIPE_KEY"], "prefix": "sk_live_"}),
        ),
    ] {
        assert!(!widens_to(&accepted, &offered), "{accepted} {offered}");
    }
}

#[test]
fn what_was_accepted_is_accepted_for_one_secret_of_one_environment() {
    let draft = with(&json!({}));
    let widens_for = |environment: &str, secret: &str| {
        let policy = policy(environment, secret, &json!({}));
        widens(
            &policy,
            &"dev".parse().unwrap(),
            &"STRIPE_KEY".parse().unwrap(),
            &draft,
        )
    };
    assert!(!widens_for("default/dev", "STRIPE_KEY"));
    assert!(widens_for("default/prod", "STRIPE_KEY"));
    assert!(widens_for("default/dev", "DB_URL"));
    // Two bindings that each cover a part do not cover the whole.
    let mut both = policy("default/dev", "STRIPE_KEY", &json!({"methods": ["GET"]}));
    both.bindings
        .extend(policy("default/dev", "STRIPE_KEY", &json!({"methods": ["POST"]})).bindings);
    assert!(widens(
        &both,
        &"dev".parse().unwrap(),
        &"STRIPE_KEY".parse().unwrap(),
        &draft
    ));
}
