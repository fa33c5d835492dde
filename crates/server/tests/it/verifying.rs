//! `server verify` sees whatever was changed behind the server's back.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use withheld_core::Code;
use withheld_server::{Log, Note, Verified, verify};
use withheld_team::api::Blob;

use crate::content::of_commits;
use crate::running::Ground;
use crate::team::{Device, Team, of_links};

/// A database with a workspace in which everything happened once.
fn filled() -> Ground {
    let ground = Ground::new();
    let (running, mut team) = ground.with_team(|_| ());
    let owner = team.owner.clone();
    let (mut env, made) = team.environment(5);
    running.append(&team, &owner, &made);
    let parts = team.set(&mut env, &owner, &[(1, b"one"), (2, b"two")]);
    let mut bundle = of_commits(vec![parts]);
    bundle.envelopes = vec![Blob(team.envelope(&env.id, &owner, &owner))];
    running.append(&team, &owner, &bundle);
    let bob = Device::new(2);
    let admitted = team.admit(&bob, &[]);
    running.append(&team, &owner, &admitted);
    let removed = team.link(Team::removal(&bob, &[]));
    running.append(&team, &owner, &of_links(vec![removed]));
    let parts = team.set(&mut env, &owner, &[(1, b"new")]);
    running.append(&team, &owner, &of_commits(vec![parts]));
    running.stop();
    ground
}

fn look(ground: &Ground) -> Verified {
    let mut all = verify(&ground.database(), &(Arc::new(|_: &Note<'_>| ()) as _)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// How long to wait for the file. Nothing is asserted of it.
const PATIENCE: Duration = Duration::from_secs(60);

fn change(ground: &Ground, statement: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(ground.database())
            .busy_timeout(PATIENCE)
            .foreign_keys(false);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let changed = sqlx::query(statement).execute(&pool).await.unwrap();
        assert!(changed.rows_affected() > 0, "{statement}");
        pool.close().await;
    });
}

#[test]
fn what_is_as_it_was_is_counted() {
    let found = look(&filled());
    assert_eq!(found.differences, Vec::<String>::new());
    assert_eq!((found.links, found.environments), (6, 2));
    assert_eq!((found.commits, found.secrets), (2, 2));
}

#[test]
fn what_was_changed_is_named() {
    for (statement, expected) in [
        ("UPDATE device SET live = 1", "the list of devices"),
        ("DELETE FROM device WHERE live = 0", "the list of devices"),
        (
            "UPDATE env SET epoch = 7 WHERE seq > 0",
            "the list of epochs",
        ),
        (
            "UPDATE env SET seq = 1 WHERE seq > 0",
            "the head is not the last commit",
        ),
        (
            "UPDATE ecommit SET signed = (SELECT signed FROM ecommit WHERE seq = 1) WHERE seq = 2",
            "commit 2: ",
        ),
        (
            "UPDATE wlink SET signed = (SELECT signed FROM wlink WHERE seq = 2) WHERE seq = 3",
            "a stored link: ",
        ),
        (
            "DELETE FROM wlink WHERE seq = 6",
            "a stored chain ends before its head",
        ),
        (
            "UPDATE entry SET ver = 9 WHERE ver = 2",
            "the state is not that of the last commit",
        ),
        (
            "DELETE FROM entry WHERE ver = 1",
            "the state is not that of the last commit",
        ),
        ("DELETE FROM record WHERE ver = 2", "a record is missing"),
        (
            "INSERT INTO wlink SELECT ws, 7, zeroblob(32), signed, at FROM wlink WHERE seq = 6",
            "there are more or fewer links",
        ),
        (
            "INSERT INTO ecommit SELECT ws, env, 3, zeroblob(32), signed, at FROM ecommit WHERE seq = 2",
            "there are more or fewer commits",
        ),
        (
            "UPDATE wlink SET hash = zeroblob(32) WHERE seq = 6",
            "the hash of a link is not its own",
        ),
        (
            "UPDATE ecommit SET hash = zeroblob(32) WHERE seq = 1",
            "the hash of a commit is not its own",
        ),
        (
            "UPDATE record SET hash = zeroblob(32) WHERE ver = 1",
            "the hash of a record is not its own",
        ),
        (
            "UPDATE envelope SET epoch = 9",
            "an envelope is not what its place says",
        ),
        (
            "UPDATE envelope SET signed = zeroblob(9)",
            "an envelope is not what its place says",
        ),
        (
            "UPDATE record SET value = x'00' WHERE ver = 2",
            "a record is not the one in the state",
        ),
        (
            "UPDATE record SET meta = NULL WHERE ver = 2",
            "a part of a record is missing",
        ),
        ("DELETE FROM slot WHERE ver = 2", "a slot is missing"),
        (
            "UPDATE slot SET body = (SELECT body FROM slot WHERE ver = 1 LIMIT 1) WHERE ver = 2",
            "a slot is not the one in the state",
        ),
    ] {
        let ground = filled();
        change(&ground, statement);
        let differences = look(&ground).differences;
        let is_named = differences.iter().any(|what| what.contains(expected));
        assert!(is_named, "{statement}: {differences:?}");
    }
}

fn refused(ground: &Ground) -> Option<Code> {
    let log: Log = Arc::new(|_| ());
    let looked = verify(&ground.database(), &log);
    looked.err().map(|refusal| refusal.code)
}

/// What is no database of a server is not made one by looking at it.
#[test]
fn what_is_no_database_is_refused_and_left_as_it_is() {
    let ground = Ground::new();
    std::fs::write(ground.database(), b"").unwrap();
    assert_eq!(refused(&ground), Some(Code::StoreUnavailable));
    assert_eq!(std::fs::read(ground.database()).unwrap(), b"");

    let ground = filled();
    change(&ground, "UPDATE _sqlx_migrations SET version = 2");
    assert_eq!(refused(&ground), Some(Code::StoreUnavailable));
}

#[test]
fn a_file_that_is_not_whole_is_refused() {
    let ground = filled();
    change(
        &ground,
        "INSERT INTO lease (ws, dev, until) VALUES (zeroblob(32), zeroblob(16), 1)",
    );
    assert_eq!(refused(&ground), Some(Code::StoreCorrupt));
}

#[test]
fn a_database_that_others_could_read_is_shut() {
    let ground = filled();
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(ground.database(), mode(0o644)).unwrap();
    let running = ground.start();
    let found = std::fs::metadata(ground.database()).unwrap().permissions();
    assert_eq!(found.mode() & 0o777, 0o600);
    running.stop();
    let said = |log: &[String]| {
        log.iter()
            .filter(|it| it.contains("the database; now"))
            .count()
    };
    assert_eq!(said(&ground.log()), 1);
    ground.start().stop();
    assert_eq!(said(&ground.log()), 1, "once");
}
