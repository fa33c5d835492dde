//! How bytes reach the team's server: whoever holds the network carries them, this crate says which.

use std::time::Duration;

use withheld_core::Refusal;
use withheld_core::name::{AgentId, Environment, SecretName, SessionId};

/// Carries one request to the team's server and brings the answer. Blocking.
pub trait Post {
    /// One exchange with the server.
    ///
    /// # Errors
    /// `server_unreachable`, `upstream_untrusted`: no answer came. Whether the server did what was
    /// asked is not known then.
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal>;

    /// How long whoever asks waits for others who talk to the server; for as long as it takes, where
    /// nothing is said.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Who asks, as the log has it. A push that is answered later is still theirs.
    fn asker(&self) -> Option<Asker> {
        None
    }

    /// Writes down what a push is about to do, or has done. Nothing is sent before it is written down.
    ///
    /// # Errors
    /// Why it cannot be.
    fn note(&mut self, noted: Noted) -> Result<(), Refusal> {
        drop(noted);
        Ok(())
    }
}

/// Who asked for something: an agent, in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The agent.
    pub agent: AgentId,
    /// The session.
    pub session: SessionId,
}

/// What is to be written down of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Who asked for it.
    pub by: Asker,
    /// Where.
    pub environment: Environment,
    /// How far it is.
    pub step: PushStep,
    /// The secrets, and the team's numbers of their versions; 0 for one that goes.
    pub versions: Vec<(SecretName, u64)>,
}

/// How far a push is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushStep {
    /// It is about to be sent.
    Begun,
    /// The team has these versions.
    Stored,
    /// The team does not have these secrets any more.
    Withdrawn,
}

/// A request, complete but for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// In upper case.
    pub method: &'static str,
    /// Path and query, beginning with `/v1/`.
    pub path: String,
    /// Fields, their names in lower case. `Host` is the carrier's to add.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// What the server answered. Nothing of it is believed before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The field `ETag`, if there was one.
    pub etag: Option<String>,
    /// The body, whole.
    pub body: Vec<u8>,
}
