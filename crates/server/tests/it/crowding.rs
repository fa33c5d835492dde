//! Many who read what is large at once.

use std::thread;

use withheld_team::api::{Get, Got, Part};
use withheld_team::id::RecordId;
use withheld_team::links::Right;

use crate::content::of_commits;
use crate::limits::limited;
use crate::running::Ground;
use crate::team::Device;

/// More of them than there are places: they wait for each other, and all are answered.
#[test]
fn many_read_large_answers_at_once() {
    let ground = Ground::new();
    let (running, mut team, mut env) = limited(&ground, |_| ());
    let owner = team.owner.clone();
    let sealed = [7; 10_000];
    let secrets: Vec<(u8, &[u8])> = (0..20).map(|number| (number, &sealed[..])).collect();
    let parts = team.set(&mut env, &owner, &secrets);
    running.append(&team, &owner, &of_commits(vec![parts]));
    let readers: Vec<Device> = (2..12).map(Device::new).collect();
    for reader in &readers {
        let admitted = team.admit(reader, &[(env.id, Right::Read)]);
        running.append(&team, &owner, &admitted);
    }
    let question = Get {
        ids: (0..20).map(|n| (RecordId::of([n; 16]), 1)).collect(),
        parts: vec![Part::Meta, Part::Value],
    };
    let body = serde_json::to_vec(&question).unwrap();
    let path = team.env_path(&env.id, "/records:get");
    let (client, body, path) = (&running.client(), &body, &path);
    thread::scope(|all| {
        // Four of each, which is what one may have.
        for reader in readers.iter().cycle().take(4 * readers.len()) {
            all.spawn(move || {
                let reply = client.signed(reader, "POST", path, body);
                assert_eq!(reply.status, 200);
                assert_eq!(reply.json::<Got>().records.len(), 20);
            });
        }
    });
    // Every place is free again, for one as for all.
    for _ in 0..20 {
        let reply = client.signed(&owner, "POST", path, body);
        assert_eq!(reply.status, 200);
    }
}
