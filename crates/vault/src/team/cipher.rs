//! XChaCha20-Poly1305 with a random nonce: `nonce, 24 B | ciphertext | tag, 16 B`. What the bytes are is
//! the associated data.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use withheld_core::Refusal;
use withheld_team::slot::WRAP;

use crate::fault;
use crate::key::Key;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Bytes that sealing adds.
pub(super) const OVERHEAD: usize = NONCE_BYTES + TAG_BYTES;

/// Other bytes, another key, or another thing than it is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsealed;

/// Seals bytes, which are read where they lie.
pub(super) fn seal(key: &Key, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refusal> {
    const FAULT: &str = "a part of a record could not be sealed";
    let mut nonce = XNonce::default();
    getrandom::fill(&mut nonce).map_err(|_| fault::no_randomness())?;
    let mut sealed = vec![0; OVERHEAD + plain.len()];
    let (head, rest) = sealed.split_at_mut(NONCE_BYTES);
    let (cipher, tag) = rest.split_at_mut(plain.len());
    head.copy_from_slice(&nonce);
    let buffer = InOutBuf::new(plain, cipher).map_err(|_| fault::internal(FAULT))?;
    let made = key
        .look(|key| XChaCha20Poly1305::new(key.into()).encrypt_inout_detached(&nonce, aad, buffer))
        .map_err(|_| fault::internal(FAULT))?;
    tag.copy_from_slice(&made);
    Ok(sealed)
}

/// Opens into `room`, which is as long as what was sealed. Writes nothing readable there otherwise.
pub(super) fn open_into(
    key: &Key,
    aad: &[u8],
    sealed: &[u8],
    room: &mut [u8],
) -> Result<(), Unsealed> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealed)?;
    let (cipher, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(Unsealed)?;
    let buffer = InOutBuf::new(cipher, room).map_err(|_| Unsealed)?;
    let (nonce, tag) = (XNonce::from(*nonce), Tag::from(*tag));
    key.look(|key| {
        XChaCha20Poly1305::new(key.into()).decrypt_inout_detached(&nonce, aad, buffer, &tag)
    })
    .map_err(|_| Unsealed)
}

/// Seals a key under a key.
pub(super) fn wrap(under: &Key, aad: &[u8], key: &Key) -> Result<[u8; WRAP], Refusal> {
    key.look(|key| seal(under, aad, key))?
        .try_into()
        .map_err(|_| fault::internal("a wrapped key is not as long as it must be"))
}

/// The key in a wrap.
///
/// # Errors
/// The outer one for want of memory.
pub(super) fn unwrap(
    under: &Key,
    aad: &[u8],
    wrapped: &[u8],
) -> Result<Result<Key, Unsealed>, Refusal> {
    let mut opened = Err(Unsealed);
    let key = Key::fill(|room| {
        opened = open_into(under, aad, wrapped, room);
        Ok(())
    })?;
    Ok(opened.map(|()| key))
}
