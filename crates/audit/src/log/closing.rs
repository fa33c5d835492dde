//! The two papers of a request that is in the log: the wire spends the one, the broker closes with
//! the other. Whatever happens to them, the request gets an outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use withheld_core::name::RequestId;
use withheld_core::{Moment, Refusal};

use super::Log;
use crate::record::{Closed, Outcome, RequestRecord};

/// Says that the intent of one request is in the log. Made by [`Log::intend`] only; the wire takes
/// it by value before it sends.
pub struct Receipt(Arc<Noted>);

/// The duty to write how the request ended.
pub struct Closing(Arc<Noted>);

/// An intent without its outcome. The last of the two papers to go finds out whether it has one.
struct Noted {
    log: Log,
    intent: RequestRecord,
    /// The receipt was spent: from then on bytes may have left.
    spent: AtomicBool,
    /// An outcome is in the log, or owed to it.
    closed: AtomicBool,
    /// That outcome says `not_sent`.
    closed_unsent: AtomicBool,
}

pub(super) fn papers(log: Log, intent: RequestRecord) -> (Receipt, Closing) {
    let noted = Arc::new(Noted {
        log,
        intent,
        spent: AtomicBool::new(false),
        closed: AtomicBool::new(false),
        closed_unsent: AtomicBool::new(false),
    });
    (Receipt(Arc::clone(&noted)), Closing(noted))
}

impl Receipt {
    /// The request it is for; papers of two requests never mix.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.0.intent.request
    }

    /// Bytes are about to leave. A receipt that is dropped instead means that none did.
    pub fn spend(self) {
        self.0.spent.store(true, Ordering::SeqCst);
    }
}

impl Closing {
    /// The request it is for.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.0.intent.request
    }

    /// Writes the outcome. On return it is in the file and survives any death of the process.
    ///
    /// # Errors
    /// `audit_unavailable` when it could not be written: the agent must not get the end of the reply.
    /// The log then says `unknown_outcome` as soon as it can be written again.
    pub fn close(self, closed: Closed) -> Result<(), Refusal> {
        let noted = &self.0;
        let sent = noted.spent.load(Ordering::SeqCst);
        noted.closed_unsent.store(!sent, Ordering::SeqCst);
        noted.closed.store(true, Ordering::SeqCst);
        let otherwise = if sent {
            Outcome::UnknownOutcome
        } else {
            Outcome::NotSent
        };
        noted.conclude(otherwise, |intent, at| intent.closed(&closed, sent, at))
    }
}

impl Noted {
    /// Writes the outcome that `record` makes of the intent; `otherwise` is owed when that fails.
    fn conclude(
        &self,
        otherwise: Outcome,
        record: impl FnOnce(RequestRecord, Moment) -> RequestRecord,
    ) -> Result<(), Refusal> {
        let record = |at| record(self.intent.clone(), at);
        let owed = || self.intent.clone().abandoned(otherwise, self.intent.at);
        let request = self.intent.request;
        self.log
            .0
            .shared
            .with(|writer| writer.conclude(request, record, owed))
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let spent = *self.spent.get_mut();
        let told = *self.closed.get_mut();
        // Closed as not sent, and sent after all: the later record is the one that counts.
        if told && !(spent && *self.closed_unsent.get_mut()) {
            return;
        }
        let outcome = if spent {
            Outcome::UnknownOutcome
        } else {
            Outcome::NotSent
        };
        // A log that cannot be written owes the record; there is nobody here to tell.
        let _ = self.conclude(outcome, |intent, at| intent.abandoned(outcome, at));
    }
}
