//! Names people choose, and identifiers we make. Each has a grammar narrow enough to be written to a
//! log, and each is checked once, when it enters.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::entropy::looks_like_key;
use crate::plain::{Text, word};
use crate::text;

/// Why a name was not accepted. Never quotes the name: it could be a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// It breaks the grammar; the text says what the grammar is.
    Grammar(&'static str),
    /// It would be read by the system or a runtime if it stood in an environment.
    Reserved,
    /// It looks like a key: a name goes into logs, so it must not be a value (C12).
    LooksLikeKey,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grammar(rule) => rule,
            Self::Reserved => {
                "this name is read by the system or a runtime and cannot name a secret"
            }
            Self::LooksLikeKey => "this looks like a key, and a name is written to logs",
        })
    }
}

impl std::error::Error for NameFault {}

word! {
    /// The name of a secret: `[A-Z][A-Z0-9_]{0,127}`, not reserved, not key-like.
    SecretName, NameFault, secret_name
}
word! {
    /// An environment variable that holds a placeholder; the same grammar as a secret's name.
    VarName, NameFault, secret_name
}
word! {
    /// The name of an agent: `[a-z][a-z0-9-]{0,31}`.
    AgentId, NameFault, lower_name
}
word! {
    /// The team's name; `local` before there is a team.
    Workspace, NameFault, lower_name
}
word! {
    /// The full name of an environment, `PROJECT/ENVIRONMENT`; written `dev` it means `default/dev`.
    Environment, NameFault, environment
}
word! {
    /// The name of somebody in a team: `[a-z0-9][a-z0-9._@-]{0,63}`, not key-like.
    PersonName, NameFault, person_name
}
word! {
    /// A human's short note: at most 64 characters of a narrow alphabet, not key-like.
    Label, NameFault, label
}

impl AgentId {
    /// The built-in agent of programs that run as this user without a session.
    #[must_use]
    pub fn local() -> Self {
        Self("local".into())
    }
}

impl Workspace {
    /// The workspace of a machine without a team.
    #[must_use]
    pub fn local() -> Self {
        Self("local".into())
    }
}

impl Environment {
    /// `default/dev`.
    #[must_use]
    pub fn dev() -> Self {
        Self("default/dev".into())
    }

    /// The part after the slash.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, short)| short)
    }

    /// The part before the slash.
    #[must_use]
    pub fn project(&self) -> &str {
        self.0
            .split_once('/')
            .map_or("default", |(project, _)| project)
    }

    /// Whether a command means it without naming it.
    #[must_use]
    pub fn goes_without_saying(&self) -> bool {
        &*self.0 == "default/dev"
    }

    /// How a command names it, behind everything else: ` -e billing/dev`, and nothing where it goes
    /// without saying.
    #[must_use]
    pub fn option(&self) -> Text {
        if self.goes_without_saying() {
            return Text::from("");
        }
        text!(" -e {}", *self)
    }
}

/// Names that change how programs load code, find the network or find Withheld.
const RESERVED: &[&str] = &[
    "PATH",
    "HOME",
    "SHELL",
    "USER",
    "LOGNAME",
    "TERM",
    "ENV",
    "IFS",
    "PS1",
    "PS4",
    "PWD",
    "OLDPWD",
    "TZ",
    "LANG",
    "TMPDIR",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BASH_ENV",
    "BASH_FUNC",
    "PROMPT_COMMAND",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PERL5LIB",
    "PERL5OPT",
    "RUBYLIB",
    "RUBYOPT",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "CLASSPATH",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "CURL_HOME",
    "WGETRC",
    "OPENSSL_CONF",
    "SSLKEYLOGFILE",
    "GCONV_PATH",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "CI",
    "NO_COLOR",
    "CLICOLOR_FORCE",
];
const RESERVED_PREFIXES: &[&str] = &[
    "LD_",
    "DYLD_",
    "GIT_",
    "SSL_CERT_",
    "WITHHELD",
    "LC_",
    "XDG_",
    "DBUS_",
    "BASH_FUNC_",
    "NPM_CONFIG_",
];
const RESERVED_SUFFIXES: &[&str] = &["_PROXY"];

fn secret_name(written: &str) -> Result<String, NameFault> {
    const RULE: NameFault = NameFault::Grammar(
        "a name is A to Z, 0 to 9 and _, begins with a letter and has at most 128 characters",
    );
    let mut bytes = written.bytes();
    if !bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        || written.len() > 128
        || !bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    {
        return Err(RULE);
    }
    if RESERVED.contains(&written)
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| written.starts_with(prefix))
        || RESERVED_SUFFIXES
            .iter()
            .any(|suffix| written.ends_with(suffix))
    {
        return Err(NameFault::Reserved);
    }
    if written.split('_').any(looks_like_key) {
        return Err(NameFault::LooksLikeKey);
    }
    Ok(written.to_owned())
}

fn lower_name(written: &str) -> Result<String, NameFault> {
    if !is_lower_name(written) {
        return Err(NameFault::Grammar(
            "a name here is a to z, 0 to 9 and -, begins with a letter and has at most 32 characters",
        ));
    }
    if looks_like_key(written) {
        return Err(NameFault::LooksLikeKey);
    }
    Ok(written.to_owned())
}

fn is_lower_name(written: &str) -> bool {
    let mut bytes = written.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && written.len() <= 32
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn person_name(written: &str) -> Result<String, NameFault> {
    let mut bytes = written.bytes();
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !bytes.next().is_some_and(lower)
        || written.len() > 64
        || !bytes.all(|b| lower(b) || b"._@-".contains(&b))
    {
        return Err(NameFault::Grammar(
            "a name here is a to z, 0 to 9 and ._@-, begins with a letter or a digit and has at most 64 characters",
        ));
    }
    if looks_like_key(written) || written.split(['.', '_', '@', '-']).any(looks_like_key) {
        return Err(NameFault::LooksLikeKey);
    }
    Ok(written.to_owned())
}

fn environment(written: &str) -> Result<String, NameFault> {
    let (project, short) = written.split_once('/').unwrap_or(("default", written));
    Ok(format!("{}/{}", lower_name(project)?, lower_name(short)?))
}

fn label(written: &str) -> Result<String, NameFault> {
    if written.len() > 64
        || !written
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " .,:-_/()".contains(c))
    {
        return Err(NameFault::Grammar(
            "a note has at most 64 characters: A to Z, a to z, 0 to 9, spaces and .,:-_/()",
        ));
    }
    if written.split(' ').any(looks_like_key) {
        return Err(NameFault::LooksLikeKey);
    }
    Ok(written.to_owned())
}

/// Declares an identifier that we make from random bytes: a letter, `_`, base64url.
macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident, $bytes:literal, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// From bytes that the caller drew at random.
            #[must_use]
            pub fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Reads the written form.
            ///
            /// # Errors
            /// When it is not the form that [`std::fmt::Display`] writes.
            pub fn parse(written: &str) -> Result<Self, NameFault> {
                const RULE: NameFault = NameFault::Grammar(concat!("an identifier here begins with ", $prefix));
                let body = written.strip_prefix($prefix).ok_or(RULE)?;
                let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| RULE)?;
                Ok(Self(bytes.try_into().map_err(|_| RULE)?))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let written = std::borrow::Cow::<'de, str>::deserialize(from)?;
                Self::parse(&written).map_err(serde::de::Error::custom)
            }
        }

        impl crate::plain::__sealed::Sealed for $name {}
        impl crate::plain::Plain for $name {}
    };
}

identifier! {
    /// One request, from the door to the log. The papers of a request carry it and are compared.
    RequestId, 16, "q_"
}
identifier! {
    /// One session of an agent. Not the token: knowing it gives nothing.
    SessionId, 9, "s_"
}
identifier! {
    /// One binding in the policy document.
    BindingId, 6, "b_"
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn secret_names() {
        for good in [
            "STRIPE_KEY",
            "A",
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "X1_2",
        ] {
            assert_eq!(SecretName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "stripe", "1A", "_A", "A-B", "A=B", "Ä", "A B"] {
            assert!(
                matches!(SecretName::parse(bad), Err(NameFault::Grammar(_))),
                "{bad}"
            );
        }
        for reserved in [
            "PATH",
            "LD_PRELOAD",
            "HTTPS_PROXY",
            "GIT_DIR",
            "SSL_CERT_FILE",
            "WITHHELD_HOME",
            "BASH_ENV",
        ] {
            assert_eq!(
                SecretName::parse(reserved),
                Err(NameFault::Reserved),
                "{reserved}"
            );
        }
        assert_eq!(
            SecretName::parse("AKIAIOSFODNN7EXAMPLE2K9Q"),
            Err(NameFault::LooksLikeKey)
        );
        assert!(SecretName::parse(&"A".repeat(129)).is_err());
    }

    #[test]
    fn a02_notes_have_a_narrow_alphabet() {
        assert!(Label::parse("key of the billing team (2026-11)").is_ok());
        for bad in ["\u{202e}abc", "a\nb", "\u{1b}[31m", "\u{5d0}", "a=b"] {
            assert!(
                matches!(Label::parse(bad), Err(NameFault::Grammar(_))),
                "{bad:?}"
            );
        }
        assert_eq!(
            Label::parse("sk_live_51HxYzAbCdEfGh"),
            Err(NameFault::LooksLikeKey)
        );
    }

    #[test]
    fn environments_have_a_project() {
        assert_eq!(Environment::parse("dev").unwrap(), Environment::dev());
        assert_eq!(
            Environment::parse("billing/prod").unwrap().project(),
            "billing"
        );
        assert!(Environment::parse("a/b/c").is_err());
    }

    #[test]
    fn people_have_short_plain_names() {
        for good in ["bob", "b", "anna.lena@example.com", "bob-2", "7of9", "a_b"] {
            assert_eq!(PersonName::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "", "Bob", ".bob", "@bob", "b ob", "b/ob", "b\nob", "b\u{f6}b",
        ] {
            assert!(
                matches!(PersonName::parse(bad), Err(NameFault::Grammar(_))),
                "{bad:?}"
            );
        }
        assert!(PersonName::parse(&"a".repeat(64)).is_ok());
        assert!(PersonName::parse(&"a".repeat(65)).is_err());
        assert_eq!(
            PersonName::parse("sk_live_51hx7zabcdefgh9k"),
            Err(NameFault::LooksLikeKey)
        );
    }

    #[test]
    fn identifiers_come_back() {
        let id = RequestId::from_bytes([7; 16]);
        assert_eq!(RequestId::parse(&id.to_string()).unwrap(), id);
        assert!(RequestId::parse("s_BwcHBwcHBwcHBwcHBwcHBw").is_err());
    }
}
