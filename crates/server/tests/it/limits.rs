//! How much one caller may ask for, and a workspace may hold.

use withheld_team::api::{Bundle, Get, Lease, Limits, Server};
use withheld_team::id::{EnvId, RecordId};
use withheld_team::links::{Op, Right};

use crate::client::Reply;
use crate::content::{Env, of_commits};
use crate::running::{Ground, Running};
use crate::team::{DAY, Device, NOW, Team, Ticket, of_links};

/// A server with these limits and a team with an environment.
fn limited(ground: &Ground, edit: impl FnOnce(&mut Limits)) -> (Running, Team, Env) {
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

#[test]
fn a_workspace_holds_so_many_bytes() {
    let ground = Ground::new();
    let (running, team, env) = limited(&ground, |limits| limits.bytes = 20_000);
    let large = [0; 16_000];
    set(&running, &team, &env, &[(1, &large), (2, &large)]).refused(507, "quota");
    assert_eq!(set(&running, &team, &env, &[(1, b"small")]).status, 200);
}

/// Asks until it is refused. The bucket fills while it is emptied, so only its burst is certain.
fn until_refused(burst: usize, ask: impl Fn() -> Reply) -> Reply {
    for at in 0..100 * burst {
        let reply = ask();
        if reply.status == 429 {
            assert!(at >= burst, "refused after {at}");
            return reply;
        }
    }
    panic!("never refused");
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
    refused.refused(429, "rate");
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
    let (client, path) = (running.client(), team.path("/heads"));
    let refused = until_refused(200, || client.signed(&team.owner, "GET", &path, b""));
    refused.refused(429, "rate");
    assert_eq!(client.signed(&bob, "GET", &path, b"").status, 200);
}

#[test]
fn a_lease_is_for_one_admin_and_for_seconds() {
    let ground = Ground::new();
    let (running, mut team, mut env) = limited(&ground, |_| ());
    let owner = team.owner.clone();
    let bob = Device::new(2);
    let mut admitted = team.admit(&bob, &[(env.id, Right::Write)]);
    admitted
        .links
        .push(withheld_team::api::Blob(team.epoch(&env.id)));
    running.append(&team, &owner, &admitted);
    let lease = |by: &Device| {
        running
            .client()
            .signed(by, "POST", &team.path("/lease"), b"")
    };
    lease(&bob).refused(403, "forbidden");
    assert_eq!(lease(&owner).json::<Lease>().until, NOW + 10_000);

    let parts = team.set(&mut env, &bob, &[(1, b"a")]);
    let bundle = of_commits(vec![parts]);
    let leased = running.try_append(&team, &bob, &bundle);
    leased.refused(423, "leased");
    assert_eq!(leased.header("retry-after"), Some("10"));
    ground.set_clock(NOW + 10_000);
    running.append(&team, &bob, &bundle);

    assert_eq!(lease(&owner).status, 200);
    assert_eq!(lease(&owner).status, 200);
    lease(&owner).refused(429, "rate");
}
