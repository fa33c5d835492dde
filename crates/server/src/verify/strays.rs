//! What no reader of a chain comes across: things after a head, hashes beside what they are not of,
//! envelopes that nobody has fetched yet.

use withheld_team::Verdict;
use withheld_team::api::Heads;
use withheld_team::chain::Chain;
use withheld_team::commit::Commit;
use withheld_team::envelope::Envelope;
use withheld_team::id::Hash;
use withheld_team::links::Link;
use withheld_team::record::Record;

use super::Verified;
use crate::office::Fault;
use crate::store::Sqlite;
use crate::store::sqlite::look::{EnvelopeRow, Table};

/// Notes them in what was found.
pub(super) async fn strays(
    store: &Sqlite,
    ws: &Chain,
    heads: &Heads,
    found: &mut Verified,
) -> Result<(), Fault> {
    let mut differs = |what: String| found.differences.push(what);
    if store.count(&ws.ws(), Table::Links).await? != heads.w.seq {
        differs("there are more or fewer links than the head says".to_owned());
    }
    if !hashes(store, ws, Table::Links).await? {
        differs("the hash of a link is not its own".to_owned());
    }
    for head in &heads.envs {
        let table = Table::Commits(head.env);
        let mut differs = |what| differs(format!("environment {}: {what}", head.env));
        if store.count(&ws.ws(), table).await? != head.seq {
            differs("there are more or fewer commits than the head says");
        }
        if !hashes(store, ws, table).await? {
            differs("the hash of a commit is not its own");
        }
    }
    if !hashes(store, ws, Table::Records).await? {
        differs("the hash of a record is not its own".to_owned());
    }
    if !envelopes(store, ws).await? {
        differs("an envelope is not what its place says".to_owned());
    }
    Ok(())
}

/// Whether every hash in a table is that of what it stands beside.
async fn hashes(store: &Sqlite, ws: &Chain, table: Table) -> Result<bool, Fault> {
    let mut after = i64::MIN;
    loop {
        let rows = store.rows(&ws.ws(), table, after).await?;
        let Some(last) = rows.last() else {
            return Ok(true);
        };
        after = last.at;
        let is_own =
            |(hash, signed): (&Hash, &[u8])| own(table, signed).is_ok_and(|own| own == *hash);
        if !rows
            .iter()
            .map(|row| (&row.hash, &row.signed[..]))
            .all(is_own)
        {
            return Ok(false);
        }
    }
}

fn own(table: Table, signed: &[u8]) -> Result<Hash, Verdict> {
    Ok(match table {
        Table::Links => Link::read(signed)?.hash(),
        Table::Commits(_) => Commit::read(signed)?.hash,
        Table::Records => Record::read(signed)?.hash,
    })
}

/// Whether every envelope is signed, and for whom and by whom its columns say.
async fn envelopes(store: &Sqlite, ws: &Chain) -> Result<bool, Fault> {
    let mut after = i64::MIN;
    loop {
        let rows = store.all_envelopes(&ws.ws(), after).await?;
        let Some(last) = rows.last() else {
            return Ok(true);
        };
        after = last.at;
        if !rows.iter().all(|row| is_in_place(ws, row)) {
            return Ok(false);
        }
    }
}

fn is_in_place(ws: &Chain, row: &EnvelopeRow) -> bool {
    Envelope::read(&row.signed, ws).is_ok_and(|read| {
        (read.env, read.epoch, read.device, read.by) == (row.env, row.epoch, row.device, row.by)
    })
}
