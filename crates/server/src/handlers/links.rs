//! The membership chain.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use withheld_team::api::{Bundle, Heads, Links, ProblemCode};

use super::{Answered, From, blobs, body};
use crate::auth::{Member, Reader, Stranger};
use crate::office::Office;
use crate::problem::{Answer, Refused};
use crate::store::Store as _;

/// `GET ws/{ws}/links`
pub(crate) async fn read(State(office): State<Arc<Office>>, reader: Reader) -> Answer<Response> {
    let From { from, limit } = From::of(&reader.uri)?;
    let place = office.answers.place(reader.caller()).await?;
    let page = office.ledger.store().links(&reader.ws, from, limit).await;
    let page = page.map_err(|it| office.failed(it))?;
    place.answer(&Links {
        links: blobs(page.items),
        next: page.next,
    })
}

/// `POST ws/{ws}/links`
pub(crate) async fn append(State(office): State<Arc<Office>>, member: Member) -> Answered<Heads> {
    let bundle: Bundle = body(&member.body)?;
    let by = Some(member.device);
    let appended = office.ledger.append(&member.ws, by, bundle, office.now());
    appended.await.map(Json).map_err(|it| office.fault(it))
}

/// `POST ws/{ws}/join`: not signed as a request, because the link is signed by the keys in it.
pub(crate) async fn join(State(office): State<Arc<Office>>, stranger: Stranger) -> Answered<Heads> {
    let bundle: Bundle = body(&stranger.body)?;
    let not_found = || Refused::of(ProblemCode::NotFound);
    let ws = stranger.ws.ok_or_else(not_found)?;
    let joined = office.ledger.join(&ws, bundle, office.now());
    joined.await.map(Json).map_err(|it| office.fault(it))
}
