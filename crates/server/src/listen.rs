//! The listeners: plain or TLS, one HTTP/1.1 connection a task, and an end that loses nothing.
//!
//! HTTP/1.1 alone: it is what clients of a team speak, and one framing is less to defend than two.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use withheld_core::{Code, Refusal};

use crate::auth::Peer;
use crate::config::TlsFiles;
use crate::crowd::Crowd;
use crate::limits::stranger;
use crate::note::{Log, Note};

/// Connections at once: half of what a process may usually have open. Further ones wait in the
/// system's queue.
const CONNECTIONS: usize = 512;
/// Connections of one stranger. An office behind one address fits.
const OF_ONE: usize = 128;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the head of a request may take, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(10);
/// What the head of a request may hold, in bytes.
const HEAD_BYTES: usize = 32 << 10;
/// How long a connection is used. So one that reads slowly, or never, does not stay for ever.
const LIFE: Duration = Duration::from_secs(300);
/// How long an answer may take to be fetched: until then it may have one of the places for large ones.
const FETCH: Duration = Duration::from_secs(60);
/// How long running requests may take to end.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system accepts nothing, which is for want of descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// An address, and what answers there.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) router: Router,
}

/// Takes an address.
///
/// # Errors
/// `config_invalid`.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Refusal> {
    TcpListener::bind(address).await.map_err(|_| {
        Refusal::new(
            Code::ConfigInvalid,
            "the address to listen on is taken, or not this machine's",
            "choose another one: --listen 127.0.0.1:8444",
        )
    })
}

/// Reads the certificate and its key.
///
/// # Errors
/// `config_invalid`.
pub(crate) fn tls(files: &TlsFiles) -> Result<TlsAcceptor, Refusal> {
    let invalid = |what, hint| Refusal::new(Code::ConfigInvalid, what, hint);
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .ok()
        .filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| {
        invalid(
            "the TLS certificate cannot be read",
            "check the path behind --tls-cert: a file in PEM that this user may read",
        )
    })?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|_| {
        invalid(
            "the key of the TLS certificate cannot be read",
            "check the path behind --tls-key: a file in PEM that this user may read",
        )
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, key));
    let mut config = config.map_err(|_| {
        invalid(
            "the TLS certificate and its key do not belong together",
            "give the key of the first certificate in --tls-cert",
        )
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Answers until it is told to stop; then accepts nothing more and lets running requests end.
pub(crate) async fn serve(door: Door, mut stop: watch::Receiver<bool>, log: Log) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let crowd = Crowd::new(OF_ONE);
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = accept(&door.listener, &permits) => accepted,
        };
        while let Some(ended) = tasks.try_join_next() {
            if ended.is_err() {
                log(&Note::Error {
                    text: "a panic while a request was answered",
                });
            }
        }
        match accepted {
            Some((stream, peer, permit)) => {
                let (tls, router) = (door.tls.clone(), door.router.clone());
                // Behind a proxy all come from the one address of the proxy.
                let share = if tls.is_some() {
                    let Some(share) = crowd.enter(stranger(peer.ip())) else {
                        continue;
                    };
                    Some(share)
                } else {
                    None
                };
                let stop = stop.clone();
                tasks.spawn(async move {
                    connection(stream, tls, router, peer, stop).await;
                    drop((share, permit));
                });
            }
            None => {
                log(&Note::Error {
                    text: "no connection can be accepted now",
                });
                sleep(BREATH).await;
            }
        }
    }
    drop(door);
    let all = async { while tasks.join_next().await.is_some() {} };
    if timeout(DRAIN, all).await.is_err() {
        log(&Note::Notice {
            text: "a request did not end in time",
        });
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    let (stream, peer) = listener.accept().await.ok()?;
    Some((stream, peer, permit))
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Nobody left who could say so is as good as being told.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    peer: SocketAddr,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and wait for nothing that follows.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return http(stream, router, peer, stop).await;
    };
    if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await {
        http(stream, router, peer, stop).await;
    }
}

async fn http<S>(stream: S, router: Router, peer: SocketAddr, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let (due, dues) = watch::channel(None);
    let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        // Whoever sends another request has fetched the last answer.
        due.send_replace(None);
        let (answering, due) = (service.call(request), due.clone());
        async move {
            let answer = answering.await;
            due.send_replace(Some(Instant::now() + FETCH));
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    let old = sleep(LIFE);
    tokio::select! {
        // A client that broke off concerns nobody else.
        _ = connection.as_mut() => return,
        () = overdue(dues) => return,
        () = stopped(&mut stop) => {}
        () = old => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(DRAIN, connection).await;
}

/// Ends when an answer was due to be fetched and was not.
async fn overdue(mut dues: watch::Receiver<Option<Instant>>) {
    loop {
        let due = *dues.borrow_and_update();
        let over = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => return,
            changed = dues.changed() => if changed.is_err() {
                // Nobody left who could say so: nothing more will be due.
                return std::future::pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    /// More than fits on the way.
    const LARGE: usize = 1 << 20;

    fn answering() -> (DuplexStream, tokio::task::JoinHandle<()>) {
        let (client, server) = duplex(1024);
        let router = Router::new().route("/", get(|| async { vec![7; LARGE] }));
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let serving = tokio::spawn(async move {
            let (_tell, told) = watch::channel(false);
            http(server, router, peer, told).await;
        });
        (client, serving)
    }

    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    // The clock of these tests goes on by itself when nobody has anything to do.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_fetch_an_answer_is_let_go() {
        let (mut client, serving) = answering();
        let asked = Instant::now();
        client.write_all(ASKED).await.unwrap();
        serving.await.unwrap();
        assert_eq!(asked.elapsed(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_has_its_own_time() {
        let (mut client, serving) = answering();
        let mut read = vec![0; LARGE];
        for _ in 0..3 {
            client.write_all(ASKED).await.unwrap();
            sleep(Duration::from_secs(50)).await;
            client.read_exact(&mut read).await.unwrap();
            // The head was read in its place.
            let rest = read.iter().take_while(|byte| **byte != 7).count();
            client.read_exact(&mut read[..rest]).await.unwrap();
        }
        drop(client);
        serving.await.unwrap();
    }
}
