//! Which server the team has: a place that the owner named, and what verifies it.

use std::fmt;

use withheld_core::destination::{Host, Scheme, authority};
use withheld_core::{Code, Refusal};

/// The team's server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TeamServer {
    scheme: Scheme,
    host: Host,
    port: u16,
    extra_ca: Option<String>,
}

impl TeamServer {
    /// Reads `https://HOST[:PORT]`. `http://` is taken for a server on this very machine only:
    /// `localhost`, or an address of the loopback network.
    ///
    /// # Errors
    /// `usage` for anything else.
    pub fn parse(written: &str) -> Result<Self, Refusal> {
        let (scheme, rest) = match written.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            _ => return Err(unreadable()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = authority(rest).map_err(|_| unreadable())?;
        let server = Self {
            scheme,
            port: port.unwrap_or(scheme.default_port()),
            host,
            extra_ca: None,
        };
        if scheme == Scheme::Http && server.loopback().is_empty() {
            return Err(Refusal::new(
                Code::Usage,
                "a server on another machine is reached over TLS",
                "write https://HOST; http:// is for localhost and loopback addresses only",
            ));
        }
        Ok(server)
    }

    /// The same, verified by these certificates (PEM) besides the system's.
    #[must_use]
    pub fn with_extra_ca(mut self, pem: Option<String>) -> Self {
        self.extra_ca = pem;
        self
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The host, and the port where it is another than the scheme's own: the field `Host`, and what
    /// a signed request says.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match self.host.as_ip() {
            Some(ip) if ip.is_ipv6() => format!("[{ip}]"),
            _ => self.host.to_string(),
        };
        if self.port == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn extra_ca(&self) -> Option<&str> {
        self.extra_ca.as_deref()
    }

    /// The loopback addresses that the host stands for; none for a host that stands for others.
    pub(super) fn loopback(&self) -> Vec<Host> {
        if self.host.as_str() == "localhost" {
            return ["127.0.0.1", "::1"]
                .into_iter()
                .filter_map(|one| Host::parse(one).ok())
                .collect();
        }
        let is_own = self
            .host
            .as_ip()
            .is_some_and(|ip| ip.to_canonical().is_loopback());
        is_own.then(|| self.host.clone()).into_iter().collect()
    }
}

impl fmt::Display for TeamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

fn unreadable() -> Refusal {
    Refusal::new(
        Code::Usage,
        "the server's address cannot be read",
        "write it like https://withheld.example.com or https://withheld.example.com:8443",
    )
}
