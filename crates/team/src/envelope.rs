//! An envelope: an environment's key, sealed to one device. Any holder may seal it to any device that
//! is entitled, so a newcomer waits for nobody in particular. This is its public half; whoever opens it
//! compares what is inside with the commitment on the chain.

use minicbor::{Decode, Encode};

use crate::Verdict;
use crate::cbor;
use crate::chain::Chain;
use crate::id::{DeviceId, EnvId, WorkspaceId};
use crate::label::Label;
use crate::signed::{Signed, of_this_version};

/// The class of an envelope that carries the whole key, the only one.
pub const CLASS_FULL: u8 = 2;

/// What the sealing device signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Envelope {
    /// The format's version.
    #[n(0)]
    pub v: u8,
    /// The workspace.
    #[n(1)]
    pub ws: WorkspaceId,
    /// The environment.
    #[n(2)]
    pub env: EnvId,
    /// The epoch whose key is inside.
    #[n(3)]
    pub epoch: u64,
    /// The device it is sealed to.
    #[n(4)]
    pub device: DeviceId,
    /// How much of the key is inside: [`CLASS_FULL`].
    #[n(5)]
    pub class: u8,
    /// The device that sealed it.
    #[n(6)]
    pub by: DeviceId,
    /// The encapsulated key.
    #[n(7)]
    #[cbor(with = "minicbor::bytes")]
    pub enc: [u8; 1120],
    /// The sealed key.
    #[n(8)]
    #[cbor(with = "minicbor::bytes")]
    pub ct: [u8; 48],
}

impl Envelope {
    /// The envelope that these bytes are, if a device of this workspace signed it for another.
    ///
    /// # Errors
    /// `Unknown` for another version or class, `Invalid` for what does not verify.
    pub fn read(bytes: &[u8], w: &Chain) -> Result<Self, Verdict> {
        let Signed { body, signature } = cbor::decode(bytes)?;
        let envelope: Self = of_this_version(&body, "the format of this envelope")?;
        if envelope.class != CLASS_FULL {
            return Err(Verdict::Unknown("the class of this envelope"));
        }
        let by = w.device(&envelope.by).ok_or(Verdict::Invalid(
            "an envelope by a device that is not in the workspace",
        ))?;
        by.public
            .ops
            .verify(Label::SIG_ENVELOPE, &body, &signature)?;
        if envelope.ws != w.ws() {
            return Err(Verdict::Invalid("an envelope of another workspace"));
        }
        let epoch = w
            .env(&envelope.env)
            .and_then(|env| env.epochs.iter().find(|epoch| epoch.n == envelope.epoch))
            .ok_or(Verdict::Invalid(
                "an envelope for a key that the chain does not name",
            ))?;
        if by.until.is_some_and(|until| until <= epoch.seq) {
            return Err(Verdict::Invalid(
                "an envelope by a device that was removed before the key was made",
            ));
        }
        if w.device(&envelope.device).is_none() {
            return Err(Verdict::Invalid(
                "an envelope to a device that is not in the workspace",
            ));
        }
        Ok(envelope)
    }

    /// The bytes that are signed, under `SIG_ENVELOPE`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}
