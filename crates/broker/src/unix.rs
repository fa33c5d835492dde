//! The two sockets: the owner's, and the agents'. Both serve this user alone.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use withheld_core::api::{AgentRequest, MAX_REQUEST_BYTES, OwnerCall};
use withheld_core::{Code, Refusal};
use withheld_system::socket::{Listener, Server};

use crate::answer;
use crate::body::AgentBody;
use crate::door::call::{self, Shown};
use crate::door::gate::Report;
use crate::door::proxy::{called, identify, unreadable};
use crate::door::request::{Sorted, sort};
use crate::door::serve::serve;
use crate::drain::Guest;
use crate::house::{House, bug};
use crate::refusal_reply::{api_reply, bare};
use crate::session::Caller;
use crate::visitor::Visitor;
use crate::{agent_api, owner_api};

/// Connections to one socket at a time.
const CONNECTIONS: usize = 256;
/// How long the body of a request may take.
const BODY_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Which socket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Owner,
    Agent,
}

/// Serves a socket until the broker stops.
pub(crate) async fn listen(house: Arc<House>, side: Side, mut socket: Listener, mut guest: Guest) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let own = guest.clone();
    loop {
        let accepted = tokio::select! {
            accepted = next(&mut socket, &permits) => accepted,
            () = guest.asked_to_leave() => return,
        };
        let Some((stream, permit)) = accepted else {
            continue;
        };
        let (house, guest) = (Arc::clone(&house), own.clone());
        tokio::spawn(async move {
            let key = house.gate_key.clone();
            serve(stream, key, guest, |request, report| {
                let house = Arc::clone(&house);
                async move { answer(&house, side, request, report).await }
            })
            .await;
            drop(permit);
        });
    }
}

/// The next connection of this user's own.
async fn next(
    listener: &mut Listener,
    permits: &Arc<Semaphore>,
) -> Option<(Server, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok(stream) => stream.map(|stream| (stream, permit)),
        Err(_) => {
            crate::door::accept::rest().await;
            None
        }
    }
}

async fn answer(
    house: &Arc<House>,
    side: Side,
    request: Request<Incoming>,
    report: Report,
) -> Response<AgentBody> {
    if let Some(why) = report.take(request.headers()) {
        return unreadable(house, None, why);
    }
    if *request.method() == http::Method::CONNECT {
        report.connect_refused();
    }
    match (sort(&request, None), side) {
        (Sorted::Api, Side::Owner) => match read(request).await {
            Ok(call) => answer::reply(owner(house, call).await),
            Err(refusal) => api_reply(&refusal),
        },
        (Sorted::Api, Side::Agent) => agent(house, request).await,
        (sorted @ (Sorted::Call | Sorted::AgentSecrets), Side::Agent) => {
            let claimed = call::claimed(request.headers());
            match caller(house, &request).await {
                Ok((caller, _)) => {
                    let visitor = Visitor { caller, claimed };
                    called(house, visitor, request, &report, sorted).await
                }
                Err(refusal) => api_reply(&refusal),
            }
        }
        (Sorted::Misdirected, _) => bare(StatusCode::MISDIRECTED_REQUEST),
        _ => bare(StatusCode::NOT_FOUND),
    }
}

async fn agent(house: &Arc<House>, request: Request<Incoming>) -> Response<AgentBody> {
    let known = caller(house, &request).await;
    let asked = async {
        let (caller, has_token) = known?;
        let request = read::<AgentRequest>(request).await?;
        let house = Arc::clone(house);
        on_a_thread(move || agent_api::answer(&house, &caller, has_token, request)).await
    };
    answer::reply(asked.await)
}

/// What an owner asks waits for disks, keychains and a slow hash, one command at a time.
async fn owner(house: &Arc<House>, call: OwnerCall) -> Result<answer::Answer, Refusal> {
    let house = Arc::clone(house);
    on_a_thread(move || owner_api::answer(&house, call)).await
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(bug()))
}

/// Whose token the request shows; without one it is `local`, for the socket says which user it is.
async fn caller<B>(house: &House, request: &Request<B>) -> Result<(Caller, bool), Refusal> {
    let shown = call::call_token(request.headers());
    if matches!(shown, Shown::Nothing) {
        return Ok((house.sessions.local(), false));
    }
    let known = identify(house, shown).await.ok_or_else(|| {
        Refusal::new(
            Code::UnknownCaller,
            "no session has this token",
            "ask the owner for another session: withheld proxy env --as AGENT",
        )
        .with_status(401)
    })?;
    Ok((known, true))
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    let unreadable = |message, code| {
        Refusal::new(
            code,
            message,
            "use a command line of the same version as the broker",
        )
    };
    if *request.method() != http::Method::POST {
        return Err(unreadable("this interface is asked by POST", Code::Usage).with_status(405));
    }
    let body = Limited::new(request.into_body(), MAX_REQUEST_BYTES);
    let body = tokio::time::timeout(BODY_LIMIT, body.collect())
        .await
        .map_err(|_| unreadable("the request did not come to its end in 10 s", Code::TooSlow))?
        .map_err(|_| unreadable("the request is over 1 MiB, or was cut off", Code::TooLarge))?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|_| unreadable("the request is none that the broker knows", Code::Usage))
}
