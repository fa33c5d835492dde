//! Every route.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, extract::DefaultBodyLimit};
use withheld_team::api::ProblemCode;

use crate::handlers::{envelopes, environment, links, workspace};
use crate::note::Note;
use crate::office::Office;
use crate::problem::Refused;
use crate::store::Store as _;

/// The API.
pub(crate) fn api(office: Arc<Office>) -> Router {
    Router::new()
        .route("/v1/server", get(workspace::server))
        .route("/v1/ws", post(workspace::create))
        .route("/v1/ws/{ws}/heads", get(workspace::heads))
        .route("/v1/ws/{ws}/links", get(links::read).post(links::append))
        .route("/v1/ws/{ws}/join", post(links::join))
        .route(
            "/v1/ws/{ws}/envs/{env}/commits",
            get(environment::commits).post(environment::append),
        )
        .route(
            "/v1/ws/{ws}/envs/{env}/snapshot",
            get(environment::snapshot),
        )
        .route(
            "/v1/ws/{ws}/envs/{env}/records:get",
            post(environment::records),
        )
        .route(
            "/v1/ws/{ws}/envelopes",
            get(envelopes::read).post(envelopes::append),
        )
        .route("/v1/ws/{ws}/lease", post(workspace::lease))
        .route("/v1/ws/{ws}/usage", get(workspace::usage))
        .fallback(nothing)
        .method_not_allowed_fallback(nothing)
        .layer(from_fn_with_state(Arc::clone(&office), noted))
        // Bodies are read by `auth`, under its own limits.
        .layer(DefaultBodyLimit::disable())
        .with_state(office)
}

/// Whether the process lives, and whether it can do its work.
pub(crate) fn health(office: Arc<Office>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(office)
}

async fn nothing() -> Refused {
    Refused::of(ProblemCode::NotFound)
}

async fn ready(State(office): State<Arc<Office>>) -> (StatusCode, &'static str) {
    match office.ledger.store().health().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(failure) => {
            office.failed(failure);
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer\n",
            )
        }
    }
}

/// One line a request: what route, not what stands in it. And one header for every answer.
async fn noted(State(office): State<Arc<Office>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    // Nothing of this is for a cache between us and the caller.
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    // A method that is none of ours is a word of the caller's.
    let method = match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "(other)",
    };
    (office.log)(&Note::Request {
        method,
        route,
        status: response.status().as_u16(),
        ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    response
}
