//! The server and the brokers of a team, killed while they are used: nothing acknowledged is lost, and a
//! request uses old values or new ones, never a mix.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use withheld_testkit::serde_json::json;
use withheld_testkit::{Agent, Canary, World};

use super::drift::two;
use super::two::{Two, accept_all, asked, invite, join, named, told};
use crate::common::world;
use crate::kill::{cycles, random};

/// What was acknowledged: names, and their versions.
type Kept = Mutex<BTreeMap<String, u64>>;

/// Stores and pushes until the server is gone.
fn writes(world: &World, who: &str, cycle: u32, value: &Canary, kept: &Kept) {
    for number in 0.. {
        let name = format!("{who}_{cycle}_{number}");
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
    two.post.verifies();
    let diff = asked(&two.lead, &["diff"]);
    for (name, version) in &*kept.lock().unwrap() {
        let there = named(&diff["secrets"], name)["remote_version"].as_u64();
        assert!(there >= Some(*version), "{name} {version}: {there:?}");
    }
}

#[test]
fn z13_cli_the_server_while_two_push() {
    let mut two = two!();
    let value = two.value();
    let kept = Kept::default();
    let cycles = cycles();
    for cycle in 0..cycles {
        std::thread::scope(|scope| {
            scope.spawn(|| writes(&two.lead, "LEAD", cycle, &value, &kept));
            scope.spawn(|| writes(&two.newdev, "NEWDEV", cycle, &value, &kept));
            // The moment is what is tried: anywhere in the time that the work takes.
            std::thread::sleep(Duration::from_millis(random(1_500)));
            two.post.server.kill();
        });
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
    third.also_hide(&value);
    third.also_hide(&two.key);
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
    eprintln!(
        "kill: the server {cycles} times; {} pushes acknowledged, {count} secrets at three members; 0 lost, the database verifies",
        kept.lock().unwrap().len()
    );
    third.finish();
    two.finish();
}

/// Two secrets that belong together, and the generation that each of their values is of.
struct Pair {
    two: Two,
    agent: Agent,
    of: HashMap<String, u32>,
    newest: u32,
}

impl Pair {
    /// A new generation, stored by the founder.
    fn next(&mut self) {
        self.newest += 1;
        for name in ["KEY", "OTHER"] {
            let value = self.two.value();
            self.two.lead.set(name, &value);
            self.of.insert(value.text().to_owned(), self.newest);
        }
    }

    /// Uses both in one request.
    fn call(&self) -> std::io::Result<()> {
        let url = self.two.lead.url("api.test/v1/x");
        let call = self.agent.call("GET", &url).inject("bearer=KEY");
        let reply = call.inject("header:X-Other=OTHER").try_send()?;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(std::io::Error::other(reply.shown()))
        }
    }

    /// The generation of every request that arrived; both values of each are of the same one.
    #[track_caller]
    fn arrived(&self) -> Vec<u32> {
        let of = |text: &str| self.of[text];
        let pairs = self.two.lead.api.seen().into_iter().map(|seen| {
            let bearer = seen.header("authorization").unwrap();
            let key = of(bearer.strip_prefix("Bearer ").unwrap());
            let other = of(seen.header("x-other").unwrap());
            assert_eq!(key, other, "a mix of two generations");
            key
        });
        pairs.collect()
    }
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
    let mut two = two!();
    let first = two.value();
    two.lead.set("OTHER", &first);
    two.lead
        .bind("OTHER", "api.test/v1", &["--inject", "header:X-Other"]);
    two.push();
    asked(&two.newdev, &["pull"]);
    assert_eq!(accept_all(&two.newdev), 1);
    let of = [(two.key.text().to_owned(), 0), (first.text().to_owned(), 0)];
    let mut pair = Pair {
        agent: two
            .newdev
            .agent_named("busy", &["--grant", "*", "--rate", "1000000/m"]),
        of: of.into_iter().collect(),
        newest: 0,
        two,
    };
    let cycles = cycles();
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
        let listen = pair.two.newdev.status()["broker"]["listen"].clone();
        listen.as_str().unwrap().clone_into(&mut pair.agent.broker);
        // Old or new, and then new for certain.
        pair.call().unwrap();
        let last = *pair.arrived().last().unwrap();
        assert!(last + 1 >= pair.newest, "{last} of {}", pair.newest);
        pair.two.push();
        asked(&pair.two.newdev, &["pull"]);
        pair.call().unwrap();
        assert_eq!(pair.arrived().last(), Some(&pair.newest));
    }
    let diff = asked(&pair.two.lead, &["diff"]);
    for name in ["KEY", "OTHER"] {
        let row = named(&diff["secrets"], name);
        assert_eq!(row["state"], "in-sync");
        assert_eq!(row["version"], json!(cycles + 1), "each was pushed once");
    }
    eprintln!(
        "kill: two brokers {cycles} times; {} requests, each of one generation",
        pair.arrived().len()
    );
    pair.two.finish();
}
