//! Agent records: what one agent may do, signed by the owner as part of the policy document.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::destination::{Host, HostPattern};
use crate::name::{AgentId, Environment, SecretName, Workspace};
use crate::plain::word;

/// Why a part of a record was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFault(&'static str);

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for RecordFault {}

word! {
    /// A name of a secret, or several: `*` stands for any run of characters.
    NameGlob, RecordFault, name_glob
}

fn name_glob(written: &str) -> Result<String, RecordFault> {
    let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"_*".contains(&b);
    if written.is_empty() || written.len() > 128 || !written.bytes().all(fits) {
        return Err(RecordFault(
            "a grant is a secret's name, where `*` stands for any characters, like `STRIPE_*`",
        ));
    }
    Ok(written.to_owned())
}

impl NameGlob {
    /// Whether the name is meant.
    #[must_use]
    pub fn matches(&self, name: &SecretName) -> bool {
        let mut parts = self.as_str().split('*');
        let Some(mut rest) = parts
            .next()
            .and_then(|first| name.as_str().strip_prefix(first))
        else {
            return false;
        };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else {
            return rest.is_empty();
        };
        for part in parts {
            let Some((_, behind)) = rest.split_once(part) else {
                return false;
            };
            rest = behind;
        }
        rest.ends_with(last)
    }
}

/// How many requests in how many seconds. Written `60/m` (`s`, `m` or `h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(with = "String")
)]
pub struct Rate {
    /// Requests; at least 1.
    pub count: u32,
    /// Seconds.
    pub per_s: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            count: 60,
            per_s: 60,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per_s {
            1 => 's',
            60 => 'm',
            _ => 'h',
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl std::str::FromStr for Rate {
    type Err = RecordFault;
    fn from_str(written: &str) -> Result<Self, RecordFault> {
        const RULE: RecordFault =
            RecordFault("a rate is a number and a unit, like `60/m` (s, m or h)");
        let (count, unit) = written.split_once('/').ok_or(RULE)?;
        let per_s = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(RULE),
        };
        match count.parse() {
            Ok(count) if count > 0 && !written.starts_with('+') => Ok(Self { count, per_s }),
            _ => Err(RULE),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = std::borrow::Cow::<'de, str>::deserialize(from)?;
        written.parse().map_err(serde::de::Error::custom)
    }
}

impl crate::plain::__sealed::Sealed for Rate {}
impl crate::plain::Plain for Rate {}

crate::plain! {
    /// A host that may be reached without a secret.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct AllowedHost {
        /// The hosts. An IP address is never meant by a name.
        pub host: HostPattern,
        /// The port; `None` means 443 and, for clear text, 80.
        #[serde(default)]
        pub port: Option<u16>,
        /// With credentials of the client's own.
        #[serde(default)]
        pub foreign: bool,
    }
}

impl AllowedHost {
    /// Whether the destination is this one.
    #[must_use]
    pub fn reaches(&self, host: &Host, port: u16) -> bool {
        let port_fits = match self.port {
            Some(own) => own == port,
            None => matches!(port, 443 | 80),
        };
        port_fits && self.host.matches(host)
    }
}

crate::plain! {
    /// What one agent may do.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct AgentRecord {
        /// Who.
        pub agent: AgentId,
        /// The workspace its secrets are of.
        pub workspace: Workspace,
        /// The environment its secrets are of. A session has this one and no other.
        pub environment: Environment,
        /// The secrets.
        pub grants: Vec<NameGlob>,
        /// Hosts it may reach without a secret, beside those allowed to all.
        pub hosts: Vec<AllowedHost>,
        /// The life of each of its sessions, in seconds.
        pub ttl_s: u64,
        /// How often it may ask.
        pub rate: Rate,
    }
}

impl AgentRecord {
    /// The built-in record of programs that run as this user without a session: every bound secret
    /// of `dev`.
    #[must_use]
    pub fn local() -> Self {
        Self {
            agent: AgentId::local(),
            workspace: Workspace::local(),
            environment: Environment::dev(),
            grants: NameGlob::parse("*").into_iter().collect(),
            hosts: Vec::new(),
            ttl_s: 8 * 3600,
            rate: Rate::default(),
        }
    }

    /// Whether the secret is granted.
    #[must_use]
    pub fn grants(&self, name: &SecretName) -> bool {
        self.grants.iter().any(|glob| glob.matches(name))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        let matches = |glob: &str, name: &str| {
            NameGlob::parse(glob)
                .unwrap()
                .matches(&SecretName::parse(name).unwrap())
        };
        for (glob, name) in [
            ("*", "STRIPE_KEY"),
            ("STRIPE_*", "STRIPE_KEY"),
            ("*_KEY", "STRIPE_KEY"),
            ("S*_K*Y", "STRIPE_KEY"),
            ("STRIPE_KEY", "STRIPE_KEY"),
            ("A*A", "AA"),
        ] {
            assert!(matches(glob, name), "{glob} {name}");
        }
        for (glob, name) in [
            ("STRIPE", "STRIPE_KEY"),
            ("KEY", "STRIPE_KEY"),
            ("A*A", "A"),
            ("*_X", "STRIPE_KEY"),
        ] {
            assert!(!matches(glob, name), "{glob} {name}");
        }
        assert!(NameGlob::parse("stripe").is_err() && NameGlob::parse("").is_err());
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        for written in ["60/m", "1/s", "1000/h"] {
            assert_eq!(written.parse::<Rate>().unwrap().to_string(), written);
        }
        for written in ["", "60", "0/m", "-1/m", "60/d", "+1/m", "x/m"] {
            assert!(written.parse::<Rate>().is_err(), "{written}");
        }
    }

    #[test]
    fn a_host_is_allowed_at_its_port() {
        let host = Host::parse("pkg.test").unwrap();
        let allowed = |port| AllowedHost {
            host: HostPattern::parse("pkg.test").unwrap(),
            port,
            foreign: false,
        };
        assert!(allowed(None).reaches(&host, 443) && allowed(None).reaches(&host, 80));
        assert!(!allowed(None).reaches(&host, 8080) && allowed(Some(8080)).reaches(&host, 8080));
        assert!(!allowed(Some(8080)).reaches(&host, 443));
    }
}
