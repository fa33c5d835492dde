//! What colleagues say a secret may be used for, until the owner of this machine accepts it. A value
//! whose bindings nobody accepted here is never injected: what injects is the policy document.

mod uses;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use withheld_audit::{Act, OwnerAct};
use withheld_core::api::Shown;
use withheld_core::binding::BindingDraft;
use withheld_core::name::{Environment, SecretName};
use withheld_core::policy_doc::PolicyContent;
use withheld_core::team::{PersonName, ShownDigest, WaitingId};
use withheld_core::{Code, Moment, Refusal, Text, plain, text};
use withheld_vault::team::{Team, WaitingBinding};

use self::uses::Use;
use super::Owner;
use crate::answer::Answer;
use crate::house::{House, bug};
use crate::owner_api::bindings::{bind_all, carries, hosts_of};

plain! {
    /// What waits.
    #[derive(Clone, Debug)]
    pub(crate) struct WaitingShown {
        /// By which it is accepted or refused: `withheld approve ID`.
        pub(crate) id: WaitingId,
        /// What it is.
        pub(crate) kind: WaitingKind,
        /// The secret's name.
        pub(crate) secret: SecretName,
        /// PROJECT/ENVIRONMENT.
        pub(crate) environment: Environment,
        /// The member who signed it; null where the directory does not say.
        pub(crate) by: Option<PersonName>,
        /// When, by the clock of who signed it.
        pub(crate) since: Moment,
        /// All that it would allow, one row a binding.
        #[serde(rename = "use")]
        pub(crate) uses: Vec<Use>,
        /// The secret is bound here already, and this goes further.
        pub(crate) widens: bool,
        /// SHA-256, in hex, of all that it would allow: whoever accepts it says what was shown.
        pub(crate) digest: ShownDigest,
        /// Whether the owner of this machine signed it: then it was taken away here, or never was here.
        #[serde(skip)]
        pub(crate) own: bool,
    }

    /// What can wait.
    #[derive(Clone, Copy, Debug)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum WaitingKind {
        /// Bindings of a secret, that a colleague made.
        Binding,
    }

    pub(super) struct Pending {
        /// What waits.
        waiting: Vec<WaitingShown>,
    }

    pub(super) struct Approved {
        /// What was accepted, in the order in which it was named.
        approved: Vec<Answered>,
    }

    pub(super) struct Denied {
        /// What was refused, in the order in which it was named.
        denied: Vec<Answered>,
    }

    struct Answered {
        /// Under which it waited.
        id: WaitingId,
        /// The secret's name.
        secret: SecretName,
        /// PROJECT/ENVIRONMENT.
        environment: Environment,
    }
}

/// What waits, by the copy here and the policy in force.
///
/// # Errors
/// `not_found` before `init`.
pub(crate) fn waiting(house: &House, team: &Team) -> Result<Vec<WaitingShown>, Refusal> {
    let policy = house.policy()?;
    let content = policy.content();
    let waiting = team.waiting(content)?.into_iter();
    let me = team.members().into_iter().find(|member| member.you);
    let me = me.and_then(|me| me.name);
    waiting
        .map(|one| shown(content, me.as_ref(), one))
        .collect()
}

impl WaitingShown {
    /// Whether it asks for nothing but places to go: what asks for more is accepted by its own name.
    pub(crate) fn is_plain(&self) -> bool {
        self.uses.iter().all(Use::is_plain)
    }
}

/// What the owner is offered where a secret has no binding here: what colleagues made for it, by its ids,
/// and nothing ready-made besides.
pub(crate) fn accept(
    house: &House,
    environment: &Environment,
    secret: &SecretName,
) -> Option<Text> {
    let waiting = waiting(house, &*house.team_here()?).ok()?;
    let of_it =
        |one: &&WaitingShown| one.secret == *secret && one.environment == *environment && !one.own;
    let mut ids = waiting.iter().filter(of_it).map(|one| &one.id);
    let first = text!(
        "have the owner look at what waits: withheld approve {}",
        *ids.next()?
    );
    Some(ids.fold(first, |all, id| text!("{} {}", all, *id)))
}

pub(super) fn pending(house: &Arc<House>) -> Result<Answer, Refusal> {
    let waiting = match house.team() {
        Ok(team) => {
            let _ = house.glance(&team);
            waiting(house, &team)?
        }
        // Without a team nobody offers anything.
        Err(refusal) if refusal.code == Code::NotFound => Vec::new(),
        Err(refusal) => return Err(refusal),
    };
    Answer::of("withheld.pending/1", &Pending { waiting })
}

/// Accepts: the bindings go into the policy document, as if the owner had made them. All or none.
pub(super) fn approve(house: &Arc<House>, owner: &Owner, all: &[Shown]) -> Result<Answer, Refusal> {
    let _turn = house.owner_turn();
    house.still(&owner.vault)?;
    let team = house.team()?;
    let ids: Vec<WaitingId> = all.iter().map(|shown| shown.id.clone()).collect();
    let accepted = find(house, &team, &ids)?;
    for (shown, found) in all.iter().zip(&accepted) {
        if shown.digest != digest(found)? {
            return Err(Refusal::new(
                Code::Conflict,
                text!("what waits as `{}` is not what was shown", shown.id),
                "look at it again: withheld pending",
            ));
        }
    }
    for one in &accepted {
        // A value that is not here yet is tried when it comes: a place that cannot carry it is refused
        // at each request.
        if let Ok(value) = owner.vault.value(&one.environment, &one.secret) {
            for draft in &one.drafts {
                carries(&one.secret, draft, |place, format| {
                    withheld_wire::can_carry(place, format, &value)
                })?;
            }
        }
    }
    let draft = house.draft(&owner.vault, &owner.proof, |content| {
        accepted
            .iter()
            .try_for_each(|one| bind_all(content, &one.environment, &one.secret, &one.drafts))
    })?;
    log(house, Act::Approve, &accepted)?;
    house.arm_for(&owner.vault, &[&draft.policy, &*house.policy()?], None)?;
    house.enact(&owner.vault, draft)?;
    let approved = accepted.into_iter().map(answered).collect();
    Answer::of("withheld.approve/1", &Approved { approved })
}

/// Refuses: what was refused does not wait any more, until it is changed.
pub(super) fn deny(
    house: &Arc<House>,
    owner: &Owner,
    ids: &[WaitingId],
) -> Result<Answer, Refusal> {
    let team = house.team()?;
    house.still(&owner.vault)?;
    let denied = find(house, &team, ids)?;
    log(house, Act::Deny, &denied)?;
    denied
        .iter()
        .try_for_each(|one| team.deny(&one.id).map(drop))?;
    let denied = denied.into_iter().map(answered).collect();
    Answer::of("withheld.deny/1", &Denied { denied })
}

/// The bindings of the policy, by secret.
pub(super) fn bound(
    content: &PolicyContent,
) -> BTreeMap<(Environment, SecretName), Vec<BindingDraft>> {
    let mut bound: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for binding in &content.bindings {
        bound
            .entry((binding.environment.clone(), binding.secret.clone()))
            .or_default()
            .push(binding.terms.clone());
    }
    bound
}

/// Logs the answer before it counts, environment by environment: a name means another secret in each.
fn log(house: &House, act: Act, answered: &[WaitingBinding]) -> Result<(), Refusal> {
    let mut by_environment: BTreeMap<&Environment, Vec<&WaitingBinding>> = BTreeMap::new();
    for one in answered {
        by_environment
            .entry(&one.environment)
            .or_default()
            .push(one);
    }
    let log = house.log()?;
    by_environment
        .into_iter()
        .try_for_each(|(environment, all)| {
            log.owner(OwnerAct {
                environment: Some(environment.clone()),
                secrets: all.iter().map(|one| one.secret.clone()).collect(),
                hosts: hosts_of(all.iter().flat_map(|one| &one.drafts)),
                ..OwnerAct::of(act)
            })
        })
}

/// All that is accepted with it, whatever it is called.
fn digest(one: &WaitingBinding) -> Result<ShownDigest, Refusal> {
    let all = (&one.environment, &one.secret, &one.drafts);
    let bytes = serde_json::to_vec(&all).map_err(|_| bug())?;
    let digest = Sha256::digest(&bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    ShownDigest::parse(&hex).map_err(|_| bug())
}

/// What waits under these ids now.
fn find(house: &House, team: &Team, ids: &[WaitingId]) -> Result<Vec<WaitingBinding>, Refusal> {
    let policy = house.policy()?;
    let mut waiting = team.waiting(policy.content())?;
    ids.iter()
        .map(|id| {
            let at = waiting.iter().position(|one| one.id == *id);
            at.map(|at| waiting.swap_remove(at)).ok_or_else(|| {
                Refusal::new(
                    Code::NotFound,
                    text!("nothing waits as `{}`", *id),
                    "see what does: withheld pending",
                )
            })
        })
        .collect()
}

fn answered(one: WaitingBinding) -> Answered {
    Answered {
        id: one.id,
        secret: one.secret,
        environment: one.environment,
    }
}

fn shown(
    content: &PolicyContent,
    me: Option<&PersonName>,
    one: WaitingBinding,
) -> Result<WaitingShown, Refusal> {
    let digest = digest(&one)?;
    let is_bound = content
        .bindings
        .iter()
        .any(|other| other.environment == one.environment && other.secret == one.secret);
    let uses = one.drafts.iter();
    let uses = uses
        .map(|draft| Use::of(content, &one.environment, &one.secret, draft))
        .collect();
    Ok(WaitingShown {
        digest,
        id: one.id,
        kind: WaitingKind::Binding,
        secret: one.secret,
        environment: one.environment,
        own: one.by.is_some() && one.by.as_ref() == me,
        by: one.by,
        since: one.since,
        uses,
        widens: is_bound,
    })
}
