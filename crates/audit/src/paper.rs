//! From a decision to its record.

use withheld_core::Code;
use withheld_core::ask::Ask;
use withheld_core::endpoint_path::EndpointPath;
use withheld_core::name::RequestId;
use withheld_core::policy::{Pass, Permit, Refused};

use crate::record::{Kind, Outcome, RequestRecord, Who, undated};

/// What the policy allowed.
#[derive(Clone, Copy)]
pub enum Paper<'a> {
    /// A request that carries a credential.
    Permit(&'a Permit),
    /// A request without one.
    Pass(&'a Pass),
}

impl Paper<'_> {
    /// The intent. `versions` are those of the values about to be placed, in the order of the uses.
    pub(crate) fn intent(self, who: &Who, versions: &[u64]) -> RequestRecord {
        let (id, ask) = match self {
            Self::Permit(permit) => (permit.id(), permit.ask()),
            Self::Pass(pass) => (pass.id(), pass.ask()),
        };
        let mut record = read(who, id, ask);
        record.path = ask.endpoint();
        if let Self::Permit(permit) = self {
            record.secrets = permit
                .uses()
                .iter()
                .map(|used| used.binding.secret.clone())
                .collect();
            record.versions = versions.to_vec();
            record.environment = permit.environment().clone();
        }
        record
    }
}

/// A refusal. The path is shown where a binding or an allowed host matched, and nowhere else: in a
/// request that nothing matched it may hold anything.
pub(crate) fn refused(who: &Who, refused: &Refused) -> RequestRecord {
    let mut record = read(who, refused.id, &refused.ask);
    record.outcome = Outcome::Refused;
    record.refusal = Some(refused.refusal.code);
    record.count = Some(1);
    record.secrets.clone_from(&refused.secrets);
    if refused.matched {
        record.path = refused.ask.endpoint();
    }
    if refused.refusal.code == Code::Tripwire {
        record.kind = Kind::Tripwire;
    }
    record
}

fn read(who: &Who, request: RequestId, ask: &Ask) -> RequestRecord {
    RequestRecord {
        request,
        at: undated(),
        kind: Kind::Request,
        agent: who.agent.clone(),
        session: who.session,
        environment: who.environment.clone(),
        secrets: Vec::new(),
        method: Some(ask.method_name().clone()),
        scheme: Some(ask.scheme()),
        host: Some(ask.host().clone()),
        port: Some(ask.port()),
        path: EndpointPath::hidden(),
        status: None,
        outcome: Outcome::Intended,
        refusal: None,
        ms: None,
        bytes_up: None,
        bytes_down: None,
        redactions: None,
        versions: Vec::new(),
        claimed: who.claimed.clone(),
        count: None,
    }
}
