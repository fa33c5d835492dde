//! Keys of 32 bytes, in locked memory from their first byte to their last.

use hkdf::Hkdf;
use sha2::Sha256;
use withheld_core::Refusal;
use withheld_secret::{Expose as _, SecretValue};

use crate::fault;

/// Bytes of every symmetric key and every seed here.
pub(crate) const KEY_BYTES: usize = 32;

/// 32 secret bytes.
pub(crate) struct Key(SecretValue);

impl Key {
    /// A fresh random key.
    pub(crate) fn random() -> Result<Self, Refusal> {
        Self::fill(|room| getrandom::fill(room).map_err(|_| fault::no_randomness()))
    }

    /// A key that `fill` writes in place.
    pub(crate) fn fill(
        fill: impl FnOnce(&mut [u8; KEY_BYTES]) -> Result<(), Refusal>,
    ) -> Result<Self, Refusal> {
        SecretValue::with_len(KEY_BYTES, |room| {
            let room = room
                .first_chunk_mut()
                .ok_or_else(|| fault::internal("a key's slot is short"))?;
            fill(room).map(|()| KEY_BYTES)
        })
        .map(Self)
        .map_err(fault::unfilled)
    }

    /// The key in a value; `None` when the value is not 32 bytes.
    pub(crate) fn of_value(value: SecretValue) -> Option<Self> {
        (value.len() == KEY_BYTES).then_some(Self(value))
    }

    /// A further key for one purpose. Keys of different `info` tell nothing about each other.
    pub(crate) fn derive(&self, info: &[&[u8]]) -> Result<Self, Refusal> {
        self.look(|key| {
            let from = Hkdf::<Sha256>::from_prk(key)
                .map_err(|_| fault::internal("a key is too short to derive from"))?;
            Self::fill(|room| {
                from.expand_multi_info(info, room)
                    .map_err(|_| fault::internal("a derived key is too long"))
            })
        })
    }

    /// Lends the bytes to a primitive.
    #[expect(
        clippy::disallowed_methods,
        reason = "ciphers, key derivation and signatures take their key as bytes; all of them come here"
    )]
    pub(crate) fn look<R>(&self, look: impl FnOnce(&[u8; KEY_BYTES]) -> R) -> R {
        self.0.expose(|bytes| match bytes.first_chunk() {
            Some(key) => look(key),
            // Not reached: both makers check the length. Zeros would be caught by any AEAD.
            None => look(&[0; KEY_BYTES]),
        })
    }
}
