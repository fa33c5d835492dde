//! Identifiers and hashes: byte strings of a fixed length, shown as hex.

use std::fmt;
use std::str::FromStr;

use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Verdict;

macro_rules! bytes {
    ($( $(#[$meta:meta])* $name:ident $len:literal; )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// How many bytes it has.
            pub const LEN: usize = $len;

            /// Of these bytes.
            #[must_use]
            pub const fn of(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Verdict;

            fn from_str(text: &str) -> Result<Self, Verdict> {
                from_hex(text).map(Self)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                let bytes = d.bytes()?;
                bytes.try_into().map(Self).map_err(|_| DecodeError::message("a wrong length"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

bytes! {
    /// A workspace: the hash of its genesis. Whoever holds it cannot be shown another workspace.
    WorkspaceId 32;
    /// A hash, always under a label.
    Hash 32;
    /// An environment. Sixteen zeros are the directory.
    EnvId 16;
    /// A member: who owns devices.
    MemberId 16;
    /// A device: the beginning of the hash of its public keys.
    DeviceId 16;
    /// A secret in an environment, whatever its name.
    RecordId 16;
    /// An invitation: the beginning of the hash of its public key.
    InviteId 16;
    /// An Ed25519 public key.
    VerifyKey 32;
    /// An Ed25519 signature.
    Signature 64;
    /// An X-Wing public key.
    KemKey 1216;
    /// What shows whether two values are equal, to those who may read them.
    ValueTag 16;
}

impl Hash {
    /// What stands where there is nothing before.
    pub const ZERO: Self = Self::of([0; 32]);
}

impl From<Hash> for WorkspaceId {
    fn from(hash: Hash) -> Self {
        Self(hash.0)
    }
}

impl From<WorkspaceId> for Hash {
    fn from(id: WorkspaceId) -> Self {
        Self(id.0)
    }
}

impl EnvId {
    /// The directory: names of people and environments. Every member reads it, admins write it.
    pub const DIRECTORY: Self = Self::of([0; 16]);
}

impl Hash {
    /// The first 16 bytes, of which ids are made.
    #[must_use]
    pub fn first_half(&self) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        half
    }
}

fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], Verdict> {
    const WRONG: Verdict =
        Verdict::Invalid("an identifier that is not lower-case hex of its length");
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(WRONG);
    }
    let digit = |b: u8| match b {
        b'0'..=b'9' => Ok(b - b'0'),
        b'a'..=b'f' => Ok(b - b'a' + 10),
        _ => Err(WRONG),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{EnvId, Hash};
    use crate::cbor;

    #[test]
    fn text_and_bytes_go_both_ways() {
        let id = EnvId::of(*b"0123456789abcdef");
        assert_eq!(id.to_string(), "30313233343536373839616263646566");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("30".parse::<EnvId>().is_err());
        assert!(
            "3031323334353637383961626364656F".parse::<EnvId>().is_err(),
            "upper case"
        );
        let bytes = cbor::encode(&id);
        assert_eq!(bytes[0], 0x50, "a byte string of sixteen");
        assert_eq!(cbor::decode::<EnvId>(&bytes), Ok(id));
        assert!(cbor::decode::<Hash>(&bytes).is_err());
    }
}
