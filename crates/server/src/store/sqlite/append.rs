//! What is written: one transaction, on the one connection that writes.

use sqlx::sqlite::SqliteConnection;
use withheld_team::api::{EnvHead, Limits, Position};
use withheld_team::id::{Hash, WorkspaceId};

use super::row::{column, sought};
use super::{BEGIN_WRITING, Sqlite, read};
use crate::store::{Append, Appended, Failure, LEASE_MS, Quota};

mod caches;
mod commit;
mod envelope;

pub(super) async fn create(
    db: &Sqlite,
    append: &Append,
    limits: &Limits,
) -> Result<Appended, Failure> {
    let mut tx = db.writer.begin_with(BEGIN_WRITING).await?;
    sqlx::query("INSERT INTO ws (ws, w_seq, w_hash) VALUES (?, 0, ?) ON CONFLICT (ws) DO NOTHING")
        .bind(&append.ws.as_bytes()[..])
        .bind(&Hash::ZERO.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    finish(db, tx, append, limits).await
}

pub(super) async fn append(
    db: &Sqlite,
    append: &Append,
    limits: &Limits,
) -> Result<Appended, Failure> {
    let tx = db.writer.begin_with(BEGIN_WRITING).await?;
    finish(db, tx, append, limits).await
}

type Tx = sqlx::Transaction<'static, sqlx::Sqlite>;

/// Why nothing is stored.
enum Stop {
    Conflict,
    Leased,
    Quota(Quota),
    NoWorkspace,
    Failed(Failure),
}

impl<F: Into<Failure>> From<F> for Stop {
    fn from(why: F) -> Self {
        Self::Failed(why.into())
    }
}

async fn finish(
    db: &Sqlite,
    mut tx: Tx,
    append: &Append,
    limits: &Limits,
) -> Result<Appended, Failure> {
    let stop = match write(&mut tx, append, limits).await {
        Ok(()) => {
            let heads = read::heads(&mut tx, &append.ws).await?;
            tx.commit().await?;
            return Ok(heads.map_or(Appended::NoWorkspace, Appended::Done));
        }
        Err(stop) => stop,
    };
    // Before the heads are read: what this append wrote is not among them.
    let undone = tx.rollback().await;
    match (stop, undone) {
        // The database may have undone it by itself: then the rollback fails, too, and says less.
        (Stop::Failed(why), _) => Err(why),
        (_, Err(why)) => Err(why.into()),
        (Stop::Conflict, Ok(())) => {
            let heads = read::heads(&mut *db.readers.begin().await?, &append.ws).await?;
            Ok(heads.map_or(Appended::NoWorkspace, Appended::Conflict))
        }
        (Stop::Leased, Ok(())) => Ok(Appended::Leased),
        (Stop::Quota(which), Ok(())) => Ok(Appended::Quota(which)),
        (Stop::NoWorkspace, Ok(())) => Ok(Appended::NoWorkspace),
    }
}

async fn write(db: &mut SqliteConnection, append: &Append, limits: &Limits) -> Result<(), Stop> {
    if is_stored(db, append).await? {
        return Ok(());
    }
    not_leased(db, append).await?;
    advance(db, append).await?;
    holds(db, &append.ws, &append.cuts).await?;
    let mut grown = links(db, append).await?;
    caches::environments(db, append, limits).await?;
    caches::devices(db, append, limits).await?;
    for commit in &append.commits {
        grown += commit::store(db, append, commit, limits).await?;
    }
    let stored = envelope::store(db, append).await?;
    grown += stored.grown;
    let has_chain = !append.links.is_empty() || !append.commits.is_empty();
    account(db, append, grown, stored.rev + i64::from(has_chain), limits).await
}

/// Whether all of it is here already: an append whose answer got lost is sent again.
async fn is_stored(db: &mut SqliteConnection, append: &Append) -> Result<bool, Stop> {
    for link in &append.links {
        let found = sqlx::query("SELECT 1 FROM wlink WHERE ws = ? AND hash = ?")
            .bind(&append.ws.as_bytes()[..])
            .bind(&link.hash.as_bytes()[..]);
        if found.fetch_optional(&mut *db).await?.is_none() {
            return Ok(false);
        }
    }
    for commit in &append.commits {
        let found = sqlx::query("SELECT 1 FROM ecommit WHERE ws = ? AND env = ? AND hash = ?")
            .bind(&append.ws.as_bytes()[..])
            .bind(&commit.env.as_bytes()[..])
            .bind(&commit.hash.as_bytes()[..]);
        if found.fetch_optional(&mut *db).await?.is_none() {
            return Ok(false);
        }
    }
    // Envelopes alone are compared one by one.
    Ok(!append.links.is_empty() || !append.commits.is_empty())
}

async fn not_leased(db: &mut SqliteConnection, append: &Append) -> Result<(), Stop> {
    let other =
        sqlx::query("SELECT 1 FROM lease WHERE ws = ? AND dev <> ? AND until > ? AND until <= ?");
    let other = other
        .bind(&append.ws.as_bytes()[..])
        .bind(&append.by.as_bytes()[..])
        .bind(column(append.at)?)
        // One that ends later was given by a clock that was ahead, and would last until then.
        .bind(column(append.at.saturating_add(LEASE_MS))?)
        .fetch_optional(db)
        .await?;
    match other {
        Some(_) => Err(Stop::Leased),
        None => Ok(()),
    }
}

/// Moves the head of the membership chain, if it is where it was when this was judged. Without links
/// it stays, and is compared.
async fn advance(db: &mut SqliteConnection, append: &Append) -> Result<(), Stop> {
    let Position { seq, hash } = append.after;
    let head = append.links.last().map_or(hash, |link| link.hash);
    let moved = sqlx::query(
        "UPDATE ws SET w_seq = w_seq + ?, w_hash = ? WHERE ws = ? AND w_seq = ? AND w_hash = ?",
    )
    .bind(column(append.links.len() as u64)?)
    .bind(&head.as_bytes()[..])
    .bind(&append.ws.as_bytes()[..])
    .bind(column(seq)?)
    .bind(&hash.as_bytes()[..])
    .execute(&mut *db)
    .await?;
    if moved.rows_affected() > 0 {
        return Ok(());
    }
    let known = sqlx::query("SELECT 1 FROM ws WHERE ws = ?")
        .bind(&append.ws.as_bytes()[..])
        .fetch_optional(db)
        .await?;
    Err(known.map_or(Stop::NoWorkspace, |_| Stop::Conflict))
}

/// Whether environments are where the links say that they are: a removal states up to where the
/// removed writer's commits count.
async fn holds(db: &mut SqliteConnection, ws: &WorkspaceId, cuts: &[EnvHead]) -> Result<(), Stop> {
    for cut in cuts {
        let there =
            sqlx::query("SELECT 1 FROM env WHERE ws = ? AND env = ? AND seq = ? AND hash = ?")
                .bind(&ws.as_bytes()[..])
                .bind(&cut.env.as_bytes()[..])
                .bind(sought(cut.seq))
                .bind(&cut.hash.as_bytes()[..])
                .fetch_optional(&mut *db)
                .await?;
        if there.is_none() {
            return Err(Stop::Conflict);
        }
    }
    Ok(())
}

/// Gives how many bytes came in.
async fn links(db: &mut SqliteConnection, append: &Append) -> Result<i64, Stop> {
    let mut size = 0;
    for (link, seq) in append.links.iter().zip(append.after.seq + 1..) {
        sqlx::query("INSERT INTO wlink (ws, seq, hash, signed, at) VALUES (?, ?, ?, ?, ?)")
            .bind(&append.ws.as_bytes()[..])
            .bind(column(seq)?)
            .bind(&link.hash.as_bytes()[..])
            .bind(&link.signed[..])
            .bind(column(append.at)?)
            .execute(&mut *db)
            .await?;
        size += length(&link.signed);
    }
    Ok(size)
}

async fn account(
    db: &mut SqliteConnection,
    append: &Append,
    grown: i64,
    rev: i64,
    limits: &Limits,
) -> Result<(), Stop> {
    let size = sqlx::query_scalar(
        "UPDATE ws SET bytes = bytes + ?, rev = rev + ? WHERE ws = ? RETURNING bytes",
    )
    .bind(grown)
    .bind(rev)
    .bind(&append.ws.as_bytes()[..])
    .fetch_one(db)
    .await?;
    // A workspace that is over its limit may still shrink.
    if grown <= 0 {
        return Ok(());
    }
    within(size, bytes_for(append, limits), Quota::Bytes)
}

/// A full workspace can still be put in order: what brings no records, which is removals, new keys and
/// their re-wraps, may use a tenth more. By the chain's rules a member who may only write adds a new key
/// where somebody lost one, and one re-wrap for it: that tenth is not theirs to use up.
fn bytes_for(append: &Append, limits: &Limits) -> u64 {
    if append.commits.iter().any(|it| !it.records.is_empty()) {
        limits.bytes
    } else {
        limits.bytes.saturating_add(limits.bytes / 10)
    }
}

fn within(count: i64, limit: u64, which: Quota) -> Result<(), Stop> {
    if u64::try_from(count).is_ok_and(|count| count > limit) {
        return Err(Stop::Quota(which));
    }
    Ok(())
}

/// A length as the database counts it.
fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}
