//! Leaf certificates for intercepted hosts: a bounded number, minted when first asked for.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use withheld_core::destination::Host;
use withheld_core::{Moment, Refusal};
use withheld_vault::Authority;

use crate::house::bug;

/// Hosts whose leaf is kept.
const KEPT: u64 = 4096;
/// Far below the life of a leaf.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The TLS configurations of our side of tunnels.
pub(crate) struct Leaves {
    kept: Cache<Host, Arc<ServerConfig>>,
    template: ServerConfig,
}

impl Leaves {
    /// # Errors
    /// `internal` where TLS cannot be set up.
    pub(crate) fn new() -> Result<Self, Refusal> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut template = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| bug())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Nothing));
        template.alpn_protocols = vec![b"http/1.1".to_vec()];
        template.ticketer = aws_lc_rs::Ticketer::new().map_err(|_| bug())?;
        Ok(Self {
            kept: Cache::builder()
                .max_capacity(KEPT)
                .time_to_live(LIFE)
                .build(),
            template,
        })
    }

    /// The configuration that shows a leaf for this host and for no other.
    ///
    /// # Errors
    /// What the authority refuses.
    pub(crate) fn of(
        &self,
        host: &Host,
        authority: &Authority,
        now: Moment,
    ) -> Result<Arc<ServerConfig>, Refusal> {
        if let Some(kept) = self.kept.get(host) {
            return Ok(kept);
        }
        let mut config = self.template.clone();
        config.cert_resolver = Arc::new(One(authority.leaf(host, now)?));
        let config = Arc::new(config);
        self.kept.insert(host.clone(), Arc::clone(&config));
        Ok(config)
    }

    /// Drops every leaf: the authority that stands behind them is locked away.
    pub(crate) fn forget(&self) {
        self.kept.invalidate_all();
    }
}

/// The tunnel's host was compared with the name that the client asked for before.
#[derive(Debug)]
struct One(Arc<CertifiedKey>);

impl ResolvesServerCert for One {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Nothing;

impl ResolvesServerCert for Nothing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}
