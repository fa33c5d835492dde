//! Whoever holds an open invitation sees enough to join, and nothing else.

use withheld_team::api::{Heads, Links, Usage};
use withheld_team::id::EnvId;
use withheld_team::links::Op;

use crate::client::Reply;
use crate::running::{Ground, Running};
use crate::team::{DAY, Device, NOW, Team, Ticket, of_links};

fn join(running: &Running, team: &Team, link: Vec<u8>) -> Reply {
    let body = serde_json::to_vec(&of_links(vec![link])).unwrap();
    running
        .client()
        .send("POST", &team.path("/join"), &[], &body)
}

/// A server with a team and an open invitation.
fn invited(ground: &Ground, expires: u64) -> (Running, Team, Ticket) {
    let (running, mut team) = ground.with_team(|_| ());
    let ticket = Ticket::new(40);
    let link = team.link(Team::invite(&ticket, &[], expires));
    running.append(&team, &team.owner, &of_links(vec![link]));
    (running, team, ticket)
}

#[test]
fn an_invitation_reads_heads_and_links_only() {
    let ground = Ground::new();
    let (running, team, ticket) = invited(&ground, NOW + DAY);
    let client = running.client();
    let get = |path: &str| client.signed(&ticket, "GET", path, b"");
    assert_eq!(get(&team.path("/heads")).json::<Heads>().w.seq, 2);
    assert_eq!(get(&team.path("/links")).json::<Links>().links.len(), 2);
    for path in [
        team.path("/envelopes"),
        team.path("/usage"),
        team.env_path(&EnvId::DIRECTORY, "/commits"),
        team.env_path(&EnvId::DIRECTORY, "/snapshot"),
    ] {
        get(&path).refused(403, "forbidden");
    }
    for path in [
        team.path("/links"),
        team.path("/envelopes"),
        team.path("/lease"),
        team.env_path(&EnvId::DIRECTORY, "/commits"),
        team.env_path(&EnvId::DIRECTORY, "/records:get"),
    ] {
        client
            .signed(&ticket, "POST", &path, b"{}")
            .refused(403, "forbidden");
    }
    let other = client.signed(&Ticket::new(41), "GET", &team.path("/heads"), b"");
    other.refused(404, "not_found");
}

#[test]
fn an_invitation_is_used_once() {
    let ground = Ground::new();
    let (running, mut team, ticket) = invited(&ground, NOW + DAY);
    let bob = Device::new(2);
    let link = team.join(&ticket, &bob, NOW);
    let joined = join(&running, &team, link.clone());
    assert_eq!(joined.status, 200, "{joined:?}");
    let again = join(&running, &team, link.clone());
    assert_eq!(again.json::<Heads>(), joined.json::<Heads>());
    team.chain.apply(&link).unwrap();
    assert_eq!(running.heads(&team, &bob).w.seq, 3);
    let used = running
        .client()
        .signed(&ticket, "GET", &team.path("/heads"), b"");
    used.refused(401, "unsigned");
    let thief = team.join(&ticket, &Device::new(3), NOW);
    join(&running, &team, thief).refused(422, "invalid");
}

#[test]
fn an_invitation_ends_by_the_servers_clock_too() {
    let ground = Ground::new();
    let (running, team, ticket) = invited(&ground, NOW + 30_000);
    ground.set_clock(NOW + 30_001);
    let late = running
        .client()
        .signed(&ticket, "GET", &team.path("/heads"), b"");
    late.refused(401, "unsigned");
    // Dated back, it is valid by the rules of the chain.
    let link = team.join(&ticket, &Device::new(2), NOW);
    assert!(team.chain.clone().apply(&link).is_ok());
    join(&running, &team, link).refused(422, "invalid");
}

#[test]
fn a_join_brings_one_join_and_nothing_else() {
    let ground = Ground::new();
    let (running, team, ticket) = invited(&ground, NOW + DAY);
    let owner = team.owner.clone();
    let other = team.draft(
        &owner,
        Op::EnvCreate {
            env: EnvId::of([5; 16]),
        },
        NOW,
    );
    join(&running, &team, other).refused(400, "malformed");
    let mut two = of_links(vec![team.join(&ticket, &Device::new(2), NOW)]);
    two.links.push(two.links[0].clone());
    let body = serde_json::to_vec(&two).unwrap();
    let client = running.client();
    client
        .send("POST", &team.path("/join"), &[], &body)
        .refused(400, "malformed");
    let nowhere = Team::found(Device::new(7)).0;
    let link = team.join(&ticket, &Device::new(2), NOW);
    join(&running, &nowhere, link).refused(404, "not_found");
    let ahead = team.join(&ticket, &Device::new(2), NOW + 60_001);
    join(&running, &team, ahead).refused(401, "clock");
    let reply = client.signed(&owner, "GET", &team.path("/usage"), b"");
    assert_eq!(reply.json::<Usage>().links, 2);
}
