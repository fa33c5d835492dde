//! What may be asked about the team. The network is waited for without the owner's turn: who asks for
//! something else meanwhile does not wait for it too.

mod exchange;
mod founding;
mod people;
mod shown;
mod waiting;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use withheld_audit::{Act, OwnerAct, Who};
use withheld_core::api::{AgentRequest, TeamAct};
use withheld_core::name::{Environment, SecretName};
use withheld_core::record::AgentRecord;
#[cfg(feature = "schema")]
use withheld_core::schema::Document;
use withheld_core::{Code, Refusal};
use withheld_vault::team::Team;

use crate::answer::Answer;
use crate::courier::Courier;
use crate::house::{House, bug};
use crate::owner_api::proof::{Proven, Sealed, proven};
use crate::session::Caller;
use crate::stages::record_of;
use crate::visitor::Visitor;

pub(crate) use exchange::{AsOf, Fault, as_of, told};
pub(crate) use waiting::{WaitingKind, WaitingShown, accept, waiting};

/// The documents of which a program may rely on the schema.
#[cfg(feature = "schema")]
pub(crate) fn documents() -> Vec<Document> {
    vec![
        Document::of::<exchange::Diff>(
            "diff",
            "`withheld diff --json`: how what is here stands to what the team has",
        ),
        Document::of::<exchange::PullShown>("pull", "`withheld pull --json`: what came here"),
        Document::of::<exchange::PushShown>(
            "push",
            "`withheld push --json`: what went to the team",
        ),
        Document::of::<waiting::Pending>(
            "pending",
            "`withheld pending --json`: what waits for the owner",
        ),
        Document::of::<waiting::Approved>(
            "approve",
            "`withheld approve ID… --json`: what was accepted",
        ),
        Document::of::<waiting::Denied>("deny", "`withheld deny ID… --json`: what was refused"),
        Document::of::<founding::Created>(
            "team_create",
            "`withheld team create --json`: the team that was founded",
        ),
        Document::of::<people::Invited>(
            "team_invite",
            "`withheld team invite --json`: the line by which one person may join",
        ),
        Document::of::<people::Changed>(
            "team_set",
            "`withheld team set --json`: what a member may do now",
        ),
        Document::of::<people::Removed>(
            "team_remove",
            "`withheld team remove --json`: what a removal did, and what is left to do",
        ),
        Document::of::<shown::Log>(
            "team_log",
            "`withheld team log --json`: what was done about members",
        ),
        Document::of::<shown::Members>(
            "team_members",
            "`withheld team members --json`: who is in, who was, who is invited",
        ),
    ]
}

/// What the error of a pull or push is about that could not do everything.
#[cfg(feature = "schema")]
pub(crate) fn unfinished() -> [serde_json::Value; 2] {
    use withheld_core::schema::of;
    [of::<exchange::PullShown>(), of::<exchange::PushShown>()]
}

/// Answers the owner.
///
/// # Errors
/// What the act refuses.
pub(crate) fn owner(
    house: &Arc<House>,
    ask: TeamAct,
    proof: Option<Sealed<'_>>,
) -> Result<Answer, Refusal> {
    let prove = || {
        let _turn = house.owner_turn();
        proven(house, proof.ok_or_else(no_proof)?)
    };
    match ask {
        TeamAct::Create {
            name,
            server,
            token,
            founder,
        } => founding::create(house, &prove()?, name, server, token.as_ref(), founder),
        TeamAct::Look { invitation } => founding::look(house, &invitation),
        TeamAct::Join { invitation } => founding::join(house, &prove()?, &invitation),
        TeamAct::Share { environment } => founding::share(house, &prove()?, environment),
        TeamAct::Invite {
            member,
            role,
            to,
            expires_s,
        } => people::invite(house, &prove()?, member, role, to, expires_s),
        TeamAct::Set { member, to, role } => people::set(house, &prove()?, member, to, role),
        TeamAct::RemoveLook { member } => people::remove_look(house, &member),
        TeamAct::Remove { member } => people::remove(house, &prove()?, &member),
        TeamAct::Members => shown::members(house),
        TeamAct::Log => shown::log(house),
        TeamAct::Pending => waiting::pending(house),
        TeamAct::Approve { shown } => waiting::approve(house, &prove()?, &shown),
        TeamAct::Deny { ids } => waiting::deny(house, &prove()?, &ids),
    }
}

/// Answers an agent, or a program of this user.
///
/// # Errors
/// What the request refuses.
pub(crate) fn agent(
    house: &Arc<House>,
    caller: &Caller,
    has_token: bool,
    request: AgentRequest,
) -> Result<Answer, Refusal> {
    match request {
        AgentRequest::Diff { environment, deep } => {
            let scope = Scope::of(house, caller, has_token, environment, &[])?;
            exchange::diff(house, &scope, deep)
        }
        AgentRequest::Pull {
            environment,
            names,
            take,
        } => {
            let scope = Scope::of(house, caller, has_token, environment, &names)?;
            exchange::pull(house, &scope, take)
        }
        AgentRequest::Push {
            environment,
            names,
            take,
        } => {
            let scope = Scope::of(house, caller, has_token, environment, &names)?;
            exchange::push(house, &scope, take)
        }
        _ => Err(bug()),
    }
}

/// What somebody asks about: an environment, and the secrets of it that are theirs to see.
struct Scope {
    environment: Environment,
    /// Named ones; none for all.
    names: Vec<SecretName>,
    /// An agent, and what it is granted; `None` for a program of this user.
    grants: Option<AgentRecord>,
    /// Who it is, as the log has it.
    who: Who,
}

impl Scope {
    /// An agent has the environment of its session and what it is granted; a name outside of that does
    /// not exist for it.
    fn of(
        house: &House,
        caller: &Caller,
        has_token: bool,
        environment: Option<Environment>,
        names: &[SecretName],
    ) -> Result<Self, Refusal> {
        let own = &caller.session.environment;
        let grants = if has_token {
            if environment.as_ref().is_some_and(|other| other != own) {
                return Err(Refusal::new(
                    Code::OwnerNeeded,
                    "an agent has the environment that its session began with",
                    "leave the environment out, or ask the owner for a session in another one",
                ));
            }
            let policy = house.policy()?;
            let record = record_of(&policy, &caller.session)?.clone();
            if names.iter().any(|name| !record.grants(name)) {
                return Err(Refusal::new(
                    Code::NotFound,
                    "there is no such secret that you may use",
                    "see what there is: withheld status",
                ));
            }
            Some(record)
        } else {
            None
        };
        Ok(Self {
            environment: environment.unwrap_or_else(|| own.clone()),
            names: names.to_vec(),
            grants,
            who: Visitor::of(caller.clone()).who(),
        })
    }

    fn shows(&self, name: &SecretName) -> bool {
        let is_granted = self
            .grants
            .as_ref()
            .is_none_or(|record| record.grants(name));
        is_granted && (self.names.is_empty() || self.names.contains(name))
    }

    fn is_agent(&self) -> bool {
        self.grants.is_some()
    }

    /// The way to the team's server for whoever asks.
    fn courier(&self, house: &Arc<House>, team: &Team) -> Result<Courier, Refusal> {
        let courier = Courier::to(house, &team.server())?.asked_by(&self.who);
        Ok(if self.is_agent() {
            courier.for_agent()
        } else {
            courier
        })
    }
}

fn no_proof() -> Refusal {
    Refusal::new(
        Code::OwnerNeeded,
        "the owner passphrase is needed for this",
        "the owner runs this in a terminal of their own",
    )
}

/// Logs an act of the owner about the team, before it is done.
fn log(house: &House, act: Act, environment: Option<Environment>) -> Result<(), Refusal> {
    house.log()?.owner(OwnerAct {
        environment,
        ..OwnerAct::of(act)
    })
}

type Owner = Proven;
