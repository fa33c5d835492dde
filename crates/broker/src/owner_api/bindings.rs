//! Where secrets may go, and which hosts may be reached without one.

use std::sync::Arc;

use withheld_audit::{Act, OwnerAct};
use withheld_core::binding::{Binding, BindingDraft, Format, Place};
use withheld_core::destination::HostPattern;
use withheld_core::name::{AgentId, BindingId, Environment, SecretName};
use withheld_core::policy_doc::PolicyContent;
use withheld_core::record::AllowedHost;
use withheld_core::{Code, Refusal, plain, text};
use withheld_vault::Unlocked;

use super::agents::no_agent;
use super::proof::{Proven, Sealed, proven};
use crate::answer::Answer;
use crate::house::House;
use crate::session::random;

plain! {
    struct Bound {
        names: Vec<SecretName>,
        hosts: Vec<HostPattern>,
    }

    struct Allowed {
        hosts: Vec<AllowedHost>,
        agent: Option<AgentId>,
        removed: bool,
    }
}

/// Adds bindings to secrets that are stored. The same host, port and paths replaces.
pub(super) fn bind(
    house: &Arc<House>,
    environment: &Environment,
    names: &[SecretName],
    drafts: &[BindingDraft],
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    for name in names {
        known(&vault, environment, name)?;
        let value = vault.value(environment, name)?;
        for draft in drafts {
            carries(name, draft, |place, format| {
                withheld_wire::can_carry(place, format, &value)
            })?;
        }
    }
    let hosts = hosts_of(drafts);
    let act = OwnerAct {
        environment: Some(environment.clone()),
        secrets: names.to_vec(),
        hosts: hosts.clone(),
        ..OwnerAct::of(Act::Bind)
    };
    house.change_policy(&vault, &proof, act, |content| {
        names
            .iter()
            .try_for_each(|name| bind_all(content, environment, name, drafts))
    })?;
    house.tell_team(&proof, environment, names)?;
    let names = names.to_vec();
    Answer::of("withheld.bind/1", &Bound { names, hosts })
}

/// Takes the bindings of secrets to one host away.
pub(super) fn unbind(
    house: &Arc<House>,
    environment: &Environment,
    names: &[SecretName],
    host: &HostPattern,
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    let act = OwnerAct {
        environment: Some(environment.clone()),
        secrets: names.to_vec(),
        hosts: vec![host.clone()],
        ..OwnerAct::of(Act::Unbind)
    };
    house.change_policy(&vault, &proof, act, |content| {
        for name in names {
            let is_meant = |one: &Binding| {
                one.environment == *environment && one.secret == *name && one.host == *host
            };
            if !content.bindings.iter().any(is_meant) {
                return Err(Refusal::new(
                    Code::NotFound,
                    text!("`{}` is not bound to `{}`", *name, *host),
                    text!("see where it is: withheld ls {}", *name),
                ));
            }
            content.bindings.retain(|one| !is_meant(one));
        }
        Ok(())
    })?;
    house.tell_team(&proof, environment, names)?;
    let (names, hosts) = (names.to_vec(), vec![host.clone()]);
    Answer::of("withheld.bind/1", &Bound { names, hosts })
}

/// Allows hosts without a secret, for one agent or for all, or no longer.
pub(super) fn allow(
    house: &Arc<House>,
    hosts: &[AllowedHost],
    agent: Option<&AgentId>,
    remove: bool,
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    let act = OwnerAct {
        agent: agent.cloned(),
        hosts: hosts.iter().map(|one| one.host.clone()).collect(),
        ..OwnerAct::of(if remove { Act::Disallow } else { Act::Allow })
    };
    house.change_policy(&vault, &proof, act, |content| {
        let list = match agent {
            None => &mut content.allowed,
            Some(agent) => {
                let record = content.agents.iter_mut().find(|one| one.agent == *agent);
                &mut record.ok_or_else(|| no_agent(agent))?.hosts
            }
        };
        hosts
            .iter()
            .try_for_each(|host| change_list(list, host, remove))
    })?;
    let allowed = Allowed {
        hosts: hosts.to_vec(),
        agent: agent.cloned(),
        removed: remove,
    };
    Answer::of("withheld.allow/1", &allowed)
}

/// The same host and port replaces.
fn change_list(
    list: &mut Vec<AllowedHost>,
    host: &AllowedHost,
    remove: bool,
) -> Result<(), Refusal> {
    let before = list.len();
    list.retain(|one| one.host != host.host || one.port != host.port);
    if remove && list.len() == before {
        return Err(Refusal::new(
            Code::NotFound,
            text!("`{}` is not allowed by this list", host.host),
            "see what is: withheld allow",
        ));
    }
    if !remove {
        list.push(host.clone());
    }
    Ok(())
}

/// Adds bindings to one secret.
///
/// # Errors
/// `internal` without randomness for their ids.
pub(crate) fn bind_all(
    content: &mut PolicyContent,
    environment: &Environment,
    name: &SecretName,
    drafts: &[BindingDraft],
) -> Result<(), Refusal> {
    for draft in drafts {
        content
            .bindings
            .retain(|one| !one.is_replaced_by(environment, name, draft));
        content.bindings.push(Binding {
            id: BindingId::from_bytes(random()?),
            environment: environment.clone(),
            secret: name.clone(),
            terms: draft.clone(),
        });
    }
    Ok(())
}

/// Whether a place can carry a value; `fits` looks at it where values may be looked at.
///
/// # Errors
/// `usage` where it cannot, or where the draft contradicts itself.
pub(crate) fn carries(
    name: &SecretName,
    draft: &BindingDraft,
    fits: impl FnOnce(&Place, Option<&Format>) -> bool,
) -> Result<(), Refusal> {
    if draft.port == 0 {
        return Err(Refusal::new(
            Code::Usage,
            "a binding has a port from 1 to 65535",
            "name it with the host: --host HOST:PORT",
        ));
    }
    if draft.format.is_some() && !matches!(draft.place, Place::Header(_)) {
        return Err(Refusal::new(
            Code::Usage,
            "a format stands in a header of its own only",
            "name the header: --inject header:NAME --format 'Bot {}'",
        ));
    }
    if !fits(&draft.place, draft.format.as_ref()) {
        return Err(Refusal::new(
            Code::Usage,
            text!(
                "the value of `{}` cannot stand at the place `{}`",
                *name,
                draft.place
            ),
            "choose a place that can carry its bytes: --inject basic, or query:KEY",
        ));
    }
    Ok(())
}

/// The hosts of drafts, each once.
pub(crate) fn hosts_of<'a>(drafts: impl IntoIterator<Item = &'a BindingDraft>) -> Vec<HostPattern> {
    let mut hosts: Vec<_> = drafts.into_iter().map(|one| one.host.clone()).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// # Errors
/// `not_found` where the vault has no such secret.
pub(super) fn known(
    vault: &Unlocked,
    environment: &Environment,
    name: &SecretName,
) -> Result<(), Refusal> {
    if vault.holds(environment, name) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::NotFound,
        text!("there is no `{}` in `{}`", *name, *environment),
        text!("store it first: withheld set {}", *name),
    ))
}
