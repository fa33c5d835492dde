//! The first workspace.

use std::os::unix::fs::PermissionsExt as _;

use withheld_team::api::{Blob, Heads};
use withheld_team::commit::EnvChain;
use withheld_team::id::EnvId;

use crate::content::Env;
use crate::running::Ground;
use crate::team::{DAY, Device, NOW, Team};

#[test]
fn the_token_makes_one_workspace() {
    let ground = Ground::new();
    let running = ground.start();
    let client = running.client();
    let (team, bundle) = Team::found(Device::new(1));
    assert_eq!(
        running.facts.bootstrap.as_deref(),
        Some(&*ground.token_file())
    );
    let mode = std::fs::metadata(ground.token_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = ground.token();

    client.create("", &bundle).refused(401, "unsigned");
    client.create("whb_wrong", &bundle).refused(401, "unsigned");
    let made = client.create(&token, &bundle);
    assert_eq!(made.status, 201, "{made:?}");
    let heads: Heads = made.json();
    assert_eq!((heads.w.seq, heads.w.hash), (1, team.ws.into()));
    assert_eq!(heads.envs.len(), 1, "the directory");
    assert!(!ground.token_file().exists());

    // The answer got lost: the same again is made already, with the token and without. As anybody may
    // send it who was ever in the workspace, nothing of the workspace is answered.
    let made = team.clone().environment(5).1;
    running.append(&team, &team.owner, &made);
    for token in [&token[..], ""] {
        let again = client.create(token, &bundle);
        assert_eq!(again.status, 201, "{again:?}");
        let only: Heads = again.json();
        assert_eq!((only.w.seq, only.w.hash), (1, team.ws.into()));
        assert_eq!((only.envs.len(), only.rev), (0, 0));
    }
    let (_, other) = Team::found(Device::new(2));
    client.create(&token, &other).refused(401, "unsigned");

    running.stop();
    let again = ground.start();
    assert_eq!(again.facts.bootstrap, None);
    again
        .client()
        .create(&token, &other)
        .refused(401, "unsigned");
}

#[test]
fn a_workspace_can_begin_with_all_that_it_needs() {
    let ground = Ground::new();
    let running = ground.start();
    let (mut team, mut bundle) = Team::found(Device::new(1));
    let owner = team.owner.clone();
    let mut directory = Env {
        id: EnvId::DIRECTORY,
        chain: EnvChain::begin(&team.ws, &EnvId::DIRECTORY),
    };
    let epoch = team.epoch(&directory.id);
    bundle.links.push(Blob(epoch));
    let (mut env, made) = team.environment(5);
    bundle.links.extend(made.links);
    for id in [directory.id, env.id] {
        let envelope = team.envelope(&id, &owner, &owner);
        bundle.envelopes.push(Blob(envelope));
    }
    bundle.commits = vec![
        team.set(&mut directory, &owner, &[(1, b"acme")]),
        team.set(&mut env, &owner, &[(2, b"key")]),
        team.set(&mut env, &owner, &[(2, b"newer")]),
    ];
    let made = running.client().create(&ground.token(), &bundle);
    assert_eq!(made.status, 201, "{made:?}");
    let seqs: Vec<_> = made
        .json::<Heads>()
        .envs
        .iter()
        .map(|env| env.seq)
        .collect();
    assert_eq!(seqs, [1, 2]);
    running.stop();
    ground.is_sound();
}

#[test]
fn the_token_ends_after_a_day() {
    let ground = Ground::new();
    let running = ground.start();
    let token = ground.token();
    ground.set_clock(NOW + DAY);
    let (_, bundle) = Team::found(Device::new(1));
    running
        .client()
        .create(&token, &bundle)
        .refused(401, "unsigned");
    assert!(!ground.token_file().exists());
}

#[test]
fn a_bundle_that_breaks_a_rule_leaves_the_token() {
    let ground = Ground::new();
    let running = ground.start();
    let (mut team, mut bundle) = Team::found(Device::new(1));
    let (_, environment) = team.environment(5);
    bundle.links.extend(environment.links);
    let mut spoilt = bundle.clone();
    let last = spoilt.links.last_mut().unwrap().0.last_mut().unwrap();
    *last ^= 1;
    let client = running.client();
    let refused = client
        .create(&ground.token(), &spoilt)
        .refused(422, "invalid");
    assert_eq!(refused.seq, Some(3));
    assert_eq!(client.create(&ground.token(), &bundle).status, 201);
}
