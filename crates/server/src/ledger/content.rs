//! A commit and what it brings along: records, their sealed parts, slots.

use withheld_team::api::{Blob, CommitParts, Limits, Position, ProblemCode, RecordParts};
use withheld_team::chain::Chain;
use withheld_team::commit::{Changed, Changes, EnvChain};
use withheld_team::id::EnvId;
use withheld_team::record::Record;
use withheld_team::slot::Slot;

use crate::problem::{Answer, Refused};
use crate::store::{EntryRow, NewCommit, NewRecord, NewSlot};

/// What a commit is judged by.
pub(super) struct Fits<'a> {
    pub(super) ws: &'a Chain,
    pub(super) limits: &'a Limits,
}

/// Applies a commit and judges that it brings exactly what it names.
///
/// # Errors
/// `invalid` or `unknown` with the commit's number; `too_large`; `conflict` for a key that is not the
/// newest, or that a leaver has.
pub(super) fn judge(fits: &Fits<'_>, env: &mut EnvChain, parts: CommitParts) -> Answer<NewCommit> {
    let head = env.head();
    let after = Position {
        seq: head.seq,
        hash: head.hash,
    };
    let seq = head.seq + 1;
    let signed = parts.commit.0;
    let applied = env.apply(fits.ws, &signed);
    let applied = applied.map_err(|it| Refused::verdict(it, Some(seq)))?;
    let body = &applied.commit.body;
    // A key that somebody has who may not read any more: by the chain's rules a commit may name an older
    // link and be sealed under it. Here it must know of the removal.
    let newest = fits.ws.env(&body.env).and_then(|env| env.epochs.last());
    let is_newest = newest.is_some_and(|newest| newest.n == body.epoch);
    if !is_newest || fits.ws.is_stale(&body.env, fits.ws.head().seq) {
        return Err(Refused::of(ProblemCode::Conflict));
    }
    let records = match &body.changes {
        Changes::Records(named) if named.len() as u64 > fits.limits.changes => {
            return Err(Refused::of(ProblemCode::TooLarge));
        }
        Changes::Records(_) => &applied.changes[..],
        Changes::Rewrap(_) => &[],
    };
    if records.len() != parts.records.len() {
        return Err(not_all(seq));
    }
    let named = records.iter().zip(parts.records);
    let records = named.map(|(changed, parts)| record(fits, &body.env, seq, changed, parts));
    let records = records.collect::<Answer<_>>()?;
    Ok(NewCommit {
        env: body.env,
        after,
        hash: applied.commit.hash,
        signed,
        epoch: body.epoch,
        entries: applied.changes.iter().map(row).collect(),
        records,
        slots: slots(&body.env, body.epoch, seq, &applied.changes, parts.slots)?,
    })
}

fn not_all(seq: u64) -> Refused {
    Refused::invalid("a commit without exactly what it names", Some(seq))
}

fn record(
    fits: &Fits<'_>,
    env: &EnvId,
    seq: u64,
    changed: &Changed,
    parts: RecordParts,
) -> Answer<NewRecord> {
    let signed = parts.record.0;
    let meta = parts.meta.map(|blob| blob.0);
    let value = parts.value.map(|blob| blob.0);
    let length = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
    if (signed.len() + length(&meta) + length(&value)) as u64 > fits.limits.record {
        return Err(Refused::of(ProblemCode::TooLarge));
    }
    let judged = Record::read(&signed).and_then(|record| {
        record.stands(fits.ws, env, &changed.now)?;
        record.follows(changed.before.as_ref())?;
        record.parts(meta.as_deref(), value.as_deref())?;
        Ok(record)
    });
    let record = judged.map_err(|it| Refused::verdict(it, Some(seq)))?;
    let is_sealed = record.sealed.is_some();
    if (meta.is_some(), value.is_some()) != (is_sealed, is_sealed) {
        return Err(not_all(seq));
    }
    Ok(NewRecord {
        rid: record.header.rid,
        ver: record.header.ver,
        hash: record.hash,
        signed,
        meta,
        value,
    })
}

fn slots(
    env: &EnvId,
    epoch: u64,
    seq: u64,
    changes: &[Changed],
    slots: Vec<Blob>,
) -> Answer<Vec<NewSlot>> {
    let live: Vec<_> = changes
        .iter()
        .map(|changed| &changed.now)
        .filter(|now| !now.is_deleted())
        .collect();
    if live.len() != slots.len() {
        return Err(not_all(seq));
    }
    let judged = live.into_iter().zip(slots).map(|(entry, slot)| {
        let stands = Slot::read(&slot.0).and_then(|read| read.stands(entry, env, epoch));
        stands.map_err(|it| Refused::verdict(it, Some(seq)))?;
        Ok(NewSlot {
            rid: entry.rid,
            ver: entry.ver,
            body: slot.0,
        })
    });
    judged.collect()
}

fn row(changed: &Changed) -> EntryRow {
    let now = &changed.now;
    EntryRow {
        rid: now.rid,
        ver: now.ver,
        record: now.record,
        slot: now.slot,
    }
}
