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
    known: Mutex<Vec<Known>>,
}

struct Known {
    /// Whether the system's roots count.
    system: bool,
    /// Certificates of somebody's own: in the place of the system's, or besides them.
    pem: Option<String>,
    config: Arc<ClientConfig>,
}

/// A configuration and its number, which stands for it in the key of the pool.
#[derive(Clone)]
pub(crate) struct Trust {
    pub(crate) number: usize,
    config: Arc<ClientConfig>,
    whose: Whose,
}

/// Who chose the certificates, and so what mends them.
#[derive(Clone, Copy)]
enum Whose {
    /// A binding's `--ca`.
    Binding,
    /// The setting `extra-ca`.
    Team,
}

impl Tls {
    /// The configuration for these roots: the binding's certificates in place of the system's.
    ///
    /// # Errors
    /// `upstream_untrusted` where the roots cannot be read.
    pub(crate) fn trust(&self, ca: Option<&str>) -> Result<Trust, Refusal> {
        self.known_or_new(ca.is_none(), ca, Whose::Binding)
    }

    /// The configuration for the team's server: certificates of the owner's besides the system's.
    ///
    /// # Errors
    /// `upstream_untrusted` where the roots cannot be read.
    pub(crate) fn trust_team(&self, extra: Option<&str>) -> Result<Trust, Refusal> {
        self.known_or_new(true, extra, Whose::Team)
    }

    fn known_or_new(
        &self,
        system: bool,
        pem: Option<&str>,
        whose: Whose,
    ) -> Result<Trust, Refusal> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known
            .iter()
            .position(|one| one.system == system && one.pem.as_deref() == pem);
        let number = match found {
            Some(number) => number,
            None => {
                known.push(Known {
                    system,
                    pem: pem.map(str::to_owned),
                    config: Arc::new(config(system, pem, whose)?),
                });
                known.len() - 1
            }
        };
        Ok(Trust {
            number,
            config: Arc::clone(&known[number].config),
            whose,
        })
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
            .map_err(|fault| refusal(host, &fault, self.whose))
    }
}

fn config(system: bool, pem: Option<&str>, whose: Whose) -> Result<ClientConfig, Refusal> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| {
            Refusal::new(
                Code::Internal,
                "the TLS library has no protocol version",
                "report this as a bug",
            )
        })?;
    let own = match pem {
        Some(pem) => certificates(pem).ok_or_else(|| unreadable(whose))?,
        None => Vec::new(),
    };
    let mut config = if system {
        #[cfg(target_os = "linux")]
        {
            // Without a bundle, the owner's own certificates are the roots there are.
            let mut roots = match system_roots(BUNDLES) {
                Err(_) if !own.is_empty() => RootCertStore::empty(),
                roots => roots?,
            };
            roots.add_parsable_certificates(own);
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        #[cfg(not(target_os = "linux"))]
        {
            use rustls_platform_verifier::Verifier;
            let verifier = if own.is_empty() {
                Verifier::new(provider)
            } else {
                Verifier::new_with_extra_roots(own, provider)
            };
            let verifier = verifier.map_err(|_| no_roots())?;
            // The library's word for any verifier but its own; this one is the system's.
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    } else {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(own);
        builder.with_root_certificates(roots).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates of a PEM file, each of them fit to be a root; `None` where one is not, or where
/// there is none.
pub(crate) fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .ok()?;
    let mut roots = RootCertStore::empty();
    let fits = all.iter().all(|one| roots.add(one.clone()).is_ok());
    (fits && !all.is_empty()).then_some(all)
}

fn unreadable(whose: Whose) -> Refusal {
    match whose {
        Whose::Binding => Refusal::new(
            Code::UpstreamUntrusted,
            "the certificates of this binding cannot be read",
            "bind again with `--ca FILE`, a PEM file of certificates",
        ),
        Whose::Team => Refusal::new(
            Code::UpstreamUntrusted,
            "the certificates of the setting `extra-ca` cannot be read",
            "set them again, from a PEM file of certificates: withheld config extra-ca FILE",
        ),
    }
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
fn refusal(host: &Host, fault: &io::Error, whose: Whose) -> Refusal {
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
        Some(Error::InvalidCertificate(fault)) => certificate_hint(fault, whose),
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

fn certificate_hint(fault: &CertificateError, whose: Whose) -> &'static str {
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
        _ => match whose {
            Whose::Binding => {
                "Have the owner bind it with `--ca FILE`, if the host has a certificate authority of its own."
            }
            Whose::Team => {
                "Name the server's certificate authority, if it has one of its own: withheld config extra-ca FILE"
            }
        },
    }
}
