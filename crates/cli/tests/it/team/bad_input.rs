//! What goes wrong without anybody's malice: the form of the error, its exit status and hint; and nothing
//! is lost.

use std::net::TcpListener;

use withheld_testkit::serde_json::json;
use withheld_testkit::{Authority, Changed, Command, Ran, TeamServer, World};

use super::drift::two;
use super::two::{Post, Two, asked, diff_exits, found, invite, is, named, stands, told};
use crate::common::{BINARY, world};

/// The failure, shown to whoever reads the test's output.
#[track_caller]
fn fails(command: Command, exit: i32, code: &str) -> Ran {
    let ran = command.fails(exit).says(code);
    let error = &ran.document()["error"];
    eprintln!(
        "exit {exit} {code}: {} | hint: {}",
        error["message"].as_str().unwrap(),
        error["hint"].as_str().unwrap()
    );
    ran
}

fn creating(world: &World, url: &str, token: &std::path::Path) -> Command {
    world
        .owner(&["team", "create", "acme", "--as", "lead", "--no-input"])
        .args(&["--json", "--server", url, "--token-file"])
        .arg(token)
}

#[test]
fn a_server_that_is_down() {
    let mut two = two!();
    let agent = two.agent();
    two.post.server.kill();
    let value = two.value();
    two.newdev.set("KEY", &value);
    fails(told(&two.newdev, &["push"]), 6, "server_unreachable");
    fails(told(&two.newdev, &["pull"]), 6, "server_unreachable");
    let invite = ["team", "invite", "third", "--to", "dev:read", "--no-input"];
    fails(
        two.lead.owner(&invite).arg("--json"),
        6,
        "server_unreachable",
    );
    // Everything else works from the local copy, and says how old it is.
    let diff = diff_exits(&two.newdev, 6).data();
    assert_eq!(diff["verified"], json!(false));
    assert!(diff["as_of"]["age_s"].is_u64(), "{diff}");
    is(&two.newdev, "KEY", "unverified", json!(1), json!(1));
    asked(&two.newdev, &["team", "members"]);
    asked(&two.newdev, &["team", "log"]);
    two.arrives(&agent, &value);
    // What could not be pushed is pushed later, also by another broker.
    two.newdev.kill_broker();
    two.newdev.owner(&["unlock", "--no-input"]).succeeds();
    two.post.again();
    asked(&two.newdev, &["push"]);
    is(&two.newdev, "KEY", "in-sync", json!(2), json!(2));
    is(&two.lead, "KEY", "behind", json!(1), json!(2));
    two.finish();
}

/// A URL with a mistake in it does not keep the owner from the right one.
#[test]
fn a_server_that_never_was() {
    let world = world!();
    let token = world.folder().join("token");
    std::fs::write(&token, "whb_nothing\n").unwrap();
    let nobody = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    fails(creating(&world, &nobody, &token), 6, "server_unreachable");
    assert_eq!(world.status()["project"]["workspace"], "local");
    let post = Post::start();
    found(&world, &post);
    assert_eq!(world.status()["project"]["workspace"], "acme");
    post.verifies();
    world.finish();
}

#[test]
fn a_token_that_is_not_the_servers() {
    let world = world!();
    let token = world.folder().join("token");
    std::fs::write(&token, "whb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    let post = Post::start();
    fails(
        creating(&world, &post.tap.url(), &token),
        4,
        "unknown_caller",
    );
    told(&world, &["team", "members"])
        .fails(3)
        .says("not_found");
    // It founds nothing, and does not spend the one that is.
    found(&world, &post);
    assert_eq!(world.status()["project"]["workspace"], "acme");
    post.verifies();
    world.finish();
}

#[test]
fn a_certificate_that_nobody_trusts() {
    let world = world!();
    let authority = Authority::new();
    let mut server = TeamServer::with_tls(BINARY, &authority, "localhost");
    let url = format!("https://localhost:{}", server.address().port());
    let token = server.token_file();
    let create = || creating(&world, &url, &token);
    fails(create(), 6, "upstream_untrusted");
    let trust = |pem: &str| {
        let file = world.folder().join("extra-ca.pem");
        std::fs::write(&file, pem).unwrap();
        let words = ["config", "extra-ca", file.to_str().unwrap(), "--no-input"];
        world.owner(&words).succeeds();
    };
    // Another authority does not help.
    trust(Authority::new().pem());
    fails(create(), 6, "upstream_untrusted");
    assert_eq!(world.status()["project"]["workspace"], "local");
    trust(authority.pem());
    create().succeeds();
    asked(&world, &["team", "members"]);
    // Nor does the right authority, for another name.
    let elsewhere = format!("https://foo.localhost:{}", server.address().port());
    let other = world!();
    let file = other.folder().join("extra-ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let words = ["config", "extra-ca", file.to_str().unwrap(), "--no-input"];
    other.owner(&words).succeeds();
    std::fs::write(other.folder().join("token"), "whb_nothing\n").unwrap();
    let create = creating(&other, &elsewhere, &other.folder().join("token"));
    fails(create, 6, "upstream_untrusted");
    server.stop();
    server.verify().exits(0);
    world.finish();
    other.finish();
}

#[test]
fn a_clock_that_is_ten_minutes_off() {
    let mut two = two!();
    let agent = two.agent();
    let before = two.key.clone();
    // What the server says to a valid signature of another time; that it says so is tested with its own
    // clock set, in its crate.
    let late = json!({
        "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "clock",
        "detail": "the clocks differ", "now": 1,
    });
    // What a client makes of it whose clock is off.
    let value = two.rotate();
    two.post.tap.script(move |_| {
        let kind = "application/problem+json";
        Some(Changed::bytes(401, kind, late.to_string()))
    });
    for verb in ["pull", "push"] {
        let ran = fails(told(&two.newdev, &[verb]), 4, "unknown_caller");
        let hint = ran.document()["error"]["hint"].clone();
        assert!(hint.as_str().unwrap().contains("clock"), "{ran}");
    }
    is(&two.newdev, "KEY", "unverified", json!(1), json!(1));
    two.arrives(&agent, &before);
    two.post.tap.honest();
    asked(&two.newdev, &["pull"]);
    two.arrives(&agent, &value);
    two.finish();
}

/// Both push at once: one wins, the other is told; whether it was `lead` who won.
fn at_once(two: &Two) -> bool {
    let (lead, newdev) = std::thread::scope(|scope| {
        let lead = scope.spawn(|| told(&two.lead, &["push"]).run());
        let newdev = scope.spawn(|| told(&two.newdev, &["push"]).run());
        (lead.join().unwrap(), newdev.join().unwrap())
    });
    let lead_won = lead.code == Some(0);
    let (winner, loser) = if lead_won {
        (lead, newdev)
    } else {
        (newdev, lead)
    };
    let pushed = winner.exits(0).data()["pushed"].clone();
    named(&pushed, "KEY");
    let loser = loser.exits(7).says("conflict");
    let error = &loser.document()["error"];
    assert_eq!(error["facts"]["diverged"], json!(["KEY"]), "{loser}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("withheld push KEY --take local"), "{loser}");
    lead_won
}

#[test]
fn z13_cli_two_push_one_name_at_once() {
    let mut two = two!();
    let agent = two.agent();
    for round in 2..5 {
        let (ours, theirs) = (two.value(), two.value());
        two.lead.set("KEY", &ours);
        two.newdev.set("KEY", &theirs);
        // Others of the same push are not held up by it.
        let (lead_own, newdev_own) = (format!("LEAD_{round}"), format!("NEWDEV_{round}"));
        two.lead.set(&lead_own, &ours);
        two.newdev.set(&newdev_own, &theirs);
        let lead_won = at_once(&two);
        let (winner, loser) = if lead_won {
            (&two.lead, &two.newdev)
        } else {
            (&two.newdev, &two.lead)
        };
        is(winner, "KEY", "in-sync", json!(round), json!(round));
        assert_eq!(stands(loser, "KEY").0, "diverged");
        let value = if lead_won { &ours } else { &theirs };
        asked(loser, &["pull", "KEY", "--take", "remote"]);
        for world in [&two.lead, &two.newdev] {
            asked(world, &["pull"]);
            for name in ["KEY", &lead_own, &newdev_own] {
                assert_eq!(stands(world, name).0, "in-sync", "{name}");
            }
        }
        two.arrives(&agent, value);
    }
    two.finish();
}

/// Nothing is begun that cannot be ended: no broker, and no home.
#[test]
fn what_is_refused_at_the_beginning_leaves_nothing_behind() {
    let (Some(lead), Some(world)) = (World::new(BINARY), World::without_vault(BINARY)) else {
        return;
    };
    let post = Post::start();
    found(&lead, &post);
    let file = |name: &str, line: &str| {
        let file = world.folder().join(name);
        std::fs::write(&file, line).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let line = invite(&lead, "newdev", &["dev:read"]);
    let (whole, short) = (file("whole", &line), file("short", &line[..60]));
    let (other, none) = (file("other", "sk_live_something_else"), file("none", ""));
    let absent = world.folder().join("absent");
    let join = ["team", "join", "--no-input", "--json"];
    let from = |file: &str| {
        let words = [&join[..], &["--from-file", file]].concat();
        world.user_runs(&words)
    };
    let init = ["init", "--vault", "file", "--no-input", "--json"];
    let no_file = ("WITHHELD_PASSPHRASE_FILE", absent.clone());
    for (command, exit, code) in [
        (world.user_runs(&init), 5, "owner_needed"),
        (
            world.user_runs(&init).env(no_file.0, &no_file.1),
            5,
            "owner_needed",
        ),
        (world.user_runs(&join), 5, "owner_needed"),
        // The line is judged before anything else is asked for.
        (from(&short), 2, "usage"),
        (from(&other), 2, "usage"),
        (from(&none), 2, "usage"),
        (from(absent.to_str().unwrap()), 2, "usage"),
        (from(&whole), 5, "owner_needed"),
        (from(&whole).env(no_file.0, &no_file.1), 5, "owner_needed"),
    ] {
        let ran = fails(command, exit, code);
        assert!(!world.home().exists(), "{ran}");
        assert_eq!(world.broker_pid(), None, "{ran}");
    }
    // None of it used the invitation up.
    let words = [
        "team",
        "join",
        "--no-input",
        "--json",
        "--from-file",
        &whole,
    ];
    world
        .owner(&["init", "--vault", "file", "--no-input"])
        .succeeds();
    world.owner(&words).succeeds();
    assert_eq!(world.status()["project"]["workspace"], "acme");
    post.verifies();
    lead.finish();
    world.finish();
}

#[test]
fn errors_have_two_lines_and_say_what_to_do() {
    let mut two = two!();
    two.post.server.kill();
    let ran = two.newdev.user_runs(&["pull"]).fails(6);
    assert_eq!(ran.errors().lines().count(), 2, "{ran}");
    assert_eq!(ran.text(), "");
    two.post.again();
    two.finish();
}
