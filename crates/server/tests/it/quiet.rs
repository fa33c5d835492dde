//! What the server keeps of who asks: nothing that it was not asked to store.

use crate::content::of_commits;
use crate::running::Ground;
use crate::team::{Device, Team};

/// Stands in for what nobody wants to find in a log: names, addresses, tokens.
const CANARY: &str = "canary4f1c9e";

#[test]
fn neither_log_nor_database_has_what_only_passed_by() {
    let ground = Ground::new();
    let running = ground.start();
    let (mut team, bundle) = Team::found(Device::new(1));
    let owner = team.owner.clone();
    let token = ground.token();
    assert_eq!(running.client().create(&token, &bundle).status, 201);
    let (mut env, made) = team.environment(5);
    running.append(&team, &owner, &made);
    let parts = team.set(&mut env, &owner, &[(1, b"sealed")]);
    running.append(&team, &owner, &of_commits(vec![parts]));

    let client = running.client();
    let fields = [
        ("User-Agent", CANARY),
        ("X-Forwarded-For", CANARY),
        ("Cookie", CANARY),
        ("Referer", CANARY),
    ];
    let bearer = format!("Bearer {CANARY}");
    let body = format!("{{\"{CANARY}\":\"{CANARY}\"}}");
    for path in [
        team.path(&format!("/heads?{CANARY}={CANARY}")),
        team.path(&format!("/{CANARY}")),
        team.env_path(&env.id, &format!("/snapshot?after={CANARY}")),
        format!("/v1/ws/{CANARY}/heads"),
        format!("/{CANARY}"),
    ] {
        let _ = client.signed_with(&owner, "GET", &path, &fields);
        let _ = client.send("POST", &path, &fields, body.as_bytes());
    }
    let _ = client.send(
        "POST",
        "/v1/ws",
        &[("Authorization", &bearer)],
        body.as_bytes(),
    );
    let _ = client.send("POST", &team.path("/join"), &fields, body.as_bytes());
    let _ = client.send(CANARY, "/v1/server", &fields, body.as_bytes());
    let _ = client.signed(&owner, "POST", &team.path("/links"), body.as_bytes());
    running.stop();

    let log = ground.log();
    assert!(log.contains(&"start".to_owned()) && log.contains(&"stopped".to_owned()));
    let requests = log
        .iter()
        .filter(|line| line.starts_with("request  "))
        .count();
    assert_eq!(requests, 3 + 10 + 4);
    let log = log.join("\n");
    assert!(
        log.contains("request  POST /v1/ws/{ws}/links 200 "),
        "{log}"
    );
    let ids = [
        team.ws.to_string(),
        owner.id.to_string(),
        env.id.to_string(),
    ];
    for secret in ids
        .iter()
        .map(String::as_str)
        .chain([CANARY, &token, "127.0.0.1"])
    {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    for file in std::fs::read_dir(ground.folder.path()).unwrap() {
        let file = file.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        for secret in [CANARY, &token] {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {}", file.display());
        }
    }
}
