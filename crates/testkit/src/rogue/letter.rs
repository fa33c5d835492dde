//! Envelopes: an epoch's key, sealed to a device by HPKE with X-Wing.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};

use super::crypto::labelled;
use super::device::signed;
use super::{Device, EpochKey, Hash, Id, Item, Person};
use crate::items;

/// The class of an envelope with the whole key.
const FULL: u64 = 2;

/// The key of an epoch, sealed to somebody's device by the device `by`.
pub fn envelope(key: &EpochKey, to: &Person, by: &Device) -> Vec<u8> {
    let body = envelope_of(key, to, by.id);
    signed("envelope", &body, &by.ops())
}

/// The body of one that is signed elsewhere.
///
/// # Panics
/// When nothing can be sealed to the device.
pub fn envelope_of(key: &EpochKey, to: &Person, by: Id) -> Item {
    let public = <XWing as Kem>::PublicKey::from_bytes(to.public.at(2).blob()).expect("a key");
    let info = info(key.ws, key.env, key.n, to.device);
    let (enc, ct) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeS::Base,
        &public,
        &info,
        &key.root,
        b"",
    )
    .expect("a sealed key");
    let enc = enc.to_bytes();
    items![0, key.ws, key.env, key.n, to.device, FULL, by, &enc[..], ct]
}

/// The key in an envelope to this device.
pub(super) fn opened(envelope: &[u8], device: &Device) -> EpochKey {
    let body = Item::decode(Item::decode(envelope).at(0).blob());
    let (ws, env, n) = (body.at(1).bytes(), body.at(2).bytes(), body.at(3).int());
    let enc = <XWing as Kem>::EncappedKey::from_bytes(body.at(7).blob()).expect("an encapped key");
    let root = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        &device.kem(),
        &enc,
        &info(ws, env, n, device.id),
        body.at(8).blob(),
        b"",
    );
    let root = root.expect("an envelope to this device");
    EpochKey::of(ws, env, n, root.try_into().expect("a key"))
}

fn info(ws: Hash, env: Id, n: u64, device: Id) -> Vec<u8> {
    labelled("envelope", &items![0, ws, env, n, device, FULL].encode())
}
