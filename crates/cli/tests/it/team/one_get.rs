//! What it costs to look: one request, and nothing of the keychain.

use withheld_testkit::{Keyring, Mood, Watch, World};

use super::two::{Two, asked, away};
use crate::common::BINARY;

const NOTHING: [&str; 0] = [];

/// What was read from the keyring since the last look. The audit log keeps a copy of its end there, seconds after
/// its last record: that is a write, and whoever looks did not ask for it.
fn reads(bus: &mut Watch<'_>) -> Vec<String> {
    let is_read = |call: &String| call.rsplit('.').next().unwrap().starts_with("Get");
    bus.asked().into_iter().filter(is_read).collect()
}

#[test]
fn a_look_with_nothing_changed_is_one_request_and_reads_no_keychain() {
    let keyring = match Keyring::start(Mood::Open) {
        Ok(keyring) => keyring,
        Err(why) => return withheld_testkit::skip(&why),
    };
    let mut bus = match keyring.watch() {
        Ok(bus) => bus,
        Err(why) => return withheld_testkit::skip(&why),
    };
    let (Some(lead), Some(newdev)) = (World::new(BINARY), World::in_keyring(BINARY, &keyring))
    else {
        return;
    };
    let mut two = Two::of(lead, newdev);
    let agent = two.agent();
    let value = two.rotate();
    away(&two.lead);
    asked(&two.newdev, &["pull"]);
    // Nobody has used what came: whoever reads it asks the keychain.
    bus.asked();
    for _ in 0..2 {
        two.newdev.status();
    }
    assert_eq!(reads(&mut bus), NOTHING);
    let who = [
        two.newdev.user_runs(&["status", "--json"]),
        two.newdev.user_runs(&["diff", "--json"]),
        agent.withheld(&["status", "--json"]),
        agent.withheld(&["diff", "--json"]),
    ];
    for command in who {
        two.post.tap.take();
        let ran = command.succeeds();
        let seen = two.post.tap.take();
        let asked: Vec<String> = seen
            .iter()
            .map(|one| format!("{} {:?}", one.method, one.status()))
            .collect();
        assert_eq!(asked, ["GET Some(304)"], "{ran}");
        assert!(seen[0].path.ends_with("/heads"), "{}", seen[0].path);
        assert_eq!(seen[0].query, "");
        assert_eq!(reads(&mut bus), NOTHING, "{ran}");
    }
    // A use is heard.
    two.arrives(&agent, &value);
    let read = "org.freedesktop.Secret.Item.GetSecret".to_owned();
    assert!(reads(&mut bus).contains(&read));
    drop(bus);
    two.finish();
}
