//! Envelopes: the key of an epoch, sealed to one device by another, and worth nothing unless it opens to
//! what the chain committed to. So it does not matter who sealed it, or what the server put in its place.

use hpke::aead::{AeadTag, ChaCha20Poly1305};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use withheld_core::Refusal;
use withheld_team::chain::Chain;
use withheld_team::device::DevicePublic;
use withheld_team::envelope::{CLASS_FULL, Envelope};
use withheld_team::id::{DeviceId, KemKey};
use withheld_team::label::Label;
use withheld_team::signed::Signed;
use withheld_team::{VERSION, Verdict, cbor};

use super::epoch::{EpochId, EpochKey};
use super::keys::DeviceSeed;
use crate::fault;
use crate::key::{KEY_BYTES, Key};

const ENCAPPED_BYTES: usize = 1120;
const CIPHER_BYTES: usize = KEY_BYTES + 16;

/// Seals the key of an epoch to a device, as the device `by`, whose seed this is.
///
/// # Errors
/// `signature_invalid` where nothing can be sealed to the device's key: it made that key itself, and is
/// left out. `internal` without randomness.
pub(crate) fn seal(
    key: &EpochKey,
    to: &DevicePublic,
    by: DeviceId,
    seed: &DeviceSeed,
) -> Result<Vec<u8>, Refusal> {
    let device = to.id();
    let EpochId { ws, env, n } = key.id();
    let (enc, ct) = seal_key(&to.kem, &info(key.id(), device), key.root())?;
    let body = Envelope {
        v: VERSION,
        ws,
        env,
        epoch: n,
        device,
        class: CLASS_FULL,
        by,
        enc,
        ct,
    }
    .to_bytes();
    let signature = seed.sign(Label::SIG_ENVELOPE, &body)?;
    Ok(Signed { body, signature }.to_bytes())
}

/// The key of an epoch, from whichever of the envelopes that the server shows is a good one: a bad one
/// never stands in a good one's way, whoever sealed it.
///
/// # Errors
/// `unverified` where none is for this epoch: a colleague's next command brings one. Otherwise what is
/// wrong with the last that is said to be: `signature_invalid`; `store_unavailable` without locked memory.
pub(crate) fn find<'a>(
    shown: impl IntoIterator<Item = &'a [u8]>,
    id: EpochId,
    seed: &DeviceSeed,
    chain: &Chain,
) -> Result<EpochKey, Refusal> {
    let missing = Verdict::Unverified("an envelope with the key of this environment");
    let mut fault = Refusal::from(missing);
    for bytes in shown {
        match open_one(bytes, id, seed, chain) {
            Ok(None) => {}
            Ok(Some(key)) => return Ok(key),
            Err(refusal) => fault = refusal,
        }
    }
    Err(fault)
}

/// The key in one envelope, proven against the chain; `None` where it is said to be of another epoch.
fn open_one(
    bytes: &[u8],
    id: EpochId,
    seed: &DeviceSeed,
    chain: &Chain,
) -> Result<Option<EpochKey>, Refusal> {
    let envelope = Envelope::read(bytes, chain)?;
    if epoch_of(&envelope) != id {
        return Ok(None);
    }
    let kem = seed.kem_public()?;
    let addressed = chain.device(&envelope.device);
    if addressed.is_none_or(|device| device.public.kem != kem) {
        return Err(Verdict::Invalid("an envelope to another device").into());
    }
    let root = open_key(seed, &info(id, envelope.device), &envelope)?
        .ok_or(Verdict::Invalid("an envelope that does not open"))?;
    Ok(Some(EpochKey::of(id, root)?.proven(chain)?))
}

fn epoch_of(envelope: &Envelope) -> EpochId {
    EpochId {
        ws: envelope.ws,
        env: envelope.env,
        n: envelope.epoch,
    }
}

/// What an envelope is for, in HPKE's words.
fn info(EpochId { ws, env, n }: EpochId, device: DeviceId) -> Vec<u8> {
    Label::ENVELOPE.before(&cbor::encode(&(VERSION, ws, env, n, device, CLASS_FULL)))
}

fn seal_key(
    to: &KemKey,
    info: &[u8],
    key: &Key,
) -> Result<([u8; ENCAPPED_BYTES], [u8; CIPHER_BYTES]), Refusal> {
    let public = <XWing as Kem>::PublicKey::from_bytes(to.as_bytes())
        .map_err(|_| Verdict::Invalid("a device's key that nothing can be sealed to"))?;
    let (mut enc, mut ct) = ([0; ENCAPPED_BYTES], [0; CIPHER_BYTES]);
    let (cipher, end) = ct.split_at_mut(KEY_BYTES);
    let (encapped, tag) = key
        .look(|key| {
            let buffer = InOutBuf::new(key, cipher).ok()?;
            hpke::single_shot_seal_inout_detached::<ChaCha20Poly1305, HkdfSha256, XWing>(
                &OpModeS::Base,
                &public,
                info,
                buffer,
                b"",
            )
            .ok()
        })
        .ok_or_else(|| fault::internal("an envelope could not be sealed"))?;
    encapped.write_exact(&mut enc);
    tag.write_exact(end);
    Ok((enc, ct))
}

/// The sealed key; `None` where it does not open.
fn open_key(seed: &DeviceSeed, info: &[u8], envelope: &Envelope) -> Result<Option<Key>, Refusal> {
    let private = seed.kem()?;
    let (cipher, tag) = envelope.ct.split_at(KEY_BYTES);
    let mut opened = false;
    let key = Key::fill(|room| {
        opened = open_into(&private, info, &envelope.enc, cipher, tag, room).is_ok();
        Ok(())
    })?;
    Ok(opened.then_some(key))
}

fn open_into(
    private: &<XWing as Kem>::PrivateKey,
    info: &[u8],
    encapped: &[u8],
    cipher: &[u8],
    tag: &[u8],
    room: &mut [u8],
) -> Result<(), hpke::HpkeError> {
    let encapped = <XWing as Kem>::EncappedKey::from_bytes(encapped)?;
    let tag = AeadTag::<ChaCha20Poly1305>::from_bytes(tag)?;
    let buffer = InOutBuf::new(cipher, room).map_err(|_| hpke::HpkeError::OpenError)?;
    hpke::single_shot_open_inout_detached::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        private,
        &encapped,
        info,
        buffer,
        b"",
        &tag,
    )
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
