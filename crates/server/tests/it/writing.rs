//! What is stored comes back; what does not fit is stored nowhere.

use withheld_team::api::{
    Blob, Bundle, CommitParts, Commits, Envelopes, Get, Got, Heads, Links, Part, Snapshot, Usage,
};
use withheld_team::id::{EnvId, RecordId};
use withheld_team::links::{Op, Right};

use crate::client::Reply;
use crate::content::{Env, of_commits};
use crate::running::{Ground, Running};
use crate::team::{Device, Team, of_links};

fn push(running: &Running, team: &Team, by: &Device, parts: &CommitParts) -> Reply {
    let body = serde_json::to_vec(parts).unwrap();
    let path = team.env_path(&parts.env, "/commits");
    running.client().signed(by, "POST", &path, &body)
}

fn get<T: serde::de::DeserializeOwned>(running: &Running, by: &Device, path: &str) -> T {
    let reply = running.client().signed(by, "GET", path, b"");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn ask(running: &Running, team: &Team, by: &Device, env: &EnvId, get: &Get) -> Reply {
    let body = serde_json::to_vec(get).unwrap();
    let path = team.env_path(env, "/records:get");
    running.client().signed(by, "POST", &path, &body)
}

/// A server with a team, an environment of it, and a second device that can write there.
fn shared(ground: &Ground) -> (Running, Team, Env, Device) {
    let (running, mut team) = ground.with_team(|_| ());
    let owner = team.owner.clone();
    let (env, made) = team.environment(5);
    running.append(&team, &owner, &made);
    let bob = Device::new(2);
    let mut admitted = team.admit(&bob, &[(env.id, Right::Write)]);
    admitted.links.push(Blob(team.epoch(&env.id)));
    running.append(&team, &owner, &admitted);
    (running, team, env, bob)
}

#[test]
fn everything_comes_back_as_it_was() {
    let ground = Ground::new();
    let (running, team, mut env, bob) = shared(&ground);
    let parts = team.set(&mut env, &bob, &[(1, b"first"), (2, b"second")]);
    let stored = push(&running, &team, &bob, &parts);
    assert_eq!(stored.status, 200, "{stored:?}");
    let heads: Heads = stored.json();
    let head = heads.envs.iter().find(|head| head.env == env.id).unwrap();
    assert_eq!((head.seq, head.hash), (1, env.chain.head().hash));
    assert_eq!(running.heads(&team, &bob), heads);

    let links: Links = get(&running, &bob, &team.path("/links"));
    assert_eq!((links.links.len(), links.next), (6, None));
    let commits: Commits = get(&running, &bob, &team.env_path(&env.id, "/commits"));
    assert_eq!(
        (commits.commits, commits.next),
        (vec![parts.commit.clone()], None)
    );
    let snapshot: Snapshot = get(&running, &bob, &team.env_path(&env.id, "/snapshot"));
    assert_eq!(snapshot.commit, Some(parts.commit));
    assert_eq!(snapshot.entries.len(), 2);

    let ids = vec![(RecordId::of([2; 16]), 1), (RecordId::of([1; 16]), 1)];
    let all = Get {
        ids,
        parts: vec![Part::Meta, Part::Value, Part::Slot],
    };
    let got: Got = ask(&running, &team, &bob, &env.id, &all).json();
    assert_eq!(got.records[0].record, parts.records[1].record);
    assert_eq!(got.records[0].value, Some(Blob(b"second".to_vec())));
    assert_eq!(got.records[1].meta, Some(Blob(b"name of first".to_vec())));
    assert_eq!(got.records[1].slot, Some(parts.slots[0].clone()));
    let names = Get {
        parts: vec![Part::Meta],
        ..all
    };
    let got: Got = ask(&running, &team, &bob, &env.id, &names).json();
    assert!(
        got.records
            .iter()
            .all(|it| it.meta.is_some() && it.value.is_none() && it.slot.is_none())
    );

    let usage: Usage = get(&running, &bob, &team.path("/usage"));
    assert_eq!((usage.links, usage.devices, usage.secrets), (6, 2, 2));
    running.stop();
    ground.is_sound();
}

#[test]
fn of_two_writers_one_is_first() {
    let ground = Ground::new();
    let (running, team, env, bob) = shared(&ground);
    let (mut one, mut other) = (env.clone(), env);
    let first = team.set(&mut one, &team.owner, &[(1, b"owner's")]);
    let second = team.set(&mut other, &bob, &[(2, b"bob's")]);
    let stored: Heads = push(&running, &team, &team.owner, &first).json();
    let refused = push(&running, &team, &bob, &second).refused(409, "conflict");
    assert_eq!(refused.heads, Some(stored));
    // Bob reads what came first, and is next.
    let rebased = team.set(&mut one, &bob, &[(2, b"bob's")]);
    assert_eq!(push(&running, &team, &bob, &rebased).status, 200);
    // A link beside the newest is a conflict, too.
    let mut late = team.clone();
    late.chain = withheld_team::chain::Chain::begin(team.ws, &first_link(&running, &team)).unwrap();
    let link = late.link(Op::EnvCreate {
        env: EnvId::of([9; 16]),
    });
    let reply = running.try_append(&team, &team.owner, &of_links(vec![link]));
    reply.refused(409, "conflict");
    running.stop();
    ground.is_sound();
}

fn first_link(running: &Running, team: &Team) -> Vec<u8> {
    let path = team.path("/links?from=1&limit=1");
    let links: Links = get(running, &team.owner, &path);
    links.links[0].0.clone()
}

#[test]
fn the_same_again_is_answered_like_the_first_time() {
    let ground = Ground::new();
    let (running, mut team, mut env, bob) = shared(&ground);
    let owner = team.owner.clone();
    let first = team.set(&mut env, &bob, &[(1, b"one")]);
    assert_eq!(push(&running, &team, &bob, &first).status, 200);
    let made = team.environment(6).1;
    running.append(&team, &owner, &made);
    let second = team.set(&mut env, &bob, &[(1, b"two")]);
    let heads: Heads = push(&running, &team, &bob, &second).json();
    for parts in [&first, &second] {
        assert_eq!(push(&running, &team, &bob, parts).json::<Heads>(), heads);
    }
    assert_eq!(running.append(&team, &owner, &made), heads);
    let usage: Usage = get(&running, &bob, &team.path("/usage"));
    running.stop();
    let again = ground.start();
    assert_eq!(push(&again, &team, &bob, &first).json::<Heads>(), heads);
    assert_eq!(get::<Usage>(&again, &bob, &team.path("/usage")), usage);
    // And a server that has just started knows what comes next.
    let third = team.set(&mut env, &bob, &[(2, b"three")]);
    assert_eq!(push(&again, &team, &bob, &third).status, 200);
}

#[test]
fn what_breaks_a_rule_is_stored_nowhere() {
    let ground = Ground::new();
    let (running, team, mut env, bob) = shared(&ground);
    let owner = team.owner.clone();
    let before = running.heads(&team, &owner);

    let stranger = Device::new(9);
    let forged = team.drafted(&env, &stranger, &[(1, b"x")]);
    let refused = push(&running, &team, &bob, &forged).refused(422, "invalid");
    assert_eq!(refused.seq, Some(1));
    let good = team.drafted(&env, &bob, &[(1, b"x")]);
    let mut other_value = good.clone();
    other_value.records[0].value = Some(Blob(b"y".to_vec()));
    let mut no_value = good.clone();
    no_value.records[0].value = None;
    let mut no_slot = good.clone();
    no_slot.slots.clear();
    let mut no_record = good.clone();
    no_record.records.clear();
    let mut other_env = good.clone();
    other_env.env = EnvId::DIRECTORY;
    for spoilt in [other_value, no_value, no_slot, no_record] {
        push(&running, &team, &bob, &spoilt).refused(422, "invalid");
    }
    push(&running, &team, &bob, &other_env).refused(422, "invalid");

    // Bob is a member: he makes no environment.
    let by_bob = team.draft(
        &bob,
        Op::EnvCreate {
            env: EnvId::of([8; 16]),
        },
        crate::team::NOW,
    );
    let refused = running.try_append(&team, &bob, &of_links(vec![by_bob]));
    assert_eq!(refused.refused(422, "invalid").seq, Some(7));
    // A good link and a commit that breaks a rule: neither.
    let mut bundle = of_commits(vec![forged]);
    bundle.links = team.clone().environment(6).1.links;
    running
        .try_append(&team, &owner, &bundle)
        .refused(422, "invalid");
    running
        .try_append(&team, &owner, &Bundle::default())
        .refused(400, "malformed");
    assert_eq!(running.heads(&team, &owner), before);
    // And what is right still fits.
    let parts = team.set(&mut env, &bob, &[(1, b"x")]);
    assert_eq!(push(&running, &team, &bob, &parts).status, 200);
}

#[test]
fn a_removal_a_new_key_and_its_re_wrap_are_one() {
    let ground = Ground::new();
    let (running, mut team, mut env, bob) = shared(&ground);
    let owner = team.owner.clone();
    let parts = team.set(&mut env, &bob, &[(1, b"one"), (2, b"two")]);
    assert_eq!(push(&running, &team, &bob, &parts).status, 200);

    // Bob is faster than a removal that does not know of his last commit.
    let late = team.draft(&owner, Team::removal(&bob, &[&env]), crate::team::NOW);
    let parts = team.set(&mut env, &bob, &[(3, b"three")]);
    assert_eq!(push(&running, &team, &bob, &parts).status, 200);
    let refused = running.try_append(&team, &owner, &of_links(vec![late]));
    refused.refused(409, "conflict");

    let removed = team.link(Team::removal(&bob, &[&env]));
    let epoch = team.epoch(&env.id);
    let mut bundle = of_links(vec![removed, epoch]);
    bundle.envelopes = vec![Blob(team.envelope(&env.id, &owner, &owner))];
    bundle.commits = vec![team.rewrap(&mut env, &owner)];
    running.append(&team, &owner, &bundle);
    let own: Envelopes = get(&running, &owner, &team.path("/envelopes"));
    assert_eq!(own.envelopes, bundle.envelopes);
    let since = team.path(&format!("/envelopes?since={}", own.rev));
    assert_eq!(get::<Envelopes>(&running, &owner, &since).envelopes, []);

    let ids = vec![(RecordId::of([3; 16]), 1)];
    let parts = vec![Part::Slot];
    let got: Got = ask(&running, &team, &owner, &env.id, &Get { ids, parts }).json();
    assert_eq!(
        got.records[0].slot,
        Some(bundle.commits[0].slots[2].clone())
    );
    let reply = running
        .client()
        .signed(&bob, "GET", &team.path("/heads"), b"");
    reply.refused(401, "unsigned");
    running.stop();
    ground.is_sound();
}

#[test]
fn envelopes_are_for_those_who_may_have_them() {
    let ground = Ground::new();
    let (running, mut team, env, bob) = shared(&ground);
    let owner = team.owner.clone();
    let eve = Device::new(3);
    let admitted = team.admit(&eve, &[]);
    running.append(&team, &owner, &admitted);
    let send = |envelope: Vec<u8>, by: &Device| {
        let bundle = Bundle {
            envelopes: vec![Blob(envelope)],
            ..Bundle::default()
        };
        let body = serde_json::to_vec(&bundle).unwrap();
        running
            .client()
            .signed(by, "POST", &team.path("/envelopes"), &body)
    };
    assert_eq!(
        send(team.envelope(&env.id, &owner, &bob), &owner).status,
        200
    );
    // Anybody who has the key may seal it to anybody who is entitled; eve is not.
    send(team.envelope(&env.id, &owner, &eve), &owner).refused(422, "invalid");
    let bobs: Envelopes = get(&running, &bob, &team.path("/envelopes"));
    assert_eq!(bobs.envelopes, [Blob(team.envelope(&env.id, &owner, &bob))]);
    assert_eq!(
        get::<Envelopes>(&running, &eve, &team.path("/envelopes")).envelopes,
        []
    );
    // Nor does she get what the keys open.
    let ids = vec![(RecordId::of([1; 16]), 1)];
    let get = Get {
        ids,
        parts: vec![Part::Value],
    };
    ask(&running, &team, &eve, &env.id, &get).refused(404, "not_found");
}

/// By the rules of the chain a commit may name the link before a removal. The key that it is sealed under
/// is one that the leaver has: the author must see the removal first.
#[test]
fn what_a_leaver_could_open_is_not_taken() {
    let ground = Ground::new();
    let (running, mut team, env, bob) = shared(&ground);
    let owner = team.owner.clone();
    let eve = Device::new(3);
    let mut admitted = team.admit(&eve, &[(env.id, Right::Read)]);
    admitted.links.push(Blob(team.epoch(&env.id)));
    running.append(&team, &owner, &admitted);
    let late = team.drafted(&env, &bob, &[(1, b"before")]);
    let removed = team.link(Team::removal(&eve, &[]));
    running.append(&team, &owner, &of_links(vec![removed]));
    push(&running, &team, &bob, &late).refused(409, "conflict");
    // Nor with a new key that it does not use.
    let epoch = team.epoch(&env.id);
    running.append(&team, &owner, &of_links(vec![epoch]));
    push(&running, &team, &bob, &late).refused(409, "conflict");
    let parts = team.drafted(&env, &bob, &[(1, b"after")]);
    assert_eq!(push(&running, &team, &bob, &parts).status, 200);
}
