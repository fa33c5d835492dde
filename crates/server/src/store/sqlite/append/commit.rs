//! A commit: the chain, the state that it makes, and what it brings along.

use sqlx::QueryBuilder;
use sqlx::sqlite::SqliteConnection;
use withheld_team::api::Limits;

use super::{Stop, length, within};
use crate::store::sqlite::row::column;
use crate::store::{Append, EntryRow, Failure, NewCommit, NewRecord, NewSlot, OLD_SLOT_MS, Quota};

/// Rows of one statement: a push has a thousand of them and a re-wrap 20,000, and one at a time would keep
/// all others waiting.
const ROWS: usize = 500;

/// Gives how many bytes there are more.
pub(super) async fn store(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
    limits: &Limits,
) -> Result<i64, Stop> {
    advance(db, append, commit).await?;
    insert(db, append, commit).await?;
    let mut grown = length(&commit.signed);
    for records in commit.records.chunks(ROWS) {
        put_records(db, append, commit, records).await?;
        grown += records.iter().map(size).sum::<i64>();
    }
    for entries in commit.entries.chunks(ROWS) {
        put_entries(db, append, commit, entries).await?;
    }
    for slots in commit.slots.chunks(ROWS) {
        grown -= slots_size(db, append, commit, slots).await?;
        put_slots(db, append, commit, slots).await?;
        grown += slots.iter().map(|slot| length(&slot.body)).sum::<i64>();
    }
    retire_old_slots(db, append, commit).await?;
    // A re-wrap brings no records, and no secrets.
    if !commit.records.is_empty() {
        count_secrets(db, append, commit, limits).await?;
    }
    Ok(grown)
}

/// Moves the environment's head, if it is where it was when this was judged.
async fn advance(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
) -> Result<(), Stop> {
    let moved = sqlx::query(
        "UPDATE env SET seq = seq + 1, hash = ? WHERE ws = ? AND env = ? AND seq = ? AND hash = ?",
    )
    .bind(&commit.hash.as_bytes()[..])
    .bind(&append.ws.as_bytes()[..])
    .bind(&commit.env.as_bytes()[..])
    .bind(column(commit.after.seq)?)
    .bind(&commit.after.hash.as_bytes()[..])
    .execute(db)
    .await?;
    match moved.rows_affected() {
        0 => Err(Stop::Conflict),
        _ => Ok(()),
    }
}

async fn insert(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
) -> Result<(), Stop> {
    sqlx::query("INSERT INTO ecommit (ws, env, seq, hash, signed, at) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&append.ws.as_bytes()[..])
        .bind(&commit.env.as_bytes()[..])
        .bind(column(commit.after.seq + 1)?)
        .bind(&commit.hash.as_bytes()[..])
        .bind(&commit.signed[..])
        .bind(column(append.at)?)
        .execute(db)
        .await?;
    Ok(())
}

async fn put_records(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
    records: &[NewRecord],
) -> Result<(), Stop> {
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        rows.push((record, column(record.ver)?));
    }
    let mut query =
        QueryBuilder::new("INSERT INTO record (ws, env, rid, ver, hash, signed, meta, value) ");
    query.push_values(rows, |mut row, (record, ver)| {
        row.push_bind(&append.ws.as_bytes()[..])
            .push_bind(&commit.env.as_bytes()[..])
            .push_bind(&record.rid.as_bytes()[..])
            .push_bind(ver)
            .push_bind(&record.hash.as_bytes()[..])
            .push_bind(&record.signed[..])
            .push_bind(record.meta.as_deref())
            .push_bind(record.value.as_deref());
    });
    query.build().execute(db).await?;
    Ok(())
}

/// Bytes of a record and its sealed parts.
fn size(record: &NewRecord) -> i64 {
    let parts = [
        Some(&record.signed),
        record.meta.as_ref(),
        record.value.as_ref(),
    ];
    parts.into_iter().flatten().map(|part| length(part)).sum()
}

async fn put_entries(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
    entries: &[EntryRow],
) -> Result<(), Stop> {
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        rows.push((entry, column(entry.ver)?));
    }
    let mut query = QueryBuilder::new("INSERT INTO entry (ws, env, rid, ver, rec, slot) ");
    query.push_values(rows, |mut row, (entry, ver)| {
        row.push_bind(&append.ws.as_bytes()[..])
            .push_bind(&commit.env.as_bytes()[..])
            .push_bind(&entry.rid.as_bytes()[..])
            .push_bind(ver)
            .push_bind(&entry.record.as_bytes()[..])
            .push_bind(entry.slot.as_ref().map(|slot| &slot.as_bytes()[..]));
    });
    query.push(" ON CONFLICT (ws, env, rid) DO UPDATE SET ver = excluded.ver, rec = excluded.rec, slot = excluded.slot");
    query.build().execute(db).await?;
    Ok(())
}

/// Bytes of the slots that these replace: those of a re-wrap under the same epoch.
async fn slots_size(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
    slots: &[NewSlot],
) -> Result<i64, Stop> {
    let rows = keys(slots)?;
    let mut query = QueryBuilder::new("WITH given (rid, ver) AS (");
    query.push_values(rows, |mut row, (slot, ver)| {
        row.push_bind(&slot.rid.as_bytes()[..]).push_bind(ver);
    });
    query
        .push(
            ") SELECT coalesce(sum(length(body)), 0) FROM given JOIN slot \
             ON slot.rid = given.rid AND slot.ver = given.ver WHERE slot.ws = ",
        )
        .push_bind(&append.ws.as_bytes()[..])
        .push(" AND slot.env = ")
        .push_bind(&commit.env.as_bytes()[..])
        .push(" AND slot.epoch = ")
        .push_bind(column(commit.epoch)?);
    Ok(query.build_query_scalar().fetch_one(db).await?)
}

async fn put_slots(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
    slots: &[NewSlot],
) -> Result<(), Stop> {
    let (rows, epoch) = (keys(slots)?, column(commit.epoch)?);
    let mut query = QueryBuilder::new("INSERT INTO slot (ws, env, rid, ver, epoch, body) ");
    query.push_values(rows, |mut row, (slot, ver)| {
        row.push_bind(&append.ws.as_bytes()[..])
            .push_bind(&commit.env.as_bytes()[..])
            .push_bind(&slot.rid.as_bytes()[..])
            .push_bind(ver)
            .push_bind(epoch)
            .push_bind(&slot.body[..]);
    });
    query.push(" ON CONFLICT (ws, env, rid, ver, epoch) DO UPDATE SET body = excluded.body");
    query.build().execute(db).await?;
    Ok(())
}

fn keys(slots: &[NewSlot]) -> Result<Vec<(&NewSlot, i64)>, Failure> {
    let keys = slots.iter().map(|slot| Ok((slot, column(slot.ver)?)));
    keys.collect()
}

/// Whether an environment has no more secrets than it may: live ones, and all that it ever had.
async fn count_secrets(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
    limits: &Limits,
) -> Result<(), Stop> {
    // What is deleted has no slot, and `count` of a column passes over what is not there.
    let (live, all) =
        sqlx::query_as("SELECT count(slot), count(*) FROM entry WHERE ws = ? AND env = ?")
            .bind(&append.ws.as_bytes()[..])
            .bind(&commit.env.as_bytes()[..])
            .fetch_one(db)
            .await?;
    within(live, limits.secrets, Quota::Secrets)?;
    within(all, limits.entries, Quota::Entries)
}

/// Says when the slots of older epochs go.
async fn retire_old_slots(
    db: &mut SqliteConnection,
    append: &Append,
    commit: &NewCommit,
) -> Result<(), Stop> {
    sqlx::query(
        "UPDATE slot SET drop_after = ? WHERE ws = ? AND env = ? AND epoch < ? AND drop_after IS NULL",
    )
    .bind(column(append.at.saturating_add(OLD_SLOT_MS))?)
    .bind(&append.ws.as_bytes()[..])
    .bind(&commit.env.as_bytes()[..])
    .bind(column(commit.epoch)?)
    .execute(db)
    .await?;
    Ok(())
}
