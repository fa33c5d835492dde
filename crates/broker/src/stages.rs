//! The stages of the walk that belong to no other crate: who may come in, what is decided, what is
//! noted of a refusal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use withheld_audit::SessionAct;
use withheld_core::ask::Ask;
use withheld_core::destination::Host;
use withheld_core::name::RequestId;
use withheld_core::policy::{Decision, Pass, Refused, View, decide};
use withheld_core::policy_doc::Policy;
use withheld_core::record::AgentRecord;
use withheld_core::{Code, Refusal};
use withheld_vault::Unlocked;

use crate::clock;
use crate::house::House;
use crate::last::Last;
use crate::session::{Session, ended, random};
use crate::team_api::accept;
use crate::visitor::Visitor;

impl House {
    /// Stage 2: the session still counts, and the vault is open.
    ///
    /// # Errors
    /// `session_expired`, `vault_locked`, `not_found` before `init`.
    pub(crate) fn admit(&self, visitor: &Visitor) -> Result<Arc<Unlocked>, Refusal> {
        visitor.caller.check(clock::now(), Instant::now())?;
        record_of(&*self.policy()?, &visitor.caller.session)?;
        self.unlocked()
    }

    /// The same for a CONNECT, which gets a record of its own.
    ///
    /// # Errors
    /// As [`House::admit`]; `audit_unavailable`.
    pub(crate) fn admit_tunnel(
        &self,
        visitor: &Visitor,
        host: &Host,
        port: u16,
    ) -> Result<(), Refusal> {
        let admitted = self.admit(visitor).map(|_| ());
        let refusal = admitted.as_ref().err().map(|refusal| refusal.code);
        let noted = self
            .log()
            .and_then(|log| log.tunnel(&visitor.who(), host, port, refusal));
        admitted.and(noted)
    }

    /// Stage 5. The budget is asked first: who has spent it learns nothing else.
    ///
    /// # Errors
    /// `session_expired` where the agent's record is gone; `internal` without randomness.
    pub(crate) fn decide(
        &self,
        visitor: &Visitor,
        vault: &Unlocked,
        ask: Ask,
    ) -> Result<Decision, Refusal> {
        let session = &visitor.caller.session;
        let policy = self.policy()?;
        let record = record_of(&policy, session)?;
        let id = RequestId::from_bytes(random()?);
        if let Err(refusal) = session.spend(record.rate, Instant::now()) {
            return Ok(Decision::Refuse(Box::new(Refused {
                refusal,
                ask,
                id,
                matched: false,
                secrets: Vec::new(),
            })));
        }
        Ok(self.judge(session, record, &policy, vault, ask, id))
    }

    /// What the wire asks before it places a value: the vault is open, the session counts, and the
    /// policy is the one that decided.
    pub(crate) fn unchanged_since<'a>(
        &'a self,
        visitor: &'a Visitor,
        decided_by: Arc<Policy>,
    ) -> impl Fn() -> Result<(), Refusal> + Send + Sync + 'a {
        move || {
            self.unlocked()?;
            visitor.caller.check(clock::now(), Instant::now())?;
            if Arc::ptr_eq(&self.policy()?, &decided_by) {
                return Ok(());
            }
            Err(Refusal::new(
                Code::Conflict,
                "the owner changed something while this request was on its way",
                "send the same request again",
            ))
        }
    }

    /// The decision alone, as `why` asks for it too.
    pub(crate) fn judge(
        &self,
        session: &Session,
        record: &AgentRecord,
        policy: &Policy,
        vault: &Unlocked,
        ask: Ask,
        id: RequestId,
    ) -> Decision {
        let view = View {
            record,
            placeholders: &session.placeholders.load(),
            elsewhere: &|text| self.sessions.holds_of_another(session, text),
            known: &|name| vault.holds(&record.environment, name),
        };
        let mut decision = decide(&view, policy, ask, id);
        if let Decision::Refuse(refused) = &mut decision
            && refused.refusal.code == Code::NoBinding
            && let Some(secret) = refused.secrets.first()
            && let Some(hint) = accept(self, &record.environment, secret)
        {
            let Refusal { hint, next, .. } = Refusal::new(Code::NoBinding, "", hint);
            (refused.refusal.hint, refused.refusal.next) = (hint, next);
        }
        decision
    }

    /// Notes a refusal of the policy. The request stays refused where the log cannot take it.
    pub(crate) fn refuse(&self, visitor: &Visitor, refused: Refused) -> Refusal {
        if let Ok(log) = self.log() {
            let _ = log.refused(&visitor.who(), &refused);
        }
        let last = Last::refused(clock::now(), &refused);
        visitor.caller.session.set_last(last);
        refused.refusal
    }

    /// Notes a refusal of what was not read as a request.
    pub(crate) fn refuse_unread(
        &self,
        visitor: &Visitor,
        to: Option<&(Host, u16)>,
        refusal: Refusal,
    ) -> Refusal {
        if let (Ok(log), Ok(id)) = (self.log(), random()) {
            let id = RequestId::from_bytes(id);
            let _ = log.refused_unread(
                &visitor.who(),
                id,
                refusal.code,
                to.map(|(host, port)| (host, *port)),
            );
        }
        let host = to.map(|(host, _)| host.clone());
        let last = Last::unread(clock::now(), host, &refusal);
        visitor.caller.session.set_last(last);
        refusal
    }

    /// Notes that a request goes out without a credential.
    pub(crate) fn passes(&self, visitor: &Visitor, pass: &Pass) {
        let last = Last::without(clock::now(), pass);
        visitor.caller.session.set_last(last);
    }

    /// Notes that a request had no reply.
    pub(crate) fn failed(&self, visitor: &Visitor, refusal: &Refusal) {
        let last = Last::unread(clock::now(), refusal.facts.host.clone(), refusal);
        visitor.caller.session.set_last(last);
    }

    /// Notes that a session was ended by what its replies held. Record and file wait for the disk, and
    /// this is asked in the middle of a reply.
    pub(crate) fn session_blocked(self: &Arc<Self>, visitor: &Visitor) {
        let (house, who) = (Arc::clone(self), visitor.who());
        tokio::task::spawn_blocking(move || {
            // The session is ended whether log and file take it or not; the file, so that it stays so.
            let _ = house.save_sessions();
            let _ = house
                .log()
                .and_then(|log| log.session(&who, SessionAct::Blocked));
        });
    }

    /// Notes a wrong token. Returns how long its answer waits.
    pub(crate) fn wrong_token(&self) -> Duration {
        self.tokens.wrong(Instant::now())
    }
}

/// The record of a session's agent, as the policy has it now. One that was signed anew for another
/// environment is not the one that this session began with.
///
/// # Errors
/// `session_expired`.
pub(crate) fn record_of<'a>(
    policy: &'a Policy,
    session: &Session,
) -> Result<&'a AgentRecord, Refusal> {
    policy
        .content()
        .agent(&session.agent)
        .filter(|record| record.environment == session.environment)
        .ok_or_else(ended)
}

/// The log has the version before, and what it has must be what is sent.
pub(crate) fn replaced_meanwhile() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "the value was replaced while this request was on its way",
        "send the same request again",
    )
}
