//! The owner's signature. It is at hand only while a proof lives: for one command.

use ed25519_dalek::{Signer as _, SigningKey};
use withheld_core::{PolicyContent, Refusal};
use withheld_secret::SecretValue;
use withheld_team::id::{Signature, VerifyKey};
use withheld_team::label::Label;

use crate::key::Key;
use crate::vault::Unlocked;

/// The owner was here, for this one command: the passphrase opened the owner key. Dropped, and the
/// key wiped, when the command is done. No hold keeps one.
pub struct OwnerProof {
    seed: Key,
}

impl OwnerProof {
    pub(crate) fn new(seed: Key) -> Self {
        Self { seed }
    }

    pub(crate) fn seed(&self) -> &Key {
        &self.seed
    }

    /// Signs a policy document; the bytes of the file `policy`. Its counter is the caller's to raise.
    ///
    /// # Errors
    /// `internal` where the document cannot be written.
    pub fn sign_policy(&self, content: &PolicyContent) -> Result<Vec<u8>, Refusal> {
        let json = content.to_json()?;
        let signature = sign(&self.seed, &PolicyContent::signed_message(&json));
        Ok(PolicyContent::file(&json, &signature))
    }

    /// Signs, as a device's admin key, what a team lets only its people sign.
    pub(crate) fn sign_as_admin(&self, label: Label, bytes: &[u8]) -> Signature {
        Signature::of(sign(&self.seed, &label.before(bytes)))
    }

    /// The public half of that key.
    pub(crate) fn admin_key(&self) -> VerifyKey {
        VerifyKey::of(public(&self.seed))
    }

    /// Seals the vault key and the owner key under another passphrase. The old one opens nothing
    /// afterwards, copies of the old file aside.
    ///
    /// # Errors
    /// `usage` for a short passphrase; what writing `vault/key` refuses.
    pub fn change_passphrase(&self, vault: &Unlocked, new: &SecretValue) -> Result<(), Refusal> {
        vault.seal_under(self, new)
    }
}

/// The public half of a seed.
pub(crate) fn public(seed: &Key) -> [u8; 32] {
    seed.look(|seed| SigningKey::from_bytes(seed).verifying_key().to_bytes())
}

/// An Ed25519 signature; the library's copy of the key is wiped before this returns.
pub(crate) fn sign(seed: &Key, message: &[u8]) -> [u8; 64] {
    seed.look(|seed| SigningKey::from_bytes(seed).sign(message).to_bytes())
}
