//! Deterministic CBOR (RFC 8949, section 4.2.1): arrays of fixed length, byte strings, integers. No
//! maps, floats, tags or indefinite lengths.

use minicbor::{Decode, Encode};

use crate::Verdict;

/// The one encoding of a thing.
#[must_use]
pub fn encode<T: Encode<()>>(thing: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a vector does not fail, and no encoder here has an error of its own.
    drop(minicbor::encode(thing, &mut bytes));
    bytes
}

/// What the bytes are, if they are its one encoding: decoded, encoded again and compared.
///
/// # Errors
/// `Invalid` for anything else, trailing bytes and longer forms of a number among them.
pub fn decode<'b, T: Decode<'b, ()> + Encode<()>>(bytes: &'b [u8]) -> Result<T, Verdict> {
    let thing: T = minicbor::decode(bytes).map_err(|_| NOT_CANONICAL)?;
    if encode(&thing) == bytes {
        Ok(thing)
    } else {
        Err(NOT_CANONICAL)
    }
}

/// The verdict on bytes that are not the one encoding of anything.
pub const NOT_CANONICAL: Verdict = Verdict::Invalid("bytes that are not in the one encoding");

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn only_the_shortest_form_is_read() {
        // RFC 8949: 24 is 0x1818; 23 is 0x17 and never 0x1817.
        assert_eq!(decode::<u64>(&[0x18, 0x18]), Ok(24));
        assert_eq!(decode::<u64>(&[0x17]), Ok(23));
        assert!(decode::<u64>(&[0x18, 0x17]).is_err());
        assert!(decode::<u64>(&[0x17, 0x00]).is_err(), "a trailing byte");
        assert!(decode::<u64>(&[]).is_err());
        assert_eq!(encode(&1000_u64), [0x19, 0x03, 0xe8]);
    }
}
