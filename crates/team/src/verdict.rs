//! What is wrong with bytes that a server showed.

use std::fmt;

use withheld_core::{Code, Refusal};

/// Why something was not accepted. Nothing of it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Bytes that do not decode canonically, a bad signature, a signer without the right, a wrong
    /// position, commitment or state root. The text says which rule.
    Invalid(&'static str),
    /// A format of another version, or an operation that this version does not know, by its name or
    /// number.
    Unknown(&'static str),
    /// A valid state that does not extend a head that was seen, or shows less than an invitation.
    Rollback,
    /// Two valid entries at one position, or another genesis.
    Fork,
    /// Nothing is wrong with what was shown; something is missing: an envelope, fresh truth.
    Unverified(&'static str),
}

impl Verdict {
    /// The code of the refusal that this becomes.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Invalid(_) => Code::SignatureInvalid,
            Self::Unknown(_) | Self::Unverified(_) => Code::Unverified,
            Self::Rollback => Code::RollbackDetected,
            Self::Fork => Code::ForkDetected,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(rule) | Self::Unknown(rule) | Self::Unverified(rule) => f.write_str(rule),
            Self::Rollback => f.write_str("the server shows an older state than one that was seen"),
            Self::Fork => {
                f.write_str("the server shows another history than the one that was seen")
            }
        }
    }
}

impl std::error::Error for Verdict {}

impl From<Verdict> for Refusal {
    fn from(verdict: Verdict) -> Self {
        let code = verdict.code();
        match verdict {
            Verdict::Invalid(rule) => Self::new(
                code,
                withheld_core::text!("the server shows something that does not verify: {}", rule),
                "nothing was applied; ask the people who run the server, and keep using what is here",
            ),
            Verdict::Unknown(what) => Self::new(
                code,
                withheld_core::text!("this version of Withheld does not know {}", what),
                "update Withheld on this machine",
            ),
            Verdict::Rollback => Self::new(
                code,
                "the server shows an older state than one that was seen here",
                "nothing was applied; ask whether the server was restored from a backup",
            ),
            Verdict::Fork => Self::new(
                code,
                "the server shows another history than the one that was seen here",
                "nothing was applied; compare with a colleague: withheld team log",
            ),
            Verdict::Unverified(what) => Self::new(
                code,
                withheld_core::text!("what the server shows is not complete: {}", what),
                "what is here stays in use; try again: withheld pull",
            ),
        }
    }
}
