//! `server verify` sees whatever was changed behind the server's back.

use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use withheld_server::{Verified, verify};

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
    running.append(&team, &owner, &of_commits(vec![parts]));
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
    let mut all = verify(&ground.database(), &(Arc::new(|_: &str| ()) as _)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn change(ground: &Ground, statement: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(ground.database());
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
