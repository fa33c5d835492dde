//! One HTTP/1.1 connection to an upstream, and one exchange on it.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use withheld_core::destination::Host;
use withheld_core::{Code, Refusal, text};

use crate::upload::{Outgoing, Progress, UploadFault};

/// The largest head of a reply, as of a request.
const HEAD_LIMIT_BYTES: usize = 64 * 1024;
/// Interim replies (1xx) before the upstream counts as broken (P21).
const INTERIM_LIMIT: u32 = 32;

/// A connection and the task that drives it.
pub(crate) struct Connection {
    requests: SendRequest<Outgoing>,
    task: AbortHandle,
}

/// How an exchange failed.
pub(crate) enum Lost {
    /// Not a byte of the request was written: it may go by another connection.
    Unsent(Request<Outgoing>),
    /// It may have arrived.
    Failed(Refusal),
}

impl Connection {
    /// Speaks HTTP/1.1 on a stream.
    ///
    /// # Errors
    /// `upstream_broken` where the stream is gone already.
    pub(crate) async fn open<S>(host: &Host, stream: S) -> Result<Self, Refusal>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (requests, driver) = Builder::new()
            .max_header_size(HEAD_LIMIT_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| broken(host))?;
        let task = tokio::spawn(async move {
            // What went wrong is told to the exchange that it went wrong for.
            let _ = driver.await;
        });
        Ok(Self {
            requests,
            task: task.abort_handle(),
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Ends the connection at once, in the middle of whatever it does.
    pub(crate) fn cut(self) {
        self.task.abort();
    }

    /// Sends a request and waits for the head of its reply; `silence` bounds how long neither side
    /// may make progress.
    ///
    /// # Errors
    /// [`Lost`]; the connection is of no further use then.
    pub(crate) async fn exchange(
        &mut self,
        host: &Host,
        mut request: Request<Outgoing>,
        progress: &Arc<Progress>,
        silence: Duration,
    ) -> Result<Response<Incoming>, Lost> {
        if self.requests.ready().await.is_err() {
            return Err(Lost::Unsent(request));
        }
        count_interim(&mut request, progress);
        let reply = tokio::select! {
            biased;
            reply = self.requests.try_send_request(request) => reply,
            () = progress.flood.notified() => return Err(Lost::Failed(broken(host))),
            () = stalled(progress, silence) => return Err(Lost::Failed(silent(host))),
        };
        let reply = reply.map_err(|mut lost| match lost.take_message() {
            Some(message) => Lost::Unsent(message),
            None => Lost::Failed(failure(host, lost.error())),
        })?;
        if progress.interim.load(Relaxed) > INTERIM_LIMIT {
            return Err(Lost::Failed(broken(host)));
        }
        Ok(reply)
    }
}

/// Interim replies are dropped by the parser; it tells of each.
fn count_interim(request: &mut Request<Outgoing>, progress: &Arc<Progress>) {
    let progress = Arc::clone(progress);
    hyper::ext::on_informational(request, move |_| {
        if progress.interim.fetch_add(1, Relaxed) >= INTERIM_LIMIT {
            progress.flood.notify_one();
        }
    });
}

/// Returns once `limit` has passed without a byte going up.
async fn stalled(progress: &Progress, limit: Duration) {
    loop {
        let before = progress.meter.bytes_up();
        tokio::time::sleep(limit).await;
        if progress.meter.bytes_up() == before {
            return;
        }
    }
}

fn failure(host: &Host, fault: &hyper::Error) -> Refusal {
    let upload = fault
        .source()
        .and_then(|source| source.downcast_ref::<UploadFault>());
    upload.map_or_else(|| broken(host), |fault| fault.refusal())
}

pub(crate) fn broken(host: &Host) -> Refusal {
    Refusal::new(
        Code::UpstreamBroken,
        text!(
            "`{}` did not answer as HTTP asks, so its reply is not handed on",
            *host
        ),
        "try again later; the request may have arrived, so look before sending it twice",
    )
}

pub(crate) fn silent(host: &Host) -> Refusal {
    Refusal::new(
        Code::UpstreamTimeout,
        text!("`{}` did not answer the request in time", *host),
        "try again later; the request may have arrived, so look before sending it twice",
    )
}
