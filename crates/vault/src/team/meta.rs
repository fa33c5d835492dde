//! What a record says beside its value: the name, the tag, and what the secret may be used for, signed
//! by an owner key, so that neither the server nor an agent with a stolen device can redirect a secret.

use minicbor::{Decode, Encode};
use withheld_core::name::{Environment, SecretName};
use withheld_core::{BindingDraft, Refusal};
use withheld_secret::SecretValue;
use withheld_team::cbor;
use withheld_team::chain::Chain;
use withheld_team::id::{DeviceId, EnvId, RecordId, Signature, ValueTag, WorkspaceId};
use withheld_team::label::Label;
use withheld_team::links::{Right, Role};

use super::epoch::EpochKey;
use super::{Broken, Unopened};
use crate::fault;
use crate::owner::OwnerProof;

/// The names of a record. Not a value: it may be in ordinary memory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Meta {
    /// The secret's name, or whatever names a record of the directory. Its grammar is the reader's to
    /// check.
    #[n(0)]
    pub(crate) name: String,
    /// The epoch whose key made the tag. A record stays as it is when its slot goes to a new epoch.
    #[n(1)]
    pub(crate) epoch: u64,
    /// Shows whether a value is this record's.
    #[n(2)]
    pub(crate) tag: ValueTag,
    /// What the secret may be used for; none: nothing yet.
    #[n(3)]
    pub(crate) bindings: Option<SignedBindings>,
}

impl Meta {
    /// The names of a value that is about to be sealed under this epoch.
    ///
    /// # Errors
    /// `store_unavailable` without locked memory.
    pub(crate) fn new(
        name: &str,
        rid: &RecordId,
        value: &SecretValue,
        bindings: Option<SignedBindings>,
        epoch: &EpochKey,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            name: name.to_owned(),
            epoch: epoch.id().n,
            tag: epoch.value_tag(rid, value)?,
            bindings,
        })
    }

    /// Whether the tag is the value's. `epoch` is the key of the epoch that the tag names.
    ///
    /// # Errors
    /// `Tag` where it is another value's, or the key is another epoch's.
    pub(crate) fn check_tag(
        &self,
        rid: &RecordId,
        value: &SecretValue,
        epoch: &EpochKey,
    ) -> Result<(), Unopened> {
        if epoch.value_tag(rid, value)? == self.tag {
            Ok(())
        } else {
            Err(Broken::Tag.into())
        }
    }
}

/// What a secret may be used for, and the owner key that says so.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SignedBindings {
    /// The bindings as JSON: the bytes that are signed.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    json: Vec<u8>,
    /// Rises with each change, so that older bindings are not put back.
    #[n(1)]
    n: u64,
    /// The device whose owner key signed.
    #[n(2)]
    by: DeviceId,
    #[n(3)]
    signature: Signature,
}

impl SignedBindings {
    /// Signs bindings for one secret, by its names: they are signed when the owner is there, and the
    /// secret may be pushed later without him. `n` is higher than that of any that this owner signed for
    /// it.
    ///
    /// # Errors
    /// `internal` where they cannot be written.
    pub(crate) fn sign(
        owner: &OwnerProof,
        by: DeviceId,
        of: BoundTo<'_>,
        n: u64,
        bindings: &[BindingDraft],
    ) -> Result<Self, Refusal> {
        let json = serde_json::to_vec(bindings)
            .map_err(|_| fault::internal("the bindings cannot be written"))?;
        let signature = owner.sign_as_admin(Label::SIG_BINDINGS, &of.signed(n, &json));
        Ok(Self {
            json,
            n,
            by,
            signature,
        })
    }

    /// The bindings, if they are signed for this secret with the owner key of somebody who could write
    /// the environment at some time, or was an admin. They are carried from version to version, so it
    /// need not be now.
    ///
    /// # Errors
    /// `Bindings`.
    pub(crate) fn verified(
        &self,
        chain: &Chain,
        env: EnvId,
        (environment, secret): (&Environment, &SecretName),
    ) -> Result<Vec<BindingDraft>, Broken> {
        let signer = chain.device(&self.by).ok_or(Broken::Bindings)?;
        let last = (signer.until).map_or(chain.head().seq, |until| until.saturating_sub(1));
        let could = |seq| {
            chain.right_at(&signer.member, &env, seq) == Right::Write
                || chain.role_at(&signer.member, seq) >= Some(Role::Admin)
        };
        // From the end: who signed mostly still may.
        if !(signer.since..=last).rev().any(could) {
            return Err(Broken::Bindings);
        }
        let of = BoundTo {
            ws: chain.ws(),
            environment,
            secret,
        };
        (signer.public.admin)
            .verify(
                Label::SIG_BINDINGS,
                &of.signed(self.n, &self.json),
                &self.signature,
            )
            .map_err(|_| Broken::Bindings)?;
        self.drafts()
    }

    /// What they say, whoever signed.
    ///
    /// # Errors
    /// `Bindings` where they cannot be read.
    pub(crate) fn drafts(&self) -> Result<Vec<BindingDraft>, Broken> {
        serde_json::from_slice(&self.json).map_err(|_| Broken::Bindings)
    }

    /// The bytes that say it.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }

    /// The number that rises with each change by one signer.
    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    /// The device whose owner key signed.
    pub(crate) fn by(&self) -> DeviceId {
        self.by
    }
}

/// What bindings are signed for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundTo<'a> {
    pub(crate) ws: WorkspaceId,
    pub(crate) environment: &'a Environment,
    pub(crate) secret: &'a SecretName,
}

impl BoundTo<'_> {
    fn signed(&self, n: u64, json: &[u8]) -> Vec<u8> {
        let json: &minicbor::bytes::ByteSlice = json.into();
        let names = (self.environment.as_str(), self.secret.as_str());
        cbor::encode(&(self.ws, names.0, names.1, n, json))
    }
}

#[cfg(test)]
#[path = "meta_tests.rs"]
mod tests;
