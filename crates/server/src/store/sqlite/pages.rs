//! What is read in pages. Where it takes more than one query over what can change, they see one state:
//! the caller begins a transaction.

use sqlx::QueryBuilder;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use withheld_team::api::{Part, Position};
use withheld_team::id::{DeviceId, EnvId, Hash, RecordId, WorkspaceId};

use super::row::{bytes, number, sought};
use crate::store::{EntryRow, Envelopes, Failure, PAGE_BYTES, Page, Snapshot, StoredRecord};

pub(super) async fn links(
    pool: &SqlitePool,
    ws: &WorkspaceId,
    from: u64,
    limit: u32,
) -> Result<Page, Failure> {
    let chain = Chain {
        ws,
        env: None,
        sizes: "SELECT seq, length(signed) FROM wlink WHERE ws = ? AND ? IS NULL AND seq >= ? \
                ORDER BY seq LIMIT ?",
        items: "SELECT signed FROM wlink WHERE ws = ? AND ? IS NULL AND seq BETWEEN ? AND ? \
                ORDER BY seq",
    };
    chain.page(pool, from, limit).await
}

pub(super) async fn commits(
    pool: &SqlitePool,
    ws: &WorkspaceId,
    env: &EnvId,
    from: u64,
    limit: u32,
) -> Result<Page, Failure> {
    let chain = Chain {
        ws,
        env: Some(env),
        sizes: "SELECT seq, length(signed) FROM ecommit WHERE ws = ? AND env = ? AND seq >= ? \
                ORDER BY seq LIMIT ?",
        items: "SELECT signed FROM ecommit WHERE ws = ? AND env = ? AND seq BETWEEN ? AND ? \
                ORDER BY seq",
    };
    chain.page(pool, from, limit).await
}

/// A chain, and how it is read. Nothing in it ever changes, so its pages need no transaction.
struct Chain<'a> {
    ws: &'a WorkspaceId,
    env: Option<&'a EnvId>,
    sizes: &'static str,
    items: &'static str,
}

impl Chain<'_> {
    async fn page(&self, pool: &SqlitePool, from: u64, limit: u32) -> Result<Page, Failure> {
        let (ws, env) = (self.ws.as_bytes(), self.env.map(EnvId::as_bytes));
        let sizes = sqlx::query_as(self.sizes)
            .bind(&ws[..])
            .bind(env.map(|env| &env[..]))
            .bind(sought(from))
            .bind(one_more(limit))
            .fetch_all(pool)
            .await?;
        let fit = Fit::of(&sizes, limit);
        let items = sqlx::query_scalar(self.items)
            .bind(&ws[..])
            .bind(env.map(|env| &env[..]))
            .bind(sought(from))
            .bind(fit.last)
            .fetch_all(pool)
            .await?;
        Ok(Page {
            items,
            next: fit.next.map(number).transpose()?,
        })
    }
}

pub(super) async fn snapshot(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
    env: &EnvId,
    after: Option<&RecordId>,
    limit: u32,
) -> Result<Option<Snapshot>, Failure> {
    let head: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, hash FROM env WHERE ws = ? AND env = ?")
            .bind(&ws.as_bytes()[..])
            .bind(&env.as_bytes()[..])
            .fetch_optional(&mut *db)
            .await?;
    let Some((seq, hash)) = head else {
        return Ok(None);
    };
    let commit =
        sqlx::query_scalar("SELECT signed FROM ecommit WHERE ws = ? AND env = ? AND seq = ?")
            .bind(&ws.as_bytes()[..])
            .bind(&env.as_bytes()[..])
            .bind(seq)
            .fetch_optional(&mut *db)
            .await?;
    let rows: Vec<EntryColumns> = sqlx::query_as(
        "SELECT rid, ver, rec, slot FROM entry WHERE ws = ? AND env = ? AND rid > ? \
         ORDER BY rid LIMIT ?",
    )
    .bind(&ws.as_bytes()[..])
    .bind(&env.as_bytes()[..])
    // No id is shorter than any other, so the empty one stands before all.
    .bind(after.map_or(&[][..], |rid| rid.as_bytes()))
    .bind(one_more(limit))
    .fetch_all(db)
    .await?;
    let mut entries = rows
        .into_iter()
        .map(entry_row)
        .collect::<Result<Vec<_>, _>>()?;
    let is_last = entries.len() <= rows_of(limit);
    entries.truncate(rows_of(limit));
    Ok(Some(Snapshot {
        head: Position {
            seq: number(seq)?,
            hash: Hash::of(bytes(hash)?),
        },
        commit,
        next: entries.last().filter(|_| !is_last).map(|entry| entry.rid),
        entries,
    }))
}

/// `rid`, `ver`, `rec`, `slot`.
type EntryColumns = (Vec<u8>, i64, Vec<u8>, Option<Vec<u8>>);

fn entry_row((rid, ver, record, slot): EntryColumns) -> Result<EntryRow, Failure> {
    Ok(EntryRow {
        rid: RecordId::of(bytes(rid)?),
        ver: number(ver)?,
        record: Hash::of(bytes(record)?),
        slot: slot.map(bytes).transpose()?.map(Hash::of),
    })
}

/// Records that are looked for at once: one at a time, each would wait for its turn at the database.
const RECORDS: usize = 100;

pub(super) async fn records(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
    env: &EnvId,
    ids: &[(RecordId, u64)],
    parts: &[Part],
) -> Result<Vec<StoredRecord>, Failure> {
    let (mut records, mut size) = (Vec::new(), 0);
    for ids in ids.chunks(RECORDS) {
        for record in some_records(db, ws, env, ids, parts).await? {
            let parts = [&record.meta, &record.value, &record.slot];
            size += record.signed.len() + parts.into_iter().flatten().map(Vec::len).sum::<usize>();
            records.push(record);
            if size >= PAGE_BYTES {
                return Ok(records);
            }
        }
    }
    Ok(records)
}

/// `rid`, `ver`, `signed`, `meta`, `value`, `body` of the slot.
type RecordColumns = (
    Vec<u8>,
    i64,
    Vec<u8>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

/// In the order of their ids, however often one is named.
async fn some_records(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
    env: &EnvId,
    ids: &[(RecordId, u64)],
    parts: &[Part],
) -> Result<Vec<StoredRecord>, Failure> {
    let mut query = QueryBuilder::new("WITH given (at, rid, ver) AS (");
    query.push_values(ids.iter().zip(0_i64..), |mut row, ((rid, ver), at)| {
        row.push_bind(at)
            .push_bind(&rid.as_bytes()[..])
            .push_bind(sought(*ver));
    });
    query
        .push(") SELECT r.rid, r.ver, r.signed, CASE WHEN ")
        .push_bind(parts.contains(&Part::Meta))
        .push(" THEN r.meta END, CASE WHEN ")
        .push_bind(parts.contains(&Part::Value))
        .push(" THEN r.value END, CASE WHEN ")
        .push_bind(parts.contains(&Part::Slot))
        .push(
            " THEN (SELECT body FROM slot s WHERE s.ws = r.ws AND s.env = r.env AND s.rid = r.rid \
             AND s.ver = r.ver ORDER BY epoch DESC LIMIT 1) END \
             FROM given CROSS JOIN record r WHERE r.ws = ",
        )
        .push_bind(&ws.as_bytes()[..])
        .push(" AND r.env = ")
        .push_bind(&env.as_bytes()[..])
        // As it is written, the join looks each id up in the index.
        .push(" AND r.rid = given.rid AND r.ver = given.ver ORDER BY given.at");
    let rows: Vec<RecordColumns> = query.build_query_as().fetch_all(db).await?;
    let stored = rows.into_iter().map(record);
    stored.collect()
}

fn record((rid, ver, signed, meta, value, slot): RecordColumns) -> Result<StoredRecord, Failure> {
    Ok(StoredRecord {
        rid: RecordId::of(bytes(rid)?),
        ver: number(ver)?,
        signed,
        meta,
        value,
        slot,
    })
}

pub(super) async fn envelopes(
    db: &mut SqliteConnection,
    ws: &WorkspaceId,
    device: &DeviceId,
    since: u64,
) -> Result<Envelopes, Failure> {
    let sizes: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT rev, length(signed) FROM envelope WHERE ws = ? AND dev = ? AND rev > ? \
         ORDER BY rev LIMIT ?",
    )
    .bind(&ws.as_bytes()[..])
    .bind(&device.as_bytes()[..])
    .bind(sought(since))
    .bind(ENVELOPES)
    .fetch_all(&mut *db)
    .await?;
    let fit = Fit::of(&sizes, ENVELOPES);
    let envelopes: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT signed FROM envelope WHERE ws = ? AND dev = ? AND rev > ? AND rev <= ? ORDER BY rev",
    )
    .bind(&ws.as_bytes()[..])
    .bind(&device.as_bytes()[..])
    .bind(sought(since))
    .bind(fit.last)
    .fetch_all(db)
    .await?;
    let rev = if envelopes.is_empty() {
        since
    } else {
        number(fit.last)?
    };
    Ok(Envelopes { envelopes, rev })
}

/// Envelopes of one page: about what `PAGE_BYTES` holds of them.
const ENVELOPES: u32 = 4096;

/// How much of what there is fits a page. Sizes are looked at first, so that no more is read than is
/// handed out.
struct Fit {
    /// The last that fits; before any when there is nothing.
    last: i64,
    /// The first that does not.
    next: Option<i64>,
}

impl Fit {
    fn of(sizes: &[(i64, i64)], limit: u32) -> Self {
        let (mut last, mut size) = (0, 0);
        for (count, &(at, length)) in sizes.iter().enumerate() {
            if count == rows_of(limit) || size >= PAGE_BYTES {
                return Self {
                    last,
                    next: Some(at),
                };
            }
            last = at;
            size += usize::try_from(length).unwrap_or(PAGE_BYTES);
        }
        Self { last, next: None }
    }
}

/// Rows to read: one more than a page has, to know whether there is another.
fn one_more(limit: u32) -> i64 {
    i64::from(limit.max(1)) + 1
}

fn rows_of(limit: u32) -> usize {
    usize::try_from(limit.max(1)).unwrap_or(usize::MAX)
}
