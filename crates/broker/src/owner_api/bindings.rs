//! Where secrets may go, and which hosts may be reached without one.

use std::sync::Arc;

use serde::Serialize;
use withheld_audit::{Act, OwnerAct};
use withheld_core::binding::{Binding, BindingDraft, Format, Place};
use withheld_core::destination::HostPattern;
use withheld_core::name::{AgentId, BindingId, Environment, SecretName};
use withheld_core::path::PathPattern;
use withheld_core::policy_doc::PolicyContent;
use withheld_core::record::AllowedHost;
use withheld_core::{Code, Refusal, Text, plain, text};
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

/// As the owner wrote them.
#[derive(Serialize)]
struct Unbound {
    unbound: Vec<BindingDraft>,
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
        let option = environment.option();
        let hint = text!("store it first: withheld set {}{}", *name, option);
        known(&vault, environment, name, hint)?;
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

/// Which bindings are meant: all to a host, or those at one port or for one path of it.
pub(super) struct At {
    pub(super) host: HostPattern,
    pub(super) port: Option<u16>,
    pub(super) path: Option<PathPattern>,
}

impl At {
    fn is_of(&self, binding: &BindingDraft) -> bool {
        let is_path = |path: &PathPattern| *binding.paths.patterns() == [path.clone()];
        binding.host == self.host
            && self.port.is_none_or(|port| binding.port == port)
            && self.path.as_ref().is_none_or(is_path)
    }

    /// As it is typed.
    fn shown(&self) -> Text {
        let port = self.port.map(|port| text!(":{}", port));
        let path = self.path.as_ref().map(|path| text!("{}", *path));
        let or_none = |part: Option<Text>| part.unwrap_or_else(|| Text::from(""));
        text!("{}{}{}", self.host, or_none(port), or_none(path))
    }
}

/// Takes bindings of secrets away, and says which.
pub(super) fn unbind(
    house: &Arc<House>,
    environment: &Environment,
    names: &[SecretName],
    at: &At,
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    let act = OwnerAct {
        environment: Some(environment.clone()),
        secrets: names.to_vec(),
        hosts: vec![at.host.clone()],
        ..OwnerAct::of(Act::Unbind)
    };
    let mut unbound = Vec::new();
    house.change_policy(&vault, &proof, act, |content| {
        for name in names {
            let is_meant = |one: &Binding| {
                one.environment == *environment && one.secret == *name && at.is_of(one)
            };
            let before = unbound.len();
            let gone = content.bindings.iter().filter(|one| is_meant(one));
            unbound.extend(gone.map(|one| one.terms.clone()));
            if unbound.len() == before {
                return Err(Refusal::new(
                    Code::NotFound,
                    text!("`{}` is not bound to `{}`", *name, at.shown()),
                    text!(
                        "see where it is: withheld ls {}{}",
                        *name,
                        environment.option()
                    ),
                ));
            }
            content.bindings.retain(|one| !is_meant(one));
        }
        Ok(())
    })?;
    house.tell_team(&proof, environment, names)?;
    unbound.sort_by(|one, other| {
        let key = (&one.host, one.port, one.paths.patterns());
        key.cmp(&(&other.host, other.port, other.paths.patterns()))
    });
    Answer::private("withheld.bind/1", &Unbound { unbound })
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
/// `not_found` where the vault has no such secret, with what to type then.
pub(super) fn known(
    vault: &Unlocked,
    environment: &Environment,
    name: &SecretName,
    hint: Text,
) -> Result<(), Refusal> {
    if vault.holds(environment, name) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::NotFound,
        text!("there is no `{}` in `{}`", *name, *environment),
        hint,
    ))
}
