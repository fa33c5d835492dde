//! The keys of a team: what a device derives from its seed, the keys of epochs and the envelopes that
//! carry them, sealed records, invitations.
//!
//! What anybody can check is in `withheld-team`; here is what takes a key. A value or a key is in locked
//! memory from its first byte to its last; names and bindings are not secret from this process.

mod cipher;
pub mod engine;
pub(crate) mod envelope;
pub(crate) mod epoch;
pub(crate) mod invitation;
pub(crate) mod keys;
pub(crate) mod meta;
mod padding;
pub mod post;
pub(crate) mod sealed;

use minicbor::{Decode, Encode};
use withheld_core::Refusal;

pub use engine::*;
pub use post::{Answer, Asker, Noted, Outgoing, Post, PushStep};
pub use withheld_team::drift::{Flag, State as Drift};

/// A rule that only holders of the key can check, broken by one record: that record is set aside, with
/// its author's name, and the rest of the environment goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Broken {
    /// The slot does not open: it is of another record, version or epoch, or wraps something else.
    #[n(0)]
    Slot,
    /// The slot holds another key than the author committed to.
    #[n(1)]
    Commitment,
    /// The key is the right one, and the part does not open with it.
    #[n(2)]
    Part,
    /// The padding is not as long as it must be, or not all zero.
    #[n(3)]
    Padding,
    /// The names are not what they should be.
    #[n(4)]
    Meta,
    /// The tag in the record is not the value's.
    #[n(5)]
    Tag,
    /// The value is shorter or longer than any that is taken.
    #[n(6)]
    Size,
    /// What the secret may be used for is not signed by an owner key of the team.
    #[n(7)]
    Bindings,
}

impl Broken {
    /// The rule, for a message.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::Slot => "its slot does not open",
            Self::Commitment => "its slot holds another key than its author committed to",
            Self::Part => "it does not open with its own key",
            Self::Padding => "its padding is not what it must be",
            Self::Meta => "its name cannot be read",
            Self::Tag => "its tag is not the value's",
            Self::Size => "its value is shorter or longer than any that is taken",
            Self::Bindings => "its bindings are not signed by an owner of the team",
        }
    }
}

/// Why a record was not opened.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// The record is to be set aside.
    Broken(Broken),
    /// This machine could not: no locked memory, no randomness.
    Refused(Refusal),
}

impl From<Broken> for Unopened {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Refusal> for Unopened {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod test_team;
#[cfg(test)]
mod tests;
