//! Sessions: who a request comes from. A session rests as the digest of its token beside its
//! placeholders; the token itself is shown once and kept nowhere.

mod budget;
mod caller;
mod rest;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use withheld_core::name::{AgentId, Environment, SessionId};
use withheld_core::placeholder::Placeholders;
use withheld_core::record::{AgentRecord, Rate};
use withheld_core::session::SessionToken;
use withheld_core::{Code, Moment, PolicyContent, Refusal};

use crate::arming::Given;
use crate::last::Last;
use budget::Budget;
pub(crate) use caller::{Caller, ended};
pub(crate) use rest::Rest;

/// Echoes that were cut short: the third ends the session.
const PARTIAL_HITS: u32 = 3;
/// Tokens that the standing session of `local` may have at once; the oldest goes first.
const LOCAL_TOKENS: usize = 256;

/// One agent's session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) agent: AgentId,
    /// Fixed when it starts.
    pub(crate) environment: Environment,
    /// Secret and placeholder, both ways.
    pub(crate) placeholders: ArcSwap<Placeholders>,
    /// What its replies are searched for, as far as that is known.
    pub(crate) given: Mutex<Option<Given>>,
    last: Mutex<Option<Last>>,
    budget: Mutex<Budget>,
    partial: AtomicU32,
    ended: AtomicBool,
}

/// A digest by which a session is known, until a moment.
struct Token {
    digest: [u8; 32],
    session: Arc<Session>,
    expires: Moment,
    /// The same end by the clock that nobody can set.
    deadline: Option<Instant>,
}

/// Every session there is.
pub(crate) struct Sessions {
    tokens: Mutex<Vec<Token>>,
    local: Arc<Session>,
}

impl Session {
    fn new(id: SessionId, agent: AgentId, environment: Environment, known: Placeholders) -> Self {
        Self {
            id,
            agent,
            environment,
            placeholders: ArcSwap::from_pointee(known),
            given: Mutex::default(),
            last: Mutex::default(),
            budget: Mutex::default(),
            partial: AtomicU32::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Takes one request from the budget.
    ///
    /// # Errors
    /// `budget_spent`, with the seconds to wait.
    pub(crate) fn spend(&self, rate: Rate, now: Instant) -> Result<(), Refusal> {
        lock(&self.budget).spend(rate, now).map_err(|wait_s| {
            Refusal::new(
                Code::BudgetSpent,
                withheld_core::text!("`{}` has used its {} requests", self.agent, rate),
                withheld_core::text!("wait {} s, then send the same request", wait_s),
            )
        })
    }

    /// Keeps what `why --last` will explain.
    pub(crate) fn set_last(&self, last: Last) {
        *lock(&self.last) = Some(last);
    }

    /// What `why --last` explains.
    pub(crate) fn last(&self) -> Option<Last> {
        lock(&self.last).clone()
    }

    /// Counts echoes that were cut short. Returns whether these ended the session.
    pub(crate) fn note_partial(&self, hits: u32) -> bool {
        let before = self.partial.fetch_add(hits, Ordering::Relaxed);
        before < PARTIAL_HITS && before.saturating_add(hits) >= PARTIAL_HITS
    }

    /// Whether it still counts.
    ///
    /// # Errors
    /// `session_expired` after its agent was removed, or after the third partial hit.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.partial.load(Ordering::Relaxed) >= PARTIAL_HITS {
            let hint = if self.agent == AgentId::local() {
                "the owner looks at the log, then runs: withheld unlock".into()
            } else {
                let another = caller::another(&self.agent);
                withheld_core::text!(
                    "the owner looks at the log, then starts another: {}",
                    another
                )
            };
            return Err(Refusal::new(
                Code::SessionExpired,
                "this session was ended after replies that held parts of a value",
                hint,
            ));
        }
        if self.ended.load(Ordering::Relaxed) {
            return Err(ended());
        }
        Ok(())
    }
}

impl Sessions {
    /// The standing session, and who came by the door that needs no token.
    pub(crate) fn local(&self) -> Caller {
        Caller::of(&self.local)
    }

    /// Who shows this token. Every digest is compared, each in constant time.
    pub(crate) fn identify(&self, token: &SessionToken) -> Option<Caller> {
        let digest = digest(token);
        let tokens = lock(&self.tokens);
        let mut at = u32::MAX;
        for (index, known) in (0_u32..).zip(tokens.iter()) {
            let is_it: Choice = known.digest.ct_eq(&digest);
            at.conditional_assign(&index, is_it);
        }
        let known = tokens.get(usize::try_from(at).ok()?)?;
        Some(Caller {
            session: Arc::clone(&known.session),
            expires: Some(known.expires),
            deadline: known.deadline,
        })
    }

    /// Starts a session of an agent. The token is for the one who asked.
    ///
    /// # Errors
    /// `internal` when the system has no randomness to give.
    pub(crate) fn begin(
        &self,
        record: &AgentRecord,
        now: Moment,
    ) -> Result<(SessionToken, Caller), Refusal> {
        let session = Arc::new(Session::new(
            SessionId::from_bytes(random()?),
            record.agent.clone(),
            record.environment.clone(),
            Placeholders::default(),
        ));
        self.admit(session, record.ttl_s, now)
    }

    /// A further token for the standing session of `local`.
    ///
    /// # Errors
    /// `internal` when the system has no randomness to give.
    pub(crate) fn begin_local(
        &self,
        ttl_s: u64,
        now: Moment,
    ) -> Result<(SessionToken, Caller), Refusal> {
        let admitted = self.admit(Arc::clone(&self.local), ttl_s, now)?;
        let mut tokens = lock(&self.tokens);
        let own = |token: &Token| Arc::ptr_eq(&token.session, &self.local);
        while tokens.iter().filter(|token| own(token)).count() > LOCAL_TOKENS {
            if let Some(oldest) = tokens.iter().position(own) {
                tokens.remove(oldest);
            }
        }
        Ok(admitted)
    }

    fn admit(
        &self,
        session: Arc<Session>,
        ttl_s: u64,
        now: Moment,
    ) -> Result<(SessionToken, Caller), Refusal> {
        let token = SessionToken::from_bytes(&random()?);
        let expires = now.plus_s(ttl_s);
        let deadline = Instant::now().checked_add(Duration::from_secs(ttl_s));
        let mut tokens = lock(&self.tokens);
        tokens.retain(|token| now < token.expires);
        tokens.push(Token {
            digest: digest(&token),
            session: Arc::clone(&session),
            expires,
            deadline,
        });
        let caller = Caller {
            session,
            expires: Some(expires),
            deadline,
        };
        Ok((token, caller))
    }

    /// Ends every session of an agent. Returns which.
    pub(crate) fn end(&self, agent: &AgentId) -> Vec<Arc<Session>> {
        let mut ended: Vec<Arc<Session>> = Vec::new();
        if *agent == self.local.agent {
            self.local.ended.store(true, Ordering::Relaxed);
            ended.push(Arc::clone(&self.local));
        }
        let mut tokens = lock(&self.tokens);
        tokens.retain(|token| {
            let is_other = token.session.agent != *agent;
            if !is_other {
                token.session.ended.store(true, Ordering::Relaxed);
                if !ended.iter().any(|one| Arc::ptr_eq(one, &token.session)) {
                    ended.push(Arc::clone(&token.session));
                }
            }
            is_other
        });
        ended
    }

    /// Lets the standing session be used again: the owner unlocked the vault.
    pub(crate) fn revive_local(&self) {
        self.local.partial.store(0, Ordering::Relaxed);
        self.local.ended.store(false, Ordering::Relaxed);
    }

    /// Ends the sessions whose record is gone, or is for another environment now.
    pub(crate) fn keep_those_of(&self, content: &PolicyContent) {
        lock(&self.tokens).retain(|token| {
            let session = &token.session;
            let record = content.agent(&session.agent);
            record.is_some_and(|record| record.environment == session.environment)
        });
    }

    /// Ends every session and forgets its placeholders; the standing one goes on without its tokens.
    pub(crate) fn end_all(&self) {
        for token in lock(&self.tokens).drain(..) {
            if !Arc::ptr_eq(&token.session, &self.local) {
                token.session.ended.store(true, Ordering::Relaxed);
            }
        }
        self.local.placeholders.store(Arc::default());
    }

    /// Every session that counts, the standing one first.
    pub(crate) fn active(&self, now: Moment) -> Vec<Arc<Session>> {
        let mut active = vec![Arc::clone(&self.local)];
        for token in lock(&self.tokens).iter() {
            let is_new = !active.iter().any(|one| Arc::ptr_eq(one, &token.session));
            if is_new && now < token.expires && token.session.check().is_ok() {
                active.push(Arc::clone(&token.session));
            }
        }
        active
    }

    /// How many sessions were started and have not ended; the standing one aside.
    pub(crate) fn count(&self, now: Moment) -> usize {
        self.active(now).len().saturating_sub(1)
    }

    /// Whether the text holds a placeholder of a session other than `own`.
    pub(crate) fn holds_of_another(&self, own: &Session, text: &str) -> bool {
        let of = |session: &Session| session.placeholders.load().find_in(text).is_some();
        let is_other = |session: &Arc<Session>| !std::ptr::eq(Arc::as_ptr(session), own);
        let is_local = |session: &Arc<Session>| Arc::ptr_eq(session, &self.local);
        if !text.contains(withheld_core::placeholder::MARK) {
            return false;
        }
        (is_other(&self.local) && of(&self.local))
            || lock(&self.tokens)
                .iter()
                .map(|token| &token.session)
                .any(|session| !is_local(session) && is_other(session) && of(session))
    }
}

fn digest(token: &SessionToken) -> [u8; 32] {
    Sha256::digest(token.as_str().as_bytes()).into()
}

/// Bytes that nobody can guess.
///
/// # Errors
/// `internal` when the system has none to give.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| {
        Refusal::new(
            Code::Internal,
            "the system has no random numbers to give",
            "try again; if it stays so, report it",
        )
    })?;
    Ok(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
