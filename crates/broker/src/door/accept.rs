//! The token port: one loopback listener, with a limit on its connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use withheld_core::{Code, Refusal, text};
use withheld_system::process;

use super::proxy::Connection;
use super::serve::serve;
use crate::config::DEFAULT_LISTEN;
use crate::drain::Guest;
use crate::house::House;

/// Ports behind the default one that are tried where it is taken.
const NEXT_PORTS: u16 = 100;
/// Descriptors that a connection may need: its own, its upstream's, and one to spare.
const DESCRIPTORS_EACH: u64 = 3;
/// Descriptors of the house itself.
const DESCRIPTORS_OWN: u64 = 64;
/// As many descriptors as anybody needs.
const DESCRIPTORS_MOST: u64 = 64 * 1024;
/// Between two attempts where the system has no descriptor to give.
const REST: Duration = Duration::from_millis(50);

/// Binds the listener: where the owner said, and nowhere else; else at the default port, or the next
/// free one.
///
/// # Errors
/// `config_invalid` where the owner's address is taken, or no port is free.
pub(crate) async fn bind(wanted: Option<SocketAddr>) -> Result<TcpListener, Refusal> {
    if let Some(wanted) = wanted {
        return TcpListener::bind(wanted).await.map_err(|_| {
            Refusal::new(
                Code::ConfigInvalid,
                text!(
                    "port {} of `listen` is taken by another program",
                    wanted.port()
                ),
                "take the next free port instead: withheld config listen ''",
            )
        });
    }
    let first = DEFAULT_LISTEN.port();
    for port in (first..first + NEXT_PORTS).chain([0]) {
        let address = SocketAddr::new(DEFAULT_LISTEN.ip(), port);
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
    }
    Err(Refusal::new(
        Code::ConfigInvalid,
        "no port of this machine is free",
        "see what listens here: ss -ltn",
    ))
}

/// Serves the token port until the broker stops.
pub(crate) async fn listen(house: Arc<House>, listener: TcpListener, port: u16, mut guest: Guest) {
    let permits = Arc::new(Semaphore::new(connections()));
    let own = guest.clone();
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener, &permits) => accepted,
            () = guest.asked_to_leave() => return,
        };
        let Some((stream, permit)) = accepted else {
            continue;
        };
        let connection = Connection::new(Arc::clone(&house), own.clone(), port);
        let (key, guest) = (house.gate_key.clone(), own.clone());
        tokio::spawn(async move {
            let connection = Arc::new(connection);
            serve(stream, key, guest, |request, report| {
                let connection = Arc::clone(&connection);
                async move { connection.answer(request, report).await }
            })
            .await;
            drop(permit);
        });
    }
}

async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    let Ok((stream, _)) = listener.accept().await else {
        rest().await;
        return None;
    };
    // A small answer waits 40 ms for an acknowledgement otherwise.
    stream.set_nodelay(true).ok()?;
    Some((stream, permit))
}

/// A pause where accepting failed: most often no descriptor is free.
pub(crate) async fn rest() {
    tokio::time::sleep(REST).await;
}

/// Raises the limit of open descriptors as far as this user may, and returns how many connections
/// they are enough for.
fn connections() -> usize {
    let usable = process::raise_descriptors(DESCRIPTORS_MOST);
    let connections = usable.saturating_sub(DESCRIPTORS_OWN) / DESCRIPTORS_EACH;
    usize::try_from(connections)
        .unwrap_or(usize::MAX)
        .clamp(16, 8192)
}
