//! HTTP/1.1 over one connection: the Gate, and hyper above it.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::gate::{Gate, GateKey, Report};
use crate::body::AgentBody;
use crate::drain::Guest;

/// For a head, and for a TLS handshake.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Above the Gate's limit of a head, so that hyper never refuses one by itself.
const BUFFER: usize = 128 * 1024;

/// Serves a connection to its end. When the broker stops, the request that is under way is the last.
/// How a connection ends is its client's affair: there is nobody to tell.
pub(crate) async fn serve<S, F, R>(io: S, key: GateKey, mut guest: Guest, service: F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>, Report) -> R,
    R: Future<Output = Response<AgentBody>>,
{
    let (gate, report) = Gate::new(io, key);
    let service = service_fn(|request| {
        let answer = service(request, report.clone());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(gate), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = guest.asked_to_leave() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
