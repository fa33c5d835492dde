//! What a device derives from its one seed, the key in an invitation, and the key of a part of a record.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, Serializable as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use withheld_core::Refusal;
use withheld_team::device::DevicePublic;
use withheld_team::id::{Hash, InviteId, KemKey, Signature, VerifyKey};
use withheld_team::label::Label;
use withheld_team::links::invite_id;

use crate::key::Key;
use crate::{fault, owner};

/// The library's form of a device's X-Wing key, wiped when it is dropped.
pub(super) type Private = <XWing as Kem>::PrivateKey;

/// HKDF-SHA256 without a salt, for one purpose: the label, a zero byte, and the context are the info.
pub(super) fn derive(from: &[u8], label: Label, context: &[u8]) -> Result<Key, Refusal> {
    let keys = Hkdf::<Sha256>::new(None, from);
    Key::fill(|room| {
        keys.expand(&label.before(context), room)
            .map_err(|_| fault::internal("a derived key is too long"))
    })
}

/// HMAC-SHA256 over the parts, one after the other.
pub(super) fn mac(key: &Key, parts: &[&[u8]]) -> Result<[u8; 32], Refusal> {
    let mut mac = key
        .look(|key| Hmac::<Sha256>::new_from_slice(key))
        .map_err(|_| fault::internal("a key is too short for a MAC"))?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(mac.finalize().into_bytes().into())
}

/// The one secret of a device. Everything it can do comes from these 32 bytes, the owner's key aside.
pub(crate) struct DeviceSeed(Key);

impl DeviceSeed {
    /// A new device.
    ///
    /// # Errors
    /// `internal` without randomness, `store_unavailable` without locked memory.
    pub(crate) fn random() -> Result<Self, Refusal> {
        Key::random().map(Self)
    }

    /// The device whose seed rested here.
    pub(crate) fn of(seed: Key) -> Self {
        Self(seed)
    }

    /// The seed, to be sealed where it rests.
    pub(crate) fn key(&self) -> &Key {
        &self.0
    }

    /// What others know of the device; `admin` is the owner key of this installation.
    ///
    /// # Errors
    /// As [`DeviceSeed::random`], here and below.
    pub(crate) fn public(&self, admin: VerifyKey) -> Result<DevicePublic, Refusal> {
        Ok(DevicePublic {
            ops: VerifyKey::of(owner::public(&self.ops()?)),
            admin,
            kem: self.kem_public()?,
        })
    }

    /// Signs what a device signs unattended: commits, epochs, records, envelopes.
    pub(crate) fn sign(&self, label: Label, bytes: &[u8]) -> Result<Signature, Refusal> {
        Ok(sign(&self.ops()?, &label.before(bytes)))
    }

    /// Signs the base of an HTTP request, which begins with a quoted component and so like no label.
    pub(crate) fn sign_request(&self, base: &[u8]) -> Result<Signature, Refusal> {
        Ok(sign(&self.ops()?, base))
    }

    /// What shows that a local file is as this device wrote it.
    pub(crate) fn state_mac(&self, state: &[u8]) -> Result<[u8; 32], Refusal> {
        let key = self.derive(Label::DEVICE_STATE)?;
        mac(&key, &[&Label::LOCAL_STATE.before(state)])
    }

    /// Whether it is.
    pub(crate) fn wrote_state(&self, state: &[u8], mac: &[u8]) -> Result<bool, Refusal> {
        Ok(self.state_mac(state)?.ct_eq(mac).into())
    }

    /// The key that envelopes are sealed to.
    pub(super) fn kem_public(&self) -> Result<KemKey, Refusal> {
        let public = XWing::sk_to_pk(&self.kem()?).to_bytes();
        <[u8; KemKey::LEN]>::try_from(&public[..])
            .map(KemKey::of)
            .map_err(|_| fault::internal("an envelope key is not as long as it must be"))
    }

    /// The key that opens them.
    pub(super) fn kem(&self) -> Result<Private, Refusal> {
        self.derive(Label::DEVICE_KEM)?
            .look(|seed| Private::from_bytes(seed))
            .map_err(|_| fault::internal("a device's envelope key cannot be read"))
    }

    fn ops(&self) -> Result<Key, Refusal> {
        self.derive(Label::DEVICE_OPS)
    }

    fn derive(&self, label: Label) -> Result<Key, Refusal> {
        self.0.look(|seed| derive(seed, label, b""))
    }
}

/// The signing key in an invitation: whoever holds it may join, once.
pub(crate) struct InviteKey {
    sign: Key,
    card: Key,
}

impl InviteKey {
    /// The key of an invitation's secret.
    pub(super) fn of_secret(secret: &[u8]) -> Result<Self, Refusal> {
        Ok(Self {
            sign: derive(secret, Label::INVITE, b"")?,
            card: derive(secret, Label::INVITE_CARD, b"")?,
        })
    }

    /// What stands on the chain.
    pub(crate) fn public(&self) -> VerifyKey {
        VerifyKey::of(owner::public(&self.sign))
    }

    /// The invitation's id.
    pub(crate) fn id(&self) -> InviteId {
        invite_id(&self.public())
    }

    /// Seals names for the guest.
    pub(super) fn card(&self) -> &Key {
        &self.card
    }

    /// Signs the link that joins.
    pub(crate) fn sign(&self, label: Label, bytes: &[u8]) -> Signature {
        sign(&self.sign, &label.before(bytes))
    }

    /// Signs the base of a request before the join.
    pub(crate) fn sign_request(&self, base: &[u8]) -> Signature {
        sign(&self.sign, base)
    }
}

/// The key of one part of one record, used for nothing else.
pub(super) struct Dek(Key);

impl Dek {
    pub(super) fn random() -> Result<Self, Refusal> {
        Key::random().map(Self)
    }

    /// The key that a slot held.
    pub(super) fn of(key: Key) -> Self {
        Self(key)
    }

    /// To be wrapped.
    pub(super) fn inner(&self) -> &Key {
        &self.0
    }

    /// What the part is sealed with.
    pub(super) fn key(&self) -> Result<Key, Refusal> {
        self.0.look(|dek| derive(dek, Label::DEK_KEY, b""))
    }

    /// What the author signs, so that no other key is ever taken for this one.
    pub(super) fn commitment(&self) -> Result<Hash, Refusal> {
        let commitment = self.0.look(|dek| derive(dek, Label::DEK_COMMIT, b""))?;
        Ok(commitment.look(|bytes| Hash::of(*bytes)))
    }
}

fn sign(seed: &Key, message: &[u8]) -> Signature {
    Signature::of(owner::sign(seed, message))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
