//! The server and the brokers of a team, killed while they are used: nothing acknowledged is lost, and a
//! request uses old values or new ones, never a mix.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use withheld_testkit::{Canary, World};

use super::drift::two;
use super::pair::Pair;
use super::two::{Two, asked, invite, join, named, told};
use crate::common::world;
use crate::kill::{cycles, random};

/// How often the server is killed in every change, and how often the brokers are: those are tried step by
/// step as well.
const SERVER: u32 = 25;
const BROKERS: u32 = 10;
/// The server is killed at one of so many calls that change its database: those of a few pushes.
const CALLS: u64 = 120;
/// After so many cycles the names come again, with the other value: a thousand cycles need no thousand names.
const ROUND: u32 = 10;

/// What was acknowledged: names, and their versions.
type Kept = Mutex<BTreeMap<String, u64>>;

/// Stores and pushes until the server is gone.
fn writes(world: &World, who: &str, cycle: u32, value: &Canary, kept: &Kept) {
    for number in 0.. {
        let name = format!("{who}_{}_{number}", cycle % ROUND);
        world.set(&name, value);
        let ran = told(world, &["push"]).run();
        if ran.code != Some(0) {
            ran.exits(6).says("server_unreachable");
            return;
        }
        for pushed in ran.data()["pushed"].as_array().unwrap() {
            let name = pushed["name"].as_str().unwrap().to_owned();
            let version = pushed["version"].as_u64().unwrap();
            kept.lock().unwrap().insert(name, version);
        }
    }
}

/// What was acknowledged is with the team.
#[track_caller]
fn holds(two: &Two, kept: &Kept) {
    let diff = asked(&two.lead, &["diff"]);
    for (name, version) in &*kept.lock().unwrap() {
        let there = named(&diff["secrets"], name)["remote_version"].as_u64();
        assert!(there >= Some(*version), "{name} {version}: {there:?}");
    }
}

#[test]
fn z13_cli_the_server_while_two_push() {
    let mut two = two!();
    let values = [two.value(), two.value()];
    let kept = Kept::default();
    let cycles = cycles(SERVER);
    for cycle in 0..cycles {
        let value = &values[(cycle / ROUND % 2) as usize];
        two.post.server.stop();
        if let Err(why) = two.post.again_until(1 + random(CALLS)) {
            withheld_testkit::skip(&why);
            return two.finish();
        }
        std::thread::scope(|scope| {
            scope.spawn(|| writes(&two.lead, "LEAD", cycle, value, &kept));
            scope.spawn(|| writes(&two.newdev, "NEWDEV", cycle, value, &kept));
            two.post.server.was_killed();
        });
        // As it was left, before anybody mends what they sent.
        two.post.verifies();
        two.post.again();
        if cycle % 5 == 0 {
            holds(&two, &kept);
        }
    }
    // What was stored and not acknowledged is still here, and gets there.
    for _ in 0..2 {
        for world in [&two.lead, &two.newdev] {
            asked(world, &["push"]);
            asked(world, &["pull"]);
        }
    }
    holds(&two, &kept);
    let line = invite(&two.lead, "third", &["dev:read"]);
    let mut third = world!();
    for value in values.iter().chain([&two.key]) {
        third.also_hide(value);
    }
    join(&third, &line);
    two.lead.status();
    asked(&third, &["pull"]);
    let all = |world: &World| {
        let diff = asked(world, &["diff"])["secrets"].clone();
        let rows = diff.as_array().unwrap().clone();
        for row in &rows {
            assert_eq!(row["state"], "in-sync", "{row}");
        }
        rows.len()
    };
    let count = all(&two.lead);
    assert_eq!((all(&two.newdev), all(&third)), (count, count));
    let versions: u64 = kept.lock().unwrap().values().sum();
    eprintln!(
        "kill: the server {cycles} times, each as it wrote; {versions} versions acknowledged, {count} secrets at three members; 0 lost, the database verifies"
    );
    third.finish();
    two.finish();
}

/// Kills the broker of this world at some moment of what it is doing, and starts it again.
fn killed(world: &World, work: impl Fn() + Sync) {
    let pid = world.broker_pid().expect("a running broker");
    std::thread::scope(|scope| {
        scope.spawn(&work);
        std::thread::sleep(Duration::from_millis(random(150)));
        let kill = format!("kill -9 {pid}");
        drop(world.program("sh", &["-c", &kill]).run());
    });
    world.wait_for_end(&pid);
    world.owner(&["unlock", "--no-input"]).succeeds();
}

#[test]
fn z13_cli_the_brokers_while_they_push_and_pull() {
    let mut pair = Pair::of(two!());
    let cycles = cycles(BROKERS);
    for _ in 0..cycles {
        pair.next();
        killed(&pair.two.lead, || {
            drop(told(&pair.two.lead, &["push"]).run());
        });
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let is_over = || over.load(Ordering::SeqCst);
                while !is_over() {
                    if pair.call().is_err() {
                        break;
                    }
                }
            });
            killed(&pair.two.newdev, || {
                drop(told(&pair.two.newdev, &["pull"]).run());
            });
            over.store(true, Ordering::SeqCst);
        });
        pair.found_again();
        // Old or new, and then new for certain.
        let last = pair.in_force();
        assert!(last + 1 >= pair.newest, "{last} of {}", pair.newest);
        pair.two.push();
        asked(&pair.two.newdev, &["pull"]);
        assert_eq!(pair.in_force(), pair.newest);
    }
    pair.are_in_sync(&pair.two.lead);
    eprintln!(
        "kill: two brokers {cycles} times; {} requests, each of one generation",
        pair.arrived().len()
    );
    pair.two.finish();
}
