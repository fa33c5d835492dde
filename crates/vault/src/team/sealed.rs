//! Sealed records. Each of the two parts, names and value, is sealed with a random key of its own, used
//! for nothing else; the author commits to both keys in the signed record, and they travel in the slot,
//! wrapped under the epoch's keys. So a new epoch re-wraps 64 bytes a record, and nobody can make the same
//! bytes open to something else later.

use withheld_core::{Code, Refusal};
use withheld_secret::{Expose as _, FillError, SecretValue};
use withheld_team::id::{Hash, RecordId};
use withheld_team::label::Label;
use withheld_team::record::{Body, Header, Kind, Record, Sealed};
use withheld_team::signed::Signed;
use withheld_team::slot::{Slot, WRAP};
use withheld_team::{VERSION, cbor};

use super::epoch::{EpochId, EpochKey};
use super::keys::{Dek, DeviceSeed};
use super::meta::Meta;
use super::{Broken, Unopened, cipher, padding};
use crate::fault;
use crate::intake::MAX_VALUE;
use crate::key::Key;

const LEAST_META: usize = 128;
/// Every value up to 252 bytes looks the same.
const LEAST_VALUE: usize = 256;

/// A version of a secret, as it travels.
pub(crate) struct NewRecord {
    /// The signed record.
    pub(crate) record: Vec<u8>,
    /// What a commit names it by.
    pub(crate) hash: Hash,
    /// The sealed names.
    pub(crate) meta: Vec<u8>,
    /// The sealed value.
    pub(crate) value: Vec<u8>,
    /// The wrapped keys of both.
    pub(crate) slot: Slot,
}

/// Seals a version of a secret. The header's author is the device whose seed this is.
///
/// # Errors
/// `too_large` over 64 KiB; `internal` without randomness, `store_unavailable` without locked memory.
pub(crate) fn seal_record(
    header: Header,
    meta: &Meta,
    value: &SecretValue,
    epoch: &EpochKey,
    by: &DeviceSeed,
) -> Result<NewRecord, Refusal> {
    if value.len() > MAX_VALUE {
        return Err(Refusal::new(
            Code::TooLarge,
            "the value is longer than 64 KiB",
            "store at most 64 KiB under one name",
        ));
    }
    let header = Header {
        v: VERSION,
        kind: Kind::Value,
        ..header
    };
    let (dek_meta, dek_value) = (Dek::random()?, Dek::random()?);
    let sealed_meta = seal_meta(&dek_meta, &header, meta)?;
    let sealed_value = seal_value(&dek_value, &header, value)?;
    let sealed = Sealed {
        commit_meta: dek_meta.commitment()?,
        commit_value: dek_value.commitment()?,
        meta: sha256(&sealed_meta),
        value: sha256(&sealed_value),
    };
    let slot = Slot {
        v: VERSION,
        env: header.env,
        rid: header.rid,
        ver: header.ver,
        epoch: epoch.id().n,
        wrap_meta: wrap(Part::Meta, epoch, (header.rid, header.ver), &dek_meta)?,
        wrap_value: wrap(Part::Value, epoch, (header.rid, header.ver), &dek_value)?,
    };
    let (record, hash) = signed(header, Some(sealed), by)?;
    Ok(NewRecord {
        record,
        hash,
        meta: sealed_meta,
        value: sealed_value,
        slot,
    })
}

/// The record that says that a secret is deleted, and its hash.
///
/// # Errors
/// `store_unavailable` without locked memory.
pub(crate) fn seal_deletion(header: Header, by: &DeviceSeed) -> Result<(Vec<u8>, Hash), Refusal> {
    let header = Header {
        v: VERSION,
        kind: Kind::Deleted,
        ..header
    };
    signed(header, None, by)
}

/// The names of a record that [stands](Record::stands). That they are the bytes which its author signed
/// is checked here.
///
/// # Errors
/// `Broken`: set this record aside. `signature_invalid`: they are other bytes.
pub(crate) fn open_meta(
    record: &Record,
    slot: &Slot,
    sealed: &[u8],
    epoch: &EpochKey,
) -> Result<Meta, Unopened> {
    record.parts(Some(sealed), None).map_err(Refusal::from)?;
    let key = Part::Meta.open_slot(record, slot, epoch)?.key()?;
    let len = sealed
        .len()
        .checked_sub(cipher::OVERHEAD)
        .ok_or(Broken::Part)?;
    let mut room = vec![0; len];
    cipher::open_into(&key, &Part::Meta.aad(&record.header), sealed, &mut room)
        .map_err(|_| Broken::Part)?;
    let place = padding::unpad(&room, LEAST_META).ok_or(Broken::Padding)?;
    Ok(cbor::decode(&room[place]).map_err(|_| Broken::Meta)?)
}

/// The value of a record that stands, in locked memory from the first byte. As [`open_meta`].
///
/// # Errors
/// As [`open_meta`], and `store_unavailable` without locked memory.
pub(crate) fn open_value(
    record: &Record,
    slot: &Slot,
    sealed: &[u8],
    epoch: &EpochKey,
) -> Result<SecretValue, Unopened> {
    record.parts(None, Some(sealed)).map_err(Refusal::from)?;
    let key = Part::Value.open_slot(record, slot, epoch)?.key()?;
    let aad = Part::Value.aad(&record.header);
    let len = sealed
        .len()
        .checked_sub(cipher::OVERHEAD)
        .ok_or(Broken::Part)?;
    // Before any memory is taken: nothing that is sealed here is longer.
    if len > padding::padded_len(MAX_VALUE, LEAST_VALUE) {
        return Err(Broken::Padding.into());
    }
    SecretValue::with_len(len, |room| {
        cipher::open_into(&key, &aad, sealed, room).map_err(|_| Broken::Part)?;
        let place = padding::unpad(room, LEAST_VALUE).ok_or(Broken::Padding)?;
        let len = place.len();
        room.copy_within(place, 0);
        Ok(len)
    })
    .map_err(|fault| match fault {
        FillError::Full => fault::no_memory().into(),
        FillError::Fill(broken) => Unopened::Broken(broken),
    })
}

/// The same keys under another epoch. A slot that does not open becomes one that does not open there
/// either: a record that is set aside stays so, and does not hold up a rotation.
///
/// # Errors
/// `internal` without randomness, `store_unavailable` without locked memory.
pub(crate) fn rewrap(slot: &Slot, from: &EpochKey, to: &EpochKey) -> Result<Slot, Refusal> {
    let of = (slot.rid, slot.ver);
    let again = |part: Part| match part.unwrap(from, of, slot)? {
        Ok(dek) => wrap(part, to, of, &dek),
        Err(_) => Ok([0; WRAP]),
    };
    Ok(Slot {
        epoch: to.id().n,
        wrap_meta: again(Part::Meta)?,
        wrap_value: again(Part::Value)?,
        ..slot.clone()
    })
}

/// One of the two parts of a record.
#[derive(Clone, Copy)]
enum Part {
    Meta,
    Value,
}

impl Part {
    /// What the ciphertext is.
    fn aad(self, header: &Header) -> Vec<u8> {
        let label = match self {
            Self::Meta => Label::AAD_META,
            Self::Value => Label::AAD_VALUE,
        };
        label.before(&cbor::encode(header))
    }

    /// What the wrapped key is. Taken from the record and the epoch, not from what the slot says.
    fn slot_aad(self, epoch: EpochId, (rid, ver): (RecordId, u64)) -> Vec<u8> {
        let label = match self {
            Self::Meta => Label::AAD_SLOT_META,
            Self::Value => Label::AAD_SLOT_VALUE,
        };
        let EpochId { ws, env, n } = epoch;
        label.before(&cbor::encode(&(VERSION, ws, env, rid, ver, n)))
    }

    fn key(self, epoch: &EpochKey) -> &Key {
        match self {
            Self::Meta => &epoch.meta,
            Self::Value => &epoch.value,
        }
    }

    fn unwrap(
        self,
        epoch: &EpochKey,
        of: (RecordId, u64),
        slot: &Slot,
    ) -> Result<Result<Dek, Broken>, Refusal> {
        let wrapped = match self {
            Self::Meta => &slot.wrap_meta,
            Self::Value => &slot.wrap_value,
        };
        let aad = self.slot_aad(epoch.id(), of);
        let key = cipher::unwrap(self.key(epoch), &aad, wrapped)?;
        Ok(key.map(Dek::of).map_err(|_| Broken::Slot))
    }

    /// The key that the slot holds for this record, if the author committed to it.
    fn open_slot(self, record: &Record, slot: &Slot, epoch: &EpochKey) -> Result<Dek, Unopened> {
        let Header {
            ws, env, rid, ver, ..
        } = record.header;
        let sealed = record.sealed.as_ref().ok_or(Broken::Part)?;
        let committed = match self {
            Self::Meta => sealed.commit_meta,
            Self::Value => sealed.commit_value,
        };
        if (ws, env) != (epoch.id().ws, epoch.id().env) {
            return Err(Broken::Slot.into());
        }
        let dek = self.unwrap(epoch, (rid, ver), slot)??;
        if dek.commitment()? == committed {
            Ok(dek)
        } else {
            Err(Broken::Commitment.into())
        }
    }
}

fn wrap(
    part: Part,
    epoch: &EpochKey,
    of: (RecordId, u64),
    dek: &Dek,
) -> Result<[u8; WRAP], Refusal> {
    let aad = part.slot_aad(epoch.id(), of);
    cipher::wrap(part.key(epoch), &aad, dek.inner())
}

fn seal_meta(dek: &Dek, header: &Header, meta: &Meta) -> Result<Vec<u8>, Refusal> {
    let plain = padding::pad_bytes(&cbor::encode(meta), LEAST_META)?;
    cipher::seal(&dek.key()?, &Part::Meta.aad(header), &plain)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the cipher reads the padded value where it lies and writes ciphertext elsewhere"
)]
fn seal_value(dek: &Dek, header: &Header, value: &SecretValue) -> Result<Vec<u8>, Refusal> {
    let key = dek.key()?;
    let aad = Part::Value.aad(header);
    padding::pad_value(value, LEAST_VALUE)?.expose(|plain| cipher::seal(&key, &aad, plain))
}

fn signed(
    header: Header,
    sealed: Option<Sealed>,
    by: &DeviceSeed,
) -> Result<(Vec<u8>, Hash), Refusal> {
    let body = Body { header, sealed }.to_bytes();
    let hash = Label::RECORD.hash(&body);
    let signature = by.sign(Label::SIG_RECORD, &body)?;
    Ok((Signed { body, signature }.to_bytes(), hash))
}

fn sha256(bytes: &[u8]) -> Hash {
    use sha2::Digest as _;
    Hash::of(sha2::Sha256::digest(bytes).into())
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
