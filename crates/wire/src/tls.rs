//! TLS to the upstream: always verified, for the host that was judged, against roots that no
//! environment variable chooses. There is no switch that skips the verification, and no key log.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use withheld_core::destination::Host;
use withheld_core::{Code, Refusal, text};

#[cfg(test)]
mod tests;

/// One configuration for each set of roots, built once: a session resumed under one set is never
/// resumed under another.
#[derive(Default)]
pub(crate) struct Tls {
    /// A short list (one entry for each `--ca`), compared as bytes: cheaper than hashing a PEM file
    /// for every request.
    known: Mutex<Vec<(Option<String>, Trust)>>,
}

/// A configuration and its number, which stands for it in the key of the pool.
#[derive(Clone)]
pub(crate) struct Trust {
    pub(crate) number: usize,
    config: Arc<ClientConfig>,
}

impl Tls {
    /// The configuration for these roots: the binding's certificates in place of the system's.
    ///
    /// # Errors
    /// `upstream_untrusted` where the roots cannot be read.
    pub(crate) fn trust(&self, ca: Option<&str>) -> Result<Trust, Refusal> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, trust)) = known.iter().find(|(of, _)| of.as_deref() == ca) {
            return Ok(trust.clone());
        }
        let trust = Trust {
            number: known.len(),
            config: Arc::new(config(ca)?),
        };
        known.push((ca.map(str::to_owned), trust.clone()));
        Ok(trust)
    }
}

impl Trust {
    /// Shakes hands within `limit` and verifies the certificate for `host`.
    ///
    /// # Errors
    /// `upstream_untrusted` where certificate or protocol are not accepted, `upstream_timeout`,
    /// `upstream_broken` where the other side does not speak TLS, `upstream_unreachable` where it hangs up.
    pub(crate) async fn connect(
        &self,
        host: &Host,
        tcp: TcpStream,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, Refusal> {
        let name = ServerName::try_from(host.as_str().to_owned()).map_err(|_| {
            Refusal::new(
                Code::UpstreamUntrusted,
                text!("no certificate can be verified for `{}`", *host),
                "use the host's DNS name",
            )
        })?;
        let shaking = TlsConnector::from(Arc::clone(&self.config)).connect(name, tcp);
        timeout(limit, shaking)
            .await
            .map_err(|_| {
                Refusal::new(
                    Code::UpstreamTimeout,
                    text!("`{}` did not finish its TLS handshake in time", *host),
                    "try again later, and check that the port speaks TLS",
                )
            })?
            .map_err(|fault| refusal(host, &fault))
    }
}

fn config(ca: Option<&str>) -> Result<ClientConfig, Refusal> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| {
            Refusal::new(
                Code::Internal,
                "the TLS library has no protocol version",
                "report this as a bug",
            )
        })?;
    let mut config = match ca {
        Some(pem) => builder
            .with_root_certificates(roots_of(pem)?)
            .with_no_client_auth(),
        #[cfg(target_os = "linux")]
        None => builder
            .with_root_certificates(system_roots(BUNDLES)?)
            .with_no_client_auth(),
        #[cfg(not(target_os = "linux"))]
        None => {
            use rustls_platform_verifier::BuilderVerifierExt as _;
            builder
                .with_platform_verifier()
                .map_err(|_| no_roots())?
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn roots_of(pem: &str) -> Result<RootCertStore, Refusal> {
    let mut roots = RootCertStore::empty();
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = read.is_ok_and(|certificates| {
        !certificates.is_empty() && certificates.into_iter().all(|one| roots.add(one).is_ok())
    });
    if !all {
        return Err(Refusal::new(
            Code::UpstreamUntrusted,
            "the certificates of this binding cannot be read",
            "bind again with `--ca FILE`, a PEM file of certificates",
        ));
    }
    Ok(roots)
}

/// Where Linux systems keep their roots. Fixed: what reads `SSL_CERT_FILE` trusts whoever set it.
#[cfg(target_os = "linux")]
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cacert.pem",
];

/// The first bundle that holds a root. One that the library cannot read is left out, as everywhere.
#[cfg(target_os = "linux")]
fn system_roots(bundles: &[&str]) -> Result<RootCertStore, Refusal> {
    for path in bundles {
        let Ok(pem) = std::fs::read(path) else {
            continue;
        };
        let mut roots = RootCertStore::empty();
        roots
            .add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
        if !roots.is_empty() {
            return Ok(roots);
        }
    }
    Err(no_roots())
}

fn no_roots() -> Refusal {
    Refusal::new(
        Code::UpstreamUntrusted,
        "this system has no certificate roots where they are looked for",
        "install the system's roots (the package is mostly called `ca-certificates`), or bind with `--ca FILE`",
    )
}

/// What went wrong in a handshake, without the library's text.
fn refusal(host: &Host, fault: &io::Error) -> Refusal {
    use rustls::Error;
    let inner = fault
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let hint = match inner {
        None => {
            return Refusal::new(
                Code::UpstreamUnreachable,
                text!("`{}` hung up during the TLS handshake", *host),
                "check that the port speaks TLS, and try again later",
            );
        }
        Some(Error::InvalidCertificate(fault)) => certificate_hint(fault),
        Some(
            Error::PeerIncompatible(_)
            | Error::AlertReceived(
                AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity,
            ),
        ) => "Ask the host's operator for TLS 1.2 or later; nothing older is spoken.",
        Some(Error::NoCertificatesPresented | Error::DecryptError) => {
            "Check that this is the right host and port."
        }
        Some(_) => {
            return Refusal::new(
                Code::UpstreamBroken,
                text!("`{}` does not speak TLS as it should on this port", *host),
                "check the port; a credential is only sent over TLS",
            );
        }
    };
    Refusal::new(
        Code::UpstreamUntrusted,
        text!(
            "the certificate or protocol of `{}` was not accepted, and nothing was sent",
            *host
        ),
        hint,
    )
}

fn certificate_hint(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "Check this machine's clock with `date`; if it is right, the certificate is out of its time and its operator must renew it."
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "Check the host's name: the certificate is for another one."
        }
        _ => {
            "If the host has a certificate authority of its own, have the owner bind it with `--ca FILE`."
        }
    }
}
