//! The house: what stands between an agent and the network. Doors, the Gate, sessions, interception,
//! the walk of a request, and the two sockets by which the owner and the agents speak to it.
//!
//! This crate must never know: the bytes of a secret. It moves papers and requests; the vault and
//! the wire hold the values.
#![forbid(unsafe_code)]

mod agent_api;
mod anchor;
mod answer;
mod arming;
mod begin;
mod body;
mod clock;
mod closing;
mod config;
mod courier;
pub mod door;
mod drain;
mod house;
mod injected;
mod instance;
mod intercept;
mod last;
mod leaves;
mod nonces;
mod owner_api;
mod policy_change;
mod process;
mod refusal_reply;
#[cfg(feature = "schema")]
pub mod schemas;
mod sent;
mod session;
mod stages;
mod suspects;
mod team_api;
mod team_room;
#[cfg(test)]
mod test_house;
#[cfg(test)]
mod test_team;
mod throttle;
mod unix;
mod view;
mod visitor;
mod walk;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use withheld_core::Refusal;
use withheld_system::ending;
use withheld_vault::Home;

pub use agent_api::status_at_rest;
use door::accept;
use drain::Drain;
use house::{House, bug};
use instance::Instance;
use unix::Side;

/// How long a broker that is ending may still hold its home.
const ENDING: Duration = Duration::from_secs(1);
/// How long threads that wait for a disk, a keychain or the team's server may hold up the end.
const LAST_THREADS: Duration = Duration::from_secs(10);

/// Runs the broker of a home until it is told to stop, by its owner's socket or by SIGTERM or SIGINT.
/// Requests that are under way get ten seconds. `ready` is called once everything listens, with the
/// address of the token port; that is any free one with `any_port`, for the owner who changes a `listen`
/// that is taken.
///
/// Call it in a process that is hardened and has no other threads.
///
/// # Errors
/// `conflict` where another broker serves the home; `config_invalid` for a taken `listen`, loose
/// permissions or another user's files; with exit 8, a policy document or a log that cannot be
/// trusted; `internal` where the system gives no threads.
pub fn serve(home: Home, any_port: bool, ready: impl FnOnce(SocketAddr)) -> Result<(), Refusal> {
    home.create()?;
    let _instance = Instance::take(&home.lock_file(), ENDING)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|_| bug())?;
    let served = runtime.block_on(run(home, any_port, ready));
    runtime.shutdown_timeout(LAST_THREADS);
    served
}

async fn run(home: Home, any_port: bool, ready: impl FnOnce(SocketAddr)) -> Result<(), Refusal> {
    let house = tokio::task::spawn_blocking(move || House::build(home))
        .await
        .unwrap_or_else(|_| Err(bug()))?;
    let owner = instance::bind(&house.home.owner_sock())?;
    let agent = instance::bind(&house.home.agent_sock())?;
    let wanted = house.config.listen.filter(|_| !any_port);
    let listener = accept::bind(wanted).await?;
    let address = listener.local_addr().map_err(|_| bug())?;
    house.set_listen(address);
    let asked = ending::asked().map_err(|_| bug())?;

    // The owner's socket answers until everything else has ended.
    let (drain, last) = (Drain::new(), Drain::new());
    let port = address.port();
    tokio::spawn(accept::listen(
        Arc::clone(&house),
        listener,
        port,
        drain.guest(),
    ));
    tokio::spawn(unix::listen(
        Arc::clone(&house),
        Side::Agent,
        agent,
        drain.guest(),
    ));
    tokio::spawn(unix::listen(
        Arc::clone(&house),
        Side::Owner,
        owner,
        last.guest(),
    ));
    let watch = tokio::spawn(team_room::keep_watch(Arc::clone(&house)));
    ready(address);
    tokio::select! {
        () = asked => {}
        () = house.stop.notified() => {}
    }
    watch.abort();
    drain.finish().await;
    // The log waits for the disk: not on a thread that others may still need.
    let closed = tokio::task::spawn_blocking(move || house.close()).await;
    last.finish().await;
    closed.map_err(|_| bug())
}
