//! The client: HTTP/1.1 over TLS, through a CONNECT proxy or without one, a fixed number of requests
//! in flight. What comes back wrong is an error and is never counted as an answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::upstream::Page;
use crate::{Outcome, connect, procstat, tls};

/// Threads of the client. Each has a runtime of its own, so that a wake-up stays on its thread.
const THREADS: usize = 2;
/// How often the memory of the process under load is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(10);
/// What does not end within this time is an error; 1 GiB has it to itself.
const PATIENCE: Duration = Duration::from_secs(60);
/// A connection's worker gives up after so many errors: they are counted, not produced.
const MOST_ERRORS: u64 = 20;

type Sender = SendRequest<Empty<Bytes>>;

/// How a client reaches the origin, and what it says there.
#[derive(Clone)]
pub(crate) struct Route {
    /// Where it dials: the origin, or the proxy.
    pub(crate) address: SocketAddr,
    /// The head that asks the proxy for a tunnel.
    pub(crate) connect: Option<String>,
    /// The origin's authority.
    pub(crate) authority: String,
    /// Whom it trusts.
    pub(crate) tls: Arc<ClientConfig>,
    /// What it sends as credential: the real one, or what stands for it.
    pub(crate) authorization: HeaderValue,
}

/// What a client does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// What it asks for.
    pub(crate) page: Page,
    /// Requests in flight.
    pub(crate) clients: usize,
    /// Each request on a connection of its own.
    pub(crate) fresh: bool,
    /// When it ends.
    pub(crate) length: Length,
}

/// When a client ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// After a time; what begins before `warm` is over is not counted.
    Time {
        /// Not counted.
        warm: Duration,
        /// Counted.
        counted: Duration,
    },
    /// After so many answers, all of them counted.
    Answers(u64),
}

/// What a client saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Nanoseconds of each counted answer, in ascending order.
    pub(crate) nanos: Vec<u64>,
    /// Every answer, counted or not.
    pub(crate) answers: u64,
    /// What was not an answer.
    pub(crate) errors: u64,
    /// The first of them.
    pub(crate) first_error: Option<String>,
    /// Processor time of the watched process meanwhile.
    pub(crate) cpu: Option<Duration>,
    /// The most memory of the watched process meanwhile, in KiB.
    pub(crate) most_rss_kib: Option<u64>,
}

impl Tally {
    fn failed(error: impl ToString) -> Self {
        Self {
            errors: 1,
            first_error: Some(error.to_string()),
            ..Self::default()
        }
    }

    fn add(&mut self, other: Self) {
        self.nanos.extend(other.nanos);
        self.answers += other.answers;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    /// The latency, in microseconds, that this share of the counted answers stays within.
    pub(crate) fn quantile_us(&self, share: f64) -> Option<f64> {
        let last = self.nanos.len().checked_sub(1)?;
        let at = (last as f64 * share).round() as usize;
        self.nanos.get(at).map(|nanos| *nanos as f64 / 1e3)
    }
}

/// Runs a client to its end, and watches a process meanwhile.
pub(crate) fn run(route: &Route, work: Work, watched: Option<u32>) -> Tally {
    let threads = work.clients.min(THREADS);
    // The caller is the last to come: connections stand before the time begins.
    let barrier = Arc::new(Barrier::new(threads + 1));
    let left = Arc::new(AtomicU64::new(match work.length {
        Length::Time { .. } => u64::MAX,
        Length::Answers(answers) => answers,
    }));
    let running: Vec<_> = (0..threads)
        .map(|thread| {
            let shared = Shared {
                route: route.clone(),
                work,
                left: Arc::clone(&left),
            };
            let clients = (work.clients + thread) / threads;
            let barrier = Arc::clone(&barrier);
            std::thread::spawn(move || drive(shared, clients, &barrier))
        })
        .collect();
    barrier.wait();
    let before = watched.and_then(procstat::cpu);
    let most_rss_kib = watched.and_then(|process| sample(process, &running));
    let mut tally = Tally::default();
    for thread in running {
        tally.add(
            thread
                .join()
                .unwrap_or_else(|_| Tally::failed("a client panicked")),
        );
    }
    let after = watched.and_then(procstat::cpu);
    tally.cpu = before
        .zip(after)
        .map(|(before, after)| after.saturating_sub(before));
    tally.most_rss_kib = most_rss_kib;
    tally.nanos.sort_unstable();
    tally
}

/// One request on a new connection, timed from the dial to the answer's end.
///
/// # Errors
/// When there is no such answer.
pub(crate) fn first(route: &Route) -> Outcome<Duration> {
    let runtime = runtime()?;
    let began = Instant::now();
    runtime.block_on(async {
        let exchange = async { exchange(&mut open(route).await?, route, Page::Small).await };
        tokio::time::timeout(PATIENCE, exchange).await?
    })?;
    Ok(began.elapsed())
}

/// The most memory while the threads run.
fn sample(process: u32, running: &[JoinHandle<Tally>]) -> Option<u64> {
    let mut most = procstat::rss_kib(process);
    while !running.iter().all(JoinHandle::is_finished) {
        std::thread::sleep(SAMPLE_EVERY);
        most = most.max(procstat::rss_kib(process));
    }
    most
}

struct Shared {
    route: Route,
    work: Work,
    left: Arc<AtomicU64>,
}

/// What one thread does.
fn drive(shared: Shared, clients: usize, barrier: &Barrier) -> Tally {
    let opened = runtime().and_then(|runtime| {
        let senders = runtime.block_on(async {
            tokio::time::timeout(PATIENCE, open_all(&shared, clients)).await?
        })?;
        Ok((runtime, senders))
    });
    // Whatever came of it: the others wait here.
    barrier.wait();
    let (runtime, senders) = match opened {
        Ok(opened) => opened,
        Err(error) => return Tally::failed(error),
    };
    let all = work_all(Arc::new(shared), senders);
    match runtime.block_on(async { tokio::time::timeout(PATIENCE, all).await }) {
        Ok(tally) => tally,
        Err(_) => Tally::failed("a request did not come to its end"),
    }
}

async fn open_all(shared: &Shared, clients: usize) -> Outcome<Vec<Option<Sender>>> {
    let mut senders = Vec::with_capacity(clients);
    for _ in 0..clients {
        senders.push(match shared.work.fresh {
            true => None,
            false => Some(open(&shared.route).await?),
        });
    }
    Ok(senders)
}

async fn work_all(shared: Arc<Shared>, senders: Vec<Option<Sender>>) -> Tally {
    let (from, until) = match shared.work.length {
        Length::Time { warm, counted } => {
            let from = Instant::now() + warm;
            (from, from + counted)
        }
        Length::Answers(_) => (Instant::now(), Instant::now() + PATIENCE),
    };
    let mut clients = JoinSet::new();
    for sender in senders {
        clients.spawn(client(Arc::clone(&shared), sender, from, until));
    }
    let mut tally = Tally::default();
    while let Some(ended) = clients.join_next().await {
        tally.add(ended.unwrap_or_else(Tally::failed));
    }
    tally
}

/// One request after the other.
async fn client(
    shared: Arc<Shared>,
    mut sender: Option<Sender>,
    from: Instant,
    until: Instant,
) -> Tally {
    let mut tally = Tally::default();
    while Instant::now() < until && take(&shared.left) && tally.errors < MOST_ERRORS {
        let began = Instant::now();
        match answer(&shared, &mut sender).await {
            Ok(()) => {
                tally.answers += 1;
                let ended = Instant::now();
                if began >= from && ended <= until {
                    tally.nanos.push((ended - began).as_nanos() as u64);
                }
            }
            Err(error) => {
                sender = None;
                tally.add(Tally::failed(error));
            }
        }
    }
    tally
}

fn take(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

/// An answer over the connection that is there, or over a new one.
async fn answer(shared: &Shared, sender: &mut Option<Sender>) -> Outcome {
    let mut ready = match sender.take() {
        Some(open) => open,
        None => open(&shared.route).await?,
    };
    if ready.ready().await.is_err() {
        ready = open(&shared.route).await?;
    }
    exchange(&mut ready, &shared.route, shared.work.page).await?;
    *sender = Some(ready).filter(|_| !shared.work.fresh);
    Ok(())
}

async fn open(route: &Route) -> Outcome<Sender> {
    let mut stream = connect::dial(route.address).await?;
    if let Some(head) = &route.connect {
        connect::ask(&mut stream, head).await?;
    }
    let stream = TlsConnector::from(Arc::clone(&route.tls))
        .connect(ServerName::try_from(tls::HOST)?, stream)
        .await?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends a request and reads its answer to the end.
///
/// The origin answers 200 only when the credential has arrived.
async fn exchange(sender: &mut Sender, route: &Route, page: Page) -> Outcome {
    let request = Request::get(page.path())
        .header(HOST, &route.authority)
        .header(AUTHORIZATION, &route.authorization)
        .body(Empty::new())?;
    let response = sender.send_request(request).await?;
    if response.status() != StatusCode::OK {
        let code = response
            .headers()
            .get("withheld-error")
            .map(HeaderValue::to_str);
        let code = code.and_then(Result::ok).unwrap_or("the origin's own");
        return Err(format!("an answer had status {} ({code})", response.status()).into());
    }
    let mut bytes = 0;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len) as u64;
    }
    if bytes != page.bytes() {
        return Err(format!("an answer had {bytes} bytes, not {}", page.bytes()).into());
    }
    Ok(())
}

fn runtime() -> Outcome<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}
