//! The broker, killed while it is used: what was acknowledged is there afterwards.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use withheld_testkit::{Agent, World};

use crate::common::world;

/// How many cycles a test runs in every change; four tests make the hundred of `ci`.
const CYCLES: u32 = 25;

/// What was acknowledged so far.
#[derive(Default)]
struct Kept {
    stored: BTreeSet<String>,
    bound: BTreeSet<String>,
    delivered: usize,
}

/// How many were asked for: by the long stage alone.
fn asked_for() -> Option<u32> {
    let text = std::env::var_os("WITHHELD_KILL_CYCLES")?;
    Some(text.to_str().unwrap().parse().unwrap())
}

/// Whether this is the long stage.
pub(crate) fn is_long() -> bool {
    asked_for().is_some()
}

/// How many cycles to run, where it is `usual` of them in every change.
pub(crate) fn cycles(usual: u32) -> u32 {
    asked_for().unwrap_or(usual)
}

/// A number below `below` that nobody chose.
pub(crate) fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) % below
}

fn killed(cycles: u32) {
    let world = world!().with_key();
    let mut agent = world.agent_named("busy", &["--grant", "*", "--rate", "1000000/m"]);
    let mut kept = Kept::default();
    for cycle in 0..cycles {
        world.owner(&["unlock", "--no-input"]).succeeds();
        if cycle % 5 == 0 {
            holds(&world, &kept);
        }
        // Its port may have been taken while it was away.
        let listen = world.status()["broker"]["listen"].clone();
        listen.as_str().unwrap().clone_into(&mut agent.broker);
        one(&world, &agent, cycle, &mut kept);
    }
    world.owner(&["unlock", "--no-input"]).succeeds();
    holds(&world, &kept);
    eprintln!(
        "kill: {cycles} cycles; acknowledged: {} stored, {} bound, {} delivered; 0 lost, the chain verifies, every start worked",
        kept.stored.len(),
        kept.bound.len(),
        kept.delivered
    );
    world.finish();
}

/// Works until the broker dies in the middle of it.
fn one(world: &World, agent: &Agent, cycle: u32, kept: &mut Kept) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let calls = scope.spawn(|| {
            let mut delivered = 0;
            while !over.load(Ordering::SeqCst) {
                let call = agent.call("GET", &world.url("api.test/v1/x")).secret("KEY");
                match call.try_send() {
                    Ok(reply) if reply.status == 200 && reply.whole => delivered += 1,
                    _ => break,
                }
            }
            delivered
        });
        let owner = scope.spawn(|| {
            let name = format!("KEY_{cycle}");
            let stored = world
                .owner(&["set", &name, "--stdin", "--no-input"])
                .typing(world.canaries.plain.bytes())
                .run();
            let bound = world
                .binding(&name, &format!("api.test/cycle/{cycle}"), &[])
                .run();
            (name, stored.code == Some(0), bound.code == Some(0))
        });
        // The moment is what is tried: anywhere in the time that the work takes.
        std::thread::sleep(Duration::from_millis(random(900)));
        if let Some(pid) = world.broker_pid() {
            drop(
                world
                    .program("sh", &["-c", &format!("kill -9 {pid}")])
                    .run(),
            );
            world.wait_for_end(&pid);
        }
        over.store(true, Ordering::SeqCst);
        kept.delivered += calls.join().unwrap_or(0);
        if let Ok((name, stored, bound)) = owner.join() {
            if bound {
                kept.bound.insert(name.clone());
            }
            if stored {
                kept.stored.insert(name);
            }
        }
    });
}

/// Everything that was acknowledged is there, and the log is whole.
#[track_caller]
fn holds(world: &World, kept: &Kept) {
    world.user_runs(&["audit", "verify"]).succeeds();
    let listed = world.owner(&["ls", "--json"]).succeeds().text();
    for name in &kept.stored {
        assert!(
            listed.contains(&format!("\"{name}\"")),
            "{name} was stored and is gone"
        );
    }
    let policy = std::fs::read_to_string(world.home().join("policy")).unwrap();
    for name in &kept.bound {
        assert!(
            policy.contains(&format!("\"{name}\"")),
            "{name} was bound and is not"
        );
    }
    let delivered = world.log().matches("\"outcome\":\"delivered\"").count();
    assert!(
        delivered >= kept.delivered,
        "{delivered} records of {} deliveries",
        kept.delivered
    );
}

#[test]
fn nothing_acknowledged_is_lost() {
    killed(cycles(CYCLES));
}

#[test]
fn nothing_acknowledged_is_lost_a_second_time() {
    killed(CYCLES);
}

#[test]
fn nothing_acknowledged_is_lost_a_third_time() {
    killed(CYCLES);
}

#[test]
fn nothing_acknowledged_is_lost_a_fourth_time() {
    killed(CYCLES);
}
