//! A slot: the two keys of one version of a secret, wrapped under the environment's key. It lies beside
//! the record, so that a new key for the environment re-wraps 64 bytes a secret and leaves the author's
//! signature as it is.

use minicbor::{Decode, Encode};

use crate::commit::{Entry, NO_VERSION};
use crate::count::counts;
use crate::id::{EnvId, Hash, RecordId};
use crate::label::Label;
use crate::signed::of_this_version;
use crate::{Verdict, cbor};

/// Bytes of one wrapped key: nonce 24, key 32, tag 16.
pub const WRAP: usize = 72;

/// The wrapped keys of one version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Slot {
    /// The format's version.
    #[n(0)]
    pub v: u8,
    /// The environment.
    #[n(1)]
    pub env: EnvId,
    /// The secret.
    #[n(2)]
    pub rid: RecordId,
    /// The secret's version.
    #[n(3)]
    pub ver: u64,
    /// The epoch whose key wraps.
    #[n(4)]
    pub epoch: u64,
    /// The wrapped key of the name part.
    #[n(5)]
    #[cbor(with = "minicbor::bytes")]
    pub wrap_meta: [u8; WRAP],
    /// The wrapped key of the value part.
    #[n(6)]
    #[cbor(with = "minicbor::bytes")]
    pub wrap_value: [u8; WRAP],
}

impl Slot {
    /// The slot that these bytes are.
    ///
    /// # Errors
    /// `Unknown` for another version, `Invalid` for other bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, Verdict> {
        let slot: Self = of_this_version(bytes, "the format of this slot")?;
        if counts(slot.ver) {
            Ok(slot)
        } else {
            Err(NO_VERSION)
        }
    }

    /// The bytes that travel.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// What a commit names it by.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Label::SLOT.hash(&self.to_bytes())
    }

    /// Whether it is the slot of this entry, under the key of this epoch.
    ///
    /// # Errors
    /// `Invalid`: it is another slot than the signed state names, or one whose writer lied about what it
    /// is for.
    pub fn stands(&self, entry: &Entry, env: &EnvId, epoch: u64) -> Result<(), Verdict> {
        if entry.slot != Some(self.hash()) {
            return Err(Verdict::Invalid(
                "a slot other than the one in the signed state",
            ));
        }
        if (self.env, self.rid, self.ver) != (*env, entry.rid, entry.ver) {
            return Err(Verdict::Invalid("a slot that belongs to another secret"));
        }
        if self.epoch != epoch {
            return Err(Verdict::Invalid(
                "a slot under a key that is not the environment's",
            ));
        }
        Ok(())
    }
}
