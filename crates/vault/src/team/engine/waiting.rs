//! What verified records say their secrets may be used for, and this machine's owner has neither
//! accepted nor refused.

use std::collections::BTreeMap;

use withheld_core::binding::{Binding, BindingDraft};
use withheld_core::destination::{Host, HostPattern};
use withheld_core::name::{Environment, PersonName, SecretName};
use withheld_core::path::Paths;
use withheld_core::team::WaitingId;
use withheld_core::{Code, Moment, PolicyContent, Refusal, text};
use withheld_team::cbor;
use withheld_team::commit::Commit;
use withheld_team::id::EnvId;

use super::Team;
use super::bindings::{Verified, names};
use super::create::moment;
use super::env_state::{EnvState, Shown};
use super::files::impossible;
use super::state::State;
use crate::team::meta::SignedBindings;

/// Bindings of a secret, by somebody of the team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingBinding {
    /// What they are called until they are accepted. Nobody else can tell it in advance.
    pub id: WaitingId,
    /// The environment.
    pub environment: Environment,
    /// The secret.
    pub secret: SecretName,
    /// All that they allow.
    pub drafts: Vec<BindingDraft>,
    /// Whose owner key signed them; none where the directory does not say.
    pub by: Option<PersonName>,
    /// When the version that carries them came.
    pub since: Moment,
}

impl Team {
    /// Bindings that verified records carry and the policy of this machine does not cover; without
    /// those that were denied. Where there is an environment, then by name.
    ///
    /// # Errors
    /// `store_unavailable` without locked memory.
    pub fn waiting(&self, policy: &PolicyContent) -> Result<Vec<WaitingBinding>, Refusal> {
        let state = self.state();
        let mut bound: BTreeMap<_, Vec<&Binding>> = BTreeMap::new();
        for binding in &policy.bindings {
            let of = bound.entry((&binding.environment, &binding.secret));
            of.or_default().push(binding);
        }
        let mut rows = self.offered(&state)?;
        rows.retain(|(env, row)| {
            let denied = (state.envs.get(env))
                .is_some_and(|here| here.file.denied.iter().any(|id| *id == row.id.as_str()));
            let bound = bound.get(&(&row.environment, &row.secret));
            let is_allowed = |draft| {
                let mut bound = bound.into_iter().flatten();
                bound.any(|binding| is_within(draft, &binding.terms))
            };
            !denied && !row.drafts.iter().all(is_allowed)
        });
        let mut rows: Vec<WaitingBinding> = rows.into_iter().map(|(_, row)| row).collect();
        rows.sort_by(|a, b| (&a.environment, &a.secret).cmp(&(&b.environment, &b.secret)));
        Ok(rows)
    }

    /// Bindings by their id, whatever the policy says of them.
    ///
    /// # Errors
    /// `not_found` where no record carries them, or carries them any more.
    pub fn waiting_one(&self, id: &WaitingId) -> Result<WaitingBinding, Refusal> {
        self.one(&self.state(), id).map(|(_, row)| row)
    }

    /// Refuses bindings: they wait no more. Others for the same secret will. Waits for nobody who talks to
    /// the server.
    ///
    /// # Errors
    /// As [`Team::waiting_one`]; `store_unavailable`, `keychain_unavailable`.
    pub fn deny(&self, id: &WaitingId) -> Result<WaitingBinding, Refusal> {
        let mut saying = self.say();
        let (env, row) = self.one(saying.before(), id)?;
        let denied = &mut saying.next.env_mut(&env).file.denied;
        if !denied.iter().any(|known| *known == id.as_str()) {
            denied.push(id.as_str().to_owned());
        }
        saying.keep()?;
        Ok(row)
    }

    fn one(&self, state: &State, id: &WaitingId) -> Result<(EnvId, WaitingBinding), Refusal> {
        let mut rows = self.offered(state)?.into_iter();
        rows.find(|(_, row)| row.id == *id).ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                text!("nothing is waiting as `{}`", *id),
                "see what is: withheld pending",
            )
        })
    }

    /// Everything that verified records carry.
    fn offered(&self, state: &State) -> Result<Vec<(EnvId, WaitingBinding)>, Refusal> {
        let mut rows = Vec::new();
        for (env, here) in &state.envs {
            let Some(environment) = state.name_of(env).filter(|_| *env != EnvId::DIRECTORY) else {
                continue;
            };
            let verified = Verified::of(here);
            for (shown, meta, secret) in names(here) {
                let Some(signed) = &meta.bindings else {
                    continue;
                };
                if here.fault_of(shown).is_some() || !verified.has(&secret, signed) {
                    continue;
                }
                let Ok(drafts) = signed.drafts() else {
                    continue;
                };
                let signer = state.chain.device(&signed.by());
                let row = WaitingBinding {
                    id: self.waiting_id(environment, &secret, signed)?,
                    environment: environment.clone(),
                    secret,
                    drafts,
                    by: signer.and_then(|signer| state.person(&signer.member)),
                    since: since(here, shown),
                };
                rows.push((*env, row));
            }
        }
        Ok(rows)
    }

    /// The id depends on a key of this device: whoever writes bindings could otherwise look for two that
    /// go by the same.
    fn waiting_id(
        &self,
        environment: &Environment,
        secret: &SecretName,
        signed: &SignedBindings,
    ) -> Result<WaitingId, Refusal> {
        let json: &minicbor::bytes::ByteSlice = signed.json().into();
        let what = ("waiting", environment.as_str(), secret.as_str(), json);
        let mac = self.seed.state_mac(&cbor::encode(&what))?;
        let (first, _) = mac.split_first_chunk().ok_or_else(impossible)?;
        let id = u64::from_be_bytes(*first);
        format!("b_{id:016x}").parse().map_err(|_| impossible())
    }
}

/// When a version came, by its author's clock; for one that a snapshot showed, when that was made.
fn since(here: &EnvState, shown: &Shown) -> Moment {
    let came = here.came.get(&shown.kept.rid).map(|came| came.at_ms);
    let snapshot = || Commit::read(&here.file.snapshot.as_ref()?.commit).ok();
    moment(came.or_else(|| Some(snapshot()?.body.ts)).unwrap_or(0))
}

/// Whether a binding of a secret would allow anything that the policy does not allow already.
#[must_use]
pub fn widens(
    policy: &PolicyContent,
    environment: &Environment,
    secret: &SecretName,
    draft: &BindingDraft,
) -> bool {
    !policy.bindings.iter().any(|binding| {
        binding.environment == *environment
            && binding.secret == *secret
            && is_within(draft, &binding.terms)
    })
}

/// Whether one binding allows no more than another. Which variables hold the placeholder and how that
/// looks allows nothing.
fn is_within(inner: &BindingDraft, outer: &BindingDraft) -> bool {
    host_is_within(&inner.host, &outer.host)
        && inner.port == outer.port
        && paths_are_within(&inner.paths, &outer.paths)
        && methods_are_within(inner, outer)
        && (&inner.place, &inner.format) == (&outer.place, &outer.format)
        && (!inner.auto || outer.auto)
        && (!inner.private || outer.private)
        && (!inner.foreign || outer.foreign)
        && inner.ca == outer.ca
}

fn host_is_within(inner: &HostPattern, outer: &HostPattern) -> bool {
    let exact = || {
        inner
            .is_exact()
            .then(|| Host::parse(&inner.to_string()).ok())
    };
    inner == outer || exact().flatten().is_some_and(|host| outer.matches(&host))
}

/// A pattern is within another one when that covers it as a path: `*` stands for one segment there.
fn paths_are_within(inner: &Paths, outer: &Paths) -> bool {
    let covered = |path: &str| outer.patterns().iter().any(|pattern| pattern.covers(path));
    let inner = inner.patterns();
    outer.patterns().is_empty()
        || !inner.is_empty() && inner.iter().all(|pattern| covered(pattern.as_str()))
}

fn methods_are_within(inner: &BindingDraft, outer: &BindingDraft) -> bool {
    let (inner, outer) = (inner.methods.method_names(), outer.methods.method_names());
    outer.is_empty() || !inner.is_empty() && inner.iter().all(|method| outer.contains(method))
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
