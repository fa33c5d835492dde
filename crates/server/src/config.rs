//! The configuration: first what was written, then what the server runs on. Reading it opens no port and
//! changes no file.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use withheld_core::{Code, Refusal};
use withheld_team::api::Limits;

/// The port, with and without TLS.
const PORT: u16 = 8443;
/// Where everything is stored when nothing else is said.
const DATABASE: &str = "withheld.db";
/// What a record with its parts may hold, in bytes: a value of 64 KiB, padded, and its name part.
const RECORD: u64 = 128 << 10;
/// What a file with a database's URL may hold, in bytes.
const MAX_URL_BYTES: u64 = 4096;

/// What was asked for, as it was written. It may hold a password, so it has no `Debug`.
#[derive(Default)]
pub struct Asked {
    /// `--listen`
    pub listen: Option<String>,
    /// `--tls-cert`
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`
    pub tls_key: Option<PathBuf>,
    /// `--database`
    pub database: Option<String>,
    /// `--database-file`
    pub database_file: Option<PathBuf>,
    /// `--health`
    pub health: Option<String>,
}

/// What the server runs on.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API answers.
    pub listen: SocketAddr,
    /// The certificate and its key. Without them the API answers on a loopback address only.
    pub tls: Option<TlsFiles>,
    /// The file of the database.
    pub database: PathBuf,
    /// Where `/healthz` and `/readyz` answer; nowhere when not said.
    pub health: Option<SocketAddr>,
    /// What it accepts.
    pub limits: Limits,
}

/// Files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that lead to its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Config {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// `config_invalid`; a password on the command line before anything else.
    pub fn read(asked: &Asked) -> Result<Self, Refusal> {
        let database = database(asked)?;
        let tls = tls(asked)?;
        let standard = match &tls {
            Some(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            None => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let listen = match &asked.listen {
            Some(written) => address(written, LISTEN)?,
            None => SocketAddr::new(standard, PORT),
        };
        if tls.is_none() && !listen.ip().is_loopback() {
            return Err(Refusal::new(
                Code::ConfigInvalid,
                "without TLS the server listens on a loopback address only, behind a proxy that does TLS",
                "give it a certificate: --tls-cert FILE --tls-key FILE, or --listen 127.0.0.1:8443",
            ));
        }
        let health = asked.health.as_deref().map(|it| address(it, HEALTH));
        Ok(Self {
            listen,
            tls,
            database,
            health: health.transpose()?,
            limits: Limits {
                record: RECORD,
                ..Limits::default()
            },
        })
    }
}

/// The file of the database that was asked for.
///
/// # Errors
/// `config_invalid`.
pub fn database(asked: &Asked) -> Result<PathBuf, Refusal> {
    match (&asked.database, &asked.database_file) {
        (Some(written), _) if has_password(written) => Err(Refusal::new(
            Code::ConfigInvalid,
            "the database URL holds a password, and a command line can be read by other programs",
            "put it into ~/.pgpass, or the whole URL into a file: --database-file /run/secrets/db",
        )),
        (Some(_), Some(_)) => Err(Refusal::new(
            Code::ConfigInvalid,
            "the database is named twice",
            "give one of them: --database or --database-file",
        )),
        (Some(written), None) => sqlite_file(written),
        (None, Some(file)) => sqlite_file(url_in(file)?.trim()),
        (None, None) => Ok(PathBuf::from(DATABASE)),
    }
}

/// Whether a URL, or a list of `key=value`, holds a password.
fn has_password(written: &str) -> bool {
    let authority = written.split_once("://").map_or("", |(_, rest)| {
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    });
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || written.to_ascii_lowercase().contains("password=")
}

fn url_in(file: &Path) -> Result<String, Refusal> {
    let unreadable = || {
        Refusal::new(
            Code::ConfigInvalid,
            "the file with the database URL cannot be read",
            "check the path behind --database-file, and who may read it",
        )
    };
    let size = std::fs::metadata(file).map_err(|_| unreadable())?.len();
    if size > MAX_URL_BYTES {
        return Err(unreadable());
    }
    std::fs::read_to_string(file).map_err(|_| unreadable())
}

fn sqlite_file(written: &str) -> Result<PathBuf, Refusal> {
    if written.starts_with("postgres://") || written.starts_with("postgresql://") {
        return Err(Refusal::new(
            Code::ConfigInvalid,
            "PostgreSQL is not built into this version",
            "keep everything in one file: --database sqlite:/var/lib/withheld/withheld.db",
        ));
    }
    let path = written.strip_prefix("sqlite:").unwrap_or_default();
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        return Err(Refusal::new(
            Code::ConfigInvalid,
            "the database cannot be read from what was given",
            "name a file: --database sqlite:/var/lib/withheld/withheld.db",
        ));
    }
    Ok(PathBuf::from(path))
}

fn tls(asked: &Asked) -> Result<Option<TlsFiles>, Refusal> {
    match (&asked.tls_cert, &asked.tls_key) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles {
            cert: cert.clone(),
            key: key.clone(),
        })),
        (None, None) => Ok(None),
        _ => Err(Refusal::new(
            Code::ConfigInvalid,
            "TLS needs the certificate and its key",
            "give both: --tls-cert FILE --tls-key FILE",
        )),
    }
}

const LISTEN: &str = "give an address and a port, like --listen 127.0.0.1:8443";
const HEALTH: &str = "give an address and a port, like --health 127.0.0.1:9464";

fn address(written: &str, hint: &'static str) -> Result<SocketAddr, Refusal> {
    let numeric = written.strip_prefix("localhost:").map_or_else(
        || written.to_owned(),
        |port| format!("{}:{port}", Ipv4Addr::LOCALHOST),
    );
    numeric.parse().map_err(|_| {
        Refusal::new(
            Code::ConfigInvalid,
            "an address to listen on cannot be read",
            hint,
        )
    })
}

#[cfg(test)]
mod tests;
