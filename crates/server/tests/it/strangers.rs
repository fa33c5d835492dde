//! Who is nobody here: each row spoils one thing of a request that would pass.

use withheld_server::store::{Sqlite, Store as _};
use withheld_team::api::Limits;
use withheld_team::http_signature::content_digest;
use withheld_team::id::EnvId;
use withheld_team::links::Op;

use crate::client::{Client, Draft, Reply};
use crate::running::Ground;
use crate::team::{Device, NOW, Team, of_links};

struct Try<'a> {
    client: Client,
    by: &'a Device,
    path: String,
}

impl Try<'_> {
    fn get(&self, spoil: impl FnOnce(&mut Draft)) -> Reply {
        let mut draft = self.client.draft("GET", &self.path, b"");
        spoil(&mut draft);
        self.client
            .send_draft(self.by, &draft, "GET", &self.path, &[], b"")
    }
}

#[test]
fn a_signature_covers_all_of_a_request() {
    let ground = Ground::new();
    let (running, team) = ground.with_team(|_| ());
    let good = Try {
        client: running.client(),
        by: &team.owner,
        path: team.path("/links?from=1"),
    };
    assert_eq!(good.get(|_| ()).status, 200);
    good.get(|draft| draft.method = "POST".to_owned())
        .refused(401, "unsigned");
    good.get(|draft| draft.authority = "other.test".to_owned())
        .refused(401, "unsigned");
    good.get(|draft| draft.target = team.path("/heads?from=1"))
        .refused(401, "unsigned");
    good.get(|draft| draft.target = team.path("/links?from=2"))
        .refused(401, "unsigned");
    good.get(|draft| draft.target = team.path("/links"))
        .refused(401, "unsigned");
    good.get(|draft| draft.digest = content_digest(b"x"))
        .refused(401, "unsigned");

    let plain = good.client.send("GET", &good.path, &[], b"");
    plain.refused(401, "unsigned");
    let mut impostor = Device::new(9);
    impostor.id = team.owner.id;
    let forged = Try {
        by: &impostor,
        client: running.client(),
        path: good.path.clone(),
    };
    forged.get(|_| ()).refused(401, "unsigned");
    // A field twice, where each alone would do.
    let draft = good.client.draft("GET", &good.path, b"");
    let signed = draft.sign(&team.owner);
    let twice: Vec<_> = signed
        .iter()
        .chain(&signed[2..])
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    good.client
        .send("GET", &good.path, &twice, b"")
        .refused(401, "unsigned");
}

#[test]
fn a_body_is_the_one_that_was_signed() {
    let ground = Ground::new();
    let (running, mut team) = ground.with_team(|_| ());
    let (_, made) = team.environment(5);
    let body = serde_json::to_vec(&made).unwrap();
    let (client, path) = (running.client(), team.path("/links"));
    let draft = client.draft("POST", &path, b"another body");
    let reply = client.send_draft(&team.owner, &draft, "POST", &path, &[], &body);
    reply.refused(401, "unsigned");
    let draft = client.draft("POST", &path, &body);
    let reply = client.send_draft(&team.owner, &draft, "POST", &path, &[], b"another body");
    reply.refused(401, "unsigned");
    assert_eq!(running.heads(&team, &team.owner).w.seq, 1);
}

#[test]
fn a_wrong_clock_is_told_the_time() {
    let ground = Ground::new();
    let (running, team) = ground.with_team(|_| ());
    let request = Try {
        client: running.client(),
        by: &team.owner,
        path: team.path("/heads"),
    };
    for (created, passes) in [(-61, false), (-60, true), (60, true), (61, false)] {
        let created = (NOW / 1000).checked_add_signed(created).unwrap();
        let reply = request.get(|draft| draft.created = created);
        if passes {
            assert_eq!(reply.status, 200, "{reply:?}");
        } else {
            reply.refused(401, "clock");
            assert_eq!(reply.json::<serde_json::Value>()["now"], NOW);
        }
    }
}

#[test]
fn unknown_and_not_yours_look_the_same() {
    let ground = Ground::new();
    let (running, team) = ground.with_team(|_| ());
    running.stop();
    // A second workspace on the same server.
    let other = second_workspace(&ground);
    let running = ground.start();
    let client = running.client();
    let foreign = client.signed(&team.owner, "GET", &other.path("/heads"), b"");
    foreign.refused(404, "not_found");
    let nowhere = Team::found(Device::new(7)).0.path("/heads");
    let unknown = client.signed(&team.owner, "GET", &nowhere, b"");
    unknown.refused(404, "not_found");
    assert_eq!(foreign.body, unknown.body);
    let odd = client.signed(&team.owner, "GET", "/v1/ws/zz/heads", b"");
    assert_eq!(odd.body, unknown.body);
    let stranger = client.signed(&Device::new(9), "GET", &team.path("/heads"), b"");
    assert_eq!(stranger.body, unknown.body);
    assert_eq!(
        client
            .signed(&other.owner, "GET", &other.path("/heads"), b"")
            .status,
        200
    );
    // An environment that is nowhere.
    let path = team.env_path(&EnvId::of([9; 16]), "/commits");
    let reply = client.signed(&team.owner, "GET", &path, b"");
    assert_eq!(reply.body, unknown.body);
    // And what no route is.
    client
        .send("GET", "/v2", &[], b"")
        .refused(404, "not_found");
    client
        .send("DELETE", "/v1/server", &[], b"")
        .refused(404, "not_found");
}

/// Made by the database itself: over HTTP there is one token, for one workspace.
fn second_workspace(ground: &Ground) -> Team {
    use withheld_server::store::{Append, DeviceRow, NewLink};
    use withheld_team::api::Position;
    use withheld_team::id::Hash;
    use withheld_team::links::env_genesis;

    let (team, bundle) = Team::found(Device::new(2));
    let append = Append {
        ws: team.ws,
        by: team.owner.id,
        at: NOW,
        after: Position {
            seq: 0,
            hash: Hash::ZERO,
        },
        links: vec![NewLink {
            hash: team.ws.into(),
            signed: bundle.links[0].0.clone(),
        }],
        begun: vec![(EnvId::DIRECTORY, env_genesis(&team.ws, &EnvId::DIRECTORY))],
        epochs: Vec::new(),
        devices: vec![DeviceRow {
            device: team.owner.id,
            ops: team.owner.public.ops,
            live: true,
        }],
        cuts: Vec::new(),
        commits: Vec::new(),
        envelopes: Vec::new(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Sqlite::open(&ground.database()).await.unwrap();
        store.create(&append, &Limits::default()).await.unwrap();
        store.close().await;
    });
    team
}

#[test]
fn who_was_removed_is_out_at_once() {
    let ground = Ground::new();
    let (running, mut team) = ground.with_team(|_| ());
    let bob = Device::new(2);
    let admitted = team.admit(&bob, &[]);
    running.append(&team, &team.owner, &admitted);
    assert_eq!(running.heads(&team, &bob).w.seq, 3);
    let removed = team.link(Team::removal(&bob, &[]));
    running.append(&team, &team.owner, &of_links(vec![removed]));
    for (method, path) in [
        ("GET", team.path("/heads")),
        ("GET", team.path("/links")),
        ("GET", team.path("/envelopes")),
        ("POST", team.path("/links")),
        ("POST", team.path("/lease")),
        ("GET", team.env_path(&EnvId::DIRECTORY, "/snapshot")),
    ] {
        let reply = running.client().signed(&bob, method, &path, b"");
        reply.refused(401, "unsigned");
    }
    // What he signed before is no way in either: the link is by a device that was removed.
    let link = team.draft(
        &bob,
        Op::EnvCreate {
            env: EnvId::of([8; 16]),
        },
        NOW,
    );
    let reply = running.try_append(&team, &team.owner, &of_links(vec![link]));
    reply.refused(422, "invalid");
}
