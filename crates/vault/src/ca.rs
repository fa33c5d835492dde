//! The certificate authority of this installation: it vouches, to programs that were pointed at the
//! broker, for the hosts that the broker stands in for. Never put into the system's own store.
//!
//! Its key rests as a value does, under the vault key, and is opened with the vault. Leaves are
//! made as they are asked for, share one key of this process, and live for a week.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use time::OffsetDateTime;
use withheld_core::destination::Host;
use withheld_core::{Moment, Refusal};
use withheld_secret::{Expose as _, SecretValue};

use crate::fault;
use crate::home::Home;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long the authority lives.
const AUTHORITY_DAYS: i64 = 730;
/// When this little of its life is left, a new one is made.
const RENEW_DAYS: i64 = 30;
/// How long a leaf lives.
const LEAF_DAYS: i64 = 7;
/// How far behind a client's clock may be.
const SKEW_DAYS: i64 = 1;
/// The longest common name a certificate has room for, in bytes.
const MAX_COMMON_NAME: usize = 64;
/// Where systems keep their roots in one file. Never from the environment: an agent can set that. Windows has no
/// such file, and there a path like these is one that any account may make.
#[cfg(windows)]
const SYSTEM_BUNDLES: &[&str] = &[];
/// Where systems keep their roots in one file. Never from the environment: an agent can set that.
#[cfg(not(windows))]
const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authority, open.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    ends: Moment,
    leaf_key: KeyPair,
    leaf_signer: Arc<dyn SigningKey>,
}

impl Authority {
    /// A fresh authority.
    pub(crate) fn generate(now: Moment) -> Result<Self, Refusal> {
        let key = fresh_key()?;
        let ends = after(now, AUTHORITY_DAYS);
        let certificate = authority_params(now, ends)?
            .self_signed(&key)
            .map_err(|_| unmade())?;
        Self::open(certificate.der().clone(), key, ends)
    }

    /// What rests: the certificate with its length before it, then the key.
    pub(crate) fn pack(&self) -> Result<SecretValue, Refusal> {
        let key = self.issuer.key().serialized_der();
        let len = u32::try_from(self.certificate.len()).map_err(|_| unmade())?;
        let parts = [&len.to_be_bytes(), &*self.certificate, key];
        SecretValue::with_len(parts.iter().map(|part| part.len()).sum(), |room| {
            let mut left = &mut *room;
            for part in parts {
                let (here, rest) = left.split_at_mut(part.len());
                here.copy_from_slice(part);
                left = rest;
            }
            Ok(room.len())
        })
        .map_err(fault::unfilled)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the library that signs leaves holds the authority's key in a form of its own"
    )]
    pub(crate) fn unpack(packed: &SecretValue, ends: Moment) -> Result<Self, Refusal> {
        packed.expose(|bytes| {
            let (len, rest) = bytes.split_first_chunk::<4>().ok_or_else(unmade)?;
            let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| unmade())?;
            let (certificate, key) = rest.split_at_checked(len).ok_or_else(unmade)?;
            let key = KeyPair::from_pkcs8_der_and_sign_algo(
                &PrivatePkcs8KeyDer::from(key),
                &PKCS_ECDSA_P256_SHA256,
            )
            .map_err(|_| unmade())?;
            Self::open(CertificateDer::from(certificate.to_vec()), key, ends)
        })
    }

    fn open(
        certificate: CertificateDer<'static>,
        key: KeyPair,
        ends: Moment,
    ) -> Result<Self, Refusal> {
        let leaf_key = fresh_key()?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialized_der()));
        let leaf_signer =
            rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&private).map_err(|_| unmade())?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|_| unmade())?;
        Ok(Self {
            certificate,
            issuer,
            ends,
            leaf_key,
            leaf_signer,
        })
    }

    /// A certificate for this host and nothing else, valid for a week, with the key that goes with
    /// it. Costs about 50 µs; the caller keeps them as long as it likes.
    ///
    /// # Errors
    /// `internal` where it cannot be made.
    pub fn leaf(&self, host: &Host, now: Moment) -> Result<Arc<CertifiedKey>, Refusal> {
        let mut params = CertificateParams::default();
        params.not_before = at(after(now, -SKEW_DAYS))?;
        params.not_after = at(after(now, LEAF_DAYS).min(self.ends))?;
        // Leaves share a key, and clients take two certificates of one serial for a forgery.
        params.serial_number = Some(serial()?);
        params.subject_alt_names = vec![match host.as_ip() {
            Some(ip) => SanType::IpAddress(ip),
            None => SanType::DnsName(host.as_str().try_into().map_err(|_| unmade())?),
        }];
        params.distinguished_name = DistinguishedName::new();
        if host.as_str().len() <= MAX_COMMON_NAME {
            params
                .distinguished_name
                .push(DnType::CommonName, host.as_str());
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params
            .signed_by(&self.leaf_key, &self.issuer)
            .map_err(|_| unmade())?;
        Ok(Arc::new(CertifiedKey::new(
            vec![leaf.der().clone()],
            Arc::clone(&self.leaf_signer),
        )))
    }

    /// The certificate, in DER.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub(crate) fn ends(&self) -> Moment {
        self.ends
    }

    /// Whether so little of its life is left that another one should be made.
    pub(crate) fn is_old(ends: Moment, now: Moment) -> bool {
        ends <= after(now, RENEW_DAYS)
    }

    /// Writes what programs are pointed at: the certificate alone, and the system's roots with it.
    pub(crate) fn publish(&self, home: &Home) -> Result<(), Refusal> {
        let ours = pem(&self.certificate);
        let mut bundle = system_roots();
        bundle.extend_from_slice(ours.as_bytes());
        replace(home, &home.ca_pem(), ours.as_bytes())?;
        replace(home, &home.bundle_pem(), &bundle)
    }
}

/// Signs servers only, and no further authority. It has to vouch for any host, so its names are not
/// narrowed; addresses of the link-local range, where clouds keep their metadata, are cut out.
fn authority_params(now: Moment, ends: Moment) -> Result<CertificateParams, Refusal> {
    use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};
    let mut params = CertificateParams::default();
    params.not_before = at(after(now, -SKEW_DAYS))?;
    params.not_after = at(ends)?;
    params.serial_number = Some(serial()?);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Withheld (this machine only)");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let link_local = CidrSubnet::from_addr_prefix(IpAddr::from([169, 254, 0, 0]), 16);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![GeneralSubtree::IpAddress(link_local)],
    });
    Ok(params)
}

fn fresh_key() -> Result<KeyPair, Refusal> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| unmade())
}

/// 127 random bits: positive, and at most 20 bytes.
fn serial() -> Result<SerialNumber, Refusal> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| fault::no_randomness())?;
    random[0] = random[0] & 0x7F | 0x40;
    Ok(SerialNumber::from_slice(&random))
}

fn after(now: Moment, days: i64) -> Moment {
    Moment::from_ms(now.as_ms().saturating_add(days.saturating_mul(DAY_MS)))
}

fn at(moment: Moment) -> Result<OffsetDateTime, Refusal> {
    OffsetDateTime::from_unix_timestamp(moment.as_ms().div_euclid(1000)).map_err(|_| unmade())
}

/// The first bundle that this system has; empty where it has none.
fn system_roots() -> Vec<u8> {
    let mut roots = SYSTEM_BUNDLES
        .iter()
        .find_map(|bundle| std::fs::read(bundle).ok())
        .unwrap_or_default();
    if roots.last().is_some_and(|last| *last != b'\n') {
        roots.push(b'\n');
    }
    roots
}

fn replace(home: &Home, file: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    if home.read(file)?.as_deref() == Some(bytes) {
        return Ok(());
    }
    home.write(file, bytes)
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    const LINE: usize = 64;
    let body = base64::engine::general_purpose::STANDARD.encode(certificate);
    let mut written = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        written.push_str(line);
        written.push('\n');
        rest = more;
    }
    written.push_str("-----END CERTIFICATE-----\n");
    written
}

fn unmade() -> Refusal {
    fault::internal("a certificate could not be made")
}

#[cfg(test)]
#[path = "ca_tests.rs"]
mod tests;
