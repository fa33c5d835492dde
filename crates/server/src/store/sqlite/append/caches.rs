//! What the links say, kept where it is found at once.

use sqlx::sqlite::SqliteConnection;
use withheld_team::api::Limits;

use super::{Stop, within};
use crate::store::sqlite::row::column;
use crate::store::{Append, Quota};

pub(super) async fn environments(
    db: &mut SqliteConnection,
    append: &Append,
    limits: &Limits,
) -> Result<(), Stop> {
    for (env, first) in &append.begun {
        sqlx::query("INSERT INTO env (ws, env, seq, hash, epoch) VALUES (?, ?, 0, ?, 0)")
            .bind(&append.ws.as_bytes()[..])
            .bind(&env.as_bytes()[..])
            .bind(&first.as_bytes()[..])
            .execute(&mut *db)
            .await?;
    }
    for (env, epoch) in &append.epochs {
        sqlx::query("UPDATE env SET epoch = ? WHERE ws = ? AND env = ?")
            .bind(column(*epoch)?)
            .bind(&append.ws.as_bytes()[..])
            .bind(&env.as_bytes()[..])
            .execute(&mut *db)
            .await?;
    }
    if append.begun.is_empty() {
        return Ok(());
    }
    let count = sqlx::query_scalar("SELECT count(*) FROM env WHERE ws = ?")
        .bind(&append.ws.as_bytes()[..])
        .fetch_one(db)
        .await?;
    within(count, limits.environments, Quota::Environments)
}

pub(super) async fn devices(
    db: &mut SqliteConnection,
    append: &Append,
    limits: &Limits,
) -> Result<(), Stop> {
    for row in &append.devices {
        sqlx::query(
            "INSERT INTO device (ws, dev, ed, live) VALUES (?, ?, ?, ?) \
             ON CONFLICT (ws, dev) DO UPDATE SET live = excluded.live",
        )
        .bind(&append.ws.as_bytes()[..])
        .bind(&row.device.as_bytes()[..])
        .bind(&row.ops.as_bytes()[..])
        .bind(i64::from(row.live))
        .execute(&mut *db)
        .await?;
    }
    // Nobody is kept in because there are too many.
    if !append.devices.iter().any(|row| row.live) {
        return Ok(());
    }
    let count = sqlx::query_scalar("SELECT count(*) FROM device WHERE ws = ? AND live = 1")
        .bind(&append.ws.as_bytes()[..])
        .fetch_one(db)
        .await?;
    within(count, limits.devices, Quota::Devices)
}
