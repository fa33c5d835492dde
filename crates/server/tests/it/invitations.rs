//! Whoever holds an open invitation sees enough to join, and nothing else.

use withheld_team::api::{Blob, Heads, Links, Usage};
use withheld_team::id::EnvId;
use withheld_team::links::{Link, Op, Position, Role, Signer, env_genesis};

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
    team.chain.apply(&link).unwrap();
    assert_eq!(running.heads(&team, &bob).w.seq, 3);
    // Whoever has the link sees where it stands, however much there is by now and whoever is gone.
    let removed = team.link(Team::removal(&bob, &[]));
    running.append(&team, &team.owner, &of_links(vec![removed]));
    let again = join(&running, &team, link.clone());
    assert_eq!(again.json::<Heads>(), joined.json::<Heads>());
    let only: Heads = again.json();
    let own = Link::read(&link).unwrap().hash();
    assert_eq!((only.w.seq, only.w.hash), (3, own));
    assert_eq!((only.envs.len(), only.rev), (0, 0));
    let used = running
        .client()
        .signed(&ticket, "GET", &team.path("/heads"), b"");
    used.refused(401, "unsigned");
    let thief = team.join(&ticket, &Device::new(3), NOW);
    join(&running, &team, thief).refused(422, "invalid");
}

#[test]
fn who_is_not_invited_learns_nothing() {
    let ground = Ground::new();
    let (running, mut team, ticket) = invited(&ground, NOW + DAY);
    let stale = team.join(&ticket, &Device::new(2), NOW);
    let made = team.environment(5).1;
    running.append(&team, &team.owner, &made);
    // Of another workspace but for its name: no place fits, and no signature.
    let mut ghost = Team::found(Device::new(7)).0;
    ghost.ws = team.ws;
    let forged = ghost.join(&Ticket::new(99), &Device::new(77), NOW);
    let refused = join(&running, &team, forged).refused(422, "invalid");
    assert_eq!((refused.heads, refused.seq), (None, None));
    // The invitation's id alone is known to others, too.
    let forged = ghost.join(&ticket, &Device::new(77), NOW);
    let spoilt = Link::read(&forged).unwrap();
    let others = spoilt.signatures.into_iter();
    let without = others.filter(|(signer, _)| !matches!(signer, Signer::Invite(_)));
    let forged = Link::of(spoilt.body.to_vec(), without.collect());
    let refused = join(&running, &team, forged).refused(422, "invalid");
    assert_eq!(refused.heads, None);
    // Who is invited is told that the chain has moved, and reads how far with the invitation.
    let refused = join(&running, &team, stale).refused(409, "conflict");
    assert_eq!(refused.heads, None);
}

/// What an invitation opens ends with who made it: as a key to read with, and among those that are open.
#[test]
fn an_invitation_ends_with_its_inviter() {
    let ground = Ground::new();
    let (running, mut team) = ground.with_team(|config| config.limits.invites = 1);
    let (owner, bob) = (team.owner.clone(), Device::new(2));
    let mut bundle = team.admit(&bob, &[]);
    let role = |role, cut| Op::RoleSet {
        member: bob.member,
        role,
        cut,
    };
    bundle.links.push(Blob(team.link(role(Role::Admin, None))));
    running.append(&team, &owner, &bundle);
    let ticket = Ticket::new(40);
    let link = team.draft(&bob, Team::invite(&ticket, &[], NOW + DAY), NOW);
    team.chain.apply(&link).unwrap();
    running.append(&team, &bob, &of_links(vec![link]));
    let read = || {
        let path = team.path("/links");
        running.client().signed(&ticket, "GET", &path, b"")
    };
    assert_eq!(read().status, 200);

    let mut later = team.clone();
    let first = env_genesis(&team.ws, &EnvId::DIRECTORY);
    let nothing = Position {
        seq: 0,
        hash: first,
    };
    let no_admin = later.link(role(Role::Member, Some(nothing)));
    running.append(&team, &owner, &of_links(vec![no_admin]));
    read().refused(401, "unsigned");
    let link = later.join(&ticket, &Device::new(3), NOW);
    join(&running, &team, link).refused(422, "invalid");
    let next = later.link(Team::invite(&Ticket::new(41), &[], NOW + DAY));
    running.append(&team, &owner, &of_links(vec![next]));
}

/// The holder of an invitation has nothing to send, so nothing of it is taken in.
#[test]
fn of_an_invitation_no_body_is_read() {
    let ground = Ground::new();
    let (running, team, ticket) = invited(&ground, NOW + DAY);
    let (client, path) = (running.client(), team.path("/links"));
    let draft = client.draft("POST", &path, b"another body");
    let reply = client.send_draft(&ticket, &draft, "POST", &path, &[], b"this body");
    reply.refused(403, "forbidden");
    let large = vec![b' '; (256 << 10) + 1];
    let reply = client.signed(&ticket, "GET", &team.path("/heads"), &large);
    reply.refused(413, "too_large");
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
