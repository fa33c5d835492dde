//! Who stands at a door, once that is known.

use withheld_audit::Who;
use withheld_core::name::Label;

use crate::session::Caller;

/// An identified caller.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// What it calls itself. Nothing follows from it.
    pub(crate) claimed: Option<Label>,
}

impl Visitor {
    /// One that calls itself nothing.
    pub(crate) fn of(caller: Caller) -> Self {
        Self {
            caller,
            claimed: None,
        }
    }

    /// As the log has it.
    pub(crate) fn who(&self) -> Who {
        let session = &self.caller.session;
        Who {
            agent: session.agent.clone(),
            session: session.id,
            environment: session.environment.clone(),
            claimed: self.claimed.clone(),
        }
    }
}
