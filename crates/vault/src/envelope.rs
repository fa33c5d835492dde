//! Envelopes: bytes that only the vault key opens, and only as what they were sealed as.
//!
//! `1 | nonce, 24 B | ciphertext | tag, 16 B`, XChaCha20-Poly1305 with a random nonce. What the
//! bytes are (whose, which version) is associated data, and the key of each envelope is derived
//! from it too: an envelope moved to another name, or put back as another version, does not open.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use withheld_core::Refusal;
use withheld_core::name::{Environment, SecretName, Workspace};
use withheld_secret::{Expose as _, SecretValue};

use crate::fault;
use crate::key::Key;

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Bytes that sealing adds.
pub(crate) const OVERHEAD: usize = 1 + NONCE_BYTES + TAG_BYTES;
/// Part of the associated data, so that another algorithm's bytes are never read as this one's.
const ALGORITHM: &[u8] = b"xchacha20poly1305";
/// The generation of the vault key. There is one until keys rotate with a team.
const EPOCH: u64 = 1;

/// It does not open: other bytes, another key, or another thing than it is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// What an envelope is: the associated data, in an encoding that cannot be read two ways.
pub(crate) struct Seal(Vec<u8>);

impl Seal {
    /// A label and parts, each with its length before it.
    pub(crate) fn new(label: &str, parts: &[&[u8]]) -> Self {
        let mut bytes = Vec::new();
        for part in std::iter::once(&label.as_bytes()).chain(parts) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self(bytes)
    }

    /// One version of one secret.
    pub(crate) fn of_value(
        workspace: &Workspace,
        environment: &Environment,
        name: &SecretName,
        version: u64,
    ) -> Self {
        Self::new(
            "withheld/envelope/1",
            &[
                workspace.as_str().as_bytes(),
                environment.as_str().as_bytes(),
                name.as_str().as_bytes(),
                b"value",
                &version.to_be_bytes(),
                &EPOCH.to_be_bytes(),
                ALGORITHM,
            ],
        )
    }

    /// Something of the vault's own: `field` of this installation, in this version.
    pub(crate) fn of_house(installation: &str, field: &str, version: u64) -> Self {
        Self::new(
            "withheld/house/1",
            &[
                installation.as_bytes(),
                field.as_bytes(),
                &version.to_be_bytes(),
                &EPOCH.to_be_bytes(),
                ALGORITHM,
            ],
        )
    }

    fn key(&self, vault: &Key) -> Result<Key, Refusal> {
        vault.derive(&[b"withheld/envelope/key/1\0", &self.0])
    }
}

/// Seals a value.
#[expect(
    clippy::disallowed_methods,
    reason = "the cipher reads the value where it lies and writes ciphertext elsewhere"
)]
pub(crate) fn seal_value(
    vault: &Key,
    seal: &Seal,
    value: &SecretValue,
) -> Result<Vec<u8>, Refusal> {
    value.expose(|plain| seal_bytes(vault, seal, plain))
}

/// Seals bytes of the vault's own: an index, a key's bytes lent by the arena.
pub(crate) fn seal_bytes(vault: &Key, seal: &Seal, plain: &[u8]) -> Result<Vec<u8>, Refusal> {
    const FAULT: &str = "a value could not be sealed";
    let mut nonce = XNonce::default();
    getrandom::fill(&mut nonce).map_err(|_| fault::no_randomness())?;
    let mut sealed = vec![0; OVERHEAD + plain.len()];
    let (head, rest) = sealed.split_at_mut(1 + NONCE_BYTES);
    let (cipher, tag) = rest.split_at_mut(plain.len());
    head[0] = FORMAT;
    head[1..].copy_from_slice(&nonce);
    let buffer = InOutBuf::new(plain, cipher).map_err(|_| fault::internal(FAULT))?;
    let made = seal
        .key(vault)?
        .look(|key| {
            XChaCha20Poly1305::new(key.into()).encrypt_inout_detached(&nonce, &seal.0, buffer)
        })
        .map_err(|_| fault::internal(FAULT))?;
    tag.copy_from_slice(&made);
    Ok(sealed)
}

/// Opens into locked memory.
///
/// # Errors
/// The outer one for want of memory; the inner one when it is not what `seal` says.
pub(crate) fn open_value(
    vault: &Key,
    seal: &Seal,
    sealed: &[u8],
) -> Result<Result<SecretValue, Broken>, Refusal> {
    let Some(len) = sealed.len().checked_sub(OVERHEAD) else {
        return Ok(Err(Broken));
    };
    let mut broken = false;
    let value = SecretValue::with_len(len, |room| {
        broken = open_into(vault, seal, sealed, room)?.is_err();
        Ok(len)
    })
    .map_err(fault::unfilled)?;
    Ok(if broken { Err(Broken) } else { Ok(value) })
}

/// Opens what holds no value, the index for one, into ordinary memory.
///
/// # Errors
/// As [`open_value`].
pub(crate) fn open_bytes(
    vault: &Key,
    seal: &Seal,
    sealed: &[u8],
) -> Result<Result<Vec<u8>, Broken>, Refusal> {
    let Some(len) = sealed.len().checked_sub(OVERHEAD) else {
        return Ok(Err(Broken));
    };
    let mut plain = vec![0; len];
    Ok(open_into(vault, seal, sealed, &mut plain)?.map(|()| plain))
}

fn open_into(
    vault: &Key,
    seal: &Seal,
    sealed: &[u8],
    room: &mut [u8],
) -> Result<Result<(), Broken>, Refusal> {
    let Some((&FORMAT, rest)) = sealed.split_first() else {
        return Ok(Err(Broken));
    };
    let Some((nonce, rest)) = rest.split_first_chunk::<NONCE_BYTES>() else {
        return Ok(Err(Broken));
    };
    let Some((cipher, tag)) = rest.split_last_chunk::<TAG_BYTES>() else {
        return Ok(Err(Broken));
    };
    let Ok(buffer) = InOutBuf::new(cipher, room) else {
        return Ok(Err(Broken));
    };
    let opened = seal.key(vault)?.look(|key| {
        XChaCha20Poly1305::new(key.into()).decrypt_inout_detached(
            &XNonce::from(*nonce),
            &seal.0,
            buffer,
            &Tag::from(*tag),
        )
    });
    Ok(opened.map_err(|_| Broken))
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
