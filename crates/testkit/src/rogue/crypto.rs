//! Labels, hashes, derived keys, and what is sealed with a key.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use super::Hash;

/// Bytes that nobody chose.
///
/// # Panics
/// When the machine gives none.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// A label's text, a zero byte, and the bytes.
pub(super) fn labelled(label: &str, bytes: &[u8]) -> Vec<u8> {
    [b"withheld/v0/", label.as_bytes(), &[0], bytes].concat()
}

/// SHA-256 of bytes under a label.
pub fn hash(label: &str, bytes: &[u8]) -> Hash {
    sha256(&labelled(label, bytes))
}

pub(super) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

pub(super) fn half(hash: Hash) -> [u8; 16] {
    std::array::from_fn(|at| hash[at])
}

/// The key for a purpose, by HKDF-SHA256 without a salt.
///
/// # Panics
/// Never: 32 bytes are not too many.
pub fn derive(key: &[u8], label: &str, context: &[u8]) -> Hash {
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, key)
        .expand(&labelled(label, context), &mut derived)
        .expect("32 bytes");
    derived
}

pub(super) fn mac(key: &Hash, bytes: &[u8]) -> Hash {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// XChaCha20-Poly1305: the nonce, then ciphertext and tag.
pub(super) fn seal(key: &Hash, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; 24] = random();
    let payload = Payload { msg: plain, aad };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a short message");
    [&nonce[..], &sealed].concat()
}

/// What was sealed, if it was with this key and as this.
pub(super) fn open(key: &Hash, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<24>()?;
    let payload = Payload { msg: rest, aad };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .ok()
}

/// The length, big-endian; the bytes; zeros, up to the least size or to what Padmé says beyond it.
pub(super) fn pad(plain: &[u8], least: usize) -> Vec<u8> {
    let count = u32::try_from(plain.len()).expect("a short value");
    let mut padded = [&count.to_be_bytes()[..], plain].concat();
    let exponent = padded.len().ilog2();
    let step = 1_usize << (exponent - (exponent.ilog2() + 1));
    padded.resize(padded.len().next_multiple_of(step).max(least), 0);
    padded
}

pub(super) fn unpad(padded: &[u8]) -> &[u8] {
    let (count, rest) = padded.split_first_chunk::<4>().expect("a length");
    &rest[..u32::from_be_bytes(*count) as usize]
}
