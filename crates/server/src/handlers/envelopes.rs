//! Epoch keys, sealed to devices.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use withheld_team::api::{Bundle, Envelopes, Heads, ProblemCode};

use super::{Answered, blobs, body, query};
use crate::auth::Member;
use crate::office::Office;
use crate::problem::{Answer, Refused};
use crate::store::Store as _;

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

/// `GET ws/{ws}/envelopes`: the caller's own.
pub(crate) async fn read(State(office): State<Arc<Office>>, member: Member) -> Answer<Response> {
    let Since { since } = query(&member.uri)?;
    let place = office.answers.place(member.caller()).await?;
    let store = office.ledger.store();
    let read = store.envelopes(&member.ws, &member.device, since).await;
    let read = read.map_err(|it| office.failed(it))?;
    place.answer(&Envelopes {
        envelopes: blobs(read.envelopes),
        rev: read.rev,
    })
}

/// `POST ws/{ws}/envelopes`: for devices that may have the key, by any device that has it.
pub(crate) async fn append(State(office): State<Arc<Office>>, member: Member) -> Answered<Heads> {
    let bundle: Bundle = body(&member.body)?;
    if !bundle.links.is_empty() || !bundle.commits.is_empty() {
        return Err(Refused::of(ProblemCode::Malformed));
    }
    let by = Some(member.device);
    let appended = office.ledger.append(&member.ws, by, bundle, office.now());
    appended.await.map(Json).map_err(|it| office.fault(it))
}
