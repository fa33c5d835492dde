//! A session begins: its token, and what a program needs in its environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;
use withheld_audit::SessionAct;
use withheld_core::destination::HostPattern;
use withheld_core::name::{AgentId, Environment, SecretName, SessionId, VarName};
use withheld_core::record::AgentRecord;
use withheld_core::{Moment, Refusal};
use withheld_vault::Unlocked;

use crate::answer::Answer;
use crate::clock;
use crate::house::House;
use crate::session::Session;
use crate::visitor::Visitor;

/// What the one who starts a session is told, once.
#[derive(Serialize)]
struct Begun {
    agent: AgentId,
    environment: Environment,
    session: SessionId,
    token: String,
    expires_at: Option<Moment>,
    /// The token port.
    listen: Option<SocketAddr>,
    /// The secrets that have a placeholder, by name.
    secrets: Vec<SecretName>,
    /// Each variable with its placeholder.
    vars: BTreeMap<VarName, String>,
    /// Hosts that a granted secret is bound to.
    bound: Vec<HostPattern>,
    /// Hosts that may be reached without one.
    allowed: Vec<HostPattern>,
}

impl House {
    /// Starts a session of a record, arms it, and writes it down. `local` has one session, which gets
    /// a further token.
    ///
    /// # Errors
    /// `audit_unavailable`, `store_unavailable`, what the vault refuses: then there is no session.
    pub(crate) fn begin_session(
        &self,
        vault: &Unlocked,
        record: &AgentRecord,
    ) -> Result<Answer, Refusal> {
        let now = clock::now();
        let (token, caller) = if record.agent == AgentId::local() {
            self.sessions.begin_local(record.ttl_s, now)?
        } else {
            self.sessions.begin(record, now)?
        };
        let expires_at = caller.expires;
        let visitor = Visitor::of(caller);
        let session = &visitor.caller.session;
        self.log()?.session(&visitor.who(), SessionAct::Started)?;
        let policy = self.policy()?;
        self.arm(vault, &[(&*policy, record)], None, session)?;
        self.save_sessions()?;
        let (bound, allowed) = self.reach(record)?;
        let begun = Begun {
            agent: session.agent.clone(),
            environment: session.environment.clone(),
            session: session.id,
            token: token.as_str().to_owned(),
            expires_at,
            listen: self.listen(),
            secrets: self.usable(record, session)?,
            vars: self.vars(record, session)?,
            bound,
            allowed,
        };
        Answer::private("withheld.session/1", &begun)
    }

    /// The secrets that are granted, bound and stored.
    fn usable(&self, record: &AgentRecord, session: &Session) -> Result<Vec<SecretName>, Refusal> {
        let policy = self.policy()?;
        let placeholders = session.placeholders.load();
        let is_usable = |name: &SecretName| {
            let mut bindings = policy.bindings_of(&record.environment, name);
            record.grants(name) && bindings.next().is_some()
        };
        let names = placeholders.iter().map(|(name, _)| name);
        Ok(names.filter(|name| is_usable(name)).cloned().collect())
    }

    /// The variables of the bindings; a secret whose bindings name none has that of its own name.
    fn vars(
        &self,
        record: &AgentRecord,
        session: &Session,
    ) -> Result<BTreeMap<VarName, String>, Refusal> {
        let policy = self.policy()?;
        let placeholders = session.placeholders.load();
        let mut vars = BTreeMap::new();
        for name in self.usable(record, session)? {
            let Some(text) = placeholders.of(&name) else {
                continue;
            };
            let named: Vec<VarName> = policy
                .bindings_of(&record.environment, &name)
                .flat_map(|binding| binding.vars.iter().cloned())
                .collect();
            let own = VarName::parse(name.as_str()).ok();
            let all = if named.is_empty() {
                own.into_iter().collect()
            } else {
                named
            };
            vars.extend(all.into_iter().map(|var| (var, text.to_owned())));
        }
        Ok(vars)
    }

    fn reach(&self, record: &AgentRecord) -> Result<(Vec<HostPattern>, Vec<HostPattern>), Refusal> {
        let policy = self.policy()?;
        let granted = policy
            .bindings()
            .iter()
            .filter(|one| one.environment == record.environment && record.grants(&one.secret));
        let allowed = policy.content().allowed.iter().chain(&record.hosts);
        let sorted = |mut hosts: Vec<HostPattern>| {
            hosts.sort();
            hosts.dedup();
            hosts
        };
        Ok((
            sorted(granted.map(|one| one.host.clone()).collect()),
            sorted(allowed.map(|one| one.host.clone()).collect()),
        ))
    }
}
