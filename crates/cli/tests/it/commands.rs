//! The commands as people and agents meet them: acceptance examples of the interface.

use std::fs;

use withheld_testkit::serde_json::{Value, json};
use withheld_testkit::{Answer, World};

use crate::common::{BINARY, Way, arrived_once, world};

#[test]
fn init_says_what_it_made_and_what_is_next() {
    let Some(world) = World::without_vault(BINARY) else {
        return;
    };
    let ran = world
        .owner(&["init", "--vault", "file", "--no-input"])
        .succeeds();
    let text = ran.text();
    assert!(text.starts_with("Vault ready"), "{ran}");
    assert!(text.contains("(mode M0)"), "{ran}");
    assert!(text.contains("withheld set STRIPE_KEY"), "{ran}");
    for absent in [
        "withheld run",
        "withheld import",
        "withheld request",
        "All promises hold",
    ] {
        assert!(!text.contains(absent), "{absent} in {ran}");
    }
    let status = world.status();
    assert_eq!(status["vault"], "unlocked");
    assert_eq!(status["you"]["mode"], "M0");
    assert_eq!(
        status["project"],
        json!({"workspace": "local", "project": "default", "environment": "dev"})
    );
    assert_eq!(status["broker"]["state"], "running");
    for name in ["listen", "pid", "version", "started_by"] {
        assert!(!status["broker"][name].is_null(), "{name} in {status}");
    }
    world.finish();
}

#[test]
fn storing_again_keeps_the_version_before() {
    let world = world!();
    let first = world.set("STRIPE_KEY", &world.canaries.plain.clone());
    assert!(
        first.text().contains(
            "Stored STRIPE_KEY, version 1. Agents cannot read it, and cannot use it yet."
        ),
        "{first}"
    );
    world.bind("STRIPE_KEY", "api.test", &[]);
    let second = world.set("STRIPE_KEY", &world.canaries.nasty.clone());
    assert!(
        second.text().contains(
            "Stored STRIPE_KEY, version 2. Agents can use it and cannot read it. Version 1 stays for 30 days: withheld ls STRIPE_KEY"
        ),
        "{second}"
    );
    world.finish();
}

#[test]
fn call_writes_the_body_and_nothing_else() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/balance");
    world.api.answer(|_| {
        Answer::with(
            200,
            &[("content-type", "application/json")],
            "{\"object\":\"balance\"}",
        )
    });
    let ran = agent
        .withheld(&["call", &url, "--bearer", "KEY"])
        .succeeds();
    assert_eq!(ran.text(), "{\"object\":\"balance\"}");
    assert!(ran.stderr.is_empty(), "{ran}");
    arrived_once(&world);
    let data = agent
        .withheld(&["call", &url, "--secret", "KEY", "--json"])
        .succeeds()
        .data();
    assert_eq!(data["status"], 200);
    assert_eq!(data["headers"]["content-type"], "application/json");
    assert_eq!(data["body"], json!({"object": "balance"}));
    assert_eq!(data["body_encoding"], "json");
    assert_eq!(data["injected"], json!(["KEY"]));
    assert_eq!(data["redactions"], 0);
    agent
        .withheld(&[
            "call",
            "POST",
            &url,
            "--secret",
            "KEY",
            "-d",
            "a=b",
            "-H",
            "X-One: two",
        ])
        .succeeds();
    let seen = world.api.last();
    assert_eq!(
        (seen.method.as_str(), seen.body.as_slice()),
        ("POST", &b"a=b"[..])
    );
    assert_eq!(seen.header("x-one"), Some("two"));
    let ran = agent
        .withheld(&["call", "-i", &url, "--secret", "KEY"])
        .succeeds();
    assert!(ran.text().starts_with("HTTP/1.1 200"), "{ran}");
    world.api.answer(|_| Answer::with(500, &[], "broken"));
    let ran = agent
        .withheld(&["call", "--fail", &url, "--secret", "KEY"])
        .run()
        .exits(22);
    assert!(ran.stdout.is_empty(), "{ran}");
    world.finish();
}

#[test]
fn refusals_have_their_wording() {
    let world = world!().with_key();
    let agent = world.agent();
    let elsewhere = world.url("evil.test/");
    let ran = agent.withheld(&["call", &elsewhere]).fails(4);
    assert!(
        ran.errors().starts_with(
            "error: Withheld did not send this request: `evil.test` is not allowed for `local`"
        ),
        "{ran}"
    );
    let url = world.url("api.test/v1/x");
    let ran = agent
        .withheld(&["call", &url, "-H", "Authorization: Bearer mine"])
        .fails(4);
    assert!(
        ran.errors()
            .contains("it carries a credential that is not from this vault"),
        "{ran}"
    );
    assert!(ran.errors().contains("$KEY"), "{ran}");
    world.owner(&["lock"]).succeeds();
    let ran = agent.withheld(&["call", &url, "--secret", "KEY"]).fails(5);
    assert!(ran.errors().contains("the vault is locked"), "{ran}");
    assert!(
        ran.errors().contains("the owner runs: withheld unlock"),
        "{ran}"
    );
    world.finish();
}

#[test]
fn a_refusal_is_the_error_document() {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.bind(
        "KEY",
        "api.test/v1",
        &["--inject", "bearer", "--method", "GET"],
    );
    let agent = world.agent();
    let reply = Way::Proxy.send(&agent, "POST", &world.url("api.test/v1/x"));
    reply.is_refused("binding_violation");
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let error = reply.json()["error"].clone();
    assert_eq!(
        error["message"],
        "Withheld did not send this request: `KEY` is not bound for POST on `api.test`."
    );
    assert_eq!(error["retry"], "after_owner");
    assert_eq!(error["facts"]["secret"], "KEY");
    assert_eq!(error["facts"]["host"], "api.test");
    assert_eq!(error["facts"]["method"], "POST");
    assert_eq!(error["facts"]["bound"], json!(["GET /v1/*"]));
    assert!(
        error["facts"]["rule"]
            .as_str()
            .is_some_and(|rule| rule.starts_with("b_")),
        "{error}"
    );
    let hint = error["hint"].as_str().unwrap_or_default();
    assert!(
        hint.starts_with("see which rule: withheld why POST https://api.test"),
        "{hint}"
    );
    // What git shows of a body is text.
    let field = [("User-Agent", "git/2.39.5")];
    let reply = Way::Proxy.with(&agent, "POST", &world.url("api.test/v1/x"), &field, b"");
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert_eq!(reply.text().lines().count(), 2);
    world.finish();
}

#[test]
fn why_says_which_rule() {
    let world = world!().with_key();
    let agent = world.agent();
    let good = world.url("api.test/v1/x");
    agent
        .withheld(&["why", "GET", &good, "--secret", "KEY"])
        .succeeds();
    agent
        .withheld(&[
            "why",
            "GET",
            &world.url("api.test/admin"),
            "--secret",
            "KEY",
        ])
        .run()
        .exits(1);
    assert!(world.api.seen().is_empty());
    agent
        .call("GET", &world.url("api.test/admin"))
        .secret("KEY")
        .send();
    let ran = agent.withheld(&["why", "--last"]).run().exits(1);
    assert!(ran.text().contains("KEY"), "{ran}");
    world.finish();
}

#[test]
fn proxy_env_prints_what_a_shell_reads() {
    let world = world!().with_key();
    let sh = world.user_runs(&["proxy", "env"]).succeeds().text();
    assert!(
        sh.contains("export HTTPS_PROXY='http://withheld:whs_"),
        "{sh}"
    );
    assert!(sh.contains("export KEY='"), "{sh}");
    let fish = world
        .user_runs(&["proxy", "env", "--shell", "fish"])
        .succeeds()
        .text();
    assert!(fish.contains("set -gx HTTPS_PROXY '"), "{fish}");
    let powershell = world
        .user_runs(&["proxy", "env", "--shell", "powershell"])
        .succeeds()
        .text();
    assert!(powershell.contains("$env:HTTPS_PROXY = '"), "{powershell}");
    let agent = world.agent();
    for name in [
        "WITHHELD",
        "WITHHELD_AGENT",
        "WITHHELD_SECRETS",
        "WITHHELD_NOTE",
        "WITHHELD_SESSION",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "GIT_SSL_CAINFO",
        "GIT_TERMINAL_PROMPT",
        "KEY",
    ] {
        assert!(
            agent.env.contains_key(name),
            "{name} in {:?}",
            agent.env.keys()
        );
    }
    assert_eq!(agent.env["WITHHELD_SECRETS"], "KEY");
    assert!(agent.env["SSL_CERT_FILE"].ends_with("ca/bundle.pem"));
    assert!(agent.env["NODE_EXTRA_CA_CERTS"].ends_with("ca/ca.pem"));
    let placeholder = agent.placeholder("KEY");
    for word in [
        "placeholder",
        "dummy",
        "example",
        "redacted",
        "changeme",
        "none",
    ] {
        assert!(!placeholder.to_lowercase().contains(word), "{placeholder}");
    }
    // Another session has another one, and neither works for the other.
    let other = world.agent_named("other", &["--grant", "KEY"]);
    assert_ne!(other.placeholder("KEY"), placeholder);
    let stolen = format!("Bearer {placeholder}");
    other
        .get(&world.url("api.test/v1/x"), &[("Authorization", &stolen)])
        .is_refused("tripwire");
    world.finish();
}

#[test]
fn json_is_one_document_and_stderr_is_silent() {
    let world = world!().with_key();
    for arguments in [
        &["status", "--json"][..],
        &["ls", "--json"],
        &["ls", "KEY", "--json"],
        &["agent", "ls", "--json"],
        &["allow", "--json"],
        &["config", "--json"],
        &["audit", "--json"],
        &["audit", "verify", "--json"],
        &["proxy", "env", "--json"],
        &["lock", "--json"],
    ] {
        let ran = world.owner(arguments).succeeds();
        assert!(ran.stderr.is_empty(), "{ran}");
        let schema = ran.document()["schema"].as_str().map(str::to_owned);
        assert!(
            schema.is_some_and(|schema| schema.starts_with("withheld.") && schema.ends_with("/1")),
            "{ran}"
        );
    }
    let ran = world.owner(&["doctor", "--json"]).run();
    assert!(matches!(ran.code, Some(0 | 1)), "{ran}");
    assert!(ran.document()["schema"].is_string(), "{ran}");
    world.finish();
}

#[test]
fn every_verb_has_help_with_an_example() {
    let world = world!();
    let help = world.user_runs(&["--help"]).succeeds().text();
    for verb in [
        "init",
        "set",
        "bind",
        "rm",
        "ls",
        "allow",
        "agent",
        "unlock",
        "lock",
        "config",
        "daemon",
        "status",
        "call",
        "audit",
        "why",
        "doctor",
        "proxy",
        "demo",
        "completions",
    ] {
        let ran = world.user_runs(&[verb, "--help"]).succeeds();
        assert!(ran.text().contains("withheld "), "{ran}");
        let all = world.user_runs(&["help", "--all"]).run().text();
        assert!(help.contains(verb) || all.contains(verb), "{verb}");
    }
    world.user_runs(&["--version"]).succeeds();
    world.finish();
}

#[test]
fn allowed_hosts_are_listed_and_taken_away() {
    let world = world!();
    world
        .owner(&["allow", "docs.example.com", "--no-input"])
        .succeeds();
    let listed = world.user_runs(&["allow", "--json"]).succeeds().text();
    assert!(listed.contains("docs.example.com"), "{listed}");
    world
        .owner(&["allow", "docs.example.com", "--remove", "--no-input"])
        .succeeds();
    let listed = world.user_runs(&["allow", "--json"]).succeeds().text();
    assert!(!listed.contains("docs.example.com"), "{listed}");
    world.finish();
}

#[test]
fn an_agent_that_is_used_up_is_told_to_wait() {
    let world = world!().with_key();
    let agent = world.agent_named("slow", &["--grant", "KEY", "--rate", "3/m"]);
    let statuses: Vec<u16> = (0..5)
        .map(|_| {
            Way::Call
                .send(&agent, "GET", &world.url("api.test/v1/x"))
                .status
        })
        .collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    world.finish();
}

#[test]
fn what_is_removed_is_gone() {
    let world = world!().with_key();
    let agent = world.agent();
    world
        .owner(&[
            "bind",
            "KEY",
            "--remove",
            &world.host_port("api.test"),
            "--no-input",
        ])
        .succeeds();
    let reply = agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send();
    reply.is_refused("no_binding");
    world.owner(&["rm", "KEY", "--no-input"]).succeeds();
    agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send()
        .is_refused("not_found");
    let left: Vec<String> = fs::read_dir(world.home().join("vault/items"))
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect()
        })
        .unwrap_or_default();
    assert!(left.iter().all(|name| !name.contains("KEY")), "{left:?}");
    assert!(matches!(
        world.user_runs(&["ls", "--json"]).succeeds().document(),
        Value::Object(_)
    ));
    world.finish();
}
