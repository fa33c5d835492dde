//! Where a version of a value came from.

use serde::Deserialize;
use withheld_core::plain;

plain! {
    /// Who put a version in. What came from an agent is never bound, pushed or put in place of
    /// another by an agent's verb.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Origin {
        /// The owner of this machine.
        Owner,
        /// A member of the team.
        Member,
        /// A reply of a service, by a rule of the owner's.
        Capture,
        /// An agent.
        Agent,
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Capture => "capture",
            Self::Agent => "agent",
        })
    }
}
