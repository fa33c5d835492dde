//! The open vault.
//!
//! Order of writes: envelopes first, then the index, then the counter that rests beside the
//! envelopes. Killed anywhere in between, the next start finds the old state or the new one; what
//! neither names is removed then.

mod earlier;
mod house;
mod replace;
mod store;
mod team_items;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use withheld_audit::Sealer;
use withheld_core::api::Deposit;
use withheld_core::name::{Environment, SecretName, Workspace};
use withheld_core::{Code, Permit, Refusal, text};
use withheld_secret::{SecretValue, Values};

use super::held::{Held, HeldVersion};
use crate::ca::Authority;
use crate::envelope::{self, Seal};
use crate::home::Home;
use crate::index::Index;
use crate::intake::{self, IntakeKey, Purpose};
use crate::keeper::{Boxed, Facts, KeyFile, NewKeys};
use crate::key::Key;
use crate::owner::OwnerProof;
use crate::rest::Rest;
use crate::sealer::VaultSealer;
pub use earlier::Earlier;
use earlier::Removed;
pub(crate) use replace::Standing;

/// A vault with its key. Closing it ends what it writes; dropping it wipes every key and value of it.
pub struct Unlocked {
    home: Home,
    file: Mutex<KeyFile>,
    facts: Facts,
    key: Key,
    intake: IntakeKey,
    audit: Arc<Key>,
    rest: Box<dyn Rest>,
    workspace: Workspace,
    index: Mutex<Arc<Index>>,
    /// Held by whoever changes something, so that readers never wait for a keychain.
    writing: Mutex<()>,
    /// Nothing is written any more: what is on the disk is another one's from now on.
    closed: AtomicBool,
    /// Envelopes that were used, by address: ciphertext, so that a request costs no round trip.
    envelopes: Mutex<HashMap<String, Arc<[u8]>>>,
    /// Versions that are in the index no more; their envelopes are among those above.
    removed: Mutex<Vec<Removed>>,
    authority: Mutex<Option<Arc<Authority>>>,
}

impl Unlocked {
    pub(super) fn new(
        home: Home,
        file: KeyFile,
        key: Key,
        rest: Box<dyn Rest>,
        index: Index,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            intake: IntakeKey::of_seed(file.inner(&key, Boxed::Intake)?)?,
            audit: Arc::new(file.inner(&key, Boxed::Audit)?),
            facts: file.facts.clone(),
            workspace: Workspace::local(),
            index: Mutex::new(Arc::new(index)),
            writing: Mutex::default(),
            closed: AtomicBool::new(false),
            envelopes: Mutex::default(),
            removed: Mutex::default(),
            authority: Mutex::default(),
            file: Mutex::new(file),
            home,
            key,
            rest,
        })
    }

    /// What is known of the vault without opening it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Ends what this vault writes: who still works with it, and does not know that it was locked, can
    /// undo nothing of what is done to the files after. Returns when nobody writes any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        drop(lock(&self.writing));
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// The right to write, until it is dropped.
    ///
    /// # Errors
    /// `vault_locked` once it was closed.
    fn writing(&self) -> Result<MutexGuard<'_, ()>, Refusal> {
        let writing = lock(&self.writing);
        self.still_open()?;
        Ok(writing)
    }

    /// For who is about to act for this vault.
    ///
    /// # Errors
    /// `vault_locked` once it was closed.
    pub(crate) fn still_open(&self) -> Result<(), Refusal> {
        if self.is_closed() {
            return Err(Refusal::new(
                Code::VaultLocked,
                "the vault was locked meanwhile",
                "the owner runs: withheld unlock; then run the command again",
            ));
        }
        Ok(())
    }

    /// The secrets of an environment, by name.
    #[must_use]
    pub fn names(&self, environment: &Environment) -> Vec<Held> {
        let index = self.index();
        index
            .secrets(environment)
            .filter_map(|(name, secret)| {
                let current = secret.versions.last()?;
                Some(Held {
                    name: name.clone(),
                    version: current.version,
                    origin: current.origin,
                    created_at: current.at,
                    versions: secret.versions.iter().map(HeldVersion::of).collect(),
                })
            })
            .collect()
    }

    /// Whether there is a value under this name.
    #[must_use]
    pub fn holds(&self, environment: &Environment, name: &SecretName) -> bool {
        self.index().current(environment, name).is_some()
    }

    /// Opens a deposit without storing it, so that it can be looked at by who may: whether its place
    /// can carry it.
    ///
    /// # Errors
    /// `conflict` where it was sealed to another key, `usage` under 8 bytes, `too_large` over 64 KiB.
    pub fn open(&self, deposit: &Deposit) -> Result<SecretValue, Refusal> {
        let value = self.intake.open(deposit, Purpose::Value)?;
        intake::fits(value.len())?;
        Ok(value)
    }

    /// The versions that a request will use, in the order of the permit's uses; for the log.
    ///
    /// # Errors
    /// `not_found` where a value was removed meanwhile.
    pub fn versions(&self, permit: &Permit) -> Result<Vec<u64>, Refusal> {
        let index = self.index();
        let uses = permit.uses().iter();
        uses.map(|used| {
            let name = &used.binding.secret;
            let current = index.current(permit.environment(), name);
            current
                .map(|stored| stored.version)
                .ok_or_else(|| not_found(name))
        })
        .collect()
    }

    /// The values of a permit, for its request alone, and their versions.
    ///
    /// # Errors
    /// `not_found` where a value was removed meanwhile, `store_corrupt` where an envelope is not
    /// what was put there, `keychain_unavailable`, `store_unavailable`.
    pub fn fetch(&self, permit: &Permit) -> Result<(Values, Vec<u64>), Refusal> {
        let mut values = Vec::new();
        let mut versions = Vec::new();
        for used in permit.uses() {
            let (value, version) = self.current(permit.environment(), &used.binding.secret)?;
            values.push(value);
            versions.push(version);
        }
        Ok((Values::new(*permit.id().as_bytes(), values), versions))
    }

    /// The current value of a name: to see whether a place can carry it.
    ///
    /// # Errors
    /// As [`Unlocked::fetch`].
    pub fn value(
        &self,
        environment: &Environment,
        name: &SecretName,
    ) -> Result<SecretValue, Refusal> {
        self.current(environment, name).map(|(value, _)| value)
    }

    /// The same, and its version.
    pub(crate) fn current(
        &self,
        environment: &Environment,
        name: &SecretName,
    ) -> Result<(SecretValue, u64), Refusal> {
        loop {
            let index = self.index();
            let stored = index
                .current(environment, name)
                .ok_or_else(|| not_found(name))?;
            let seal = Seal::of_value(&self.workspace, environment, name, stored.version);
            if let Some(value) = self.opened(&stored.address, &seal)? {
                return Ok((value, stored.version));
            }
            // It may have been removed or replaced since the index was read.
            if Arc::ptr_eq(&index, &self.index()) {
                return Err(torn(environment, name));
            }
        }
    }

    /// The value of an envelope; `None` where it is missing or is not what `seal` says.
    fn opened(&self, address: &str, seal: &Seal) -> Result<Option<SecretValue>, Refusal> {
        let known = lock(&self.envelopes).get(address).map(Arc::clone);
        let fresh = known.is_none();
        let envelope: Arc<[u8]> = match known {
            Some(known) => known,
            None => match self.rest.get(address)? {
                Some(found) => found.into(),
                None => return Ok(None),
            },
        };
        let value = envelope::open_value(&self.key, seal, &envelope)?.ok();
        if fresh && value.is_some() {
            lock(&self.envelopes).insert(address.to_owned(), envelope);
        }
        Ok(value)
    }

    /// Proves that the owner is here, for one command. As slow as [`Locked::unlock`].
    ///
    /// [`Locked::unlock`]: super::Locked::unlock
    ///
    /// # Errors
    /// `wrong_passphrase`.
    pub fn prove(&self, passphrase: &SecretValue) -> Result<OwnerProof, Refusal> {
        let file = lock(&self.file).clone();
        file.open(passphrase)
            .map(|(_, owner)| OwnerProof::new(owner))
    }

    pub(crate) fn seal_under(&self, proof: &OwnerProof, new: &SecretValue) -> Result<(), Refusal> {
        let _writing = self.writing()?;
        let keys = NewKeys {
            vault: &self.key,
            owner: proof.seed(),
            intake: self.intake.seed(),
            audit: &self.audit,
        };
        let fresh = lock(&self.file).under(&keys, new)?;
        self.home
            .write(&self.home.vault_key(), &fresh.to_bytes()?)?;
        *lock(&self.file) = fresh;
        Ok(())
    }

    /// Certifies segments of the audit log for as long as this vault is open.
    #[must_use]
    pub fn sealer(&self) -> Arc<dyn Sealer> {
        let sealer = VaultSealer::locked();
        sealer.attach(self);
        Arc::new(sealer)
    }

    pub(crate) fn audit_key(&self) -> Weak<Key> {
        Arc::downgrade(&self.audit)
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&lock(&self.index))
    }

    /// Makes a change durable, then visible. The caller holds `writing`.
    fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> Result<T, Refusal> {
        let mut next = Index::clone(&self.index());
        let made = change(&mut next);
        next.counter = next.counter.saturating_add(1);
        let sealed = next.seal(&self.key, &self.facts.installation)?;
        self.home.write(&self.home.index(), &sealed)?;
        let next = Arc::new(next);
        *lock(&self.index) = Arc::clone(&next);
        self.keep_state(&next)?;
        Ok(made)
    }

    /// Deletes envelopes that nothing names any more; what cannot be deleted now goes at the next
    /// unlock.
    fn forget<'a>(&self, addresses: impl Iterator<Item = &'a str>) {
        for address in addresses {
            lock(&self.envelopes).remove(address);
            let _ = self.rest.delete(address);
        }
    }

    fn house(&self, field: &str, version: u64) -> Seal {
        Seal::of_house(&self.facts.installation, field, version)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found(name: &SecretName) -> Refusal {
    Refusal::new(
        Code::NotFound,
        text!("there is no `{}`", *name),
        "list what is here: withheld ls",
    )
}

fn torn(environment: &Environment, name: &SecretName) -> Refusal {
    Refusal::new(
        Code::StoreCorrupt,
        text!(
            "the sealed item of `{}` is not what Withheld put there",
            *name
        ),
        text!(
            "store the value again: withheld set {}{}",
            *name,
            environment.option()
        ),
    )
}
