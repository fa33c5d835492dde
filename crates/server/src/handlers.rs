//! What each route does: read the request, ask the ledger or the database, write the answer.

pub(crate) mod envelopes;
pub(crate) mod environment;
pub(crate) mod links;
pub(crate) mod workspace;

use axum::Json;
use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use withheld_team::api::{Blob, ProblemCode};

use crate::problem::{Answer, Refused};

/// Links or commits of one page.
const PAGE: u32 = 500;

/// `?from=&limit=`
#[derive(Deserialize)]
struct From {
    #[serde(default = "first")]
    from: u64,
    #[serde(default = "page")]
    limit: u32,
}

impl From {
    fn of(uri: &Uri) -> Answer<Self> {
        let asked: Self = query(uri)?;
        Ok(Self {
            from: asked.from.max(first()),
            limit: asked.limit.clamp(1, PAGE),
        })
    }
}

fn first() -> u64 {
    1
}

fn page() -> u32 {
    PAGE
}

fn query<T: DeserializeOwned>(uri: &Uri) -> Answer<T> {
    let read = Query::try_from_uri(uri);
    read.map(|Query(asked)| asked)
        .map_err(|_| Refused::of(ProblemCode::Malformed))
}

fn body<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    serde_json::from_slice(bytes).map_err(|_| Refused::of(ProblemCode::Malformed))
}

fn blobs(items: Vec<Vec<u8>>) -> Vec<Blob> {
    items.into_iter().map(Blob).collect()
}

/// What a handler answers with when all went well.
type Answered<T> = Answer<Json<T>>;
