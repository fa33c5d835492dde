//! The letterbox: what anybody may seal, and only the broker opens.
//!
//! HPKE in base mode: X-Wing, HKDF-SHA256, ChaCha20-Poly1305. The info says what the deposit is, so
//! that a value is never taken for a passphrase; the associated data of a passphrase say for which
//! call it was given, so that it is good for no other. The deposit is the base64 of
//! `encapsulated key, 1120 B | ciphertext | tag, 16 B`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::{AeadTag, ChaCha20Poly1305};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use withheld_core::api::{Deposit, IntakePublic};
use withheld_core::{Code, Refusal};
use withheld_secret::{Expose as _, SecretValue};

use crate::fault;
use crate::key::{KEY_BYTES, Key};

const ENCAPPED_BYTES: usize = 1120;
const TAG_BYTES: usize = 16;
/// The largest deposit that is opened, in bytes of what was sealed.
const MAX_SEALED: usize = 128 * 1024;

type Public = <XWing as Kem>::PublicKey;
type Private = <XWing as Kem>::PrivateKey;

/// What a deposit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// The value of a secret.
    Value,
    /// The owner's passphrase, for the call whose `OwnerRequest::proof_context` this is.
    Passphrase(&'a [u8]),
}

impl<'a> Purpose<'a> {
    fn info(self) -> &'static [u8] {
        match self {
            Self::Value => b"withheld/intake/1/value",
            Self::Passphrase(_) => b"withheld/intake/1/passphrase",
        }
    }

    /// What did not open was sealed for something else, or to another key.
    fn unopened(self) -> Refusal {
        match self {
            Self::Value => Refusal::new(
                Code::Conflict,
                "the deposit was not sealed to this vault or for this purpose",
                "the broker has started anew: run the command again",
            ),
            Self::Passphrase(_) => misused(),
        }
    }

    fn context(self) -> &'a [u8] {
        match self {
            Self::Value => &[],
            Self::Passphrase(context) => context,
        }
    }
}

/// The public half of an intake key: 1216 bytes, in base64 where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: Public,
    written: IntakePublic,
}

impl PublicKey {
    /// Reads the written form.
    ///
    /// # Errors
    /// `store_corrupt` where it is no such key.
    pub fn read(written: &IntakePublic) -> Result<Self, Refusal> {
        STANDARD
            .decode(written.as_str())
            .ok()
            .and_then(|bytes| Public::from_bytes(&bytes).ok())
            .and_then(|key| Self::of(key).ok())
            .ok_or_else(|| {
                Refusal::new(
                    Code::StoreCorrupt,
                    "the broker's intake key is no key",
                    "start the broker anew: withheld daemon stop",
                )
            })
    }

    /// The written form.
    #[must_use]
    pub fn written(&self) -> &IntakePublic {
        &self.written
    }

    fn of(key: Public) -> Result<Self, Refusal> {
        let written = IntakePublic::parse(&STANDARD.encode(key.to_bytes()))
            .map_err(|_| fault::internal("an intake key cannot be written"))?;
        Ok(Self { key, written })
    }

    /// Seals a value to this key.
    ///
    /// # Errors
    /// `internal` where the key cannot be used or the system gives no randomness.
    #[expect(
        clippy::disallowed_methods,
        reason = "the letterbox's slot: the value is read where it lies, ciphertext goes elsewhere"
    )]
    pub(crate) fn seal(
        &self,
        value: &SecretValue,
        purpose: Purpose<'_>,
    ) -> Result<Deposit, Refusal> {
        const FAULT: &str = "the value could not be sealed";
        let mut sealed = vec![0; ENCAPPED_BYTES + value.len() + TAG_BYTES];
        let (head, rest) = sealed.split_at_mut(ENCAPPED_BYTES);
        let (cipher, end) = rest.split_at_mut(value.len());
        let (encapped, tag) = value
            .expose(|plain| {
                let buffer = InOutBuf::new(plain, cipher).ok()?;
                hpke::single_shot_seal_inout_detached::<ChaCha20Poly1305, HkdfSha256, XWing>(
                    &OpModeS::Base,
                    &self.key,
                    purpose.info(),
                    buffer,
                    purpose.context(),
                )
                .ok()
            })
            .ok_or_else(|| fault::internal(FAULT))?;
        encapped.write_exact(head);
        tag.write_exact(end);
        Deposit::parse(&STANDARD.encode(sealed)).map_err(|_| fault::internal(FAULT))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(to)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = IntakePublic::deserialize(from)?;
        Self::read(&written).map_err(|_| serde::de::Error::custom("this is no intake key"))
    }
}

/// The private half: opens deposits. Rests in the arena.
pub struct IntakeKey {
    seed: Key,
    public: PublicKey,
}

impl IntakeKey {
    /// A fresh pair.
    ///
    /// # Errors
    /// `internal` without randomness, `store_unavailable` without locked memory.
    pub fn generate() -> Result<Self, Refusal> {
        Self::of_seed(Key::random()?)
    }

    /// The pair of a seed, which is the private key of X-Wing.
    pub(crate) fn of_seed(seed: Key) -> Result<Self, Refusal> {
        let key = XWing::sk_to_pk(&private(&seed)?);
        Ok(Self {
            public: PublicKey::of(key)?,
            seed,
        })
    }

    /// The public half, for whoever deposits.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The seed, to be sealed where it rests.
    pub(crate) fn seed(&self) -> &Key {
        &self.seed
    }

    /// Opens a deposit that was made for this purpose.
    ///
    /// # Errors
    /// `conflict` where it was sealed to another key, for something else or for another call: the
    /// broker started anew, or the vault is another one. `too_large` over 128 KiB.
    pub fn open(&self, deposit: &Deposit, purpose: Purpose<'_>) -> Result<SecretValue, Refusal> {
        if deposit.as_str().len() > MAX_SEALED * 2 {
            return Err(Refusal::new(
                Code::TooLarge,
                "the deposit is larger than any value",
                "store at most 64 KiB under one name",
            ));
        }
        let unopened = || purpose.unopened();
        let sealed = STANDARD.decode(deposit.as_str()).map_err(|_| unopened())?;
        let (encapped, rest) = sealed
            .split_first_chunk::<ENCAPPED_BYTES>()
            .ok_or_else(unopened)?;
        let (cipher, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or_else(unopened)?;
        let encapped = <XWing as Kem>::EncappedKey::from_bytes(encapped).map_err(|_| unopened())?;
        let tag = AeadTag::<ChaCha20Poly1305>::from_bytes(tag).map_err(|_| unopened())?;
        let private = private(&self.seed)?;
        SecretValue::with_len(cipher.len(), |room| {
            let buffer = InOutBuf::new(cipher, room).map_err(|_| unopened())?;
            hpke::single_shot_open_inout_detached::<ChaCha20Poly1305, HkdfSha256, XWing>(
                &OpModeR::Base,
                &private,
                &encapped,
                purpose.info(),
                buffer,
                purpose.context(),
                &tag,
            )
            .map_err(|_| unopened())?;
            Ok(cipher.len())
        })
        .map_err(fault::unfilled)
    }
}

/// The library's form of the key, wiped when it is dropped.
fn private(seed: &Key) -> Result<Private, Refusal> {
    const { assert!(KEY_BYTES == 32) }
    seed.look(|bytes| Private::from_bytes(bytes))
        .map_err(|_| fault::internal("an intake key cannot be read"))
}

/// A passphrase that was sealed for another call, or was used before. It says nothing about whether
/// the passphrase is right.
#[must_use]
pub fn misused() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "this proof was made for another command",
        "run the command again",
    )
}

#[cfg(test)]
#[path = "letterbox_tests.rs"]
mod tests;
