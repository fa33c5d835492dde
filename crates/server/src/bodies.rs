//! Bodies of requests: how large they are, how long they take to come, and how many large ones are in
//! memory at once. Each is held whole until it is judged.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use withheld_team::api::ProblemCode;

use crate::limits::WAIT;
use crate::problem::{Answer, Refused};

/// Large ones at once.
const PLACES: usize = 16;
/// How long one may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(60);
/// What a body of a stranger may hold, in bytes: a join, or a new workspace. Of these there may be as
/// many as there are connections.
pub(crate) const SMALL: usize = 256 << 10;

/// Where large bodies are read.
pub(crate) struct Bodies(Arc<Semaphore>);

/// A place among the large ones, where it may be one.
pub(crate) type Room = Option<OwnedSemaphorePermit>;

impl Bodies {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(PLACES)))
    }

    /// Room for a body that was not read yet, and has at most so many bytes, where that is known.
    ///
    /// # Errors
    /// `unavailable` where there is none in time.
    pub(crate) async fn room(&self, size: Option<u64>) -> Answer<Room> {
        if size.is_some_and(|size| size <= SMALL as u64) {
            return Ok(None);
        }
        let permit = Arc::clone(&self.0).acquire_owned();
        match timeout(WAIT, permit).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            _ => Err(Refused::busy()),
        }
    }
}

/// Reads a body to its end.
///
/// # Errors
/// `too_large`; `malformed` where it does not come in time.
pub(crate) async fn read(body: Body, limit: usize) -> Answer<Bytes> {
    match timeout(ARRIVAL, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Refused::of(ProblemCode::TooLarge)),
        Err(_) => Err(Refused::of(ProblemCode::Malformed)),
    }
}
