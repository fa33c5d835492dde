//! Putting values in and taking them out.

use std::collections::BTreeSet;

use withheld_core::api::Deposit;
use withheld_core::name::{Environment, SecretName};
use withheld_core::{Code, Moment, Refusal, text};
use withheld_secret::SecretValue;

use super::{Unlocked, not_found};
use crate::envelope::{self, Seal};
use crate::index::{Index, Stored};
use crate::origin::Origin;
use crate::{fault, intake};

/// How long a version is kept after it was replaced.
pub(super) const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

impl Unlocked {
    /// Stores a deposit as the next version of a name; the version.
    ///
    /// # Errors
    /// As [`Unlocked::open`] and [`Unlocked::store`].
    pub fn deposit(
        &self,
        environment: &Environment,
        name: &SecretName,
        deposit: &Deposit,
        origin: Origin,
        now: Moment,
    ) -> Result<u64, Refusal> {
        let items = [(name.clone(), self.open(deposit)?)];
        let versions = self.store(environment, &items, origin, now)?;
        versions
            .first()
            .copied()
            .ok_or_else(|| fault::internal("a value was stored without a version"))
    }

    /// Stores values as the next versions of their names, all of them or none; the versions. What
    /// was replaced more than 30 days ago goes.
    ///
    /// # Errors
    /// `usage` where a name comes twice, `conflict` where an agent would replace a value,
    /// `store_unavailable`, `keychain_unavailable`; `vault_locked` once the vault was closed.
    pub fn store(
        &self,
        environment: &Environment,
        items: &[(SecretName, SecretValue)],
        origin: Origin,
        now: Moment,
    ) -> Result<Vec<u64>, Refusal> {
        let _writing = self.writing()?;
        let index = self.index();
        admit(&index, environment, items, origin)?;
        let fresh = self.put_all(environment, items, &index, origin, now)?;
        let versions = fresh.iter().map(|(_, stored)| stored.version).collect();
        let before = Moment::from_ms(now.as_ms().saturating_sub(KEPT_MS));
        let gone = self.change(|index| {
            for (name, stored) in fresh {
                index.add(environment, &name, stored);
            }
            index.forget_replaced(before)
        })?;
        self.forget(gone.iter().map(String::as_str));
        Ok(versions)
    }

    /// Puts the envelopes of values that may be stored. The caller holds `writing`.
    pub(super) fn put_all(
        &self,
        environment: &Environment,
        items: &[(SecretName, SecretValue)],
        index: &Index,
        origin: Origin,
        now: Moment,
    ) -> Result<Vec<(SecretName, Stored)>, Refusal> {
        let (mut fresh, mut envelopes) = (Vec::new(), Vec::new());
        for (name, value) in items {
            let version = index.next_version(environment, name);
            let path = format!("{}/{environment}/{name}/{version}", self.workspace);
            let address = self.rest.address(&path)?;
            let seal = Seal::of_value(&self.workspace, environment, name, version);
            let envelope = envelope::seal_value(&self.key, &seal, value)?;
            envelopes.push((address.clone(), envelope));
            let stored = Stored {
                version,
                origin,
                at: now,
                address,
            };
            fresh.push((name.clone(), stored));
        }
        self.rest.put_all(&envelopes)?;
        Ok(fresh)
    }

    /// Removes names with all their versions, all of them or none. Replies are searched for them until
    /// the vault is locked: see [`Unlocked::every_value`].
    ///
    /// # Errors
    /// `not_found` where one is not there; `vault_locked` once the vault was closed; `store_unavailable` and `keychain_unavailable`, also when
    /// the names are gone and a sealed item could not be deleted: it goes at the next unlock.
    pub fn remove(&self, environment: &Environment, names: &[SecretName]) -> Result<(), Refusal> {
        let _writing = self.writing()?;
        let index = self.index();
        for name in names {
            if index.current(environment, name).is_none() {
                return Err(not_found(name));
            }
        }
        let kept = self.held_back(environment, names);
        let gone = self.change(|index| {
            let removed = names
                .iter()
                .flat_map(|name| index.remove(environment, name));
            removed.collect::<Vec<_>>()
        })?;
        self.keep_removed(environment, kept);
        gone.iter()
            .try_for_each(|address| self.rest.delete(address))
    }

    /// All versions of names that are about to go, their envelopes at hand.
    pub(super) fn held_back(
        &self,
        environment: &Environment,
        names: &[SecretName],
    ) -> Vec<(SecretName, Vec<Stored>)> {
        let mut kept = Vec::new();
        for name in names {
            let versions = self.stored_of(environment, name);
            for stored in &versions {
                self.hold(environment, name, stored);
            }
            kept.push((name.clone(), versions));
        }
        kept
    }
}

/// Whether all of these may be stored, before any of them is.
pub(super) fn admit(
    index: &Index,
    environment: &Environment,
    items: &[(SecretName, SecretValue)],
    origin: Origin,
) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for (name, value) in items {
        intake::fits(value.len())?;
        if !seen.insert(name) {
            return Err(Refusal::new(
                Code::Usage,
                text!("`{}` is named twice", *name),
                "name each secret once",
            ));
        }
        if origin == Origin::Agent && index.current(environment, name).is_some() {
            return Err(Refusal::new(
                Code::Conflict,
                text!("there is a `{}` already", *name),
                "choose another name: an agent does not replace a value",
            ));
        }
    }
    Ok(())
}
