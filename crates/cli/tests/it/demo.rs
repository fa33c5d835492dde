//! The demo, as a program reads it, and what is left of it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use withheld_testkit::Temp;

use crate::common::{BINARY, world};

#[test]
fn the_demo_is_a_document_that_a_machine_can_check() {
    let world = world!();
    let ran = world.user_runs(&["demo", "--json"]).succeeds();
    let data = ran.data();
    let steps = data["steps"].as_array().cloned().unwrap_or_default();
    for step in &steps {
        assert_eq!(step["ok"], true, "{step}");
        assert!(
            step["name"].is_string() && !step["command"].is_null(),
            "{step}"
        );
    }
    assert_eq!(data["cleaned_up"], true, "{ran}");
    let names: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["name"].as_str())
        .filter(|name| *name != "curl")
        .collect();
    assert_eq!(names, DEMO, "{ran}");
    // What arrived is the key itself, before and after it was replaced; the agent saw neither.
    let of = |name: &str| steps.iter().find(|step| step["name"] == name).unwrap();
    let keys = ["call", "team_call", "team_call_again"].map(|name| {
        let received = of(name)["api_received"].as_str().unwrap_or_default();
        let key = received.split("Bearer ").nth(1).unwrap_or_default();
        assert!(key.starts_with("demo_live_"), "{received}");
        key
    });
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "{keys:?}");
    for step in &steps {
        let elsewhere = [&step["command"], &step["said"], &step["agent_saw"]];
        for text in elsewhere.iter().filter_map(|text| text.as_str()) {
            assert!(!text.contains("demo_live_"), "{step}");
        }
    }
    world.finish();
}

/// Where curl is, it calls after `call`.
const DEMO: [&str; 32] = [
    "init",
    "set",
    "bind",
    "proxy_env",
    "call",
    "wrong_host",
    "echo",
    "placeholder_elsewhere",
    "audit",
    "audit_verify",
    "rm",
    "daemon_stop",
    "team_server",
    "team_set",
    "team_bind",
    "team_create",
    "team_push",
    "team_invite",
    "team_init",
    "team_join",
    "team_pending",
    "team_approve",
    "team_proxy_env",
    "team_call",
    "team_replace",
    "team_push_again",
    "team_status",
    "team_pull",
    "team_call_again",
    "team_remove",
    "team_pull_refused",
    "team_search",
];

#[test]
fn a_demo_that_is_interrupted_leaves_nothing() {
    let folder = Temp::new();
    let mut demo = std::process::Command::new(BINARY)
        .arg("demo")
        .env_clear()
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(demo.stdout.take().unwrap()).lines();
    // From here on there are two brokers and a server.
    let joined = told.any(|line| line.unwrap().contains("withheld team join"));
    assert!(joined);
    let ours = || processes_of(folder.path());
    assert!(ours() >= 3);
    kill_process(Pid::from_child(&demo), Signal::TERM).unwrap();
    let rest: Vec<String> = told.map(Result::unwrap).collect();
    assert_eq!(demo.wait().unwrap().code(), Some(1), "{rest:?}");
    assert!(!rest.concat().contains("could not remove"), "{rest:?}");
    assert_eq!(ours(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// How many processes, but ours, work in this folder: it is their folder, or is named in their arguments.
fn processes_of(folder: &Path) -> usize {
    let folder_text = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(Result::ok)
        .filter(|process| {
            let at = process.path();
            let is_there =
                std::fs::read_link(at.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
            let words = std::fs::read(at.join("cmdline")).unwrap_or_default();
            is_there || String::from_utf8_lossy(&words).contains(folder_text)
        })
        .count()
}
