//! Padding, so that a length tells little: `length, u32 BE | bytes | zeros`, up to the least size and
//! beyond it by Padmé, which adds at most 12 %.

use withheld_core::Refusal;
use withheld_secret::{Expose as _, SecretValue};

use crate::fault;

const PREFIX: usize = 4;

/// The size of `len` bytes when they are padded to `least` or more.
pub(super) fn padded_len(len: usize, least: usize) -> usize {
    padme(len.saturating_add(PREFIX)).max(least)
}

/// Bytes that are not secret from this process, padded.
pub(super) fn pad_bytes(plain: &[u8], least: usize) -> Result<Vec<u8>, Refusal> {
    let mut room = vec![0; padded_len(plain.len(), least)];
    write(plain, &mut room)?;
    Ok(room)
}

/// A value, padded, in locked memory.
#[expect(
    clippy::disallowed_methods,
    reason = "copies the value from locked memory to locked memory, with its length before it"
)]
pub(super) fn pad_value(value: &SecretValue, least: usize) -> Result<SecretValue, Refusal> {
    value.expose(|plain| {
        SecretValue::with_len(padded_len(plain.len(), least), |room| {
            write(plain, room)?;
            Ok(room.len())
        })
        .map_err(fault::unfilled)
    })
}

/// Where the padded bytes lie in `room`, if the rest is exactly the padding they must have.
pub(super) fn unpad(room: &[u8], least: usize) -> Option<std::ops::Range<usize>> {
    let (prefix, rest) = room.split_first_chunk::<PREFIX>()?;
    let len = usize::try_from(u32::from_be_bytes(*prefix)).ok()?;
    let zeros = rest.get(len..)?;
    let fits = room.len() == padded_len(len, least);
    (fits && zeros.iter().all(|byte| *byte == 0)).then_some(PREFIX..PREFIX + len)
}

fn write(plain: &[u8], room: &mut [u8]) -> Result<(), Refusal> {
    const FAULT: &str = "there is no room for the padding";
    let len = u32::try_from(plain.len()).map_err(|_| fault::internal(FAULT))?;
    let (prefix, rest) = room
        .split_first_chunk_mut::<PREFIX>()
        .ok_or_else(|| fault::internal(FAULT))?;
    *prefix = len.to_be_bytes();
    rest.get_mut(..plain.len())
        .ok_or_else(|| fault::internal(FAULT))?
        .copy_from_slice(plain);
    Ok(())
}

/// Padmé: rounds up so that below the highest bit only as many bits may be set as it takes to write
/// that bit's position.
fn padme(len: usize) -> usize {
    let Some(exponent) = len.checked_ilog2().filter(|exponent| *exponent > 0) else {
        return len;
    };
    let kept = exponent.ilog2() + 1;
    let mask = (1_usize << (exponent - kept)) - 1;
    len.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{pad_bytes, padded_len, unpad};

    /// The figures of the design, typed by hand.
    #[test]
    fn padded_lengths_are_the_published_ones() {
        for (value, plain) in [
            (0, 256),
            (252, 256),
            (253, 272),
            (300, 304),
            (1000, 1024),
            (4096, 4352),
            (5000, 5120),
            (65_536, 67_584),
        ] {
            assert_eq!(padded_len(value, 256), plain, "{value}");
        }
        assert_eq!(padded_len(0, 128), 128);
        assert_eq!(padded_len(124, 128), 128);
        assert_eq!(padded_len(125, 128), 144);
    }

    #[test]
    fn what_was_padded_is_found_again() {
        for len in [0, 1, 124, 125, 252, 253, 4096] {
            let plain = vec![7; len];
            let padded = pad_bytes(&plain, 128).unwrap();
            assert_eq!(padded[..4], u32::try_from(len).unwrap().to_be_bytes());
            assert_eq!(padded[unpad(&padded, 128).unwrap()], plain);
        }
    }

    #[test]
    fn padding_carries_nothing_and_has_one_length() {
        let good = pad_bytes(b"name", 128).unwrap();
        let mut data = good.clone();
        data[127] = 1;
        assert_eq!(unpad(&data, 128), None, "data in the padding");
        let mut longer = good.clone();
        longer.resize(256, 0);
        assert_eq!(unpad(&longer, 128), None, "longer than it must be");
        assert_eq!(unpad(&good[..127], 128), None, "cut");
        let mut beyond = good.clone();
        beyond[..4].copy_from_slice(&125_u32.to_be_bytes());
        assert_eq!(unpad(&beyond, 128), None, "a length beyond the end");
        assert_eq!(unpad(&good[..3], 128), None, "no length");
    }
}
