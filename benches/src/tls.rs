//! Certificates of one run, and the TLS set-up that every leg here has: TLS 1.3, P-256 leaves.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::Outcome;

/// The one name that the origin has. It is reached over loopback only.
pub(crate) const HOST: &str = "localhost";

/// A certificate authority of one run.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub(crate) fn new(name: &str) -> Outcome<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// Its certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for [`HOST`], with its key.
    ///
    /// # Errors
    /// When no key can be made.
    pub(crate) fn leaf(&self) -> Outcome<Leaf> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![HOST.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, HOST);
        Ok(Leaf {
            chain_pem: params.signed_by(&key, &self.issuer)?.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

/// A server's certificate and its key.
pub(crate) struct Leaf {
    chain_pem: String,
    key_pem: String,
}

impl Leaf {
    /// Writes it where [`Leaf::load`] finds it: a yardstick is a process of its own.
    ///
    /// # Errors
    /// When the folder does not take the files.
    pub(crate) fn save(&self, folder: &Path) -> Outcome {
        std::fs::write(folder.join("leaf.pem"), &self.chain_pem)?;
        std::fs::write(folder.join("leaf-key.pem"), &self.key_pem)?;
        Ok(())
    }

    /// Reads what [`Leaf::save`] wrote.
    ///
    /// # Errors
    /// When a file is not there.
    pub(crate) fn load(folder: &Path) -> Outcome<Self> {
        Ok(Self {
            chain_pem: std::fs::read_to_string(folder.join("leaf.pem"))?,
            key_pem: std::fs::read_to_string(folder.join("leaf-key.pem"))?,
        })
    }

    /// The set-up of a server that shows it.
    ///
    /// # Errors
    /// When it is not a certificate with its key.
    pub(crate) fn server(&self) -> Outcome<Arc<ServerConfig>> {
        let chain = vec![CertificateDer::from_pem_slice(self.chain_pem.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(config))
    }
}

/// Whether a client goes on with the session of an earlier connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// As a proxy does towards an origin.
    Yes,
    /// So that each new connection is a full handshake.
    No,
}

/// The set-up of a client that trusts these roots only.
///
/// # Errors
/// When the text holds no certificate.
pub(crate) fn client(roots_pem: &str, resume: Resume) -> Outcome<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
        roots.add(root?)?;
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if resume == Resume::No {
        config.resumption = Resumption::disabled();
    }
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A random text of 43 characters, without a shape that a catalogue of keys could know.
///
/// # Errors
/// When the system gives no random numbers.
pub(crate) fn random_text() -> Outcome<String> {
    use base64::Engine as _;
    let mut bytes = [0; 32];
    aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| "no random numbers")?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
