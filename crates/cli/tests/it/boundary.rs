//! C: the command line, and the border to the person before it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::common::{value, world};

#[test]
fn c01_cli_a_value_as_an_argument() {
    let world = world!();
    let key = world.canaries.plain.text().to_owned();
    for arguments in [
        vec!["set".to_owned(), format!("KEY={key}")],
        vec!["set".to_owned(), "KEY".to_owned(), key.clone()],
        vec!["set".to_owned(), "KEY".to_owned(), format!("--value={key}")],
        vec!["bind".to_owned(), format!("KEY={key}")],
        vec![key.clone()],
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // The arguments are the test's own; what is printed about them is what counts.
        let ran = world.owner(&arguments).run();
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        let said = ran.errors();
        assert!(said.starts_with("error: "), "{said}");
        assert!(said.contains("  hint: "), "{said}");
    }
    world.owner(&["unlock", "--no-input"]).succeeds();
    let listed = world.user_runs(&["ls", "--json"]).succeeds();
    assert!(!listed.text().contains("KEY"));
    world.finish();
}

#[test]
fn c01_cli_a_value_from_stdin_a_file_or_a_variable() {
    let world = world!();
    world.set("FROM_STDIN", &world.canaries.plain.clone());
    let file = world.folder().join("value");
    fs::write(&file, format!("{}\n", world.canaries.nasty.text())).unwrap();
    let ran = world
        .owner(&["set", "FROM_FILE", "--no-input", "--from-file"])
        .arg(&file)
        .succeeds();
    // The final newline is removed, and said.
    assert!(
        format!("{}{}", ran.text(), ran.errors()).contains("newline"),
        "{ran}"
    );
    world
        .owner(&["set", "FROM_VARIABLE", "--from-env", "MY_KEY", "--no-input"])
        .env("MY_KEY", world.canaries.plain.text())
        .succeeds();
    world
        .owner(&[
            "set",
            "BOTH",
            "--stdin",
            "--from-file",
            "x",
            "--no-input",
            "--json",
        ])
        .fails(2)
        .says("usage");
    world.finish();
}

/// Files anywhere in the world's folder, with the values they must not hold: checked by `finish`.
#[test]
fn c05_cli_no_plaintext_file_ever() {
    let world = world!();
    let before = names(&world.user());
    let temporary = names(Path::new("/tmp"));
    world.set("KEY", &world.canaries.plain.clone());
    world.bind("KEY", "api.test/v1", &[]);
    let agent = world.agent();
    world
        .api
        .answer(|seen| withheld_testkit::Answer::ok(&seen.head));
    agent
        .withheld(&["call", &world.url("api.test/v1/x"), "--secret", "KEY"])
        .succeeds();
    assert_eq!(names(&world.user()), before);
    for name in names(Path::new("/tmp")) {
        // Other tests run beside this one, in folders of their own.
        let path = Path::new("/tmp").join(&name);
        if !temporary.contains(&name) && path.is_file() {
            world.saw(format!("/tmp/{name}"), fs::read(path).unwrap_or_default());
        }
    }
    world.finish();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// `script` gives the command a terminal: prompts appear, and what is typed does not.
fn on_a_terminal(world: &withheld_testkit::World, arguments: &str) -> std::process::Child {
    let command = format!(
        "{} --home {} {arguments}",
        crate::common::BINARY,
        world.home().display()
    );
    world
        .program("script", &["-qefc", &command, "/dev/null"])
        .env("WITHHELD_PASSPHRASE_FILE", world.passphrase_file())
        .env("RUST_BACKTRACE", "full")
        .spawn()
}

/// Reads until the text has appeared.
fn wait_for(output: &mut impl std::io::Read, text: &str) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut piece = [0; 1024];
    while !String::from_utf8_lossy(&seen).contains(text) {
        let count = output.read(&mut piece).unwrap();
        assert!(
            count > 0,
            "no [{text}] in {}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend_from_slice(&piece[..count]);
    }
    seen
}

#[test]
fn c06_cli_interrupted_at_a_prompt() {
    let world = world!();
    let key = world.canaries.plain.text().to_owned();
    for end in ["\u{3}", "\u{1c}", "\u{4}"] {
        let mut child = on_a_terminal(&world, "set KEY --host api.test");
        let mut output = child.stdout.take().unwrap();
        let mut seen = wait_for(&mut output, "Value");
        let mut input = child.stdin.take().unwrap();
        if end != "\u{4}" {
            // On a line that is not empty, the end of file is the end of the line.
            input.write_all(&key.as_bytes()[..30]).unwrap();
        }
        input.write_all(end.as_bytes()).unwrap();
        drop(input);
        output.read_to_end(&mut seen).unwrap();
        child.wait().unwrap();
        world.saw("a terminal", seen);
    }
    let listed = world.user_runs(&["ls", "--json"]).succeeds();
    assert!(!listed.text().contains("\"KEY\""), "{listed}");
    world.finish();
}

#[test]
fn c06_cli_typed_at_a_prompt_is_not_shown() {
    let world = world!();
    let mut child = on_a_terminal(&world, "set KEY --host api.test");
    let mut output = child.stdout.take().unwrap();
    let mut seen = wait_for(&mut output, "Value");
    let mut input = child.stdin.take().unwrap();
    input.write_all(world.canaries.plain.bytes()).unwrap();
    input.write_all(b"\r").unwrap();
    input.flush().unwrap();
    seen.extend(wait_for(&mut output, "Stored KEY, version 1."));
    drop(input);
    output.read_to_end(&mut seen).unwrap();
    assert!(child.wait().unwrap().success());
    world.saw("a terminal", seen);
    world.finish();
}

#[test]
fn c06_cli_the_broker_leaves_no_core_and_is_not_dumpable() {
    let world = world!().with_key();
    let pid = world.broker_pid().unwrap();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(&words[4..6], ["0", "0"], "{core}");
    // Files of a process that is not dumpable belong to root.
    assert_eq!(
        fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(),
        0
    );
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let text = String::from_utf8_lossy(&environment).into_owned();
    assert!(!text.contains("PASSPHRASE"), "{text}");
    world.finish();
}

/// Every file is 0600 and every folder 0700.
fn modes_hold(folder: &Path) {
    let mode = fs::metadata(folder).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "{}", folder.display());
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            modes_hold(&path);
        } else {
            let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
}

#[test]
fn c08_cli_modes_under_any_umask() {
    for umask in ["000", "077", "022"] {
        let Some(world) = withheld_testkit::World::without_vault(crate::common::BINARY) else {
            return;
        };
        let command = format!(
            "umask {umask}; {} --home {} init --vault file --no-input",
            crate::common::BINARY,
            world.home().display()
        );
        world
            .program("sh", &["-c", &command])
            .env("WITHHELD_PASSPHRASE_FILE", world.passphrase_file())
            .succeeds();
        world.set("KEY", &world.canaries.plain.clone());
        world.bind("KEY", "api.test/v1", &[]);
        world.agent();
        modes_hold(&world.home());
        world.finish();
    }
}

#[test]
fn c08_cli_a_home_that_others_may_write() {
    let Some(world) = withheld_testkit::World::without_vault(crate::common::BINARY) else {
        return;
    };
    let open = world.folder().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let home = open.join("home");
    let home = home.to_str().unwrap();
    world
        .program(
            crate::common::BINARY,
            &[
                "--home",
                home,
                "init",
                "--vault",
                "file",
                "--no-input",
                "--json",
            ],
        )
        .env("WITHHELD_PASSPHRASE_FILE", world.passphrase_file())
        .fails(2)
        .says("config_invalid");
    assert!(!Path::new(home).exists());
    world.finish();
}

#[test]
fn c12_cli_a_value_where_a_name_belongs() {
    let mut world = world!();
    let shaped = "SK4EC39HQLYJWDARJTT1ZDP7DCQ8W2XV5N";
    let canary = value(shaped);
    world.also_hide(&canary);
    world.set("KEY", &world.canaries.plain.clone());
    world
        .owner(&["set", shaped, "--stdin", "--no-input"])
        .typing("whatever-it-is")
        .fails(2);
    let path = format!("api.test/v1/{}", shaped.to_lowercase());
    world.binding("KEY", &path, &[]).fails(2);
    world
        .owner(&["agent", "add", &shaped.to_lowercase(), "--no-input"])
        .fails(2);
    world
        .binding("KEY", "api.test", &["--var", shaped])
        .fails(2);
    world.finish();
}

#[test]
fn c14_cli_what_an_agent_reads_says_names_and_versions() {
    let world = world!().with_key();
    world.set("KEY", &world.canaries.plain.clone());
    let agent = world.agent();
    let ran = agent.withheld(&["status", "--json"]).succeeds();
    let data = ran.data();
    let secret = &data["secrets"][0];
    assert_eq!(secret["name"], "KEY");
    assert_eq!(secret["version"], 2);
    assert_eq!(secret["state"], "local-only");
    assert_eq!(secret["usable"], true);
    assert_eq!(secret["use"][0]["host"], "api.test");
    assert_eq!(secret["use"][0]["inject"], "bearer");
    assert_eq!(secret["vars"][0], "KEY");
    assert_eq!(data["you"]["kind"], "agent");
    assert_eq!(data["you"]["mode"], "M0");
    for arguments in [
        &["status", "--json"][..],
        &["ls", "--json"],
        &["ls", "KEY", "--json"],
        &["audit", "--json"],
    ] {
        let ran = agent.withheld(arguments).succeeds();
        let text = ran.text().to_lowercase();
        for word in [
            "fingerprint",
            "\"hash\"",
            "\"length\"",
            "\"tag\"",
            "sha256",
            "digest",
        ] {
            assert!(!text.contains(word), "{word} in {ran}");
        }
    }
    world.finish();
}
