//! How much one caller may ask for, and a workspace may hold.

use withheld_team::api::{Blob, Bundle, Get, Limits, Server};
use withheld_team::id::{EnvId, RecordId};
use withheld_team::links::{Op, Right};

use crate::client::Reply;
use crate::content::{Env, of_commits};
use crate::running::{Ground, Running};
use crate::team::{DAY, Device, NOW, Team, Ticket, of_links};

/// A server with these limits and a team with an environment.
pub(crate) fn limited(ground: &Ground, edit: impl FnOnce(&mut Limits)) -> (Running, Team, Env) {
    let (running, mut team) = ground.with_team(|config| edit(&mut config.limits));
    let (env, made) = team.environment(5);
    running.append(&team, &team.owner, &made);
    (running, team, env)
}

fn set(running: &Running, team: &Team, env: &Env, secrets: &[(u8, &[u8])]) -> Reply {
    let parts = team.drafted(env, &team.owner, secrets);
    running.try_append(team, &team.owner, &of_commits(vec![parts]))
}

#[test]
fn sizes_are_bounded() {
    let ground = Ground::new();
    let (running, team, env) = limited(&ground, |limits| {
        limits.body = 20_000;
        limits.record = 2_000;
        limits.changes = 2;
    });
    let told: Server = running.client().send("GET", "/v1/server", &[], b"").json();
    assert_eq!((told.version, told.limits.body), (0, 20_000));

    let large = vec![b' '; 20_001];
    let reply = running
        .client()
        .signed(&team.owner, "POST", &team.path("/links"), &large);
    reply.refused(413, "too_large");
    set(&running, &team, &env, &[(1, &[0; 2_000])]).refused(413, "too_large");
    set(&running, &team, &env, &[(1, b"a"), (2, b"b"), (3, b"c")]).refused(413, "too_large");
    let get = Get {
        ids: vec![(RecordId::of([1; 16]), 1); 3],
        parts: Vec::new(),
    };
    let path = team.env_path(&env.id, "/records:get");
    let body = serde_json::to_vec(&get).unwrap();
    let reply = running.client().signed(&team.owner, "POST", &path, &body);
    reply.refused(413, "too_large");
    assert_eq!(
        set(&running, &team, &env, &[(1, b"a"), (2, b"b")]).status,
        200
    );
}

#[test]
fn the_longest_value_fits() {
    let ground = Ground::new();
    let (running, team, env) = limited(&ground, |_| ());
    // 64 KiB, padded and sealed, and a record around them.
    let (sealed, rest) = ([0; 67_584 + 16], 4_096);
    let told: Server = running.client().send("GET", "/v1/server", &[], b"").json();
    assert!(told.limits.record > (sealed.len() + rest) as u64);
    // Here the name part repeats the value, so half of that is what fits.
    set(&running, &team, &env, &[(1, &sealed)]).refused(413, "too_large");
    let half = &sealed[..60_000];
    assert_eq!(set(&running, &team, &env, &[(1, half)]).status, 200);
}

#[test]
fn large_bodies_give_their_place_back() {
    let ground = Ground::new();
    let (running, team, mut env) = limited(&ground, |_| ());
    let sealed = [0; 60_000];
    let secrets: Vec<(u8, &[u8])> = (0..3).map(|number| (number, &sealed[..])).collect();
    // More of them, one after the other, than there are places.
    for _ in 0..20 {
        let parts = team.set(&mut env, &team.owner, &secrets);
        running.append(&team, &team.owner, &of_commits(vec![parts]));
    }
}

#[test]
fn a_link_is_bounded() {
    let ground = Ground::new();
    let (running, team, _) = limited(&ground, |limits| limits.link = 2_000);
    let ticket = Ticket::new(40);
    let rights: Vec<_> = (0..200)
        .map(|n| (EnvId::of([n; 16]), Right::Read))
        .collect();
    let long = team.draft(&team.owner, Team::invite(&ticket, &rights, NOW + DAY), NOW);
    let reply = running.try_append(&team, &team.owner, &of_links(vec![long]));
    reply.refused(413, "too_large");
}

#[test]
fn a_workspace_is_bounded() {
    let ground = Ground::new();
    let (running, mut team, mut env) = limited(&ground, |limits| {
        limits.secrets = 3;
        limits.environments = 2;
        limits.devices = 2;
        limits.invites = 1;
    });
    let owner = team.owner.clone();
    let link = |team: &Team, op| of_links(vec![team.draft(&owner, op, NOW)]);
    let append = |team: &Team, bundle: &Bundle| running.try_append(team, &owner, bundle);

    let third = link(
        &team,
        Op::EnvCreate {
            env: EnvId::of([6; 16]),
        },
    );
    append(&team, &third).refused(507, "quota");
    let parts = team.set(&mut env, &owner, &[(1, b"a"), (2, b"b"), (3, b"c")]);
    assert_eq!(append(&team, &of_commits(vec![parts])).status, 200);
    set(&running, &team, &env, &[(4, b"d")]).refused(507, "quota");
    assert_eq!(set(&running, &team, &env, &[(3, b"changed")]).status, 200);

    let ticket = Ticket::new(40);
    let invited = team.link(Team::invite(&ticket, &[], NOW + DAY));
    assert_eq!(append(&team, &of_links(vec![invited])).status, 200);
    let second = link(&team, Team::invite(&Ticket::new(41), &[], NOW + DAY));
    append(&team, &second).refused(507, "quota");
    let joined = team.join(&ticket, &Device::new(2), NOW);
    team.chain.apply(&joined).unwrap();
    assert_eq!(append(&team, &of_links(vec![joined])).status, 200);
    let next = team.admit(&Device::new(3), &[]);
    append(&team, &next).refused(507, "quota");
    running.stop();
    ground.is_sound();
}

/// Deleted ones count, so that nobody makes an environment longer than its readers take.
#[test]
fn an_environment_has_so_many_secrets_ever() {
    let ground = Ground::new();
    let (running, team, mut env) = limited(&ground, |limits| limits.entries = 2);
    let owner = team.owner.clone();
    let append = |parts| running.try_append(&team, &owner, &of_commits(vec![parts]));

    let parts = team.set(&mut env, &owner, &[(1, b"a"), (2, b"b")]);
    assert_eq!(append(parts).status, 200);
    let parts = team.delete(&mut env, &owner, 2);
    assert_eq!(append(parts).status, 200);
    let refused = set(&running, &team, &env, &[(3, b"c")]).refused(507, "quota");
    assert_eq!(
        refused.detail,
        "use another environment; this one has had all its secrets, deleted ones included"
    );
    // What was there may change and come back.
    let parts = team.set(&mut env, &owner, &[(1, b"changed"), (2, b"again")]);
    assert_eq!(append(parts).status, 200);
    running.stop();
    ground.is_sound();
}

#[test]
fn a_workspace_holds_so_many_bytes() {
    let ground = Ground::new();
    let (running, team, env) = limited(&ground, |limits| limits.bytes = 20_000);
    let large = [0; 16_000];
    set(&running, &team, &env, &[(1, &large), (2, &large)]).refused(507, "quota");
    assert_eq!(set(&running, &team, &env, &[(1, b"small")]).status, 200);
}

/// Asks as often as a full bucket lets, and once more. The server's clock stands still meanwhile.
#[track_caller]
pub(crate) fn until_refused(burst: usize, ask: impl Fn() -> Reply) -> Reply {
    for at in 0..burst {
        let reply = ask();
        assert_ne!(reply.status, 429, "refused after {at}");
    }
    let reply = ask();
    reply.refused(429, "rate");
    reply
}

#[test]
fn a_stranger_is_slowed_down() {
    let ground = Ground::new();
    let (running, team) = ground.with_team(|_| ());
    let client = running.client();
    let from = |address: &str| vec![("X-Forwarded-For".to_owned(), address.to_owned())];
    let send = |method: &str, path: &str, address: &str| {
        let fields = from(address);
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        client.send(method, path, &fields, b"{}")
    };
    let heads = team.path("/heads");
    let refused = until_refused(20, || send("GET", &heads, "192.0.2.1"));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds >= 1);
    until_refused(20, || send("POST", &team.path("/join"), "192.0.2.2"));
    until_refused(20, || send("POST", "/v1/ws", "192.0.2.3"));
    // What stands before the last address the caller wrote.
    until_refused(20, || send("POST", "/v1/ws", "198.51.100.7, 192.0.2.4"));
    send("POST", "/v1/ws", "198.51.100.8, 192.0.2.4").refused(429, "rate");
    send("POST", "/v1/ws", "198.51.100.7").refused(401, "unsigned");
    // Signed requests of others are not slowed.
    assert_eq!(client.signed(&team.owner, "GET", &heads, b"").status, 200);
}

#[test]
fn a_device_is_slowed_down() {
    let ground = Ground::new();
    let (running, mut team) = ground.with_team(|_| ());
    let bob = Device::new(2);
    let admitted = team.admit(&bob, &[]);
    running.append(&team, &team.owner, &admitted);
    ground.set_clock(NOW + 50);
    let (client, path) = (running.client(), team.path("/heads"));
    until_refused(200, || client.signed(&team.owner, "GET", &path, b""));
    assert_eq!(client.signed(&bob, "GET", &path, b"").status, 200);
}

/// Nobody is shut out by what others send from the same address.
#[test]
fn a_stranger_does_not_slow_a_member_down() {
    let ground = Ground::new();
    let (running, team) = ground.with_team(|_| ());
    let (client, path) = (running.client(), team.path("/heads"));
    // Of a member, a wrong clock is not counted.
    let mut late = client.draft("GET", &path, b"");
    late.created -= 61;
    for _ in 0..25 {
        let reply = client.send_draft(&team.owner, &late, "GET", &path, &[], b"");
        reply.refused(401, "clock");
    }
    // Making the workspace was the first request of the bucket.
    until_refused(19, || client.send("GET", &path, &[], b""));
    assert_eq!(client.signed(&team.owner, "GET", &path, b"").status, 200);
}

#[test]
fn an_invitation_is_slowed_down() {
    let ground = Ground::new();
    let (running, mut team) = ground.with_team(|_| ());
    let ticket = Ticket::new(40);
    let invited = team.link(Team::invite(&ticket, &[], NOW + DAY));
    running.append(&team, &team.owner, &of_links(vec![invited]));
    let (client, path) = (running.client(), team.path("/links"));
    until_refused(20, || client.signed(&ticket, "GET", &path, b""));
    assert_eq!(client.signed(&team.owner, "GET", &path, b"").status, 200);
}

/// What puts a full workspace in order still fits: a leaver can be removed from it.
#[test]
fn from_a_full_workspace_somebody_can_be_removed() {
    let ground = Ground::new();
    let (running, mut team, mut env) = limited(&ground, |limits| limits.bytes = 40_000);
    let (owner, bob) = (team.owner.clone(), Device::new(2));
    let mut admitted = team.admit(&bob, &[(env.id, Right::Write)]);
    admitted.links.push(Blob(team.epoch(&env.id)));
    running.append(&team, &owner, &admitted);
    loop {
        let parts = team.drafted(&env, &bob, &[(1, &[0; 40])]);
        let reply = running.try_append(&team, &bob, &of_commits(vec![parts.clone()]));
        if reply.status != 200 {
            reply.refused(507, "quota");
            break;
        }
        env.chain.apply(&team.chain, &parts.commit.0).unwrap();
    }
    let removed = team.link(Team::removal(&bob, &[&env]));
    let mut bundle = of_links(vec![removed, team.epoch(&env.id)]);
    bundle.envelopes = vec![Blob(team.envelope(&env.id, &owner, &owner))];
    bundle.commits = vec![team.rewrap(&mut env, &owner)];
    running.append(&team, &owner, &bundle);
    set(&running, &team, &env, &[(2, b"x")]).refused(507, "quota");
}
