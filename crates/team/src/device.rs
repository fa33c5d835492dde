//! A device: three public keys, and the id that is their hash. So there is no directory of keys that
//! could be poisoned.

use minicbor::{Decode, Encode};

use crate::Verdict;
use crate::cbor;
use crate::id::{DeviceId, KemKey, Signature, VerifyKey};
use crate::label::Label;

/// The public half of a device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DevicePublic {
    /// Signs commits, epochs, envelopes and requests, unattended.
    #[n(0)]
    pub ops: VerifyKey,
    /// The owner's key: signs who may do what, and what a secret may be used for.
    #[n(1)]
    pub admin: VerifyKey,
    /// Envelopes are sealed to it.
    #[n(2)]
    pub kem: KemKey,
}

impl DevicePublic {
    /// The device's id.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        DeviceId::of(Label::DEVICE_ID.hash(&cbor::encode(self)).first_half())
    }
}

impl VerifyKey {
    /// Whether this key signed the bytes under the label. Strict: no key of small order, no second form
    /// of a signature.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn verify(&self, label: Label, bytes: &[u8], signature: &Signature) -> Result<(), Verdict> {
        const BAD: Verdict = Verdict::Invalid("a bad signature");
        let key = ed25519_dalek::VerifyingKey::from_bytes(self.as_bytes()).map_err(|_| BAD)?;
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        key.verify_strict(&label.before(bytes), &signature)
            .map_err(|_| BAD)
    }
}
