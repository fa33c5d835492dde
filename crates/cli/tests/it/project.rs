//! `withheld.toml`: a folder says what it needs, and chooses nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use withheld_testkit::World;
use withheld_testkit::serde_json::{Value, json};

use crate::common::{arrived_once, nothing_arrived, world};

/// A repository of the user, with this file in it.
fn repository(world: &World, text: &str) -> PathBuf {
    let folder = world.folder().join("repository");
    fs::create_dir_all(folder.join(".git")).unwrap();
    fs::create_dir_all(folder.join("src/deep")).unwrap();
    fs::write(folder.join("withheld.toml"), text).unwrap();
    folder
}

fn secret<'a>(status: &'a Value, name: &str) -> &'a Value {
    let all = status["secrets"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap()
}

#[test]
fn x10_cli_a_file_of_the_repository_that_would_widen() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    for (text, key) in [
        ("[bindings]\nKEY = \"evil.test\"\n", "`bindings`"),
        ("hosts = [\"evil.test\"]\n", "`hosts`"),
        ("secrets = [\"KEY\"]\ngrants = [\"*\"]\n", "`grants`"),
    ] {
        let folder = repository(&world, text);
        for ran in [
            agent.withheld(&["status", "--json"]),
            agent.withheld(&["call", &url, "--secret", "KEY", "--json"]),
            agent.withheld(&["why", "GET", &url, "--json"]),
            world.user_runs(&["proxy", "env", "--json"]),
            world.owner(&["set", "NEW_KEY", "--stdin", "--no-input", "--json"]),
        ] {
            let ran = ran.within(&folder).fails(2).says("config_invalid");
            assert!(ran.text().contains(key), "{ran}");
            assert!(ran.text().contains("withheld.toml"), "{ran}");
        }
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn x10_cli_a_file_of_the_repository_gives_no_name_away() {
    let world = world!().with_key();
    world.set("OTHER", &world.canaries.nasty.clone());
    world.bind("OTHER", "other.test", &["--inject", "header:X-Other"]);
    let agent = world.agent_named("narrow", &["--grant", "KEY"]);
    let folder = repository(
        &world,
        "secrets = [\"OTHER\", \"KEY\", \"NOBODY_HAS_THIS\"]\n",
    );
    let status = agent.withheld(&["status", "--json"]).within(&folder);
    let status = status.succeeds().data();
    let names: Vec<_> = status["secrets"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["KEY", "NOBODY_HAS_THIS", "OTHER"]);
    // What it may not know of, and what there is not, differ in the name alone.
    for name in ["OTHER", "NOBODY_HAS_THIS"] {
        let expected = json!({
            "name": name, "state": "missing", "version": null, "remote_version": null,
            "usable": false, "use": [], "vars": [name], "flags": [],
        });
        assert_eq!(*secret(&status, name), expected);
    }
    assert_eq!(secret(&status, "KEY")["usable"], true);
    assert_eq!(
        status["next"],
        json!([
            {"who": "owner", "argv": ["withheld", "set", "NOBODY_HAS_THIS"], "why": "secret_missing"},
            {"who": "owner", "argv": ["withheld", "set", "OTHER"], "why": "secret_missing"},
        ])
    );
    for name in ["OTHER", "NOBODY_HAS_THIS"] {
        agent
            .withheld(&[
                "call",
                &world.url("other.test/"),
                "--secret",
                name,
                "--json",
            ])
            .within(&folder)
            .fails(3)
            .says("not_found");
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn x18_cli_the_folder_does_not_choose_the_environment() {
    let world = world!().with_key();
    world
        .owner(&["set", "KEY", "--stdin", "--no-input", "-e", "prod"])
        .typing(world.canaries.nasty.bytes())
        .succeeds();
    world
        .binding("KEY", "api.test/v1", &["--inject", "bearer", "-e", "prod"])
        .succeeds();
    let agent = world.agent_named("claude", &["--grant", "KEY"]);
    let url = world.url("api.test/v1/x");
    let folder = repository(&world, "environment = \"prod\"\nsecrets = [\"KEY\"]\n");
    let deep = folder.join("src/deep");
    for ran in [
        agent.withheld(&["call", &url, "--secret", "KEY", "--json"]),
        agent.withheld(&["status", "--json"]),
        agent.withheld(&["why", "GET", &url, "--secret", "KEY", "--json"]),
        // Programs without a session have one of theirs, and are given none by a folder.
        world.user_runs(&["call", &url, "--secret", "KEY", "--json"]),
        world.user_runs(&["proxy", "env", "--json"]),
    ] {
        let ran = ran.within(&deep).fails(5).says("owner_needed");
        let text = ran.text();
        assert!(text.contains("`../../withheld.toml`"), "{ran}");
        assert!(
            text.contains("`default/prod`") && text.contains("`default/dev`"),
            "{ran}"
        );
    }
    // Nor does an option.
    agent
        .withheld(&["call", &url, "--secret", "KEY", "-e", "prod", "--json"])
        .fails(5)
        .says("owner_needed");
    nothing_arrived(&world);

    // The same environment, or none, is no choice; and what has no folder goes by the record.
    for text in [
        "environment = \"dev\"\n",
        "project = \"default\"\n",
        "workspace = \"acme\"\n",
    ] {
        let folder = repository(&world, text);
        let ran = agent.withheld(&["call", &url, "--secret", "KEY", "--json"]);
        ran.within(&folder).succeeds();
        arrived_once(&world);
    }
    agent.call("GET", &url).secret("KEY").send().is(200);
    arrived_once(&world);
    world.finish();
}

#[test]
fn x18_cli_the_folder_does_not_choose_where_the_owner_stores() {
    let world = world!();
    let folder = repository(&world, "project = \"shop\"\nenvironment = \"prod\"\n");
    let names_in = |environment: &str| {
        let listed = world.owner(&["ls", "-e", environment, "--json"]);
        let listed = listed.succeeds().data();
        let all = listed["secrets"].as_array().unwrap().clone();
        all.into_iter()
            .map(|one| one["name"].clone())
            .collect::<Vec<_>>()
    };
    let set = |name: &str, more: &[&str]| {
        let words = [&["set", name, "--stdin", "--no-input"], more].concat();
        let ran = world.owner(&words).typing(world.canaries.plain.bytes());
        ran.within(&folder).succeeds()
    };
    let ran = set("A_KEY", &[]);
    assert_eq!(names_in("shop/dev"), ["A_KEY"]);
    assert!(ran.errors().contains("-e shop/prod"), "{ran}");
    // What is typed counts: a short name is of the folder's project, a full one is what it says.
    set("B_KEY", &["-e", "prod"]);
    set("C_KEY", &["-e", "billing/staging"]);
    assert_eq!(names_in("shop/prod"), ["B_KEY"]);
    assert_eq!(names_in("billing/staging"), ["C_KEY"]);
    let outside = world.owner(&["set", "D_KEY", "--stdin", "--no-input", "-e", "prod"]);
    outside.typing(world.canaries.plain.bytes()).succeeds();
    assert_eq!(names_in("default/prod"), ["D_KEY"]);
    world.finish();
}

#[test]
fn status_compares_the_folder_with_what_is_here() {
    let world = world!();
    world.owner(&["unlock", "--no-input"]).succeeds();
    let text = "workspace = \"acme\"\nproject = \"shop\"\nenvironment = \"dev\"\nsecrets = [\"Z_KEY\", \"A_KEY\"]\n";
    let folder = repository(&world, text).join("src");
    let status = |arguments: &[&str]| world.user_runs(arguments).within(&folder).succeeds();
    let before = status(&["status", "--json"]).data();
    let project = json!({"workspace": "local", "project": "shop", "environment": "dev"});
    assert_eq!(before["project"], project);
    assert_eq!(secret(&before, "A_KEY")["state"], "missing");
    assert_eq!(secret(&before, "A_KEY")["use"], json!([]));
    let argv = |status: &Value| -> Vec<Value> {
        let next = status["next"].as_array().unwrap();
        next.iter().map(|one| one["argv"].clone()).collect()
    };
    let set = |name| json!(["withheld", "set", name]);
    assert_eq!(argv(&before), [set("A_KEY"), set("Z_KEY")]);
    let text = status(&["status"]).text();
    assert!(text.contains("2 missing: A_KEY Z_KEY"), "{text}");
    assert!(text.contains("withheld set A_KEY"), "{text}");
    assert!(text.contains("../withheld.toml is for acme"), "{text}");

    // The command runs as it stands, and helps.
    world
        .owner(&["set", "A_KEY", "--stdin", "--no-input"])
        .within(&folder)
        .typing(world.canaries.plain.bytes())
        .succeeds();
    let after = status(&["status", "--json"]).data();
    assert_eq!(secret(&after, "A_KEY")["state"], "local-only");
    assert_eq!(argv(&after), [set("Z_KEY")]);
    // Another environment of the project is looked at by name, and its command says so.
    let prod = status(&["status", "--json", "-e", "prod"]).data();
    assert_eq!(prod["project"]["environment"], "prod");
    let set = |name| json!(["withheld", "set", name, "-e", "shop/prod"]);
    assert_eq!(argv(&prod), [set("A_KEY"), set("Z_KEY")]);
    // Elsewhere nothing is missing.
    let elsewhere = world.status();
    assert_eq!(
        (&elsewhere["secrets"], &elsewhere["next"]),
        (&json!([]), &json!([]))
    );
    // Without a broker, and before the vault is open, it is still seen.
    world.owner(&["daemon", "stop"]).succeeds();
    let stopped = status(&["status", "--json"]).data();
    assert_eq!(stopped["project"], project);
    assert_eq!(argv(&stopped), [json!(["withheld", "unlock"])]);
    world.finish();
}

#[test]
fn a_planted_file_is_said_or_does_not_count() {
    let world = world!().with_key();
    let agent = world.agent();
    let folder = repository(&world, "");
    let file = folder.join("withheld.toml");
    let fails = |part: &str| {
        let ran = agent.withheld(&["status", "--json"]).within(&folder);
        let ran = ran.fails(2).says("config_invalid");
        assert!(ran.text().contains(part), "{part}: {ran}");
        assert!(ran.text().contains("`withheld.toml`"), "{ran}");
    };
    fs::write(&file, vec![b'#'; 64 * 1024 + 1]).unwrap();
    fails("larger than 64 KiB");
    fs::write(&file, b"project = \"\xff\"").unwrap();
    fails("not UTF-8");
    fs::write(&file, b"project = ").unwrap();
    fails("TOML");
    fs::remove_file(&file).unwrap();
    symlink("/etc/hostname", &file).unwrap();
    fails("symbolic link");
    fs::remove_file(&file).unwrap();
    world.program("mkfifo", &[]).arg(&file).succeeds();
    fails("not a file");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    fails("not a file");
    fs::remove_dir(&file).unwrap();
    // Above the root of the repository nothing counts.
    fs::write(world.folder().join("withheld.toml"), "hosts = []").unwrap();
    let ran = agent.withheld(&["status", "--json"]);
    ran.within(&folder.join("src/deep")).succeeds();
    fs::remove_dir(folder.join(".git")).unwrap();
    let ran = agent.withheld(&["status", "--json"]).within(&folder);
    let ran = ran.fails(2).says("config_invalid");
    assert!(ran.text().contains("`../withheld.toml`"), "{ran}");
    world.finish();
}
