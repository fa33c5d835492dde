//! Values: stored, and removed with their bindings.

use std::sync::Arc;

use withheld_audit::{Act, OwnerAct};
use withheld_core::api::StoreItem;
use withheld_core::name::{Environment, SecretName};
use withheld_core::{Refusal, plain, text};
use withheld_vault::Origin;

use super::bindings::{bind_all, carries, hosts_of, known};
use super::proof::{Proven, Sealed, proven};
use crate::answer::Answer;
use crate::arming::{Incoming, Source};
use crate::clock;
use crate::house::House;

plain! {
    struct Stored {
        stored: Vec<Version>,
    }

    struct Version {
        name: SecretName,
        version: u64,
    }

    struct Removed {
        removed: Vec<SecretName>,
    }
}

/// Stores values and binds them. A place that cannot carry its value is refused before anything is
/// stored.
pub(super) fn store(
    house: &Arc<House>,
    environment: &Environment,
    items: &[StoreItem],
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    let mut values = Vec::new();
    for item in items {
        let value = vault.open(&item.value)?;
        for draft in &item.bindings {
            carries(&item.name, draft, |place, format| {
                withheld_wire::can_carry(place, format, &value)
            })?;
        }
        values.push((item.name.clone(), value));
    }
    let names: Vec<SecretName> = items.iter().map(|item| item.name.clone()).collect();
    let bound = |item: &&StoreItem| !item.bindings.is_empty();
    let draft = items.iter().any(|item| bound(&item)).then(|| {
        house.draft(&vault, &proof, |content| {
            items
                .iter()
                .try_for_each(|item| bind_all(content, environment, &item.name, &item.bindings))
        })
    });
    let draft = draft.transpose()?;
    let act = |act, secrets| OwnerAct {
        environment: Some(environment.clone()),
        secrets,
        ..OwnerAct::of(act)
    };
    house.log()?.owner(act(Act::Set, names.clone()))?;
    if draft.is_some() {
        let secrets = items.iter().filter(bound).map(|item| item.name.clone());
        house.log()?.owner(OwnerAct {
            hosts: hosts_of(items.iter().flat_map(|item| &item.bindings)),
            ..act(Act::Bind, secrets.collect())
        })?;
    }
    let current = house.policy()?;
    let newest = draft.as_ref().map_or(&*current, |draft| &draft.policy);
    let incoming = Incoming {
        environment,
        source: Source::Owner(items),
    };
    house.arm_for(&vault, &[newest, &*current], Some(incoming))?;
    let versions = vault.store(environment, &values, Origin::Owner, clock::now())?;
    // The plaintexts are wiped before anything else is done.
    drop(values);
    if let Some(draft) = draft {
        house.enact(&vault, draft)?;
        house.tell_team(&proof, environment, &names)?;
    }
    let version = |(name, version)| Version { name, version };
    let stored = names.into_iter().zip(versions).map(version).collect();
    Answer::of("withheld.set/1", &Stored { stored })
}

/// Removes secrets. Their bindings go first: a binding without a value would be a promise.
pub(super) fn remove(
    house: &Arc<House>,
    environment: &Environment,
    names: &[SecretName],
    proof: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    let hint = text!("see what is there: withheld ls{}", environment.option());
    names
        .iter()
        .try_for_each(|name| known(&vault, environment, name, hint.clone()))?;
    let act = OwnerAct {
        environment: Some(environment.clone()),
        secrets: names.to_vec(),
        ..OwnerAct::of(Act::Remove)
    };
    house.change_policy(&vault, &proof, act, |content| {
        content
            .bindings
            .retain(|one| one.environment != *environment || !names.contains(&one.secret));
        Ok(())
    })?;
    vault.remove(environment, names)?;
    // Else what was signed for them would go to the team with the next value of the same name.
    house.tell_team(&proof, environment, names)?;
    let removed = names.to_vec();
    Answer::of("withheld.rm/1", &Removed { removed })
}
