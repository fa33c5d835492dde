//! Long answers come in pages that begin where the last one ended; what is known is not sent again.

use withheld_team::api::{Blob, Commits, Heads, Links, Snapshot};
use withheld_team::links::Right;

use crate::content::{Env, of_commits};
use crate::running::{Ground, Running};
use crate::team::{Device, Team};

fn get<T: serde::de::DeserializeOwned>(running: &Running, by: &Device, path: &str) -> T {
    let reply = running.client().signed(by, "GET", path, b"");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// Five links and four commits of two secrets each.
fn filled(ground: &Ground) -> (Running, Team, Env, Vec<Blob>) {
    let (running, mut team) = ground.with_team(|_| ());
    let owner = team.owner.clone();
    let (mut env, made) = team.environment(5);
    running.append(&team, &owner, &made);
    let admitted = team.admit(&Device::new(2), &[(env.id, Right::Write)]);
    running.append(&team, &owner, &admitted);
    let epoch = team.epoch(&env.id);
    running.append(&team, &owner, &crate::team::of_links(vec![epoch]));
    let mut commits = Vec::new();
    for number in 0..4 {
        let secrets: [(u8, &[u8]); 2] = [(2 * number, b"a"), (2 * number + 1, b"b")];
        let parts = team.set(&mut env, &owner, &secrets);
        commits.push(parts.commit.clone());
        running.append(&team, &owner, &of_commits(vec![parts]));
    }
    (running, team, env, commits)
}

#[test]
fn chains_are_read_in_pages() {
    let ground = Ground::new();
    let (running, team, env, expected) = filled(&ground);
    let (mut links, mut from) = (Vec::new(), Some(1));
    while let Some(at) = from {
        let path = team.path(&format!("/links?from={at}&limit=4"));
        let page: Links = get(&running, &team.owner, &path);
        assert!(page.links.len() <= 4);
        links.extend(page.links);
        from = page.next;
    }
    assert_eq!(links.len(), 6);
    let whole: Links = get(&running, &team.owner, &team.path("/links"));
    assert_eq!(whole.links, links);
    let path = team.env_path(&env.id, "/commits?from=2&limit=2");
    let page: Commits = get(&running, &team.owner, &path);
    assert_eq!(
        (page.commits, page.next),
        (expected[1..3].to_vec(), Some(4))
    );
    let path = team.env_path(&env.id, "/commits?from=5");
    let page: Commits = get(&running, &team.owner, &path);
    assert_eq!((page.commits, page.next), (Vec::new(), None));
    for odd in ["/links?from=x", "/links?limit=-1", "/links?from=1&from=2"] {
        let reply = running
            .client()
            .signed(&team.owner, "GET", &team.path(odd), b"");
        reply.refused(400, "malformed");
    }
}

#[test]
fn a_state_is_read_in_pages_of_one_commit() {
    let ground = Ground::new();
    let (running, team, mut env, _) = filled(&ground);
    let owner = team.owner.clone();
    let path = |rest: &str| team.env_path(&env.id, &format!("/snapshot?{rest}"));
    let first: Snapshot = get(&running, &owner, &path("limit=3"));
    assert_eq!(first.entries.len(), 3);
    let after = first.next.unwrap();
    assert_eq!(after, first.entries[2].rid);
    let rest: Snapshot = get(&running, &owner, &path(&format!("seq=4&after={after}")));
    assert_eq!((rest.entries.len(), rest.next), (5, None));
    assert_eq!(rest.commit, first.commit);
    let late = path(&format!("seq=4&after={after}"));
    let parts = team.set(&mut env, &owner, &[(0, b"new")]);
    running.append(&team, &owner, &of_commits(vec![parts]));
    let reply = running.client().signed(&owner, "GET", &late, b"");
    let heads = reply.refused(409, "conflict").heads.unwrap();
    assert_eq!(heads, running.heads(&team, &owner));
}

#[test]
fn heads_that_are_known_are_not_sent_again() {
    let ground = Ground::new();
    let (running, team, mut env, _) = filled(&ground);
    let owner = team.owner.clone();
    let (client, path) = (running.client(), team.path("/heads"));
    let first = client.signed(&owner, "GET", &path, b"");
    let etag = first.header("etag").unwrap().to_owned();
    let known = client.signed_with(&owner, "GET", &path, &[("If-None-Match", &etag)]);
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(known.header("etag"), Some(&*etag));
    let parts = team.set(&mut env, &owner, &[(0, b"new")]);
    running.append(&team, &owner, &of_commits(vec![parts]));
    let newer = client.signed_with(&owner, "GET", &path, &[("If-None-Match", &etag)]);
    assert_eq!(newer.status, 200);
    assert_ne!(newer.json::<Heads>(), first.json::<Heads>());
}

#[test]
fn no_cache_keeps_an_answer() {
    let ground = Ground::new();
    let (running, team) = ground.with_team(|_| ());
    let client = running.client();
    for reply in [
        client.signed(&team.owner, "GET", &team.path("/heads"), b""),
        client.send("GET", "/v1/server", &[], b""),
        client.send("GET", &team.path("/heads"), &[], b""),
        client.send("GET", "/nowhere", &[], b""),
    ] {
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}
