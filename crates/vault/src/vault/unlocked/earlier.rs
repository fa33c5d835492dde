//! Values that are sent no more and may still come back: an upstream shows what it was sent long ago.
//! Replies are searched for them as well.
//!
//! What was removed is kept sealed and in memory only, until the vault is locked.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use withheld_core::Refusal;
use withheld_core::name::{Environment, SecretName};
use withheld_secret::SecretValue;

use super::{Unlocked, lock};
use crate::envelope::Seal;
use crate::index::Stored;

/// Earlier versions of one name that replies are searched for, the newest first.
const EARLIER: usize = 16;
/// Bytes of them together: as many as the longest value has.
const EARLIER_BYTES: usize = 64 * 1024;
/// Removed versions that are kept; the oldest go first.
const REMOVED: usize = 256;

/// A version whose name was removed.
pub(super) struct Removed {
    environment: Environment,
    name: SecretName,
    stored: Stored,
}

/// What a name had, as far as it is still looked for.
pub struct Earlier {
    /// The values, the newest first.
    pub values: Vec<SecretValue>,
    /// Whether each that is looked for is among them. One that cannot be opened cannot be sent either, but
    /// the keychain may have it again later.
    pub is_whole: bool,
}

impl Unlocked {
    /// Every value that a name had in the last 30 days, and those that were removed since the vault was
    /// unlocked, the newest first: the newest, and as many earlier ones as are at most 16 and have at
    /// most 64 KiB together. One that cannot be opened is left out: it cannot be sent either.
    ///
    /// # Errors
    /// `keychain_unavailable`, `store_unavailable`; `internal` where no locked memory is left.
    pub fn every_value(
        &self,
        environment: &Environment,
        name: &SecretName,
    ) -> Result<Earlier, Refusal> {
        let mut versions = self.removed_of(environment, name);
        versions.extend(self.stored_of(environment, name));
        versions.sort_by_key(|stored| Reverse(stored.version));
        let mut room = EARLIER_BYTES;
        let mut earlier = Earlier {
            values: Vec::new(),
            is_whole: true,
        };
        for stored in versions.iter().take(1 + EARLIER) {
            let seal = Seal::of_value(&self.workspace, environment, name, stored.version);
            let Some(value) = self.opened(&stored.address, &seal)? else {
                earlier.is_whole = false;
                continue;
            };
            if !earlier.values.is_empty() {
                let Some(left) = room.checked_sub(value.len()) else {
                    break;
                };
                room = left;
            }
            earlier.values.push(value);
        }
        Ok(earlier)
    }

    /// The versions that [`Unlocked::every_value`] opens, or as many of them as are not too long, for
    /// every name of an environment that had one. Nothing is opened for it.
    #[must_use]
    pub fn every_version(&self, environment: &Environment) -> BTreeMap<SecretName, Vec<u64>> {
        let mut all: BTreeMap<SecretName, Vec<u64>> = BTreeMap::new();
        for (name, secret) in self.index().secrets(environment) {
            let versions = secret.versions.iter().map(|stored| stored.version);
            all.insert(name.clone(), versions.collect());
        }
        let removed = lock(&self.removed);
        for one in removed.iter().filter(|one| one.environment == *environment) {
            let versions = all.entry(one.name.clone()).or_default();
            versions.push(one.stored.version);
        }
        for versions in all.values_mut() {
            versions.sort_by_key(|version| Reverse(*version));
            versions.truncate(1 + EARLIER);
        }
        all
    }

    pub(super) fn stored_of(&self, environment: &Environment, name: &SecretName) -> Vec<Stored> {
        let index = self.index();
        let versions = index.versions(environment, name);
        versions.to_vec()
    }

    fn removed_of(&self, environment: &Environment, name: &SecretName) -> Vec<Stored> {
        lock(&self.removed)
            .iter()
            .filter(|one| one.environment == *environment && one.name == *name)
            .map(|one| one.stored.clone())
            .collect()
    }

    /// Makes sure that the envelope of a version outlives its file. Best effort: one that is gone or
    /// torn already does not stand in the way of its removal.
    pub(super) fn hold(&self, environment: &Environment, name: &SecretName, stored: &Stored) {
        let seal = Seal::of_value(&self.workspace, environment, name, stored.version);
        let _ = self.opened(&stored.address, &seal);
    }

    /// Keeps versions that were removed from the index, and lets go of the oldest of too many.
    pub(super) fn keep_removed(
        &self,
        environment: &Environment,
        gone: Vec<(SecretName, Vec<Stored>)>,
    ) {
        let mut removed = lock(&self.removed);
        for (name, versions) in gone {
            removed.extend(versions.into_iter().map(|stored| Removed {
                environment: environment.clone(),
                name: name.clone(),
                stored,
            }));
        }
        let too_many = removed.len().saturating_sub(REMOVED);
        let mut envelopes = lock(&self.envelopes);
        for old in removed.drain(..too_many) {
            envelopes.remove(&old.stored.address);
        }
    }
}
