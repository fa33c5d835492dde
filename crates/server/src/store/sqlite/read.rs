//! What is read at once. Where it takes more than one query, they see one state: the caller begins a
//! transaction.

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use withheld_team::api::{EnvHead, Heads, Position, Usage};
use withheld_team::id::{DeviceId, EnvId, Hash, VerifyKey, WorkspaceId};

use super::row::{bytes, number};
use crate::store::{Caches, DeviceRow, Failure};

pub(super) async fn heads(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
) -> Result<Option<Heads>, Failure> {
    let row: Option<(i64, Vec<u8>, i64)> =
        sqlx::query_as("SELECT w_seq, w_hash, rev FROM ws WHERE ws = ?")
            .bind(&ws.as_bytes()[..])
            .fetch_optional(&mut *db)
            .await?;
    let Some((seq, hash, rev)) = row else {
        return Ok(None);
    };
    let envs: Vec<(Vec<u8>, i64, Vec<u8>)> =
        sqlx::query_as("SELECT env, seq, hash FROM env WHERE ws = ? ORDER BY env")
            .bind(&ws.as_bytes()[..])
            .fetch_all(db)
            .await?;
    let head = |(env, seq, hash)| {
        Ok(EnvHead {
            env: EnvId::of(bytes(env)?),
            seq: number(seq)?,
            hash: Hash::of(bytes(hash)?),
        })
    };
    Ok(Some(Heads {
        w: Position {
            seq: number(seq)?,
            hash: Hash::of(bytes(hash)?),
        },
        envs: envs.into_iter().map(head).collect::<Result<_, Failure>>()?,
        rev: number(rev)?,
    }))
}

pub(super) async fn device(
    pool: &SqlitePool,
    ws: &WorkspaceId,
    device: &DeviceId,
) -> Result<Option<DeviceRow>, Failure> {
    sqlx::query_as("SELECT dev, ed, live FROM device WHERE ws = ? AND dev = ?")
        .bind(&ws.as_bytes()[..])
        .bind(&device.as_bytes()[..])
        .fetch_optional(pool)
        .await?
        .map(device_row)
        .transpose()
}

fn device_row((device, ops, live): (Vec<u8>, Vec<u8>, i64)) -> Result<DeviceRow, Failure> {
    Ok(DeviceRow {
        device: DeviceId::of(bytes(device)?),
        ops: VerifyKey::of(bytes(ops)?),
        live: live != 0,
    })
}

pub(super) async fn usage(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
) -> Result<Option<Usage>, Failure> {
    let row: Option<(i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT bytes, w_seq, \
         (SELECT count(*) FROM device d WHERE d.ws = ws.ws AND live = 1), \
         (SELECT count(*) FROM env e WHERE e.ws = ws.ws), \
         (SELECT count(*) FROM entry n WHERE n.ws = ws.ws AND slot IS NOT NULL) \
         FROM ws WHERE ws = ?",
    )
    .bind(&ws.as_bytes()[..])
    .fetch_optional(db)
    .await?;
    row.map(|(bytes, links, devices, environments, secrets)| {
        Ok(Usage {
            bytes: number(bytes)?,
            links: number(links)?,
            devices: number(devices)?,
            environments: number(environments)?,
            secrets: number(secrets)?,
        })
    })
    .transpose()
}

pub(super) async fn workspaces(
    pool: &SqlitePool,
    after: Option<&WorkspaceId>,
    limit: u32,
) -> Result<Vec<WorkspaceId>, Failure> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT ws FROM ws WHERE ws > ? ORDER BY ws LIMIT ?")
            .bind(after.map_or(&[][..], |ws| ws.as_bytes()))
            .bind(limit.max(1))
            .fetch_all(pool)
            .await?;
    let ids = rows.into_iter().map(|ws| Ok(WorkspaceId::of(bytes(ws)?)));
    ids.collect()
}

pub(super) async fn caches(db: &mut SqliteConnection, ws: &WorkspaceId) -> Result<Caches, Failure> {
    let epochs: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT env, epoch FROM env WHERE ws = ? ORDER BY env")
            .bind(&ws.as_bytes()[..])
            .fetch_all(&mut *db)
            .await?;
    let devices = sqlx::query_as("SELECT dev, ed, live FROM device WHERE ws = ? ORDER BY dev")
        .bind(&ws.as_bytes()[..])
        .fetch_all(db)
        .await?;
    let epoch = |(env, epoch)| Ok((EnvId::of(bytes(env)?), number(epoch)?));
    Ok(Caches {
        epochs: epochs
            .into_iter()
            .map(epoch)
            .collect::<Result<_, Failure>>()?,
        devices: devices
            .into_iter()
            .map(device_row)
            .collect::<Result<_, _>>()?,
    })
}
