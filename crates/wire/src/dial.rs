//! The only dialler: nothing else in the house opens a connection outwards.
//!
//! One resolution a request; every address is judged before the first is dialled; what is dialled
//! is an address that was judged, never the name again (H12).

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use withheld_core::destination::Host;
use withheld_core::{Code, Refusal, text};

use crate::address::{Class, Reach, is_metadata_name};

#[cfg(test)]
mod tests;

/// Names to addresses; a seam for tests.
pub(crate) trait Resolver: Send + Sync {
    /// Every address of the name, in the order in which they should be tried.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a>;
}

/// An answer of a [`Resolver`] to come.
pub(crate) type Resolving<'a> =
    Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// The system's resolver (getaddrinfo): `/etc/hosts`, split DNS and mDNS go on working.
pub(crate) struct System;

impl Resolver for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Whether an address is one of the broker's own listeners.
pub(crate) type Own = Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>;

/// How an address is judged; a seam for tests, whose upstreams are all on loopback.
pub(crate) type Judge = fn(IpAddr) -> Class;

/// Dials judged addresses.
pub(crate) struct Dialler {
    resolver: Arc<dyn Resolver>,
    judge: Judge,
    own: Own,
    limit: Duration,
}

impl Dialler {
    /// `limit` bounds resolution and connecting, each, whatever the number of addresses.
    pub(crate) fn new(
        resolver: Arc<dyn Resolver>,
        judge: Judge,
        own: Own,
        limit: Duration,
    ) -> Self {
        Self {
            resolver,
            judge,
            own,
            limit,
        }
    }

    /// Connects to the host, without delay for small writes.
    ///
    /// # Errors
    /// `upstream_address_refused`, before anything is dialled; `upstream_unreachable`,
    /// `upstream_timeout`.
    pub(crate) async fn dial(
        &self,
        host: &Host,
        port: u16,
        reach: Reach,
    ) -> Result<TcpStream, Refusal> {
        let addresses = self.resolve(host, port).await?;
        self.admit(host, &addresses, reach)?;
        // Together they have as long as one alone: a dead family of addresses must not use it up.
        let share = self.limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let mut silence = false;
        for address in &addresses {
            match timeout(share, connect(*address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(_)) => {}
                Err(_) => silence = true,
            }
        }
        if silence {
            return Err(silent(host, port));
        }
        Err(Refusal::new(
            Code::UpstreamUnreachable,
            text!("nothing answers at `{}` on port {}", *host, port),
            "check the host and the port, and that this machine is online",
        ))
    }

    async fn resolve(&self, host: &Host, port: u16) -> Result<Vec<SocketAddr>, Refusal> {
        if is_metadata_name(host.as_str()) {
            return Err(refused(host));
        }
        if let Some(ip) = host.as_ip() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let answer = timeout(self.limit, self.resolver.resolve(host.as_str(), port))
            .await
            .map_err(|_| silent(host, port))?;
        answer
            .ok()
            .filter(|found| !found.is_empty())
            .ok_or_else(|| {
                Refusal::new(
                    Code::UpstreamUnreachable,
                    text!("the name `{}` does not resolve on this machine", *host),
                    "check the host's spelling, and that this machine is online",
                )
            })
    }

    /// One address that may not be dialled refuses the name: who mixes private and public ones in an
    /// answer is after the private one.
    fn admit(&self, host: &Host, addresses: &[SocketAddr], reach: Reach) -> Result<(), Refusal> {
        for address in addresses {
            let address = canonical(*address);
            if !reach.covers((self.judge)(address.ip())) || (self.own)(address) {
                return Err(refused(host));
            }
        }
        Ok(())
    }
}

/// A mapped address is the IPv4 address that it leads to.
fn canonical(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one dialler: every address was judged just before"
)]
async fn connect(judged: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(judged).await?;
    // Without it, a small body behind a head waits 40 ms for an acknowledgement.
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn refused(host: &Host) -> Refusal {
    Refusal::new(
        Code::UpstreamAddressRefused,
        text!("`{}` leads to an address that may not be dialled", *host),
        "check what the name resolves to; only a binding made with `--private` reaches loopback and private addresses, and none reaches metadata services or this broker",
    )
}

fn silent(host: &Host, port: u16) -> Refusal {
    Refusal::new(
        Code::UpstreamTimeout,
        text!("`{}` did not answer on port {} in time", *host, port),
        "try again later, and check that the host is up",
    )
}
