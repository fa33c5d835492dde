#![allow(clippy::unwrap_used, reason = "tests")]
use withheld_core::binding::KeyPrefix;
use withheld_core::destination::Methods;
use withheld_core::path::{PathPattern, Paths};

use super::*;

fn name(written: &str) -> SecretName {
    SecretName::parse(written).unwrap()
}

#[test]
fn every_row_is_sound() {
    // Reading checks hosts, places, formats and variables: their types are the grammar.
    let catalogue = Catalogue::read().unwrap();
    assert!(catalogue.service.len() >= 25);
    let mut ids = std::collections::BTreeSet::new();
    for service in &catalogue.service {
        let id = &service.id;
        assert!(ids.insert(id.clone()), "{id} twice");
        assert!(!service.name.is_empty() && !service.at.is_empty(), "{id}");
        assert!(!service.foreign.is_empty(), "{id}");
        for at in &service.at {
            assert!(!at.hosts.is_empty(), "{id}");
            assert!(at.hosts.iter().all(HostPattern::is_exact), "{id}");
            assert!(
                at.format.is_none() || matches!(at.place, Place::Header(_)),
                "{id}"
            );
        }
        for place in service.foreign.iter().chain(&service.authority) {
            let kind = place.split_once(':').map(|(kind, _)| kind);
            assert!(
                matches!(kind, Some("header" | "query" | "path" | "cookie" | "body")),
                "{id}: {place}"
            );
        }
        for endpoint in &service.multiplex {
            let (method, path) = endpoint.split_once(' ').unwrap();
            assert!(method == "POST" && path.starts_with('/'), "{id}");
        }
        for key in &service.keys {
            assert!(
                key.prefix.len() >= 3 && KeyPrefix::parse(&key.prefix).is_ok(),
                "{id}"
            );
            assert!(key.min > 0 && key.min <= key.max, "{id}");
            assert!(!key.alphabet.is_empty() && !key.kind.is_empty(), "{id}");
        }
    }
}

#[test]
fn groups_have_hosts() {
    let catalogue = Catalogue::read().unwrap();
    for word in ["npm", "pypi", "cargo", "go", "debian", "github"] {
        assert!(!catalogue.group(word).unwrap().hosts.is_empty(), "{word}");
    }
    assert!(catalogue.group("example.com").is_none());
}

#[test]
fn names_speak_of_services() {
    let catalogue = Catalogue::read().unwrap();
    for (written, service) in [
        ("STRIPE_KEY", Some("Stripe")),
        ("STRIPE_WEBHOOK_KEY", Some("Stripe")),
        ("GH_TOKEN", Some("GitHub")),
        ("OPENAI_KEY", Some("OpenAI")),
        ("DATADOG_APP_KEY", Some("Datadog (application key)")),
        ("MY_KEY", None),
        ("STRIPEKEY", None),
    ] {
        assert_eq!(
            catalogue.by_name(&name(written)).map(Service::name),
            service,
            "{written}"
        );
    }
}

#[test]
fn the_longest_prefix_says_most() {
    let catalogue = Catalogue::read().unwrap();
    let position = |prefix: &str| {
        catalogue
            .keys()
            .position(|(_, key)| key.prefix == prefix)
            .unwrap()
    };
    let (short, long) = (position("pat"), position("pat-na1-"));
    let (service, _) = catalogue.most_specific(&[short, long]).unwrap();
    assert_eq!(service.name(), "HubSpot");
    assert!(catalogue.most_specific(&[]).is_none());
}

#[test]
fn a_service_proposes_its_hosts_and_variables() {
    let catalogue = Catalogue::read().unwrap();
    let stripe = catalogue
        .service("stripe")
        .unwrap()
        .drafts(&name("STRIPE_KEY"));
    assert_eq!(stripe.len(), 1);
    assert_eq!(stripe[0].host.to_string(), "api.stripe.com");
    assert_eq!(stripe[0].port, 443);
    let vars: Vec<&str> = stripe[0].vars.iter().map(VarName::as_str).collect();
    assert_eq!(vars, ["STRIPE_KEY", "STRIPE_API_KEY"]);
    let github = catalogue
        .service("github")
        .unwrap()
        .drafts(&name("GITHUB_TOKEN"));
    let styles: Vec<String> = github
        .iter()
        .map(|draft| format!("{} {}", draft.host, draft.place))
        .collect();
    assert_eq!(
        styles,
        ["api.github.com bearer", "github.com basic:x-access-token"]
    );
}

#[test]
fn a_narrow_rule_on_a_host_of_many_operations_is_noted() {
    let catalogue = Catalogue::read().unwrap();
    let host = |written: &str| HostPattern::parse(written).unwrap();
    let mut narrow = draft(host("api.linear.app"), &name("LINEAR_API_KEY"));
    assert!(catalogue.notes(std::slice::from_ref(&narrow)).is_empty());
    narrow.methods = Methods::parse(["POST"]).unwrap();
    let notes = catalogue.notes(&[narrow]);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("POST /graphql on api.linear.app"),
        "{}",
        notes[0]
    );
}

#[test]
fn x03_hosts_that_show_what_they_are_sent_are_in_doubt() {
    let catalogue = Catalogue::read().unwrap();
    let caution = |written: &str, path: Option<&str>| {
        let mut binding = draft(HostPattern::parse(written).unwrap(), &name("KEY"));
        let path = path.map(|path| PathPattern::parse(path).unwrap());
        binding.paths = Paths::new(path.into_iter().collect());
        catalogue.caution(&binding)
    };
    for host in [
        "httpbin.org",
        "eu.httpbin.org",
        "*.webhook.site",
        "**.webhook.site",
        "postman-echo.com",
        "pastebin.com",
        "eo1.m.pipedream.net",
        "gist.githubusercontent.com",
    ] {
        let said = caution(host, Some("/v1"));
        assert_eq!(
            said,
            Some(format!("{host} shows or stores what it is sent."))
        );
    }
    let gateway = "gateway.ai.cloudflare.com";
    let said = caution(gateway, None).unwrap();
    assert!(
        said.starts_with("gateway.ai.cloudflare.com serves many"),
        "{said}"
    );
    assert_eq!(caution(gateway, Some("/v1/acme/main")), None);
    for host in ["api.test", "myhttpbin.org", "api.github.com", "site"] {
        assert_eq!(caution(host, None), None, "{host}");
    }
}
