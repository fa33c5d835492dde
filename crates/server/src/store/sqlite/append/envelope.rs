//! Envelopes. Whoever sealed one may replace it; nobody else can.

use sqlx::sqlite::SqliteConnection;

use super::{Stop, length};
use crate::store::sqlite::row::column;
use crate::store::{Append, NewEnvelope};

/// What storing envelopes changed.
pub(super) struct Stored {
    /// How many bytes there are more.
    pub(super) grown: i64,
    /// By how much the revision rises: each envelope that is new has one of its own, so that a reader
    /// can stop after any.
    pub(super) rev: i64,
}

pub(super) async fn store(db: &mut SqliteConnection, append: &Append) -> Result<Stored, Stop> {
    let before: i64 = sqlx::query_scalar("SELECT rev FROM ws WHERE ws = ?")
        .bind(&append.ws.as_bytes()[..])
        .fetch_one(&mut *db)
        .await?;
    let mut stored = Stored { grown: 0, rev: 0 };
    for envelope in &append.envelopes {
        let old: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT signed FROM envelope WHERE ws = ? AND env = ? AND epoch = ? AND dev = ? AND by_dev = ?",
        )
        .bind(&append.ws.as_bytes()[..])
        .bind(&envelope.env.as_bytes()[..])
        .bind(column(envelope.epoch)?)
        .bind(&envelope.device.as_bytes()[..])
        .bind(&envelope.by.as_bytes()[..])
        .fetch_optional(&mut *db)
        .await?;
        if old.as_ref() != Some(&envelope.signed) {
            stored.rev += 1;
            put(db, append, envelope, before + stored.rev).await?;
            stored.grown += length(&envelope.signed) - old.map_or(0, |old| length(&old));
        }
    }
    Ok(stored)
}

async fn put(
    db: &mut SqliteConnection,
    append: &Append,
    envelope: &NewEnvelope,
    rev: i64,
) -> Result<(), Stop> {
    sqlx::query(
        "INSERT INTO envelope (ws, env, epoch, dev, by_dev, rev, signed) VALUES (?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (ws, env, epoch, dev, by_dev) DO UPDATE SET rev = excluded.rev, signed = excluded.signed",
    )
    .bind(&append.ws.as_bytes()[..])
    .bind(&envelope.env.as_bytes()[..])
    .bind(column(envelope.epoch)?)
    .bind(&envelope.device.as_bytes()[..])
    .bind(&envelope.by.as_bytes()[..])
    .bind(rev)
    .bind(&envelope.signed[..])
    .execute(db)
    .await?;
    Ok(())
}
