//! Bad input: the form of each error, its exit status, its hint, and that nothing was lost.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use withheld_testkit::World;
use withheld_testkit::serde_json::json;

use crate::common::world;

/// What each wrong command is answered with: arguments, exit status, code.
const WRONG: &[(&[&str], i32, &str)] = &[
    (&["frobnicate"], 2, "usage"),
    (&["set"], 2, "usage"),
    (&["set", "KEY=value-on-the-line", "--no-input"], 2, "usage"),
    (&["set", "lower_case", "--stdin", "--no-input"], 2, "usage"),
    (&["set", "PATH", "--stdin", "--no-input"], 2, "usage"),
    (&["set", "LD_PRELOAD", "--stdin", "--no-input"], 2, "usage"),
    (&["set", "HTTPS_PROXY", "--stdin", "--no-input"], 2, "usage"),
    (
        &["set", "WITHHELD_SESSION", "--stdin", "--no-input"],
        2,
        "usage",
    ),
    (
        &["set", "KEY", "--from-file", "no-such-file", "--no-input"],
        2,
        "usage",
    ),
    (
        &["set", "KEY", "--from-env", "NO_SUCH_VARIABLE", "--no-input"],
        2,
        "usage",
    ),
    (
        &[
            "bind",
            "KEY",
            "--host",
            "api.test",
            "--inject",
            "sideways",
            "--no-input",
        ],
        2,
        "usage",
    ),
    (
        &["bind", "KEY", "--host", "http://api.test", "--no-input"],
        2,
        "usage",
    ),
    (
        &["bind", "KEY", "--host", "api.test:99999", "--no-input"],
        2,
        "usage",
    ),
    (
        &["bind", "NO_SUCH_KEY", "--host", "api.test", "--no-input"],
        3,
        "not_found",
    ),
    (&["rm", "NO_SUCH_KEY", "--no-input"], 3, "not_found"),
    (&["agent", "rm", "nobody", "--no-input"], 3, "not_found"),
    (
        &["agent", "add", "x", "--ttl", "soon", "--no-input"],
        2,
        "usage",
    ),
    (
        &["agent", "add", "x", "--rate", "often", "--no-input"],
        2,
        "usage",
    ),
    (&["config", "no-such-key"], 2, "usage"),
    (&["config", "listen", "somewhere", "--no-input"], 2, "usage"),
    (&["config", "listen", "0.0.0.0:1", "--no-input"], 2, "usage"),
    (&["call", "not a url"], 2, "usage"),
    (&["why", "GET"], 2, "usage"),
    (&["audit", "--since", "yesterday"], 2, "usage"),
    (&["completions", "no-such-shell"], 2, "usage"),
];

#[test]
fn every_wrong_command_says_what_to_type_next() {
    let world = world!().with_key();
    let before = world.owner(&["ls", "--json"]).succeeds().text();
    for (arguments, exit, code) in WRONG {
        let text = world
            .owner(arguments)
            .typing("a-value-of-some-length")
            .run();
        assert_eq!(text.code, Some(*exit), "{arguments:?}: {text}");
        assert!(
            text.errors().starts_with("error: "),
            "{arguments:?}: {text}"
        );
        assert!(
            text.errors().contains("\n  hint: "),
            "{arguments:?}: {text}"
        );
        assert!(text.stdout.is_empty(), "{arguments:?}: {text}");
        let mut json = arguments.to_vec();
        json.push("--json");
        world
            .owner(&json)
            .typing("a-value-of-some-length")
            .fails(*exit)
            .says(code);
    }
    assert_eq!(world.owner(&["ls", "--json"]).succeeds().text(), before);
    world
        .agent()
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send()
        .is(200);
    world.finish();
}

#[test]
fn a_wrong_passphrase_is_told_and_throttled() {
    let world = world!().with_key();
    let wrong = world.folder().join("wrong");
    fs::write(&wrong, "not the right one at all").unwrap();
    let ran = world
        .owner(&["bind", "KEY", "--host", "evil.test", "--no-input", "--json"])
        .env("WITHHELD_PASSPHRASE_FILE", &wrong)
        .fails(5)
        .says("wrong_passphrase");
    assert_eq!(ran.document()["error"]["retry"], "later");
    let unlock = || {
        world
            .owner(&["unlock", "--no-input"])
            .env("WITHHELD_PASSPHRASE_FILE", &wrong)
            .fails(5)
    };
    let again = unlock();
    assert!(again.errors().contains("again"), "{again}");
    let waits = unlock();
    assert!(waits.errors().contains("next try in 2 s"), "{waits}");
    world
        .owner(&["rm", "KEY", "--no-input", "--json"])
        .without("WITHHELD_PASSPHRASE_FILE")
        .fails(5)
        .says("owner_needed");
    world
        .agent()
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send()
        .is(200);
    world.finish();
}

#[test]
fn an_owners_verb_in_a_session_is_refused_before_any_prompt() {
    let world = world!().with_key();
    let agent = world.agent();
    for arguments in [
        &["set", "KEY", "--stdin"][..],
        &["bind", "KEY", "--host", "evil.test"],
        &["allow", "evil.test"],
        &["rm", "KEY"],
        &["agent", "add", "me", "--grant", "*"],
        &["unlock"],
    ] {
        // Also with a passphrase at hand: a session is an agent.
        let mut arguments = arguments.to_vec();
        let text = agent
            .withheld(&arguments)
            .env("WITHHELD_PASSPHRASE_FILE", world.passphrase_file())
            .typing("a-value-of-some-length")
            .fails(5)
            .prints("error: an agent cannot do this");
        assert!(text.stdout.is_empty(), "{text}");
        arguments.push("--json");
        agent
            .withheld(&arguments)
            .env("WITHHELD_PASSPHRASE_FILE", world.passphrase_file())
            .typing("a-value-of-some-length")
            .fails(5)
            .says("owner_needed");
    }
    world.finish();
}

#[test]
fn without_a_vault_the_hint_is_to_make_one() {
    let Some(world) = World::without_vault(crate::common::BINARY) else {
        return;
    };
    for arguments in [
        &["set", "KEY", "--stdin", "--no-input"][..],
        &["unlock", "--no-input"],
        &["ls"],
        &["proxy", "env"],
    ] {
        let ran = world
            .owner(arguments)
            .typing("a-value-of-some-length")
            .fails(3);
        assert!(ran.errors().contains("withheld init"), "{ran}");
    }
    // These two answer without anything.
    assert!(matches!(
        world.user_runs(&["status", "--json"]).run().code,
        Some(0)
    ));
    assert!(matches!(
        world.user_runs(&["doctor", "--json"]).run().code,
        Some(0 | 1)
    ));
    world.finish();
}

#[test]
fn a_second_init_changes_nothing() {
    let world = world!().with_key();
    let before = fs::read(world.home().join("vault/key")).unwrap();
    let ran = world
        .owner(&["init", "--vault", "file", "--no-input"])
        .run();
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(ran.errors().contains("  hint: "), "{ran}");
    assert_eq!(fs::read(world.home().join("vault/key")).unwrap(), before);
    world.finish();
}

#[test]
fn a_port_that_the_owner_set_and_that_is_taken() {
    let world = world!().with_key();
    // Below the ports that the system gives away: it is let go and must still be free after that.
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let taken = (first..).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let taken = taken.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // The broker may say no at once or at its next start: it never takes another port.
    let set = world
        .owner(&["config", "listen", &address, "--no-input", "--json"])
        .run();
    if set.code == Some(0) {
        world.owner(&["daemon", "stop"]).run();
        let ran = world.owner(&["daemon", "start", "--json"]).fails(2);
        let ran = ran.says("config_invalid");
        let argv = json!(["withheld", "config", "listen", ""]);
        assert_eq!(ran.document()["error"]["next"][0]["argv"], argv);
        // The owner can change it although nothing listens.
        let shown = world.owner(&["config", "listen"]).succeeds().text();
        assert_eq!(shown.trim_end(), address);
        for value in ["", &address] {
            let set = world.owner(&["config", "listen", value, "--no-input"]);
            set.succeeds();
        }
        world.owner(&["daemon", "stop"]).succeeds();
        drop(taken);
        world.owner(&["unlock", "--no-input"]).succeeds();
        assert_eq!(world.status()["broker"]["listen"], address);
    } else {
        set.exits(2).says("config_invalid");
    }
    world.finish();
}

#[test]
fn loose_permissions_are_refused_with_the_command_that_mends_them() {
    let world = world!().with_key();
    world.owner(&["daemon", "stop"]).succeeds();
    for (name, mode, good) in [
        ("policy", 0o644, 0o600),
        ("vault", 0o755, 0o700),
        ("", 0o770, 0o700),
    ] {
        let path = world.home().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let ran = world.owner(&["unlock", "--no-input"]).fails(2);
        assert!(ran.errors().contains("chmod"), "{ran}");
        fs::set_permissions(&path, fs::Permissions::from_mode(good)).unwrap();
    }
    world.owner(&["unlock", "--no-input"]).succeeds();
    world.finish();
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let world = world!();
    world.owner(&["daemon", "stop"]).run();
    let ran = world
        .program("chown", &["-R", "65534:65534"])
        .arg(world.home())
        .run();
    if ran.code != Some(0) {
        withheld_testkit::skip("only root can give a folder away");
        return world.finish_without_log();
    }
    world
        .owner(&["unlock", "--no-input", "--json"])
        .fails(2)
        .says("config_invalid");
    world
        .program("chown", &["-R", "0:0"])
        .arg(world.home())
        .succeeds();
    world.finish();
}

/// `$1` the binary, `$2` the home, `$3` where a small disk is mounted. All of it in one namespace: nobody else
/// sees that disk.
const FULL_DISK: &str = r#"
mount -t tmpfs -o mode=700,size=16m tmpfs "$3" || exit 99
cp -a "$2" "$3/home"
run() { verb=$1; shift; "$binary" --home "$home" "$verb" "$@"; }
binary=$1 home=$3/home
run unlock --no-input || exit 98
dd if=/dev/zero of="$3/fill" bs=4k 2>/dev/null
echo a-value-of-some-length | run set OTHER --stdin --no-input --json
echo "full: $?"
rm "$3/fill"
echo a-value-of-some-length | run set OTHER --stdin --no-input --json
echo "room again: $?"
run audit verify >/dev/null
echo "verified: $?"
run ls KEY --json
run daemon stop
"#;

#[test]
fn a07_cli_a_full_disk_loses_nothing() {
    let world = world!().with_key();
    world.owner(&["daemon", "stop"]).succeeds();
    let small = world.folder().join("small");
    fs::create_dir(&small).unwrap();
    let ran = world
        .program("bash", &["-c", FULL_DISK, "bash", crate::common::BINARY])
        .arg(world.home())
        .arg(&small)
        .env("WITHHELD_PASSPHRASE_FILE", world.passphrase_file())
        .run();
    if ran.code == Some(99) {
        withheld_testkit::skip("no disk can be mounted here");
        return world.finish();
    }
    let text = ran.text();
    for line in [
        "full: 6",
        "room again: 0",
        "verified: 0",
        "store_unavailable",
        "\"KEY\"",
    ] {
        assert!(text.contains(line), "no [{line}] in {ran}");
    }
    world.finish();
}

#[test]
fn an_agents_verb_starts_no_broker() {
    let world = world!().with_key();
    let agent = world.agent();
    world.owner(&["daemon", "stop"]).succeeds();
    let url = world.url("api.test/v1/x");
    for arguments in [
        &["call", &url, "--secret", "KEY", "--json"][..],
        &["why", "GET", &url, "--json"],
        &["proxy", "env", "--json"],
    ] {
        agent.withheld(arguments).fails(6).says("broker_down");
    }
    world.finish();
}
