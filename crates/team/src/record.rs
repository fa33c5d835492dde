//! A record: one version of a secret, signed by the device that wrote it, never changed after. Its two
//! ciphertexts travel beside it and are named by their hashes, so that a record is verified without
//! them.

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::Verdict;
use crate::cbor;
use crate::chain::Chain;
use crate::commit::{Entry, NO_VERSION};
use crate::count::counts;
use crate::id::{DeviceId, EnvId, Hash, RecordId, Signature, WorkspaceId};
use crate::label::Label;
use crate::signed::{Signed, of_this_version};

/// Which version of which secret of which environment this is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// The format's version.
    #[n(0)]
    pub v: u8,
    /// The workspace.
    #[n(1)]
    pub ws: WorkspaceId,
    /// The environment.
    #[n(2)]
    pub env: EnvId,
    /// The secret.
    #[n(3)]
    pub rid: RecordId,
    /// Its version, from 1.
    #[n(4)]
    pub ver: u64,
    /// The record of the version before; zeros for the first.
    #[n(5)]
    pub prev: Hash,
    /// The device that wrote it.
    #[n(6)]
    pub author: DeviceId,
    /// A value, or its deletion.
    #[n(7)]
    pub kind: Kind,
}

/// What a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// A value.
    #[n(0)]
    Value,
    /// The secret is deleted.
    #[n(1)]
    Deleted,
}

/// The commitments to what is sealed beside a record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Sealed {
    /// The commitment to the key of the name part.
    #[n(0)]
    pub commit_meta: Hash,
    /// The commitment to the key of the value part.
    #[n(1)]
    pub commit_value: Hash,
    /// SHA-256 of the name part's ciphertext.
    #[n(2)]
    pub meta: Hash,
    /// SHA-256 of the value part's ciphertext.
    #[n(3)]
    pub value: Hash,
}

/// What an author signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Body {
    /// Which version of what.
    #[n(0)]
    pub header: Header,
    /// What is sealed beside it; nothing for a deletion.
    #[n(1)]
    pub sealed: Option<Sealed>,
}

impl Body {
    /// The bytes that are signed, under `SIG_RECORD`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

/// A record that was read. Not verified until it [stands](Record::stands).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which version of what.
    pub header: Header,
    /// What is sealed beside it; nothing for a deletion.
    pub sealed: Option<Sealed>,
    /// What a commit names it by.
    pub hash: Hash,
    body: Vec<u8>,
    signature: Signature,
}

impl Record {
    /// The record that these bytes are.
    ///
    /// # Errors
    /// `Unknown` for another version, `Invalid` for other bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, Verdict> {
        let Signed { body, signature } = cbor::decode(bytes)?;
        let Body { header, sealed } = of_this_version(&body, "the format of this record")?;
        if !counts(header.ver) {
            return Err(NO_VERSION);
        }
        if sealed.is_none() != (header.kind == Kind::Deleted) {
            return Err(Verdict::Invalid(
                "a record that is neither a value nor a deletion",
            ));
        }
        Ok(Self {
            header,
            sealed,
            hash: Label::RECORD.hash(&body),
            body,
            signature,
        })
    }

    /// Whether it is the record of this entry of the environment's state, signed by a device of the
    /// workspace. That the entry stands there at all, its commit's author vouched for with the right to
    /// write.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn stands(&self, w: &Chain, env: &EnvId, entry: &Entry) -> Result<(), Verdict> {
        let header = &self.header;
        if self.hash != entry.record {
            return Err(Verdict::Invalid(
                "a record other than the one in the signed state",
            ));
        }
        if (header.ws, header.env) != (w.ws(), *env) {
            return Err(Verdict::Invalid("a record of another environment"));
        }
        if header.rid != entry.rid {
            return Err(Verdict::Invalid("a record of another secret"));
        }
        if header.ver != entry.ver {
            return Err(Verdict::Invalid("a record of another version"));
        }
        if self.sealed.is_none() != entry.is_deleted() {
            return Err(Verdict::Invalid(
                "a deletion that is shown as a value, or a value as a deletion",
            ));
        }
        let author = w.device(&header.author).ok_or(Verdict::Invalid(
            "a record by a device that is not in the workspace",
        ))?;
        (author.public.ops).verify(Label::SIG_RECORD, &self.body, &self.signature)
    }

    /// Whether it was written on top of what stood there before: the record of the version before, or
    /// nothing for a new secret.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn follows(&self, before: Option<&Entry>) -> Result<(), Verdict> {
        if self.header.prev == before.map_or(Hash::ZERO, |before| before.record) {
            Ok(())
        } else {
            Err(Verdict::Invalid(
                "a record that does not follow the version before it",
            ))
        }
    }

    /// Whether these are the ciphertexts that its author signed. Either may be left out where it was
    /// not asked for.
    ///
    /// # Errors
    /// `Invalid`: one is another, or a deletion came with one.
    pub fn parts(&self, meta: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Verdict> {
        let same = |part: Option<&[u8]>, signed: fn(&Sealed) -> Hash| {
            part.is_none_or(|part| {
                let hash = Hash::of(Sha256::digest(part).into());
                self.sealed.as_ref().map(signed) == Some(hash)
            })
        };
        if !same(meta, |sealed| sealed.meta) {
            return Err(Verdict::Invalid(
                "a name part other than the one that was signed",
            ));
        }
        if !same(value, |sealed| sealed.value) {
            return Err(Verdict::Invalid(
                "a value part other than the one that was signed",
            ));
        }
        Ok(())
    }
}
