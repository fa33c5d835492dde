//! The formats of the membership chain: a link is the bytes of a body and the signatures over them.
//! What is signed and hashed are the bytes that were received, never a second encoding.
//!
//! Every structure is an array by position; an enumeration is `[number, [fields]]`; an absent last
//! field is left out.

mod op;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Decoder, Encode};

pub use self::op::{Cut, Op, Position, Right, Role, SUITE};

use crate::cbor::{self, NOT_CANONICAL};
use crate::count::{LAST, counts};
use crate::id::{DeviceId, EnvId, Hash, InviteId, Signature, VerifyKey, WorkspaceId};
use crate::label::Label;
use crate::{VERSION, Verdict};

/// A link as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Link {
    /// A [`Body`], as its bytes.
    #[n(0)]
    pub body: ByteVec,
    /// Sorted by signer, each signer once.
    #[n(1)]
    pub signatures: Vec<(Signer, Signature)>,
}

impl Link {
    /// The bytes of a link: this body with these signatures, in their order.
    #[must_use]
    pub fn of(body: Vec<u8>, mut signatures: Vec<(Signer, Signature)>) -> Vec<u8> {
        signatures.sort_unstable();
        let body = ByteVec::from(body);
        cbor::encode(&Self { body, signatures })
    }

    /// Reads a link. Nothing is verified but its form.
    ///
    /// # Errors
    /// `Invalid` when the bytes are not the one encoding of a link.
    pub fn read(bytes: &[u8]) -> Result<Self, Verdict> {
        let link: Self = cbor::decode(bytes)?;
        if !link.signatures.is_sorted_by(|one, next| one.0 < next.0) {
            return Err(Verdict::Invalid(
                "signatures out of their order, or by one key twice",
            ));
        }
        Ok(link)
    }

    /// The hash that the next link names.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Label::WLINK.hash(&self.body)
    }
}

/// Whose key made a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Signer {
    /// A device's key that signs unattended.
    #[n(0)]
    Ops(#[n(0)] DeviceId),
    /// A device's owner key.
    #[n(1)]
    Admin(#[n(0)] DeviceId),
    /// The key in an invitation.
    #[n(2)]
    Invite(#[n(0)] InviteId),
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Body {
    /// The version of the format: [`VERSION`].
    #[n(0)]
    pub v: u8,
    /// The workspace; zeros in the genesis, whose hash it is.
    #[n(1)]
    pub ws: WorkspaceId,
    /// The position, from 1.
    #[n(2)]
    pub seq: u64,
    /// The hash of the link before; zeros in the genesis.
    #[n(3)]
    pub prev: Hash,
    /// When it was written, in milliseconds since 1970, by its author's clock.
    #[n(4)]
    pub ts: u64,
    /// The device that wrote it.
    #[n(5)]
    pub author: DeviceId,
    /// What it does.
    #[n(6)]
    pub op: Op,
}

impl Body {
    /// The one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a body. Another version, or an operation that this version does not know, is refused by
    /// name before anything else of it is read.
    ///
    /// # Errors
    /// `Unknown` for those; `Invalid` when the bytes are not the one encoding of a body, or a position
    /// in it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, Verdict> {
        let mut ahead = Decoder::new(bytes);
        let version = version(&mut ahead).map_err(|_| NOT_CANONICAL)?;
        if version != u64::from(VERSION) {
            return Err(Verdict::Unknown("links of another version"));
        }
        known_op(number_of_op(&mut ahead).map_err(|_| NOT_CANONICAL)?)?;
        let body: Self = cbor::decode(bytes)?;
        if !counts(body.seq) {
            return Err(Verdict::Invalid(
                "a link at a position that no link can have",
            ));
        }
        if body.op.cuts_at().iter().any(|seq| *seq > LAST) {
            return Err(Verdict::Invalid(
                "a cut at a position that no commit can have",
            ));
        }
        Ok(body)
    }
}

fn version(ahead: &mut Decoder<'_>) -> Result<u64, minicbor::decode::Error> {
    ahead.array()?;
    ahead.u64()
}

fn number_of_op(ahead: &mut Decoder<'_>) -> Result<u64, minicbor::decode::Error> {
    const BETWEEN: usize = 5; // workspace, position, previous, time, author
    for _ in 0..BETWEEN {
        ahead.skip()?;
    }
    ahead.array()?;
    ahead.u64()
}

fn known_op(number: u64) -> Result<(), Verdict> {
    Err(Verdict::Unknown(match number {
        0 | 1 | 2 | 4 | 5 | 6 | 8 | 9 | 10 => return Ok(()),
        3 => "the operation `confirm`",
        7 => "the operation `device_revoke`",
        11 => "the operation `machine_add`",
        12 => "the operation `invite_revoke`",
        13 => "the operation `waive`",
        15 => "the operation `env_archive`",
        16 => "the operation `suite_upgrade`",
        17 => "the operation `tombstone`",
        _ => "an operation of another version",
    }))
}

/// The id of the invitation with this key.
#[must_use]
pub fn invite_id(key: &VerifyKey) -> InviteId {
    InviteId::of(Label::INVITE_ID.hash(key.as_bytes()).first_half())
}

/// What the first commit of an environment names as the one before it.
#[must_use]
pub fn env_genesis(ws: &WorkspaceId, env: &EnvId) -> Hash {
    Label::ENV_GENESIS.hash(&cbor::encode(&(ws, env)))
}

#[cfg(test)]
#[path = "links/tests.rs"]
mod tests;
