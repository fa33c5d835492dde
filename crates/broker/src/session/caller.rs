//! Who stands at a door: a session, and how long the token that was shown counts.

use std::sync::Arc;
use std::time::Instant;

use withheld_core::{Code, Moment, Refusal};

use super::Session;

/// A caller that showed a valid token, or came by a door that says who it is.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) session: Arc<Session>,
    /// When its token ends; the standing session of the agent socket has no end.
    pub(crate) expires: Option<Moment>,
    pub(super) deadline: Option<Instant>,
}

impl Caller {
    /// Whoever came by a door that says who it is.
    pub(crate) fn of(session: &Arc<Session>) -> Self {
        Self {
            session: Arc::clone(session),
            expires: None,
            deadline: None,
        }
    }

    /// Whether the session and the token still count.
    ///
    /// # Errors
    /// `session_expired`.
    pub(crate) fn check(&self, now: Moment, instant: Instant) -> Result<(), Refusal> {
        self.session.check()?;
        let is_over = self.expires.is_some_and(|expires| now >= expires)
            || self.deadline.is_some_and(|deadline| instant >= deadline);
        if is_over { Err(ended()) } else { Ok(()) }
    }
}

/// The session is over, or its agent's record is gone.
pub(crate) fn ended() -> Refusal {
    Refusal::new(
        Code::SessionExpired,
        "this session has ended",
        "start another: withheld proxy env",
    )
}
