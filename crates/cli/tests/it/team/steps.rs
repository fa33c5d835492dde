//! A broker of a team, killed at every system call of its own that changes a file, one after the other,
//! until it gets through: while it pulls, while it pushes, while it removes a member. How many there are is
//! found, not known.

use withheld_testkit::serde_json::json;
use withheld_testkit::{Calls, Ran, Stepped, Stepper, World};

use super::drift::two;
use super::pair::Pair;
use super::two::{Two, asked, away, is, named, told};
use crate::kill::is_long;

/// How often a run was killed, and what was found then.
#[derive(Default)]
struct Found {
    old: u32,
    new: u32,
}

impl Found {
    fn add(&mut self, is_new: bool) {
        if is_new {
            self.new += 1;
        } else {
            self.old += 1;
        }
    }

    /// The kills lie on both sides of what makes the difference.
    #[track_caller]
    fn says(self, what: &str) {
        let Self { old, new } = self;
        assert!(old > 0 && new > 0, "{what}: {old} old, {new} new");
        let calls = calls();
        eprintln!(
            "kill: {what} at each of its {} calls ({calls:?}); {old} times the old state, {new} times the new one, never a mix",
            old + new
        );
    }
}

/// The long stage goes through every call.
fn calls() -> Calls {
    if is_long() { Calls::All } else { Calls::Syncs }
}

/// A broker of this world that can be killed, and its vault open; nothing where this machine cannot do that.
fn steppable(world: &World) -> Option<Stepper> {
    match world.stepper(calls()) {
        Ok(stepper) => {
            world.owner(&["unlock", "--no-input"]).succeeds();
            Some(stepper)
        }
        Err(why) => {
            withheld_testkit::skip(&why);
            None
        }
    }
}

/// The same, after a kill: the state opens, and the log is whole.
#[track_caller]
fn again(world: &World) -> Stepper {
    // It may have been killed before the command came, which began another one.
    if world.broker_pid().is_some() {
        away(world);
    }
    let stepper = steppable(world).unwrap();
    world.user_runs(&["audit", "verify"]).succeeds();
    stepper
}

/// Runs something of a broker up to its step of this number: whether it was killed there, and whether it had
/// said yes by then.
#[track_caller]
fn up_to(broker: &mut Stepper, step: u32, run: impl FnOnce() -> Ran) -> (bool, bool) {
    broker.arm(step);
    let ran = run();
    let is_done = ran.code == Some(0);
    match broker.disarm() {
        Stepped::Killed(_) => (true, is_done),
        Stepped::Passed(_) => {
            assert!(is_done, "not killed at step {step}: {ran}");
            (false, true)
        }
    }
}

#[test]
fn z13_cli_a_pull_killed_at_every_step() {
    let mut pair = Pair::of(two!());
    away(&pair.two.newdev);
    let Some(mut broker) = steppable(&pair.two.newdev) else {
        return pair.two.finish();
    };
    let mut found = Found::default();
    for step in 1.. {
        pair.next();
        pair.two.push();
        let pull = || told(&pair.two.newdev, &["pull"]).run();
        let (is_killed, is_done) = up_to(&mut broker, step, pull);
        if is_killed {
            broker = again(&pair.two.newdev);
        }
        pair.found_again();
        let in_force = pair.in_force();
        let is_new = in_force == pair.newest;
        assert!(is_new || in_force + 1 == pair.newest, "{in_force}");
        assert!(is_new || !is_done, "acknowledged and lost");
        // What was applied is known to be, and what was not is brought now.
        let state = if is_new { "in-sync" } else { "behind" };
        assert_eq!(pair.stand(&pair.two.newdev), state, "step {step}");
        let pulled = asked(&pair.two.newdev, &["pull"])["pulled"].clone();
        let rest = if is_new { json!([]) } else { pair.whole() };
        assert_eq!(pulled, rest, "step {step}");
        assert_eq!(pair.in_force(), pair.newest);
        if !is_killed {
            break;
        }
        found.add(is_new);
    }
    pair.are_in_sync(&pair.two.newdev);
    found.says("a pull");
    pair.two.finish();
}

#[test]
fn z13_cli_a_push_killed_at_every_step() {
    let mut pair = Pair::of(two!());
    away(&pair.two.lead);
    let Some(mut broker) = steppable(&pair.two.lead) else {
        return pair.two.finish();
    };
    let mut found = Found::default();
    for step in 1.. {
        pair.next();
        let push = || told(&pair.two.lead, &["push"]).run();
        let (is_killed, is_done) = up_to(&mut broker, step, push);
        // What the server has now, before the one who was killed can send it again.
        let pulled = asked(&pair.two.newdev, &["pull"])["pulled"].clone();
        let is_new = pulled == pair.whole();
        assert!(is_new || pulled == json!([]), "step {step}: {pulled}");
        assert!(is_new || !is_done, "acknowledged and lost");
        assert_eq!(pair.in_force(), pair.newest - u32::from(!is_new));
        if !is_killed {
            break;
        }
        broker = again(&pair.two.lead);
        // What the server has is known to be there. What it has not may have been sent again by now.
        let state = pair.stand(&pair.two.lead);
        assert!(
            state == "in-sync" || state == "ahead" && !is_new,
            "step {step}: {state}"
        );
        pair.two.push();
        asked(&pair.two.newdev, &["pull"]);
        assert_eq!(pair.in_force(), pair.newest);
        pair.are_in_sync(&pair.two.lead);
        found.add(is_new);
    }
    pair.are_in_sync(&pair.two.newdev);
    pair.two.post.verifies();
    found.says("a push");
    pair.two.finish();
}

/// The home and the database are put back for each step: a member is removed once.
#[test]
fn z13_cli_a_removal_killed_at_every_step() {
    let mut two = two!();
    away(&two.lead);
    two.post.server.stop();
    let (home, database) = (two.lead.copied(), two.post.server.copied());
    let mut found = Found::default();
    let remove = ["team", "remove", "newdev", "--no-input", "--json"];
    for step in 1.. {
        two.lead.put_back(&home);
        two.post.server.put_back(&database);
        two.post.again();
        let Some(mut broker) = steppable(&two.lead) else {
            return two.finish();
        };
        let run = || two.lead.owner(&remove).run();
        let (is_killed, is_done) = up_to(&mut broker, step, run);
        // What the server has now, before the one who was killed can send it again.
        let pull = told(&two.newdev, &["pull"]).run();
        let is_new = pull.code != Some(0);
        if is_new {
            pull.exits(4).says("unknown_caller");
        }
        assert!(is_new || !is_done, "acknowledged and lost");
        if is_killed {
            drop(broker);
            broker = again(&two.lead);
            let ran = two.lead.owner(&remove).run();
            if ran.code != Some(0) {
                ran.exits(3).says("not_found");
            }
        }
        is_removed(&mut two);
        away(&two.lead);
        drop(broker);
        two.post.server.stop();
        if !is_killed {
            break;
        }
        found.add(is_new);
    }
    two.post.again();
    found.says("a removal");
    two.finish();
}

/// Once, for good, and with a key that the others have.
#[track_caller]
fn is_removed(two: &mut Two) {
    let members = asked(&two.lead, &["team", "members"])["members"].clone();
    let row = named(&members, "newdev");
    assert!(row["removed_at"].is_string(), "{row}");
    assert_eq!(members.as_array().map(Vec::len), Some(2), "{members}");
    is(&two.lead, "KEY", "in-sync", json!(1), json!(1));
    told(&two.newdev, &["pull"]).fails(4).says("unknown_caller");
    two.rotate();
    is(&two.lead, "KEY", "in-sync", json!(2), json!(2));
    two.post.verifies();
}
