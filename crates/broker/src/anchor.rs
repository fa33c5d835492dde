//! The copy of the audit log's anchor: kept where values rest, out of reach of whoever can rewrite
//! the folder of the log.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use withheld_audit::{Anchor, Anchored};
use withheld_core::{Code, Refusal};
use withheld_vault::Unlocked;

/// Joins the log to the vault, while that is open.
#[derive(Default)]
pub(crate) struct VaultAnchor(Mutex<Weak<Unlocked>>);

impl VaultAnchor {
    pub(crate) fn attach(&self, vault: &Arc<Unlocked>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(vault);
    }

    fn vault(&self) -> Option<Arc<Unlocked>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade()
    }
}

/// The copy that an open vault has; `None` before the first.
///
/// # Errors
/// `store_corrupt`, and what the vault refuses: then the log cannot be judged.
pub(crate) fn kept(vault: &Unlocked) -> Result<Option<Anchored>, Refusal> {
    let Some(bytes) = vault.anchor()? else {
        return Ok(None);
    };
    let corrupt = || {
        Refusal::new(
            Code::StoreCorrupt,
            "the copy of the audit log's anchor cannot be read",
            "stop and look at who changed it; see what the log says: withheld audit verify",
        )
    };
    Anchored::from_bytes(&bytes).map(Some).ok_or_else(corrupt)
}

impl Anchor for VaultAnchor {
    fn load(&self) -> Option<Anchored> {
        kept(&*self.vault()?).ok()?
    }

    fn store(&self, anchored: &Anchored) -> bool {
        self.vault()
            .is_some_and(|vault| vault.keep_anchor(&anchored.to_bytes()).is_ok())
    }
}
