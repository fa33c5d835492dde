//! The vault: made, opened, locked. Only an unlocked one has values to give.

mod held;
mod unlocked;

use withheld_core::api::VaultKind;
use withheld_core::{Code, Moment, Refusal};
use withheld_secret::SecretValue;
use zeroize::Zeroizing;

pub use held::{Held, HeldVersion};
pub(crate) use unlocked::Standing;
pub use unlocked::{Earlier, Unlocked};

use crate::ca::Authority;
use crate::fault;
use crate::home::Home;
use crate::index::Index;
use crate::intake::IntakeKey;
use crate::keeper::{self, Facts, KeyFile, NewKeys};
use crate::key::Key;
use crate::owner::{self, OwnerProof};
use crate::rest::keychain::Keychain;
use crate::rest::{self, Rest};

/// Makes and opens vaults.
pub struct Vault;

impl Vault {
    /// Makes a vault, unlocked, with the proof that signs its first policy. The keychain is tried
    /// before anything is written; the file `vault/key` is written last, and before it is there
    /// there is no vault.
    ///
    /// # Errors
    /// `conflict` where there is one already, `usage` for a passphrase under 8 bytes,
    /// `keychain_unavailable`, `config_invalid` and `store_unavailable` of the home.
    pub fn create(
        home: &Home,
        kind: VaultKind,
        auto_unlock: bool,
        passphrase: &SecretValue,
        now: Moment,
    ) -> Result<(Unlocked, OwnerProof), Refusal> {
        if home.read(&home.vault_key())?.is_some() {
            return Err(Refusal::new(
                Code::Conflict,
                "there is a vault here already",
                "open it: withheld unlock",
            ));
        }
        let (vault, owner, audit) = (Key::random()?, Key::random()?, Key::random()?);
        let intake = IntakeKey::generate()?;
        let facts = Facts {
            kind,
            auto_unlock,
            installation: keeper::new_installation()?,
            owner_public: owner::public(&owner),
            audit_public: owner::public(&audit),
            intake_public: intake.public().clone(),
        };
        let keys = NewKeys {
            vault: &vault,
            owner: &owner,
            intake: intake.seed(),
            audit: &audit,
        };
        let file = KeyFile::new(facts, &keys, passphrase)?;
        let rest = rest_of(home, &file.facts);
        home.check()?;
        rest.ready()?;
        home.create()?;
        if auto_unlock {
            keep(&file.facts, &vault)?;
        }
        let unlocked = Unlocked::new(home.clone(), file, vault, rest, Index::default())?;
        unlocked.begin(Authority::generate(now)?)?;
        Ok((unlocked, OwnerProof::new(owner)))
    }

    /// Reads what there is; `None` before there is a vault.
    ///
    /// # Errors
    /// `config_invalid` where the home is not ours alone, `store_corrupt` where `vault/key` is not
    /// what Withheld wrote or asks for a weak key derivation.
    pub fn open(home: &Home) -> Result<Option<Locked>, Refusal> {
        home.check()?;
        let Some(bytes) = home.read(&home.vault_key())? else {
            return Ok(None);
        };
        Ok(Some(Locked {
            home: home.clone(),
            file: KeyFile::read(&bytes)?,
        }))
    }
}

/// A vault that is there and not open.
pub struct Locked {
    home: Home,
    file: KeyFile,
}

impl Locked {
    /// What is known of it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.file.facts
    }

    /// Opens it with the owner's passphrase. Takes about a quarter of a second by design, and 64 MiB.
    ///
    /// # Errors
    /// `wrong_passphrase`; `store_corrupt` and `rollback_detected` where the index is not the
    /// latest one; `keychain_unavailable`.
    pub fn unlock(&self, passphrase: &SecretValue) -> Result<Unlocked, Refusal> {
        self.unlock_with_proof(passphrase).map(|(vault, _)| vault)
    }

    /// Opens it for a command that also needs the owner's signature.
    ///
    /// # Errors
    /// As [`Locked::unlock`].
    pub fn unlock_with_proof(
        &self,
        passphrase: &SecretValue,
    ) -> Result<(Unlocked, OwnerProof), Refusal> {
        let (vault, owner) = self.file.open(passphrase)?;
        Ok((self.opened(vault)?, OwnerProof::new(owner)))
    }

    /// Opens it with the key that the keychain keeps; `None` where that was not chosen.
    ///
    /// # Errors
    /// As [`Locked::unlock`], without `wrong_passphrase`.
    pub fn unlock_by_keychain(&self) -> Result<Option<Unlocked>, Refusal> {
        if !self.file.facts.auto_unlock {
            return Ok(None);
        }
        let key = kept(&self.file.facts)?;
        if !self.file.is_opened_by(&key)? {
            return Err(fault::corrupt("the vault key in the keychain"));
        }
        self.opened(key).map(Some)
    }

    /// Takes everything that this vault keeps outside its home away: what rests in the keychain. For a
    /// home that is thrown away, when no broker runs on it; the values cannot be had back.
    ///
    /// # Errors
    /// `keychain_unavailable`; `store_unavailable` of the file vault.
    pub fn erase(self) -> Result<(), Refusal> {
        let rest = rest_of(&self.home, &self.file.facts);
        for address in rest.list()? {
            rest.delete(&address)?;
        }
        if self.file.facts.auto_unlock {
            Keychain::new(self.file.facts.installation.clone())
                .delete(&kept_at(&self.file.facts))?;
        }
        Ok(())
    }

    fn opened(&self, vault: Key) -> Result<Unlocked, Refusal> {
        let sealed = self
            .home
            .read(&self.home.index())?
            .ok_or_else(|| fault::corrupt("vault/index"))?;
        let index = Index::open(&vault, &self.file.facts.installation, &sealed)?;
        let rest = rest_of(&self.home, &self.file.facts);
        let unlocked = Unlocked::new(self.home.clone(), self.file.clone(), vault, rest, index)?;
        unlocked.resume()?;
        Ok(unlocked)
    }
}

fn rest_of(home: &Home, facts: &Facts) -> Box<dyn Rest> {
    match facts.kind {
        VaultKind::Keychain => Box::new(Keychain::new(facts.installation.clone())),
        VaultKind::File => Box::new(rest::file::Files::new(home.clone())),
    }
}

/// Where the keychain keeps the vault key itself, for `--auto-unlock`.
fn kept_at(facts: &Facts) -> String {
    format!("{}/vault-key", facts.installation)
}

fn keep(facts: &Facts, vault: &Key) -> Result<(), Refusal> {
    let keychain = Keychain::new(facts.installation.clone());
    vault.look(|bytes| keychain.put(&kept_at(facts), bytes))
}

fn kept(facts: &Facts) -> Result<Key, Refusal> {
    let missing = || {
        Refusal::new(
            Code::KeychainUnavailable,
            "the keychain does not have the vault key that it was given to keep",
            "open the vault with the passphrase: withheld unlock",
        )
    };
    let keychain = Keychain::new(facts.installation.clone());
    let bytes = Zeroizing::new(keychain.get(&kept_at(facts))?.ok_or_else(missing)?);
    let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| missing())?;
    Key::fill(|room| {
        room.copy_from_slice(key);
        Ok(())
    })
}

#[cfg(test)]
mod tests;
