//! The vault's part in the audit log: it certifies the segments' keys while it is unlocked.

use std::sync::{Mutex, PoisonError, Weak};

use withheld_audit::chain::certificate_message;
use withheld_audit::{LocalKey, Sealer, SegmentKey};

use crate::key::Key;
use crate::owner;
use crate::vault::Unlocked;

/// Stands behind the log for as long as the broker runs, with or without an open vault.
#[derive(Default)]
pub struct VaultSealer {
    /// The audit key belongs to the unlocked vault; when that is dropped it is gone from here too.
    audit: Mutex<Weak<Key>>,
}

impl VaultSealer {
    /// A sealer without a vault: it makes segments' keys and certifies none.
    #[must_use]
    pub fn locked() -> Self {
        Self::default()
    }

    /// Certifies with this vault's key from now on, until the vault is dropped.
    pub fn attach(&self, vault: &Unlocked) {
        *self.audit.lock().unwrap_or_else(PoisonError::into_inner) = vault.audit_key();
    }
}

impl Sealer for VaultSealer {
    fn segment_key(&self) -> Option<Box<dyn SegmentKey>> {
        let key = LocalKey::generate().ok()?;
        Some(Box::new(key))
    }

    fn certify(&self, segment: u64, public: &[u8; 32]) -> Option<[u8; 64]> {
        let held = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        let key = held.upgrade()?;
        Some(owner::sign(&key, &certificate_message(segment, public)))
    }
}
