//! The index: which values there are and where their envelopes rest. One sealed file, replaced
//! whole; its counter rises with each change and is kept a second time where the envelopes rest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use withheld_core::name::{Environment, SecretName};
use withheld_core::{Moment, Refusal};

use crate::envelope::{self, Seal};
use crate::fault;
use crate::key::Key;
use crate::origin::Origin;

const FILE: &str = "vault/index";

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Index {
    /// Rises by one with each change.
    pub(crate) counter: u64,
    /// The highest counter of a policy document that was in force.
    pub(crate) policy_floor: u64,
    pub(crate) authority: Option<AuthorityItem>,
    /// The device that this installation is in a team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceItem>,
    secrets: BTreeMap<Environment, BTreeMap<SecretName, Secret>>,
}

/// Where the certificate authority rests.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityItem {
    pub(crate) version: u64,
    pub(crate) address: String,
    pub(crate) ends: Moment,
}

/// Where the seed of a team's device rests.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceItem {
    pub(crate) address: String,
}

/// One name. It stays when its values are removed, so that no version number is used twice.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    /// The highest version there ever was.
    pub(crate) last: u64,
    /// Oldest first; the last one is current.
    pub(crate) versions: Vec<Stored>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) version: u64,
    pub(crate) origin: Origin,
    pub(crate) at: Moment,
    pub(crate) address: String,
}

impl Index {
    pub(crate) fn secrets(
        &self,
        environment: &Environment,
    ) -> impl Iterator<Item = (&SecretName, &Secret)> {
        self.secrets
            .get(environment)
            .into_iter()
            .flatten()
            .filter(|(_, secret)| !secret.versions.is_empty())
    }

    /// The environments that hold a secret.
    pub(crate) fn environments(&self) -> impl Iterator<Item = &Environment> {
        let held = |names: &BTreeMap<SecretName, Secret>| {
            names.values().any(|secret| !secret.versions.is_empty())
        };
        self.secrets
            .iter()
            .filter(move |(_, names)| held(names))
            .map(|(environment, _)| environment)
    }

    pub(crate) fn current(&self, environment: &Environment, name: &SecretName) -> Option<&Stored> {
        self.versions(environment, name).last()
    }

    /// The versions of a name, oldest first.
    pub(crate) fn versions(&self, environment: &Environment, name: &SecretName) -> &[Stored] {
        let names = self.secrets.get(environment);
        let secret = names.and_then(|names| names.get(name));
        secret.map_or(&[], |secret| &secret.versions)
    }

    /// The number that the next version of a name gets.
    pub(crate) fn next_version(&self, environment: &Environment, name: &SecretName) -> u64 {
        self.secrets
            .get(environment)
            .and_then(|names| names.get(name))
            .map_or(0, |secret| secret.last)
            .saturating_add(1)
    }

    pub(crate) fn add(&mut self, environment: &Environment, name: &SecretName, stored: Stored) {
        let names = self.secrets.entry(environment.clone()).or_default();
        let secret = names.entry(name.clone()).or_default();
        secret.last = secret.last.max(stored.version);
        secret.versions.push(stored);
    }

    /// Takes all versions of a name out; their addresses.
    pub(crate) fn remove(&mut self, environment: &Environment, name: &SecretName) -> Vec<String> {
        self.secrets
            .get_mut(environment)
            .and_then(|names| names.get_mut(name))
            .map(|secret| std::mem::take(&mut secret.versions))
            .unwrap_or_default()
            .into_iter()
            .map(|stored| stored.address)
            .collect()
    }

    /// Takes out what was replaced before `before`; the addresses.
    pub(crate) fn forget_replaced(&mut self, before: Moment) -> Vec<String> {
        let mut gone = Vec::new();
        let all = self.secrets.values_mut().flat_map(BTreeMap::values_mut);
        for secret in all {
            let replaced = secret.versions.iter().skip(1).map(|next| next.at);
            let old = replaced.take_while(|at| *at < before).count();
            gone.extend(secret.versions.drain(..old).map(|stored| stored.address));
        }
        gone
    }

    /// Every address that is in use.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let values = self.secrets.values().flat_map(BTreeMap::values);
        values
            .flat_map(|secret| &secret.versions)
            .map(|stored| stored.address.as_str())
            .chain(self.authority.as_ref().map(|item| item.address.as_str()))
            .chain(self.device.as_ref().map(|item| item.address.as_str()))
    }

    pub(crate) fn seal(&self, vault: &Key, installation: &str) -> Result<Vec<u8>, Refusal> {
        let bytes = serde_json::to_vec(self)
            .map_err(|_| fault::internal("the vault's index cannot be written"))?;
        envelope::seal_bytes(vault, &sealed_as(installation), &bytes)
    }

    pub(crate) fn open(vault: &Key, installation: &str, sealed: &[u8]) -> Result<Self, Refusal> {
        envelope::open_bytes(vault, &sealed_as(installation), sealed)?
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| fault::corrupt(FILE))
    }
}

fn sealed_as(installation: &str) -> Seal {
    Seal::of_house(installation, "index", 0)
}
