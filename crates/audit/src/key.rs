//! The keys that sign: what the log needs of them, and the one that this process can make itself.

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

/// The key of one segment. It signs heads while the segment is open, and is dropped and wiped when
/// the segment closes: from then on nobody can sign for it, the broker included.
pub trait SegmentKey: Send + Sync {
    /// The Ed25519 public key.
    fn public(&self) -> [u8; 32];

    /// Signs a head.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// Who stands behind the segments' keys: the vault, with its audit key.
pub trait Sealer: Send + Sync {
    /// A fresh key for a segment; `None` when no randomness or no memory for it can be had.
    fn segment_key(&self) -> Option<Box<dyn SegmentKey>>;

    /// Signs [`certificate_message`](crate::chain::certificate_message); `None` while locked.
    fn certify(&self, segment: u64, public: &[u8; 32]) -> Option<[u8; 64]>;
}

/// A key in ordinary memory, wiped when dropped.
pub struct LocalKey(SigningKey);

impl LocalKey {
    /// A fresh key.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }
}

impl SegmentKey for LocalKey {
    fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}
