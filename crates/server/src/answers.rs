//! Large answers: how many are in memory at once. Each is made whole, and a place is held for it from
//! before it is read from the database until its last byte was sent.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use withheld_team::api::ProblemCode;

use crate::auth::Caller;
use crate::crowd::{Crowd, Share};
use crate::limits::WAIT;
use crate::problem::{Answer, Refused};

/// Of all callers.
const PLACES: usize = 16;
/// Of one caller, waiting ones among them. A client asks for one after the other; those of connections that
/// broke off may still be here.
const OF_ONE: usize = 4;

/// Where large answers are made.
pub(crate) struct Answers {
    callers: Crowd<Caller>,
    places: Arc<Semaphore>,
}

/// A place for one.
pub(crate) struct Place {
    _share: Share<Caller>,
    _permit: OwnedSemaphorePermit,
}

impl Answers {
    pub(crate) fn new() -> Self {
        Self {
            callers: Crowd::new(OF_ONE),
            places: Arc::new(Semaphore::new(PLACES)),
        }
    }

    /// A place, when it is this caller's turn.
    ///
    /// # Errors
    /// `rate` where the caller has all that one may have; `unavailable` where none is free in time.
    pub(crate) async fn place(&self, caller: Caller) -> Answer<Place> {
        let share = self.callers.enter(caller);
        let share = share.ok_or_else(|| Refused::rate(Duration::ZERO))?;
        let permit = Arc::clone(&self.places).acquire_owned();
        match timeout(WAIT, permit).await {
            Ok(Ok(permit)) => Ok(Place {
                _share: share,
                _permit: permit,
            }),
            _ => Err(Refused::busy()),
        }
    }
}

impl Place {
    /// The answer, which has the place until it is sent, or nobody is there any more to send it to.
    pub(crate) fn answer(self, thing: &impl Serialize) -> Answer<Response> {
        let written = serde_json::to_vec(thing);
        let body = Bytes::from_owner(Body {
            bytes: written.map_err(|_| Refused::of(ProblemCode::Unavailable))?,
            _place: self,
        });
        Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
    }
}

struct Body {
    bytes: Vec<u8>,
    _place: Place,
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use axum::body::to_bytes;
    use withheld_team::http_signature::KeyId;
    use withheld_team::id::{DeviceId, WorkspaceId};

    use super::*;

    fn caller(n: u8) -> Caller {
        let key = KeyId::Device(DeviceId::of([n; 16]));
        (WorkspaceId::of([1; 32]), key)
    }

    async fn taken(answers: &Answers) -> Vec<Place> {
        let mut places = Vec::new();
        for n in 0..4 {
            for _ in 0..4 {
                places.push(answers.place(caller(n)).await.unwrap());
            }
        }
        places
    }

    fn code(refused: Answer<Place>) -> Option<ProblemCode> {
        refused.err().map(|refused| refused.code())
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_waits_for_one() {
        let answers = Answers::new();
        let mut places = taken(&answers).await;
        assert_eq!(places.len(), 16);
        let mut next = pin!(answers.place(caller(9)));
        let mut looking = Context::from_waker(Waker::noop());
        assert!(next.as_mut().poll(&mut looking).is_pending());
        drop(places.pop());
        let place = next.as_mut().poll(&mut looking);
        assert!(matches!(place, Poll::Ready(Ok(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_without_an_end() {
        let answers = Answers::new();
        let places = taken(&answers).await;
        let refused = answers.place(caller(9)).await.err().unwrap();
        assert_eq!(refused.code(), ProblemCode::Unavailable);
        let response = refused.into_response();
        assert_eq!((response.status().as_u16()), 503);
        assert_eq!(response.headers()["retry-after"], "20");
        drop(places);
        assert!(answers.place(caller(9)).await.is_ok());
    }

    #[tokio::test]
    async fn one_caller_has_not_all_places() {
        let answers = Answers::new();
        let places = taken(&answers).await;
        assert_eq!(
            code(answers.place(caller(0)).await),
            Some(ProblemCode::Rate)
        );
        drop(places);
        assert!(answers.place(caller(0)).await.is_ok());
        assert_eq!(answers.places.available_permits(), 16);
    }

    #[tokio::test]
    async fn an_answer_has_its_place_until_its_last_byte_is_gone() {
        let answers = Answers::new();
        let free = || answers.places.available_permits();
        let place = answers.place(caller(1)).await.unwrap();
        let response = place.answer(&"large").unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = to_bytes(response.into_body(), 100).await.unwrap();
        let rest = body.slice(3..);
        drop(body);
        assert_eq!((&rest[..], free()), (&b"rge\""[..], 15));
        drop(rest);
        assert_eq!(free(), 16);
    }
}
