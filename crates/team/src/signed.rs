//! `[body, signature]`: how a commit, a record and an envelope travel. What is hashed and signed are the
//! bytes of the body as they came, never an encoding made again.

use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode};

use crate::id::Signature;
use crate::{VERSION, Verdict, cbor};

/// A body and one signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Signed {
    /// The signed bytes.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// The author's signature over them, under the label of what they are.
    #[n(1)]
    pub signature: Signature,
}

impl Signed {
    /// The bytes that travel.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

/// A body whose first number is its version. Another version is named before anything else of it is
/// read, because only the version says what the rest means.
pub(crate) fn of_this_version<'b, T>(body: &'b [u8], what: &'static str) -> Result<T, Verdict>
where
    T: Decode<'b, ()> + Encode<()>,
{
    match first_number(body) {
        Some(version) if version != u64::from(VERSION) => Err(Verdict::Unknown(what)),
        _ => cbor::decode(body),
    }
}

fn first_number(body: &[u8]) -> Option<u64> {
    let mut bytes = Decoder::new(body);
    while bytes.datatype().ok()? == Type::Array {
        bytes.array().ok()?;
    }
    bytes.u64().ok()
}

#[cfg(test)]
mod tests {
    use super::{Signed, of_this_version};
    use crate::id::Signature;
    use crate::{Verdict, cbor};

    #[test]
    fn a_signed_thing_is_an_array_of_two_byte_strings() {
        let signed = Signed {
            body: vec![1, 2],
            signature: Signature::of([7; 64]),
        };
        let bytes = signed.to_bytes();
        assert_eq!(bytes[..6], [0x82, 0x42, 1, 2, 0x58, 64]);
        assert_eq!(bytes[6..], [7; 64]);
        assert_eq!(cbor::decode(&bytes), Ok(signed));
    }

    #[test]
    fn another_version_is_named_whatever_follows() {
        let read = |bytes: &[u8]| of_this_version::<(u8, bool)>(bytes, "the format of this test");
        assert_eq!(read(&[0x82, 0x00, 0xf5]), Ok((0, true)));
        let unknown = Err(Verdict::Unknown("the format of this test"));
        assert_eq!(read(&[0x82, 0x01, 0xf5]), unknown);
        assert_eq!(read(&[0x82, 0x01, 0x63]), unknown);
        assert_eq!(read(&[0x81, 0x81, 0x18, 0xff]), unknown);
        assert_eq!(read(&[0x82, 0x00, 0x01]), Err(cbor::NOT_CANONICAL));
        assert_eq!(read(&[0x61, 0x01]), Err(cbor::NOT_CANONICAL));
        assert_eq!(read(&[]), Err(cbor::NOT_CANONICAL));
    }
}
