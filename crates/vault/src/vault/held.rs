//! What may be said of what the vault holds.

use withheld_core::name::SecretName;
use withheld_core::{Moment, plain};

use crate::index::Stored;
use crate::origin::Origin;

plain! {
    /// A secret that the vault holds.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Held {
        /// Its name.
        pub name: SecretName,
        /// The current version.
        pub version: u64,
        /// Where that came from.
        pub origin: Origin,
        /// When that was put in.
        pub created_at: Moment,
        /// All versions that are kept, oldest first.
        pub versions: Vec<HeldVersion>,
    }

    /// One version of a secret.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct HeldVersion {
        /// Its number; no number is used twice under one name.
        pub version: u64,
        /// Where it came from.
        pub origin: Origin,
        /// When it was put in.
        pub created_at: Moment,
    }
}

impl HeldVersion {
    pub(super) fn of(stored: &Stored) -> Self {
        Self {
            version: stored.version,
            origin: stored.origin,
            created_at: stored.at,
        }
    }
}
