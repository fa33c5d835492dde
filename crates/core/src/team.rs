//! The words of a team: people, their roles and rights, and what waits for the owner.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::Environment;
use crate::plain::word;

pub use crate::name::PersonName;

/// Why a word of the team was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamFault(&'static str);

impl fmt::Display for TeamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for TeamFault {}

word! {
    /// What waits for the owner: `b_` and sixteen hex digits.
    WaitingId, TeamFault, waiting_id
}

word! {
    /// What was shown of something that waits: the SHA-256 of all that it would allow, in hex.
    ShownDigest, TeamFault, shown_digest
}

fn shown_digest(written: &str) -> Result<String, TeamFault> {
    if written.len() == 64 && is_hex(written) {
        return Ok(written.to_owned());
    }
    Err(TeamFault("a digest has 64 hex digits"))
}

fn is_hex(digits: &str) -> bool {
    let fits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    digits.bytes().all(fits)
}

fn waiting_id(written: &str) -> Result<String, TeamFault> {
    let digits = written.strip_prefix("b_").unwrap_or_default();
    if digits.len() != 16 || !is_hex(digits) {
        return Err(TeamFault(
            "what waits is named like b_1f3a9c025b7d8e46: see `withheld pending`",
        ));
    }
    Ok(written.to_owned())
}

/// An enum of fixed words, plain, read and written as them.
macro_rules! words {
    ($( $(#[$meta:meta])* $name:ident, $fault:literal { $( $(#[$vmeta:meta])* $variant:ident $word:literal ),* $(,)? } )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name { $( $(#[$vmeta])* #[serde(rename = $word)] $variant, )* }

        impl $name {
            /// As it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = TeamFault;
            fn from_str(written: &str) -> Result<Self, TeamFault> {
                match written {
                    $( $word => Ok(Self::$variant), )*
                    _ => Err(TeamFault($fault)),
                }
            }
        }

        impl crate::plain::__sealed::Sealed for $name {}
        impl crate::plain::Plain for $name {}
    )* };
}

words! {
    /// What a member may do about people. Roles manage people; rights open data.
    Role, "a role is `member`, `admin` or `owner`" {
        /// Nothing.
        Member "member",
        /// Invite, grant and remove.
        Admin "admin",
        /// Everything, admins and owners among it.
        Owner "owner",
    }

    /// What a member may do with the secrets of an environment.
    Right, "a right is `read`, `write` or `none`" {
        /// Nothing.
        None "none",
        /// Pull.
        Read "read",
        /// Pull and push.
        Write "write",
    }

    /// Which side wins where both changed one secret.
    Take, "take `local` or `remote`" {
        /// What is here.
        Local "local",
        /// What the team has.
        Remote "remote",
    }
}

/// A right on an environment. Written `ENV:RIGHT`, like `billing/dev:write`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// PROJECT/ENVIRONMENT.
    pub environment: Environment,
    /// What may be done with its secrets.
    pub right: Right,
}

impl FromStr for Access {
    type Err = TeamFault;

    fn from_str(written: &str) -> Result<Self, TeamFault> {
        let (environment, right) = written.rsplit_once(':').ok_or(TeamFault(
            "write environment and right, like billing/dev:write",
        ))?;
        Ok(Self {
            environment: Environment::parse(environment).map_err(|_| {
                TeamFault("the environment cannot be read: write it like dev or billing/dev")
            })?,
            right: right.parse()?,
        })
    }
}

impl crate::plain::__sealed::Sealed for Access {}
impl crate::plain::Plain for Access {}

#[cfg(test)]
mod tests {
    use super::{Access, Right, ShownDigest, WaitingId};
    use crate::name::Environment;

    #[test]
    fn access_is_an_environment_and_a_right() {
        let read: Access = "billing/dev:write".parse().unwrap();
        assert_eq!(read.environment.to_string(), "billing/dev");
        assert_eq!(read.right, Right::Write);
        let read: Access = "dev:read".parse().unwrap();
        assert_eq!(read.environment, Environment::dev());
        for wrong in ["dev", "dev:meta", "dev:", ":read", "Dev:read", ""] {
            assert!(wrong.parse::<Access>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_waits_has_a_name_of_64_bits() {
        assert!(WaitingId::parse("b_1f3a9c025b7d8e46").is_ok());
        for wrong in [
            "b_1f3a9c02",
            "1f3a9c025b7d8e46",
            "b_1f3a9c025b7d8e4",
            "b_1F3A9C025B7D8E46",
            "b_1f3a9c025b7d8e46 ",
        ] {
            assert!(WaitingId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_digest_is_whole() {
        let digest = "0123456789abcdef".repeat(4);
        assert!(ShownDigest::parse(&digest).is_ok());
        for wrong in [&digest[1..], &digest.to_uppercase(), ""] {
            assert!(ShownDigest::parse(wrong).is_err(), "{wrong}");
        }
    }
}
