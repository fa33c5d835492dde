//! Where a request goes: scheme, host, port, and the patterns a binding may use for them.
//!
//! A host is compared in one form only: lower-case A-labels without a trailing dot (UTS 46, strict,
//! RFC 5891), or an IP literal in its canonical form (RFC 5952). Those are the only repairs; what
//! could be read two ways is refused.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::plain::word;

crate::plain! {
    /// The scheme of a destination.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Scheme {
        /// TLS, verified.
        Https,
        /// Clear text: never with a credential.
        Http,
    }
}

impl Scheme {
    /// The port that goes without saying.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "https",
            Self::Http => "http",
        })
    }
}

/// Why a host or a host pattern was not accepted. Never quotes the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFault {
    /// Not a host name: other bytes, empty labels, too long, or a label that IDNA does not allow.
    NotAName,
    /// An address in a form that resolvers read and people do not (`127.1`, `0x7f.1`, `2130706433`).
    OddAddress,
    /// A wildcard elsewhere than as the whole first label.
    Wildcard,
    /// A wildcard over a public suffix: it would cover hosts of strangers.
    PublicSuffix,
}

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAName => "this is not a host name",
            Self::OddAddress => "this address is not written in its usual form",
            Self::Wildcard => {
                "a wildcard is a whole first label: *. for one label, **. for any number"
            }
            Self::PublicSuffix => "this wildcard covers a public suffix, and so hosts of strangers",
        })
    }
}

impl std::error::Error for HostFault {}

word! {
    /// A host as it is compared: lower-case A-labels without a trailing dot, or a canonical IP
    /// address (without brackets).
    Host, HostFault, host
}

impl Host {
    /// The address, where the host is an IP literal. A name never means one.
    #[must_use]
    pub fn as_ip(&self) -> Option<IpAddr> {
        self.as_str().parse().ok()
    }
}

fn host(written: &str) -> Result<String, HostFault> {
    if let Some(inner) = written.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(HostFault::NotAName)?;
        // A zone id (`%eth0`) names an interface of this machine: no destination of a binding.
        return inner
            .parse::<Ipv6Addr>()
            .map(|ip| ip.to_string())
            .map_err(|_| HostFault::NotAName);
    }
    if let Ok(ip) = written.parse::<Ipv4Addr>() {
        return Ok(ip.to_string());
    }
    if let Ok(ip) = written.parse::<Ipv6Addr>() {
        return Ok(ip.to_string());
    }
    name(written)
}

/// A DNS name in its compared form.
fn name(written: &str) -> Result<String, HostFault> {
    if written.is_empty()
        || written
            .bytes()
            .any(|b| b <= b' ' || b == 0x7f || b"%/\\?#@:;[]\"<>^`{|}".contains(&b))
    {
        return Err(HostFault::NotAName);
    }
    // One trailing dot, in any of the forms that UTS 46 maps to a dot, says the same name.
    let written = written
        .strip_suffix(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        .unwrap_or(written);
    let ascii = idna::domain_to_ascii_strict(written).map_err(|_| HostFault::NotAName)?;
    let ascii = ascii.as_str();
    if ascii.is_empty() || ascii.len() > 253 {
        return Err(HostFault::NotAName);
    }
    for label in ascii.split('.') {
        let inner = label.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        if inner.len() > 63 || !edge(inner.first()) || !edge(inner.last()) {
            return Err(HostFault::NotAName);
        }
        if !inner
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        {
            return Err(HostFault::NotAName);
        }
    }
    if ends_in_a_number(ascii) {
        return Err(HostFault::OddAddress);
    }
    Ok(ascii.to_owned())
}

/// Whether resolvers would read the name as an IPv4 address (WHATWG URL, "ends in a number").
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.bytes().all(|b| b.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Reads `host` or `host:port` where a port, if there, is canonical: no sign, no leading zero, not 0.
///
/// # Errors
/// [`HostFault::NotAName`] where the port is not canonical, else what the host's grammar says.
pub fn authority(written: &str) -> Result<(Host, Option<u16>), HostFault> {
    let (host, port) = match written.rfind(':') {
        Some(colon) if !written.ends_with(']') => (&written[..colon], Some(&written[colon + 1..])),
        _ => (written, None),
    };
    if host.contains(':') && !host.starts_with('[') {
        return Err(HostFault::NotAName);
    }
    let port = port.map(canonical_port).transpose()?;
    Ok((Host::parse(host)?, port))
}

fn canonical_port(written: &str) -> Result<u16, HostFault> {
    if written.is_empty()
        || written.starts_with('0')
        || !written.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(HostFault::NotAName);
    }
    written.parse().map_err(|_| HostFault::NotAName)
}

/// A host that a binding or an allowance names: exact, `*.example.com` (one label), or
/// `**.example.com` (any number of labels, at least one). The apex is never covered by a wildcard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(with = "String")
)]
pub struct HostPattern {
    wildcard: Wildcard,
    host: Host,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Wildcard {
    Exact,
    OneLabel,
    AnyLabels,
}

impl HostPattern {
    /// Reads the written form.
    ///
    /// # Errors
    /// A wildcard that is not a whole first label, or that covers a public suffix (ICANN or private
    /// section of the list, <https://publicsuffix.org>), or a host that is not one.
    pub fn parse(written: &str) -> Result<Self, HostFault> {
        let (wildcard, rest) = if let Some(rest) = written.strip_prefix("**.") {
            (Wildcard::AnyLabels, rest)
        } else if let Some(rest) = written.strip_prefix("*.") {
            (Wildcard::OneLabel, rest)
        } else {
            (Wildcard::Exact, written)
        };
        if rest.contains('*') {
            return Err(HostFault::Wildcard);
        }
        let host = Host::parse(rest)?;
        if wildcard != Wildcard::Exact {
            if host.as_ip().is_some() {
                return Err(HostFault::Wildcard);
            }
            // `domain` is the suffix and one label more: without it, the name is itself a suffix.
            if psl::domain(host.as_str().as_bytes()).is_none() {
                return Err(HostFault::PublicSuffix);
            }
        }
        Ok(Self { wildcard, host })
    }

    /// Whether the pattern covers the host.
    #[must_use]
    pub fn matches(&self, host: &Host) -> bool {
        let label = || {
            host.as_str()
                .strip_suffix(self.host.as_str())?
                .strip_suffix('.')
        };
        match self.wildcard {
            Wildcard::Exact => *host == self.host,
            Wildcard::OneLabel => {
                label().is_some_and(|label| !label.is_empty() && !label.contains('.'))
            }
            Wildcard::AnyLabels => label().is_some_and(|labels| !labels.is_empty()),
        }
    }

    /// Whether it names exactly one host.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.wildcard == Wildcard::Exact
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.wildcard {
            Wildcard::Exact => "",
            Wildcard::OneLabel => "*.",
            Wildcard::AnyLabels => "**.",
        };
        write!(f, "{prefix}{}", self.host)
    }
}

impl Serialize for HostPattern {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&written).map_err(serde::de::Error::custom)
    }
}

impl crate::plain::__sealed::Sealed for HostPattern {}
impl crate::plain::Plain for HostPattern {}

word! {
    /// A method as it is recorded and named in a refusal: a token in capitals, at most 32 characters.
    MethodName, MethodFault, method_name
}

/// It is no token in capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodFault;

impl fmt::Display for MethodFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a method is a token in capitals, like GET")
    }
}

impl std::error::Error for MethodFault {}

fn method_name(written: &str) -> Result<String, MethodFault> {
    let token = !written.is_empty()
        && written.len() <= 32
        && written.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    if token {
        Ok(written.to_owned())
    } else {
        Err(MethodFault)
    }
}

/// The methods a binding covers. Tokens of RFC 9110, compared with case; empty means any but the
/// ones that are never forwarded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
#[serde(into = "Vec<MethodName>")]
pub struct Methods(Vec<MethodName>);

impl TryFrom<Vec<String>> for Methods {
    type Error = &'static str;
    fn try_from(written: Vec<String>) -> Result<Self, Self::Error> {
        Self::parse(written.iter().map(String::as_str))
            .map_err(|_| "a method is a token in capitals")
    }
}

impl From<Methods> for Vec<MethodName> {
    fn from(methods: Methods) -> Self {
        methods.0
    }
}

impl Methods {
    /// Reads a list of method names.
    ///
    /// # Errors
    /// The first one's index that is not a token in capitals, or is never forwarded (CONNECT, TRACE).
    pub fn parse<'a>(written: impl IntoIterator<Item = &'a str>) -> Result<Self, usize> {
        let mut methods = Vec::new();
        for (index, method) in written.into_iter().enumerate() {
            match MethodName::parse(method) {
                Ok(name) if !matches!(method, "CONNECT" | "TRACE") => methods.push(name),
                _ => return Err(index),
            }
        }
        methods.sort();
        methods.dedup();
        Ok(Self(methods))
    }

    /// The methods by name; empty where any is covered.
    #[must_use]
    pub fn method_names(&self) -> &[MethodName] {
        &self.0
    }

    /// Whether the method is covered.
    #[must_use]
    pub fn covers(&self, method: &str) -> bool {
        !matches!(method, "CONNECT" | "TRACE")
            && (self.0.is_empty() || self.0.iter().any(|one| one.as_str() == method))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn is_host(written: &str, kept: &str) {
        assert_eq!(Host::parse(written).unwrap().as_str(), kept, "{written}");
    }

    #[test]
    fn h01_h02_dot_and_case_are_repaired() {
        for written in ["api.test", "api.test.", "API.Test", "ApI.TeSt"] {
            is_host(written, "api.test");
        }
        assert!(Host::parse("api..test").is_err());
        assert!(Host::parse("api.test..").is_err());
    }

    #[test]
    fn h03_homographs_are_other_hosts() {
        is_host("\u{430}pi.test", "xn--pi-6kc.test");
        is_host("xn--pi-6kc.test", "xn--pi-6kc.test");
        is_host("ａｐｉ．ｔｅｓｔ", "api.test");
        is_host("api。test", "api.test");
        assert!(Host::parse("xn--a.test").is_err());
    }

    #[test]
    fn h04_h05_bytes_outside_names_are_refused() {
        for written in [
            "api.test%00.evil.test",
            "api.test\0.evil",
            "api.test@evil.test",
            "evil.test#@api.test",
            "evil.test\\@api.test",
            "api.test;evil.test",
            "api.test\t",
            "api.test\r\n",
            "",
            ".",
            "-api.test",
            "api-.test",
            "a_b.test",
            "api.test/x",
        ] {
            assert!(Host::parse(written).is_err(), "{written:?}");
        }
    }

    #[test]
    fn h06_ports_are_canonical() {
        assert_eq!(authority("api.test:443").unwrap().1, Some(443));
        assert_eq!(authority("api.test").unwrap().1, None);
        assert_eq!(
            authority("[::1]:8443").unwrap(),
            (Host::parse("::1").unwrap(), Some(8443))
        );
        assert_eq!(authority("[::1]").unwrap().1, None);
        for written in [
            "api.test:0443",
            "api.test:443 ",
            "api.test:65979",
            "api.test:+443",
            "api.test:",
            "api.test:0",
            "::1:443",
            "a:b:1",
        ] {
            assert!(authority(written).is_err(), "{written}");
        }
    }

    #[test]
    fn h07_wildcards_cover_labels() {
        let one = HostPattern::parse("*.api-vendor.com").unwrap();
        let any = HostPattern::parse("**.api-vendor.com").unwrap();
        let covers =
            |pattern: &HostPattern, host: &str| pattern.matches(&Host::parse(host).unwrap());
        assert!(
            covers(&one, "a.api-vendor.com")
                && covers(&any, "a.api-vendor.com")
                && covers(&any, "a.b.api-vendor.com")
        );
        for host in [
            "evilapi-vendor.com",
            "api-vendor.com",
            "a.b.api-vendor.com",
            "x.api-vendor.com.evil.test",
        ] {
            assert!(!covers(&one, host), "{host}");
        }
        assert!(!covers(&any, "api-vendor.com") && !covers(&any, "evilapi-vendor.com"));
        assert!(
            Host::parse("*.api-vendor.com").is_err() && Host::parse(".api-vendor.com").is_err()
        );
    }

    #[test]
    fn h08_wildcards_over_strangers_are_refused() {
        for written in [
            "*.com",
            "*.co.uk",
            "*.github.io",
            "*.s3.amazonaws.com",
            "*.workers.dev",
            "**.com",
        ] {
            assert_eq!(
                HostPattern::parse(written),
                Err(HostFault::PublicSuffix),
                "{written}"
            );
        }
        for written in [
            "*",
            "api.*.com",
            "a*.example.com",
            "*.*.example.com",
            "*.127.0.0.1",
        ] {
            assert!(HostPattern::parse(written).is_err(), "{written}");
        }
    }

    #[test]
    fn h10_odd_addresses_are_refused() {
        for written in [
            "0",
            "127.1",
            "0x7f.1",
            "017700000001",
            "2130706433",
            "0x7f000001",
            "1.2.3.4.5",
            "127.0.0.1.",
            "a.0x10",
        ] {
            assert!(Host::parse(written).is_err(), "{written}");
        }
        is_host("127.0.0.1", "127.0.0.1");
        is_host("[::FFFF:127.0.0.1]", "::ffff:127.0.0.1");
        assert!(Host::parse("[fe80::1%eth0]").is_err());
    }

    #[test]
    fn h22_methods_are_tokens_with_case() {
        let get = Methods::parse(["GET"]).unwrap();
        assert!(get.covers("GET") && !get.covers("get") && !get.covers("DELETE"));
        let any = Methods::default();
        assert!(any.covers("PROPFIND") && !any.covers("TRACE") && !any.covers("CONNECT"));
        assert_eq!(Methods::parse(["GET", "TRACE"]), Err(1));
        assert_eq!(Methods::parse(["get"]), Err(0));
    }
}
