//! The server itself, and a workspace as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use withheld_team::VERSION;
use withheld_team::api::{Bundle, Heads, Lease, ProblemCode, Server, Usage};
use withheld_team::links::{Role, SUITE};

use super::{Answered, body};
use crate::auth::{Member, Reader, Stranger};
use crate::office::{Fault, Office};
use crate::problem::{Answer, Refused};
use crate::store::Store as _;

/// `GET server`
pub(crate) async fn server(State(office): State<Arc<Office>>) -> Json<Server> {
    Json(Server {
        version: VERSION,
        suites: vec![SUITE],
        build: env!("CARGO_PKG_VERSION").to_owned(),
        limits: office.limits,
    })
}

/// `POST ws`: whoever has the bootstrap token, once. The same again is answered like the first time.
pub(crate) async fn create(
    State(office): State<Arc<Office>>,
    stranger: Stranger,
) -> Answer<(StatusCode, Json<Heads>)> {
    let token = bearer(&stranger.headers).unwrap_or_default().to_owned();
    let bundle: Bundle = body(&stranger.body)?;
    // A task of its own: a caller that breaks off half way must not leave the token unspent.
    let made = tokio::spawn(made(Arc::clone(&office), token, bundle)).await;
    let heads = made.unwrap_or_else(|_| Err(Fault::ours("a panic while a workspace was made")));
    let heads = heads.map_err(|it| office.fault(it))?;
    Ok((StatusCode::CREATED, Json(heads)))
}

async fn made(office: Arc<Office>, token: String, bundle: Bundle) -> Result<Heads, Fault> {
    let now = office.now();
    let Some(claim) = office.bootstrap.claim(&token, now) else {
        return office.ledger.created(&bundle).await;
    };
    let heads = office.ledger.create(bundle, now).await?;
    claim.spend();
    Ok(heads)
}

/// `GET ws/{ws}/heads`
pub(crate) async fn heads(State(office): State<Arc<Office>>, reader: Reader) -> Answer<Response> {
    let heads = office.ledger.store().heads(&reader.ws).await;
    let heads = heads.map_err(|it| office.failed(it))?;
    let heads = heads.ok_or_else(|| Refused::of(ProblemCode::NotFound))?;
    let etag = tag_of(&heads);
    let known = reader.headers.get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let tagged = [(header::ETAG, etag)];
    Ok(if is_known {
        (StatusCode::NOT_MODIFIED, tagged).into_response()
    } else {
        (tagged, Json(heads)).into_response()
    })
}

/// A tag of what the heads are: a server that was put back counts on from an older number, and the same
/// number must not stand for something else.
fn tag_of(heads: &Heads) -> String {
    let envs = heads
        .envs
        .iter()
        .map(|env| format!(",{}:{}", env.env, env.hash));
    let text = format!("{}:{}{}", heads.rev, heads.w.hash, envs.collect::<String>());
    let digest = Sha256::digest(text);
    let hex = digest[..16].iter().map(|byte| format!("{byte:02x}"));
    format!("\"{}\"", hex.collect::<String>())
}

/// `POST ws/{ws}/lease`: admins only, because everybody else waits. An owner's device takes it from
/// another, so that nobody else keeps a workspace shut.
pub(crate) async fn lease(State(office): State<Arc<Office>>, member: Member) -> Answered<Lease> {
    let ws = office.ledger.ws(&member.ws).await;
    let ws = ws.map_err(|it| office.fault(it))?;
    let owner = ws.chain.device(&member.device).map(|device| device.member);
    let owner = owner.and_then(|member| ws.chain.member(&member));
    let role = owner.map(|owner| owner.role);
    let role = role.filter(|role| *role >= Role::Admin);
    let is_owner = role.ok_or_else(|| Refused::of(ProblemCode::Forbidden))? == Role::Owner;
    let (store, now) = (office.ledger.store(), office.now());
    let taken = office.rates.leases.take((member.ws, is_owner), now);
    taken.map_err(Refused::rate)?;
    let until = store.lease(&member.ws, &member.device, is_owner, now).await;
    let until = until.map_err(|it| office.failed(it))?;
    let until = until.ok_or_else(Office::leased)?;
    Ok(Json(Lease { until }))
}

/// `GET ws/{ws}/usage`
pub(crate) async fn usage(State(office): State<Arc<Office>>, member: Member) -> Answered<Usage> {
    let usage = office.ledger.store().usage(&member.ws);
    let usage = usage.await.map_err(|it| office.failed(it))?;
    usage
        .map(Json)
        .ok_or_else(|| Refused::of(ProblemCode::NotFound))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}
