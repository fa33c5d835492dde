//! An environment: its commits, its state, its records.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use withheld_team::api::{
    Blob, Bundle, CommitParts, Commits, EntryJson, Get, Got, GotRecord, Heads, ProblemCode,
    Snapshot,
};
use withheld_team::id::RecordId;
use withheld_team::links::Right;

use super::{Answered, From, blobs, body, query};
use crate::auth::Member;
use crate::office::Office;
use crate::problem::{Answer, Refused};
use crate::store::{Store as _, StoredRecord};

/// Entries of one page.
const ENTRIES: u32 = 2_000;

/// `GET ws/{ws}/envs/{env}/commits`
pub(crate) async fn commits(State(office): State<Arc<Office>>, member: Member) -> Answer<Response> {
    let From { from, limit } = From::of(&member.uri)?;
    let place = office.answers.place(member.caller()).await?;
    is_there(&office, &member, Right::None).await?;
    let store = office.ledger.store();
    let page = store.commits(&member.ws, &member.env, from, limit).await;
    let page = page.map_err(|it| office.failed(it))?;
    place.answer(&Commits {
        commits: blobs(page.items),
        next: page.next,
    })
}

/// `POST ws/{ws}/envs/{env}/commits`
pub(crate) async fn append(State(office): State<Arc<Office>>, member: Member) -> Answered<Heads> {
    let parts: CommitParts = body(&member.body)?;
    if parts.env != member.env {
        return Err(Refused::of(ProblemCode::Malformed));
    }
    is_there(&office, &member, Right::None).await?;
    let bundle = Bundle {
        commits: vec![parts],
        ..Bundle::default()
    };
    let by = Some(member.device);
    let appended = office.ledger.append(&member.ws, by, bundle, office.now());
    appended.await.map(Json).map_err(|it| office.fault(it))
}

#[derive(Deserialize)]
struct Asked {
    seq: Option<u64>,
    after: Option<RecordId>,
    limit: Option<u32>,
}

/// `GET ws/{ws}/envs/{env}/snapshot`. Later pages name the state that they belong to; when the
/// environment has moved on, the reader begins again.
pub(crate) async fn snapshot(
    State(office): State<Arc<Office>>,
    member: Member,
) -> Answer<Response> {
    let asked: Asked = query(&member.uri)?;
    let place = office.answers.place(member.caller()).await?;
    let limit = asked.limit.unwrap_or(ENTRIES).clamp(1, ENTRIES);
    let store = office.ledger.store();
    let after = asked.after.as_ref();
    let page = store.snapshot(&member.ws, &member.env, after, limit).await;
    let page = page.map_err(|it| office.failed(it))?;
    let page = page.ok_or_else(|| Refused::of(ProblemCode::NotFound))?;
    if asked.seq.is_some_and(|seq| seq != page.head.seq) {
        let heads = store.heads(&member.ws).await;
        let heads = heads.map_err(|it| office.failed(it))?;
        let not_found = || Refused::of(ProblemCode::NotFound);
        return Err(Refused::conflict(heads.ok_or_else(not_found)?));
    }
    let entries = page.entries.iter().map(|row| EntryJson {
        rid: row.rid,
        ver: row.ver,
        record: row.record,
        slot: row.slot,
    });
    place.answer(&Snapshot {
        commit: page.commit.map(Blob),
        entries: entries.collect(),
        next: page.next,
    })
}

/// `POST ws/{ws}/envs/{env}/records:get`: for who may read the environment now, so that a key that
/// somebody kept from before finds nothing to open.
pub(crate) async fn records(State(office): State<Arc<Office>>, member: Member) -> Answer<Response> {
    let get: Get = body(&member.body)?;
    if get.ids.len() as u64 > office.limits.changes {
        return Err(Refused::of(ProblemCode::TooLarge));
    }
    let place = office.answers.place(member.caller()).await?;
    // When it is their turn: they may have been removed while they waited.
    is_there(&office, &member, Right::Read).await?;
    let store = office.ledger.store();
    let records = store.records(&member.ws, &member.env, &get.ids, &get.parts);
    let records = records.await.map_err(|it| office.failed(it))?;
    place.answer(&Got {
        records: records.into_iter().map(got).collect(),
    })
}

/// Whether there is such an environment, and the member has at least this right.
async fn is_there(office: &Office, member: &Member, least: Right) -> Answer<()> {
    let ws = office.ledger.ws(&member.ws).await;
    let ws = ws.map_err(|it| office.fault(it))?;
    let owner = ws.chain.device(&member.device).map(|device| device.member);
    let has = owner.is_some_and(|owner| ws.chain.right(&owner, &member.env) >= least);
    if has && ws.chain.env(&member.env).is_some() {
        Ok(())
    } else {
        Err(Refused::of(ProblemCode::NotFound))
    }
}

fn got(stored: StoredRecord) -> GotRecord {
    GotRecord {
        rid: stored.rid,
        ver: stored.ver,
        record: Blob(stored.signed),
        meta: stored.meta.map(Blob),
        value: stored.value.map(Blob),
        slot: stored.slot.map(Blob),
    }
}
