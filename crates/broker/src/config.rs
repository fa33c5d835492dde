//! The file `config`: what the owner set. Read once, at the start; unknown keys are refused.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use withheld_audit::Durability;
use withheld_core::{Code, Refusal};
use withheld_vault::Home;

/// Where the listener stands when the owner set nothing.
pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7717);

/// What the file says, before it means anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FileConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audit_durability: Option<String>,
    /// The content of the file that the owner named: what becomes of the file counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) extra_ca: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_pull: Option<String>,
}

/// What the broker runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The address of the listener, where the owner set one: then that one and no other.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) durability: Durability,
    /// Certificates that the team's server is verified by, besides the system's.
    pub(crate) extra_ca: Option<String>,
    pub(crate) auto_pull: AutoPull,
}

/// What an agent's `pull` may bring without the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutoPull {
    /// What verifies.
    Verified,
    /// Nothing: the owner is asked each time.
    Ask,
    /// Nothing.
    Never,
}

impl Config {
    /// The settings as they are now: what the owner changed counts for the next who asks.
    ///
    /// # Errors
    /// What the home refuses, and those of [`FileConfig::read`] and [`FileConfig::resolve`].
    pub(crate) fn of(home: &Home) -> Result<Self, Refusal> {
        FileConfig::of(home)?.resolve()
    }
}

impl FileConfig {
    /// Reads the file of a home; one that is not there says nothing.
    ///
    /// # Errors
    /// What the home refuses, and those of [`FileConfig::read`].
    pub(crate) fn of(home: &Home) -> Result<Self, Refusal> {
        let file = home.read(&home.config())?;
        let read = file.as_deref().map(Self::read).transpose()?;
        Ok(read.unwrap_or_default())
    }

    /// Reads the bytes of the file.
    ///
    /// # Errors
    /// `config_invalid` where it is not TOML or has a key that is not known.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| toml::from_str(text).ok())
            .ok_or_else(|| {
                Refusal::new(
                    Code::ConfigInvalid,
                    "the file `config` has a line that is no setting",
                    "remove the line, or the file and set again; the settings are: listen, audit-durability, extra-ca, auto-pull",
                )
            })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// `internal` where it cannot be written as TOML.
    pub(crate) fn to_toml(&self) -> Result<Vec<u8>, Refusal> {
        toml::to_string(self).map(String::into_bytes).map_err(|_| {
            Refusal::new(
                Code::Internal,
                "the configuration could not be written",
                "report this as a bug",
            )
        })
    }

    /// What it means.
    ///
    /// # Errors
    /// `config_invalid` where a value is not one of those the key takes.
    pub(crate) fn resolve(&self) -> Result<Config, Refusal> {
        Ok(Config {
            listen: self.listen.as_deref().map(listen).transpose()?,
            durability: self
                .audit_durability
                .as_deref()
                .map_or(Ok(Durability::Process), durability)?,
            extra_ca: self.extra_ca.as_deref().map(certificates).transpose()?,
            auto_pull: self
                .auto_pull
                .as_deref()
                .map_or(Ok(AutoPull::Verified), auto_pull)?,
        })
    }
}

/// A loopback address with its port: the port takes tokens, and tokens do not cross a network.
fn listen(written: &str) -> Result<SocketAddr, Refusal> {
    written
        .parse::<SocketAddr>()
        .ok()
        .filter(|address| address.ip().is_loopback())
        .ok_or_else(|| {
            Refusal::new(
                Code::ConfigInvalid,
                "`listen` is not a loopback address with a port",
                "set one: withheld config listen 127.0.0.1:7717",
            )
        })
}

fn durability(written: &str) -> Result<Durability, Refusal> {
    match written {
        "process" => Ok(Durability::Process),
        "power" => Ok(Durability::Power),
        _ => Err(Refusal::new(
            Code::ConfigInvalid,
            "`audit-durability` is neither `process` nor `power`",
            "set one: withheld config audit-durability process",
        )),
    }
}

/// Checked here, so that a file that verifies nobody is refused before it is needed.
fn certificates(pem: &str) -> Result<String, Refusal> {
    match withheld_wire::certificates_in(pem) {
        Some(_) => Ok(pem.to_owned()),
        None => Err(Refusal::new(
            Code::ConfigInvalid,
            "`extra-ca` has something in it that is no certificate in PEM",
            "set it from a file of certificates: withheld config extra-ca FILE",
        )),
    }
}

fn auto_pull(written: &str) -> Result<AutoPull, Refusal> {
    match written {
        "verified" => Ok(AutoPull::Verified),
        "ask" => Ok(AutoPull::Ask),
        "never" => Ok(AutoPull::Never),
        _ => Err(Refusal::new(
            Code::ConfigInvalid,
            "`auto-pull` is none of `verified`, `ask` and `never`",
            "set one: withheld config auto-pull verified",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use withheld_testkit::Authority;

    use super::*;

    fn resolved(text: &str) -> Result<Config, Code> {
        FileConfig::read(text.as_bytes())
            .and_then(|file| file.resolve())
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let expected = Config {
            listen: None,
            durability: Durability::Process,
            extra_ca: None,
            auto_pull: AutoPull::Verified,
        };
        assert_eq!(resolved(""), Ok(expected));
    }

    #[test]
    fn every_key_is_read() {
        let authority = Authority::new();
        let pem = authority.pem();
        let text = format!(
            "listen = \"[::1]:9\"\naudit-durability = \"power\"\nauto-pull = \"never\"\nextra-ca = '''\n{pem}'''\n"
        );
        let expected = Config {
            listen: Some("[::1]:9".parse().unwrap()),
            durability: Durability::Power,
            extra_ca: Some(pem.to_owned()),
            auto_pull: AutoPull::Never,
        };
        assert_eq!(resolved(&text), Ok(expected));
        let ask = resolved("auto-pull = \"ask\"").map(|config| config.auto_pull);
        assert_eq!(ask, Ok(AutoPull::Ask));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let authority = Authority::new();
        let pem = authority.pem();
        let mixed = format!(
            "extra-ca = '''\n{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'''\n"
        );
        for text in [
            "lisen = \"127.0.0.1:1\"",
            "listen = \"0.0.0.0:7717\"",
            "listen = \"192.0.2.1:7717\"",
            "listen = \"localhost:7717\"",
            "listen = 7717",
            "audit-durability = \"sometimes\"",
            "auto-pull = \"always\"",
            "auto-pull = true",
            "extra-ca = \"\"",
            "extra-ca = \"/etc/ssl/own.pem\"",
            mixed.as_str(),
            "listen",
            "\u{1}",
        ] {
            assert_eq!(resolved(text), Err(Code::ConfigInvalid), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let file = FileConfig {
            listen: Some("127.0.0.1:8000".to_owned()),
            extra_ca: Some(Authority::new().pem().to_owned()),
            ..FileConfig::default()
        };
        assert_eq!(FileConfig::read(&file.to_toml().unwrap()).unwrap(), file);
    }
}
