//! What is written beside the chains.

use std::collections::BTreeMap;

use sqlx::sqlite::SqlitePool;
use withheld_team::id::{DeviceId, WorkspaceId};

use super::BEGIN_WRITING;
use super::row::column;
use crate::store::{Failure, LEASE_MS};

pub(super) async fn lease(
    writer: &SqlitePool,
    ws: &WorkspaceId,
    device: &DeviceId,
    takes_over: bool,
    now: u64,
) -> Result<Option<u64>, Failure> {
    let until = now.saturating_add(LEASE_MS);
    let taken = sqlx::query(
        "INSERT INTO lease (ws, dev, until) VALUES (?, ?, ?) \
         ON CONFLICT (ws) DO UPDATE SET dev = excluded.dev, until = excluded.until \
         WHERE ? OR lease.dev = excluded.dev OR lease.until <= ? OR lease.until > excluded.until",
    )
    .bind(&ws.as_bytes()[..])
    .bind(&device.as_bytes()[..])
    .bind(column(until)?)
    .bind(takes_over)
    .bind(column(now)?)
    .execute(writer)
    .await?;
    Ok((taken.rows_affected() > 0).then_some(until))
}

pub(super) async fn drop_old_slots(writer: &SqlitePool, now: u64) -> Result<u64, Failure> {
    let mut tx = writer.begin_with(BEGIN_WRITING).await?;
    let dropped: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("DELETE FROM slot WHERE drop_after <= ? RETURNING ws, length(body)")
            .bind(column(now)?)
            .fetch_all(&mut *tx)
            .await?;
    let mut shrunk = BTreeMap::<_, i64>::new();
    for (ws, size) in &dropped {
        *shrunk.entry(ws).or_default() += size;
    }
    for (ws, size) in shrunk {
        sqlx::query("UPDATE ws SET bytes = bytes - ? WHERE ws = ?")
            .bind(size)
            .bind(ws)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(dropped.len() as u64)
}
