//! The decision: a request, the agent's record and the owner's policy in; a permit, a pass or a
//! refusal out. Pure: it can be tried without doing anything.

use std::sync::Arc;

use crate::ask::Ask;
use crate::binding::Binding;
use crate::name::{Environment, RequestId, SecretName};
use crate::placeholder::Placeholders;
use crate::policy_doc::Policy;
use crate::record::AgentRecord;
use crate::refusal::Refusal;

mod case;
mod refuse;
#[cfg(test)]
mod tests;

use case::{Case, No, Verdict};

/// What is decided by, beside the policy: one session.
pub struct View<'a> {
    /// The agent's record.
    pub record: &'a AgentRecord,
    /// The session's placeholders.
    pub placeholders: &'a Placeholders,
    /// Whether a text holds a placeholder of another session.
    pub elsewhere: &'a dyn Fn(&str) -> bool,
    /// Whether the vault holds a secret of this name in the record's environment.
    pub known: &'a dyn Fn(&SecretName) -> bool,
}

/// What was decided.
pub enum Decision {
    /// Goes out with credentials.
    Permit(Permit),
    /// Goes out without one.
    Pass(Pass),
    /// Does not go out.
    Refuse(Box<Refused>),
}

/// Leave to send one request with these credentials. Made by [`decide`] only; spent by sending.
pub struct Permit {
    id: RequestId,
    environment: Environment,
    ask: Ask,
    uses: Vec<Use>,
}

/// One credential of a permit.
#[derive(Clone, Debug)]
pub struct Use {
    /// The binding that allows it.
    pub binding: Arc<Binding>,
    /// The placeholder that stands at the place, where the client sent one.
    pub found: Option<String>,
}

/// Leave to send one request without a credential. Made by [`decide`] only; spent by sending.
pub struct Pass {
    id: RequestId,
    ask: Ask,
    why: Without,
    binding: Option<Arc<Binding>>,
    washed: bool,
}

/// Why a request goes out without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// No secret is bound to the host.
    NoBinding,
    /// One is, and this agent does not have it.
    NotGranted,
    /// One is, and the request did not name it.
    NamedOnly,
}

impl Without {
    /// As it stands in `Withheld-Injected`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoBinding => "no_binding",
            Self::NotGranted => "not_granted",
            Self::NamedOnly => "named_only",
        }
    }
}

/// A request that does not go out, and what the log needs of it.
pub struct Refused {
    /// Why, and what to type next.
    pub refusal: Refusal,
    /// The request.
    pub ask: Ask,
    /// Its id.
    pub id: RequestId,
    /// Whether a binding or an allowed host matched, so that its path may be recorded.
    pub matched: bool,
    /// The secrets it meant.
    pub secrets: Vec<SecretName>,
}

impl Permit {
    /// The request's id; the other papers carry the same.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The request.
    #[must_use]
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The credentials; at least one, each at a place of its own.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The environment of the secrets.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Spends the permit.
    #[must_use]
    pub fn into_parts(self) -> (Ask, Vec<Use>) {
        (self.ask, self.uses)
    }
}

impl Pass {
    /// The request's id; the receipt carries the same.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The request.
    #[must_use]
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// Why it goes without.
    #[must_use]
    pub fn why(&self) -> Without {
        self.why
    }

    /// The binding of this agent to the host, where there is one: how to reach it.
    #[must_use]
    pub fn binding(&self) -> Option<&Arc<Binding>> {
        self.binding.as_ref()
    }

    /// Whether its reply is washed: some secret of the vault is bound to the host.
    #[must_use]
    pub fn washed(&self) -> bool {
        self.washed
    }

    /// Spends the pass.
    #[must_use]
    pub fn into_ask(self) -> Ask {
        self.ask
    }
}

/// Decides one request.
#[must_use]
pub fn decide(view: &View<'_>, policy: &Policy, ask: Ask, id: RequestId) -> Decision {
    let case = Case::new(view, policy, &ask);
    let matched = case.is_known_host();
    match case.judge() {
        Ok(Verdict::With(uses)) => Decision::Permit(Permit {
            id,
            environment: view.record.environment.clone(),
            ask,
            uses,
        }),
        Ok(Verdict::Without {
            why,
            binding,
            washed,
        }) => Decision::Pass(Pass {
            id,
            ask,
            why,
            binding,
            washed,
        }),
        Err(no) => Decision::Refuse(Box::new(Refused {
            refusal: no.refusal,
            ask,
            id,
            matched,
            secrets: no.secrets,
        })),
    }
}
