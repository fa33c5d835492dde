//! What an agent may ask: about itself. Nothing here reveals, binds, approves or grants, and there is
//! no variant of the request that could.

mod status;
mod why;

use std::sync::Arc;

use withheld_audit::read::{Filter, Shown, records};
use withheld_core::api::AgentRequest;
use withheld_core::name::SecretName;
#[cfg(feature = "schema")]
use withheld_core::schema::Document;
use withheld_core::{Code, Moment, Refusal, plain, text};

use crate::answer::Answer;
use crate::clock;
use crate::house::{House, VaultState};
use crate::last::Last;
use crate::session::Caller;
use crate::stages::record_of;
use crate::view::{self, SecretLong};

pub use status::status_at_rest;
pub(crate) use status::{VaultShown, vault_word};

plain! {
    struct Listed {
        /// An agent sees those that it is granted. By environment, then by name.
        secrets: Vec<SecretLong>,
    }

    struct Records {
        /// Oldest first. The two records of a request are one here; an agent sees its own.
        records: Vec<Shown>,
    }

    struct LastShown {
        /// The last request of the session that was refused, or went out without a credential; null
        /// where there was none.
        last: Option<Last>,
    }
}

/// The documents of which a program may rely on the schema.
#[cfg(feature = "schema")]
pub(crate) fn documents() -> Vec<Document> {
    vec![
        Document::of::<status::Status>("status", "`withheld status --json`: one look"),
        Document::of::<Listed>(
            "ls",
            "`withheld ls --json`: names, versions, bindings; never a value",
        ),
        Document::of::<Records>(
            "audit",
            "`withheld audit --json`: what was asked and done, record by record",
        ),
        Document::of::<why::Why>(
            "why",
            "`withheld why METHOD URL --json`: what would become of a request",
        ),
        Document::of::<LastShown>(
            "why_last",
            "`withheld why --last --json`: what became of the last request that did not go out as it was meant",
        ),
    ]
}

/// Answers one request. `has_token`: the caller showed a session's token, so it is an agent and sees
/// its own things only; without one it is a program of this user.
///
/// # Errors
/// What the request refuses.
pub(crate) fn answer(
    house: &Arc<House>,
    caller: &Caller,
    has_token: bool,
    request: AgentRequest,
) -> Result<Answer, Refusal> {
    // A program without a token is this user's own: it may look when `local` may no longer call.
    if has_token {
        caller.check(clock::now(), std::time::Instant::now())?;
    }
    match request {
        AgentRequest::Status => {
            status::status(house, caller, has_token, &caller.session.environment)
        }
        AgentRequest::StatusOf { environment } => {
            status::status(house, caller, has_token, &environment)
        }
        AgentRequest::List { name } => list(house, caller, name.as_ref()),
        AgentRequest::Why {
            method,
            url,
            secret,
        } => why::dry_run(house, caller, &method, url, secret),
        AgentRequest::WhyLast => {
            let last = caller.session.last();
            Answer::of("withheld.why_last/1", &LastShown { last })
        }
        AgentRequest::Audit {
            secret,
            host,
            denied,
            since_ms,
            last,
        } => {
            let filter = Filter {
                agent: has_token.then(|| caller.session.agent.clone()),
                session: None,
                // That it was added or removed, and with which rights, is the owner's record.
                without_owner: has_token,
                secret,
                host,
                denied,
                since: since_ms.map(ago),
                last: Some(last.unwrap_or(MOST_RECORDS).min(MOST_RECORDS)),
            };
            audit(house, &filter)
        }
        AgentRequest::ProxyEnv => proxy_env(house, has_token),
        AgentRequest::Diff { .. } | AgentRequest::Pull { .. } | AgentRequest::Push { .. } => {
            crate::team_api::agent(house, caller, has_token, request)
        }
    }
}

/// The most records in one answer: some 10 MiB. Who wants all of them reads the file.
const MOST_RECORDS: usize = 20_000;

fn list(house: &House, caller: &Caller, only: Option<&SecretName>) -> Result<Answer, Refusal> {
    let policy = house.policy()?;
    let vault = house.unlocked().ok();
    let record = record_of(&policy, &caller.session)?;
    let environment = &record.environment;
    let used = house.last_used(environment);
    let is_shown = |name: &SecretName| record.grants(name) && only.is_none_or(|only| only == name);
    let names = view::names(&policy, vault.as_deref(), environment, is_shown);
    if let Some(only) = only
        && names.is_empty()
    {
        return Err(Refusal::new(
            Code::NotFound,
            text!("there is no secret `{}` that you may use", *only),
            "see what there is: withheld ls",
        ));
    }
    let secrets = names
        .into_iter()
        .map(|(name, held)| view::in_list(&policy, environment, name, held, &used))
        .collect();
    Answer::of("withheld.ls/1", &Listed { secrets })
}

fn audit(house: &House, filter: &Filter) -> Result<Answer, Refusal> {
    house.log()?.settle();
    let records = records(&house.home.audit(), filter)?;
    Answer::of("withheld.audit/1", &Records { records })
}

fn ago(ms: u64) -> Moment {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Moment::from_ms(clock::now().as_ms().saturating_sub(ms))
}

/// A further token of `local`, for a program of this user.
fn proxy_env(house: &House, has_token: bool) -> Result<Answer, Refusal> {
    if has_token {
        return Err(Refusal::new(
            Code::OwnerNeeded,
            "an agent cannot start a session",
            "the owner runs this in a terminal of their own",
        ));
    }
    // What the owner changes arms sessions too; the two never mix.
    let _turn = house.owner_turn();
    let vault = house.unlocked()?;
    let policy = house.policy()?;
    let local = house.sessions.local();
    house.begin_session(&vault, record_of(&policy, &local.session)?)
}

impl VaultState {
    /// What is known of the vault, where there is one.
    pub(crate) fn facts(&self) -> Option<&withheld_vault::Facts> {
        match self {
            Self::Absent | Self::Shut => None,
            Self::Locked(locked) => Some(locked.facts()),
            Self::Unlocked(vault) => Some(vault.facts()),
        }
    }
}
