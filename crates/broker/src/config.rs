//! The file `config`: what the owner set. Read once, at the start; unknown keys are refused.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use withheld_audit::Durability;
use withheld_core::{Code, Refusal};

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
}

/// What the broker runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The address of the listener, where the owner set one: then that one and no other.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) durability: Durability,
}

impl FileConfig {
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
                    "the file `config` has a line that is not `listen` or `audit-durability`",
                    "mend it, or remove it and set again: withheld config listen 127.0.0.1:7717",
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Config, Code> {
        FileConfig::read(text.as_bytes())
            .and_then(|file| file.resolve())
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = resolved("").unwrap();
        assert_eq!(config.listen, None);
        assert_eq!(config.durability, Durability::Process);
    }

    #[test]
    fn both_keys_are_read() {
        let config = resolved("listen = \"[::1]:9\"\naudit-durability = \"power\"").unwrap();
        assert_eq!(config.listen, Some("[::1]:9".parse().unwrap()));
        assert_eq!(config.durability, Durability::Power);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "lisen = \"127.0.0.1:1\"",
            "listen = \"0.0.0.0:7717\"",
            "listen = \"192.0.2.1:7717\"",
            "listen = \"localhost:7717\"",
            "listen = 7717",
            "audit-durability = \"sometimes\"",
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
            audit_durability: None,
        };
        assert_eq!(FileConfig::read(&file.to_toml().unwrap()).unwrap(), file);
    }
}
