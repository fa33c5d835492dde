//! What the database has, as the rules know it.

use withheld_team::Verdict;
use withheld_team::api::EnvHead;
use withheld_team::commit::Entry;
use withheld_team::id::WorkspaceId;

use super::ws::Ws;
use crate::office::Fault;
use crate::store::{EntryRow, Sqlite, Store as _};

/// Links that are read from the database at once.
const PAGE: u32 = 500;
/// Entries that are read at once.
const ENTRIES: u32 = 2_000;

/// Reads and judges the membership chain up to a number.
///
/// # Errors
/// Ours: what is stored breaks a rule, or ends before.
pub(crate) async fn read_ws(store: &Sqlite, ws: &WorkspaceId, upto: u64) -> Result<Ws, Fault> {
    let mut known: Option<Ws> = None;
    let mut from = 1;
    loop {
        let page = store.links(ws, from, PAGE).await?;
        let (ws, items) = (*ws, page.items);
        // A page takes hundreds of signatures: not on a thread that answers others.
        let judged = tokio::task::spawn_blocking(move || follow(known, ws, &items, upto)).await;
        let judged = judged.map_err(|_| Fault::ours("a panic over a stored chain"))?;
        let next = judged.map_err(|it| Fault::ours(format!("a stored link: {it}")))?;
        match (next, page.next) {
            (Some(whole), _) if whole.chain.head().seq == upto => return Ok(whole),
            (next, Some(more)) => (known, from) = (next, more),
            _ => return Err(Fault::ours("a stored chain ends before its head")),
        }
    }
}

/// The chain with these links, up to a number.
fn follow(
    mut known: Option<Ws>,
    ws: WorkspaceId,
    links: &[Vec<u8>],
    upto: u64,
) -> Result<Option<Ws>, Verdict> {
    for link in links {
        match &mut known {
            None => known = Some(Ws::begin(ws, link)?),
            Some(known) if known.chain.head().seq == upto => break,
            Some(known) => known.apply(link)?,
        }
    }
    Ok(known)
}

/// The last commit and the whole state at this head; none when it has moved on.
pub(super) async fn state(
    store: &Sqlite,
    ws: &WorkspaceId,
    head: &EnvHead,
) -> Result<Option<(Option<Vec<u8>>, Vec<Entry>)>, Fault> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let read = store.snapshot(ws, &head.env, after.as_ref(), ENTRIES);
        let Some(page) = read.await?.filter(|page| page.head.hash == head.hash) else {
            return Ok(None);
        };
        entries.extend(page.entries.iter().map(entry));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Some((page.commit, entries))),
        }
    }
}

/// An entry as the rules know it.
pub(crate) fn entry(row: &EntryRow) -> Entry {
    Entry {
        rid: row.rid,
        ver: row.ver,
        record: row.record,
        slot: row.slot,
    }
}
