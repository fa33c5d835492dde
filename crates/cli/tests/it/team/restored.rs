//! A server whose database was put back to an older state: to who saw more, that is a rollback.

use withheld_testkit::serde_json::json;

use super::drift::two;
use super::two::{asked, away, back, invite, is, join, told};
use crate::common::world;

#[test]
fn z07_cli_an_old_database_is_a_rollback_until_the_new_one_is_back() {
    let mut two = two!();
    let agent = two.agent();
    two.post.server.kill();
    let old = two.post.server.copied();
    two.post.again();
    let value = two.rotate();
    asked(&two.newdev, &["pull"]);
    two.post.server.stop();
    let new = two.post.server.copied();

    two.post.server.put_back(&old);
    two.post.again();
    // It is in itself as good as ever.
    two.post.verifies();
    for world in [&two.lead, &two.newdev] {
        for verb in ["pull", "push"] {
            told(world, &[verb]).fails(8).says("rollback_detected");
        }
        is(world, "KEY", "tampered", json!(2), json!(2));
    }
    two.arrives(&agent, &value);
    // Over a new start of the broker as well: what was seen is kept.
    two.newdev.kill_broker();
    two.newdev.owner(&["unlock", "--no-input"]).succeeds();
    told(&two.newdev, &["pull"])
        .fails(8)
        .says("rollback_detected");
    let listen = two.newdev.status()["broker"]["listen"].clone();
    let mut agent = agent;
    listen.as_str().unwrap().clone_into(&mut agent.broker);
    two.arrives(&agent, &value);

    two.post.server.kill();
    two.post.server.put_back(&new);
    two.post.again();
    for world in [&two.lead, &two.newdev] {
        asked(world, &["pull"]);
        is(world, "KEY", "in-sync", json!(2), json!(2));
    }
    let value = two.rotate();
    asked(&two.newdev, &["pull"]);
    two.arrives(&agent, &value);
    two.finish();
}

/// Somebody who had not seen what was lost writes on top of the old state: as many changes later, another
/// history.
#[test]
fn z07_cli_two_histories_of_one_length_are_a_fork() {
    let mut two = two!();
    let mut third = world!();
    third.also_hide(&two.key);
    let line = invite(&two.lead, "third", &["dev:write"]);
    join(&third, &line);
    two.lead.status();
    asked(&third, &["pull"]);
    two.newdev.status();
    away(&third);
    two.post.server.kill();
    let old = two.post.server.copied();
    two.post.again();
    let value = two.rotate();
    asked(&two.newdev, &["pull"]);
    is(&two.newdev, "KEY", "in-sync", json!(2), json!(2));

    two.post.server.kill();
    two.post.server.put_back(&old);
    // The founder would notice, and writes nothing.
    away(&two.lead);
    two.post.again();
    back(&third);
    let other = two.value();
    third.also_hide(&other);
    third.also_hide(&value);
    third.set("KEY", &other);
    let pushed = asked(&third, &["push"])["pushed"].clone();
    assert_eq!(pushed, json!([{"name": "KEY", "version": 2}]));
    told(&two.newdev, &["pull"]).fails(8).says("fork_detected");
    is(&two.newdev, "KEY", "tampered", json!(2), json!(2));
    let agent = two.agent();
    two.arrives(&agent, &value);
    third.finish();
    two.finish();
}
