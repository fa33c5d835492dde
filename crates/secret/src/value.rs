//! Values: how they are made, looked at, carried and wiped.

use crate::arena::{Full, Slot};

/// A plaintext in locked memory, wiped when dropped.
pub struct SecretValue {
    slot: Slot,
}

impl SecretValue {
    /// Makes a value by filling at most `max` bytes of locked memory in place.
    ///
    /// `fill` is handed `max` zero bytes and returns how many of them are the value (a number
    /// beyond `max` counts as `max`); the rest is wiped and given back.
    ///
    /// # Errors
    /// [`FillError::Full`] when the arena has no room, [`FillError::Fill`] with the error of
    /// `fill`. Either way what was written is wiped, as it is when `fill` panics.
    pub fn with_len<E>(
        max: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, FillError<E>> {
        let mut slot = Slot::take(max).map_err(|Full| FillError::Full)?;
        let used = fill(slot.bytes_mut()).map_err(FillError::Fill)?;
        slot.shorten(used);
        Ok(Self { slot })
    }

    /// The length in bytes. It is not secret; the bytes are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slot.bytes().len()
    }

    /// Whether the value has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The only ways to look at a value. Each function that calls one says why.
pub trait Expose {
    /// Lends the bytes to `f`. What `f` copies out is no longer guarded.
    fn expose<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R;

    /// Turns the value into an owner of its bytes, for buffers that write without copying.
    fn into_owner(self) -> Owner;
}

impl Expose for SecretValue {
    fn expose<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(self.slot.bytes())
    }

    fn into_owner(self) -> Owner {
        Owner { slot: self.slot }
    }
}

/// A value that lends its bytes freely; still in locked memory, still wiped when dropped.
pub struct Owner {
    slot: Slot,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.slot.bytes()
    }
}

/// Why a value could not be made.
#[derive(Debug, PartialEq, Eq)]
pub enum FillError<E> {
    /// The arena has no room.
    Full,
    /// What filled the value failed.
    Fill(E),
}

/// The values of one request: made by the vault, carried by the broker, spent by the wire.
pub struct Values {
    request: [u8; 16],
    values: Vec<SecretValue>,
}

impl Values {
    /// Binds `values` to the request with this id.
    #[must_use]
    pub fn new(request: [u8; 16], values: Vec<SecretValue>) -> Self {
        Self { request, values }
    }

    /// The id of the request these values are for; compared with the other two papers.
    #[must_use]
    pub fn request(&self) -> &[u8; 16] {
        &self.request
    }
}

/// Takes [`Values`] apart. Only who can name this trait can.
pub trait Spend {
    /// The values, in the order in which they were put in.
    fn spend(self) -> Vec<SecretValue>;
}

impl Spend for Values {
    fn spend(self) -> Vec<SecretValue> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        reason = "tests look at their own canaries"
    )]
    use super::*;

    fn value(bytes: &[u8]) -> SecretValue {
        SecretValue::with_len::<()>(bytes.len(), |room| {
            room.copy_from_slice(bytes);
            Ok(bytes.len())
        })
        .ok()
        .unwrap()
    }

    #[test]
    fn every_size_from_a_byte_to_64_kib_comes_back_as_it_went_in() {
        for size in [1, 2, 15, 16, 17, 4095, 4096, 4097, 65_535, 65_536] {
            let bytes: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let held = value(&bytes);
            assert_eq!(held.len(), size);
            assert!(held.expose(|seen| seen == bytes));
            assert!(held.into_owner().as_ref() == bytes);
        }
    }

    #[test]
    fn room_is_zero_before_it_is_filled_and_only_the_filled_part_is_the_value() {
        drop(value(&[0xAA; 300]));
        let held = SecretValue::with_len::<()>(300, |room| {
            assert!(room.iter().all(|byte| *byte == 0));
            room.fill(7);
            Ok(3)
        })
        .ok()
        .unwrap();
        assert_eq!(held.len(), 3);
        assert!(held.expose(|seen| seen == [7, 7, 7]));
    }

    #[test]
    fn a_length_beyond_the_room_counts_as_the_room() {
        let held = SecretValue::with_len::<()>(8, |_| Ok(usize::MAX))
            .ok()
            .unwrap();
        assert_eq!(held.len(), 8);
    }

    #[test]
    fn an_empty_value_is_empty() {
        assert!(value(b"").is_empty());
    }

    #[test]
    fn the_error_of_the_filler_is_handed_on() {
        let fault = SecretValue::with_len(8, |_| Err("no")).err();
        assert_eq!(fault, Some(FillError::Fill("no")));
    }

    #[test]
    fn a_size_that_no_arena_has_is_full() {
        let fault = SecretValue::with_len::<()>(usize::MAX, |_| Ok(0)).err();
        assert_eq!(fault, Some(FillError::Full));
    }

    #[test]
    fn values_keep_their_request_and_their_order() {
        let values = Values::new([9; 16], vec![value(b"whCANARYone"), value(b"whCANARYtwo")]);
        assert_eq!(values.request(), &[9; 16]);
        let spent = values.spend();
        assert!(spent[0].expose(|seen| seen == b"whCANARYone"));
        assert!(spent[1].expose(|seen| seen == b"whCANARYtwo"));
    }
}
