//! Who stands at a door: a session, and how long the token that was shown counts.

use std::sync::Arc;
use std::time::Instant;

use withheld_core::name::AgentId;
use withheld_core::{Code, Moment, Refusal, Text, text};

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
        if is_over {
            Err(expired(&self.session.agent))
        } else {
            Ok(())
        }
    }
}

/// The owner ended it, or its agent's record is gone: there is nothing to start another by.
pub(crate) fn ended() -> Refusal {
    Refusal::new(
        Code::SessionExpired,
        "this session was ended by the owner",
        "ask the owner whether you are to go on",
    )
}

/// Its time is up. Another one has what this one had, and no more.
fn expired(agent: &AgentId) -> Refusal {
    Refusal::new(
        Code::SessionExpired,
        "the time of this session is up",
        text!("the owner starts another: {}", another(agent)),
    )
}

/// The command that starts another session of the same agent.
pub(super) fn another(agent: &AgentId) -> Text {
    if *agent == AgentId::local() {
        "withheld proxy env".into()
    } else {
        text!("withheld proxy env --as {}", *agent)
    }
}
