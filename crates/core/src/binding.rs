//! Bindings: where one secret may go, and how it stands in the request. Only the owner makes one;
//! what an agent names is compared with it and never decides.

use std::fmt;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use crate::credential_fields;
use crate::destination::{Host, HostPattern, Methods, Scheme};
use crate::name::{BindingId, Environment, SecretName, VarName};
use crate::path::Paths;
use crate::plain::word;

/// Why a place, or a part of one, was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceFault(&'static str);

impl fmt::Display for PlaceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for PlaceFault {}

word! {
    /// A header field that a credential may stand in: a token of RFC 9110, none of those that frame
    /// the message or belong to the connection.
    FieldName, PlaceFault, field_name
}

word! {
    /// A query parameter that a credential may stand in.
    ParamName, PlaceFault, param_name
}

word! {
    /// The user name that stands before the colon of Basic (RFC 7617).
    BasicUser, PlaceFault, basic_user
}

word! {
    /// The public beginning of a key, like `sk_live_`: it gives a placeholder its shape.
    KeyPrefix, PlaceFault, key_prefix
}

word! {
    /// What stands round the value in a header: visible ASCII and spaces with exactly one `{}`.
    Format, PlaceFault, format_text
}

fn field_name(written: &str) -> Result<String, PlaceFault> {
    let name: HeaderName = written
        .parse()
        .map_err(|_| PlaceFault("a header name is a token, like `X-Api-Key`"))?;
    let frames = ["host", "content-length", "content-type", "expect", "via"];
    if credential_fields::is_hop_by_hop(&name)
        || credential_fields::is_ours(&name)
        || frames.contains(&name.as_str())
        || written.len() > 64
    {
        return Err(PlaceFault(
            "this header is not one that can carry a credential",
        ));
    }
    Ok(written.to_owned())
}

fn param_name(written: &str) -> Result<String, PlaceFault> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if written.is_empty() || written.len() > 64 || !written.bytes().all(unreserved) {
        return Err(PlaceFault(
            "a query key is letters, digits and `-._~`, like `api_key`",
        ));
    }
    Ok(written.to_owned())
}

fn basic_user(written: &str) -> Result<String, PlaceFault> {
    let fits = |b: u8| b.is_ascii_graphic() && b != b':';
    if written.is_empty() || written.len() > 128 || !written.bytes().all(fits) {
        return Err(PlaceFault(
            "a user name of Basic is visible ASCII without a colon",
        ));
    }
    Ok(written.to_owned())
}

fn key_prefix(written: &str) -> Result<String, PlaceFault> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    if written.len() > 24 || !written.bytes().all(fits) {
        return Err(PlaceFault(
            "a key's prefix is at most 24 letters, digits and `_-.`",
        ));
    }
    Ok(written.to_owned())
}

fn format_text(written: &str) -> Result<String, PlaceFault> {
    let visible = written.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if !visible || written.len() > 64 || written.matches("{}").count() != 1 {
        return Err(PlaceFault(
            "a format is visible ASCII with one `{}` for the value",
        ));
    }
    Ok(written.to_owned())
}

impl FieldName {
    /// As the header map knows it.
    #[must_use]
    pub fn header(&self) -> HeaderName {
        // The grammar of this type is the grammar of that one.
        self.as_str().parse().unwrap_or(http::header::AUTHORIZATION)
    }
}

impl Format {
    /// What stands before and behind the value.
    #[must_use]
    pub fn around(&self) -> (&str, &str) {
        self.as_str().split_once("{}").unwrap_or(("", ""))
    }
}

/// The injection style. Written as in `Withheld-Inject`: `bearer`, `basic[:USER]`, `header:H`, `query:K`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(with = "String")
)]
pub enum Place {
    /// `Authorization: Bearer VALUE` (RFC 6750).
    Bearer,
    /// `Authorization: Basic …` (RFC 7617). With a user, the value is the password; without, it is
    /// `user:password`, or, having no colon, the user name before an empty password.
    Basic(Option<BasicUser>),
    /// A header field of its own.
    Header(FieldName),
    /// A query parameter.
    Query(ParamName),
}

impl Place {
    /// The header field it stands in; `None` for the query.
    #[must_use]
    pub fn header(&self) -> Option<HeaderName> {
        match self {
            Self::Bearer | Self::Basic(_) => Some(http::header::AUTHORIZATION),
            Self::Header(name) => Some(name.header()),
            Self::Query(_) => None,
        }
    }

    /// Whether both would write what a server may read as the same field or parameter.
    #[must_use]
    pub fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Query(one), Self::Query(two)) => one.as_str().eq_ignore_ascii_case(two.as_str()),
            _ => other.header().is_some_and(|name| self.is_read_from(&name)),
        }
    }

    /// Whether a server may read what stands in this field as what stands at the place.
    #[must_use]
    pub fn is_read_from(&self, name: &HeaderName) -> bool {
        self.header().is_some_and(|own| {
            own == *name || credential_fields::as_read(&own) == credential_fields::as_read(name)
        })
    }

    /// Whether an agent that writes `named` means this place: names are compared without case, and
    /// the user of Basic need not be repeated.
    #[must_use]
    pub fn is_meant_by(&self, named: &Self) -> bool {
        match (self, named) {
            (Self::Basic(_), Self::Basic(None)) => true,
            (Self::Header(one), Self::Header(two)) => one.header() == two.header(),
            (Self::Query(one), Self::Query(two)) => one.as_str().eq_ignore_ascii_case(two.as_str()),
            // A bearer token and a formatted `Authorization` are the same place under two names.
            (Self::Header(one), Self::Bearer) => one.header() == http::header::AUTHORIZATION,
            (one, two) => one == two,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer => f.write_str("bearer"),
            Self::Basic(None) => f.write_str("basic"),
            Self::Basic(Some(user)) => write!(f, "basic:{user}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(key) => write!(f, "query:{key}"),
        }
    }
}

impl std::str::FromStr for Place {
    type Err = PlaceFault;
    fn from_str(written: &str) -> Result<Self, PlaceFault> {
        match written.split_once(':') {
            None if written == "bearer" => Ok(Self::Bearer),
            None if written == "basic" => Ok(Self::Basic(None)),
            Some(("basic", user)) => BasicUser::parse(user).map(|user| Self::Basic(Some(user))),
            Some(("header", name)) => FieldName::parse(name).map(Self::Header),
            Some(("query", key)) => ParamName::parse(key).map(Self::Query),
            _ => Err(PlaceFault(
                "a place is bearer, basic, basic:USER, header:NAME or query:KEY",
            )),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = std::borrow::Cow::<'de, str>::deserialize(from)?;
        written.parse().map_err(serde::de::Error::custom)
    }
}

impl crate::plain::__sealed::Sealed for Place {}
impl crate::plain::Plain for Place {}

/// Where and how one secret may be used. The scheme is always https: there is no field for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Its own id, so that a record and a refusal can name the rule.
    pub id: BindingId,
    /// The environment whose secret is meant.
    pub environment: Environment,
    /// The secret.
    pub secret: SecretName,
    /// What it allows, and how.
    #[serde(flatten)]
    pub terms: BindingDraft,
}

/// A binding before it belongs to a secret: what the owner writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingDraft {
    /// The hosts.
    pub host: HostPattern,
    /// The one port.
    pub port: u16,
    /// Paths by whole segments; empty means all.
    #[serde(default)]
    pub paths: Paths,
    /// Methods; empty means all that are ever forwarded.
    #[serde(default)]
    pub methods: Methods,
    /// Where the value stands.
    pub place: Place,
    /// What stands round it; only for a header.
    #[serde(default)]
    pub format: Option<Format>,
    /// Variables that hold the placeholder in an agent's environment.
    #[serde(default)]
    pub vars: Vec<VarName>,
    /// The public prefix of the key.
    #[serde(default)]
    pub prefix: Option<KeyPrefix>,
    /// Injected without being named.
    #[serde(default)]
    pub auto: bool,
    /// May reach loopback and private addresses.
    #[serde(default)]
    pub private: bool,
    /// The client may bring credentials of its own beside ours.
    #[serde(default)]
    pub foreign: bool,
    /// Certificates (PEM) that stand in place of the system's roots for this host.
    #[serde(default)]
    pub ca: Option<String>,
}

impl std::ops::Deref for Binding {
    type Target = BindingDraft;
    fn deref(&self) -> &BindingDraft {
        &self.terms
    }
}

impl Binding {
    /// Whether the destination is this one: host and port; the scheme must be https.
    #[must_use]
    pub fn reaches(&self, scheme: Scheme, host: &Host, port: u16) -> bool {
        scheme == Scheme::Https && self.port == port && self.host.matches(host)
    }

    /// The depth of the deepest path pattern that covers the path; `None` where path or method are
    /// not covered.
    #[must_use]
    pub fn covers(&self, method: &str, path: &str) -> Option<usize> {
        self.methods.covers(method).then_some(())?;
        self.paths.covers(path)
    }

    /// Whether a new binding takes this one's place: the same secret, host, port and paths.
    #[must_use]
    pub fn is_replaced_by(
        &self,
        environment: &Environment,
        secret: &SecretName,
        new: &BindingDraft,
    ) -> bool {
        self.environment == *environment
            && self.secret == *secret
            && self.host == new.host
            && self.port == new.port
            && self.paths == new.paths
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for written in [
            "bearer",
            "basic",
            "basic:x-access-token",
            "header:X-Api-Key",
            "query:api_key",
        ] {
            assert_eq!(written.parse::<Place>().unwrap().to_string(), written);
        }
        for written in [
            "",
            "Bearer",
            "header:",
            "header:Host",
            "header:Connection",
            "header:Withheld-Url",
            "header:a b",
            "query:",
            "query:a&b",
            "basic:",
            "basic:a:b",
            "json:/a",
            "header:X\r\nY",
        ] {
            assert!(written.parse::<Place>().is_err(), "{written}");
        }
    }

    #[test]
    fn formats_hold_one_value() {
        assert_eq!(Format::parse("Bot {}").unwrap().around(), ("Bot ", ""));
        for written in ["", "Bot", "{} {}", "a\n{}", "é{}"] {
            assert!(Format::parse(written).is_err(), "{written}");
        }
    }

    #[test]
    fn what_an_agent_names_is_compared_without_case() {
        let place = |written: &str| written.parse::<Place>().unwrap();
        assert!(place("header:X-Api-Key").is_meant_by(&place("header:x-api-key")));
        assert!(place("basic:user").is_meant_by(&place("basic")));
        assert!(!place("basic:user").is_meant_by(&place("basic:other")));
        assert!(!place("bearer").is_meant_by(&place("header:X-Api-Key")));
        assert!(place("bearer").collides(&place("basic")));
        assert!(!place("query:a").collides(&place("bearer")));
    }
}
