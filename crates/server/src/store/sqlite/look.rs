//! What only `server verify` asks: whether the file itself is whole, and what no reader of a chain sees.

use sqlx::sqlite::SqliteConnection;
use withheld_team::id::{DeviceId, EnvId, Hash, WorkspaceId};

use super::row::{bytes, number};
use crate::store::Failure;

/// Rows that are read at once.
const ROWS: i64 = 500;

/// A table with signed things, and the hash of each in a column.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    /// Links.
    Links,
    /// Commits of one environment.
    Commits(EnvId),
    /// Records of all environments.
    Records,
}

/// A row of such a table.
pub(crate) struct Row {
    /// The next page begins after this one.
    pub(crate) at: i64,
    /// The hash in its column.
    pub(crate) hash: Hash,
    /// What it must be the hash of.
    pub(crate) signed: Vec<u8>,
}

/// An envelope, and the columns that say what it is for.
pub(crate) struct EnvelopeRow {
    /// The next page begins after this one.
    pub(crate) at: i64,
    pub(crate) env: EnvId,
    pub(crate) epoch: u64,
    pub(crate) device: DeviceId,
    pub(crate) by: DeviceId,
    pub(crate) signed: Vec<u8>,
}

/// Whether the pages of the file fit together, and every row belongs to one that is there.
pub(super) async fn is_whole(db: &mut SqliteConnection) -> Result<bool, Failure> {
    let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut *db)
        .await?;
    let orphan = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(db)
        .await?;
    Ok(said == ["ok"] && orphan.is_none())
}

/// How many rows there are, after the head as well.
pub(super) async fn count(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
    table: Table,
) -> Result<u64, Failure> {
    let sql = match table {
        Table::Links => "SELECT count(*) FROM wlink WHERE ws = ? AND ? IS NULL",
        Table::Commits(_) => "SELECT count(*) FROM ecommit WHERE ws = ? AND env = ?",
        Table::Records => "SELECT count(*) FROM record WHERE ws = ? AND ? IS NULL",
    };
    let count = sqlx::query_scalar(sql)
        .bind(&ws.as_bytes()[..])
        .bind(table.env())
        .fetch_one(db);
    number(count.await?)
}

/// Rows after this one.
pub(super) async fn rows(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
    table: Table,
    after: i64,
) -> Result<Vec<Row>, Failure> {
    let sql = match table {
        Table::Links => {
            "SELECT seq, hash, signed FROM wlink WHERE ws = ? AND ? IS NULL AND seq > ? \
             ORDER BY seq LIMIT ?"
        }
        Table::Commits(_) => {
            "SELECT seq, hash, signed FROM ecommit WHERE ws = ? AND env = ? AND seq > ? \
             ORDER BY seq LIMIT ?"
        }
        Table::Records => {
            "SELECT rowid, hash, signed FROM record WHERE ws = ? AND ? IS NULL AND rowid > ? \
             ORDER BY rowid LIMIT ?"
        }
    };
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(sql)
        .bind(&ws.as_bytes()[..])
        .bind(table.env())
        .bind(after)
        .bind(ROWS)
        .fetch_all(db)
        .await?;
    let row = |(at, hash, signed)| {
        let hash = Hash::of(bytes(hash)?);
        Ok(Row { at, hash, signed })
    };
    rows.into_iter().map(row).collect()
}

/// Envelopes after this one, of all devices.
pub(super) async fn envelopes(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
    after: i64,
) -> Result<Vec<EnvelopeRow>, Failure> {
    type Columns = (i64, Vec<u8>, i64, Vec<u8>, Vec<u8>, Vec<u8>);
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT rowid, env, epoch, dev, by_dev, signed FROM envelope WHERE ws = ? AND rowid > ? \
         ORDER BY rowid LIMIT ?",
    )
    .bind(&ws.as_bytes()[..])
    .bind(after)
    .bind(ROWS)
    .fetch_all(db)
    .await?;
    let row = |(at, env, epoch, device, by, signed)| {
        Ok(EnvelopeRow {
            at,
            env: EnvId::of(bytes(env)?),
            epoch: number(epoch)?,
            device: DeviceId::of(bytes(device)?),
            by: DeviceId::of(bytes(by)?),
            signed,
        })
    };
    rows.into_iter().map(row).collect()
}

impl Table {
    fn env(&self) -> Option<&[u8]> {
        match self {
            Self::Commits(env) => Some(&env.as_bytes()[..]),
            Self::Links | Self::Records => None,
        }
    }
}
