//! What every request meets: the database, the rules over it, the rates, the bootstrap token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use withheld_team::api::{Limits, ProblemCode};

use crate::answers::Answers;
use crate::bodies::Bodies;
use crate::bootstrap::Bootstrap;
use crate::ledger::Ledger;
use crate::limits::Rates;
use crate::note::{Log, Note};
use crate::problem::Refused;
use crate::store::{Failure, LEASE_MS};

/// The time, in milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Shared by all requests.
pub(crate) struct Office {
    pub(crate) ledger: Ledger,
    pub(crate) limits: Limits,
    pub(crate) rates: Rates,
    pub(crate) bodies: Bodies,
    pub(crate) answers: Answers,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    /// Whether the caller's address is what a proxy before us says.
    pub(crate) is_behind_proxy: bool,
}

impl Office {
    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// What a request learns of a fault of ours, which is nothing; the log has the rest.
    pub(crate) fn fault(&self, fault: Fault) -> Refused {
        match fault {
            Fault::Refused(refused) => refused,
            Fault::Ours(why) => {
                (self.log)(&Note::Error { text: &why });
                Refused::of(ProblemCode::Unavailable)
            }
        }
    }

    /// What a request learns when the database did not do it.
    pub(crate) fn failed(&self, failure: Failure) -> Refused {
        self.fault(failure.into())
    }

    /// Another device has the lease.
    pub(crate) fn leased() -> Refused {
        Refused::leased(Duration::from_millis(LEASE_MS))
    }
}

/// Why something was not done.
pub(crate) enum Fault {
    /// The request is at fault.
    Refused(Refused),
    /// We are.
    Ours(String),
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::ours(failure)
    }
}

impl Fault {
    /// A fault of ours, in words for the log.
    pub(crate) fn ours(why: impl fmt::Display) -> Self {
        Self::Ours(why.to_string())
    }
}
