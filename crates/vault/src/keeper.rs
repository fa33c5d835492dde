//! What opens the vault key: the owner's passphrase, or an item of the keychain for those who chose
//! `--auto-unlock`.
//!
//! `vault/key` is a JSON document: how the passphrase is stretched, what kind of vault this is, the
//! public keys, and four boxes. The passphrase opens two, the vault key's and the owner key's; the
//! vault key opens the other two. Everything that is not a box is associated data of every box, so
//! a header that was changed opens nothing. `check` is a plain SHA-256: it tells a damaged file from
//! a wrong passphrase, and nothing more.

mod kdf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use withheld_core::api::{IntakePublic, VaultKind};
use withheld_core::{Code, Refusal};
use withheld_secret::SecretValue;

use crate::envelope::{self, Seal};
use crate::fault;
use crate::intake::PublicKey;
use crate::key::Key;
use kdf::Kdf;

const VERSION: u32 = 1;
/// Hexadecimal digits of an installation's name: 96 random bits.
const INSTALLATION_CHARS: usize = 24;
/// The shortest passphrase that opens a new vault, in bytes.
pub(crate) const MIN_PASSPHRASE: usize = 8;
const FILE: &str = "vault/key";

/// What is known of a vault without opening it.
#[derive(Clone)]
pub struct Facts {
    /// Where values rest.
    pub kind: VaultKind,
    /// Whether the keychain holds the vault key.
    pub auto_unlock: bool,
    /// Names this installation in the keychain. Says nothing about the machine.
    pub installation: String,
    /// Verifies the policy document.
    pub owner_public: [u8; 32],
    /// Verifies the certificates of the audit log's segments.
    pub audit_public: [u8; 32],
    /// What values are sealed to.
    pub intake_public: PublicKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boxed {
    VaultKey,
    Owner,
    Intake,
    Audit,
}

impl Boxed {
    fn label(self) -> &'static str {
        match self {
            Self::VaultKey => "withheld/box/vault-key/1",
            Self::Owner => "withheld/box/owner/1",
            Self::Intake => "withheld/box/intake/1",
            Self::Audit => "withheld/box/audit/1",
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    kdf: Kdf,
    kind: VaultKind,
    auto_unlock: bool,
    installation: String,
    owner_public: String,
    audit_public: String,
    intake_public: IntakePublic,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Boxes {
    vault_key: String,
    owner: String,
    intake: String,
    audit: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    header: Header,
    boxes: Boxes,
    check: String,
}

/// The parsed file.
#[derive(Clone)]
pub(crate) struct KeyFile {
    document: Document,
    pub(crate) facts: Facts,
}

/// The keys of a new vault.
pub(crate) struct NewKeys<'a> {
    pub(crate) vault: &'a Key,
    pub(crate) owner: &'a Key,
    pub(crate) intake: &'a Key,
    pub(crate) audit: &'a Key,
}

impl KeyFile {
    /// The document of a new vault.
    pub(crate) fn new(
        facts: Facts,
        keys: &NewKeys<'_>,
        passphrase: &SecretValue,
    ) -> Result<Self, Refusal> {
        let header = Header {
            version: VERSION,
            kdf: Kdf::fresh()?,
            kind: facts.kind,
            auto_unlock: facts.auto_unlock,
            installation: facts.installation.clone(),
            owner_public: STANDARD.encode(facts.owner_public),
            audit_public: STANDARD.encode(facts.audit_public),
            intake_public: facts.intake_public.written().clone(),
        };
        let document = Document::seal(header, keys, passphrase)?;
        Ok(Self { document, facts })
    }

    /// Reads a document: strictly, as it is written and in no other way.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let document: Document = serde_json::from_slice(bytes).map_err(|_| fault::corrupt(FILE))?;
        if document.to_bytes()? != bytes || document.check != document.sum()? {
            return Err(fault::corrupt(FILE));
        }
        let header = &document.header;
        if header.version != VERSION {
            return Err(Refusal::new(
                Code::StoreCorrupt,
                "the file `vault/key` was written by a version of Withheld that this one cannot read",
                "update Withheld, then try again",
            ));
        }
        header.kdf.within_limits()?;
        let facts = Facts {
            kind: header.kind,
            auto_unlock: header.auto_unlock,
            installation: installation(&header.installation)?,
            owner_public: public(&header.owner_public)?,
            audit_public: public(&header.audit_public)?,
            intake_public: PublicKey::read(&header.intake_public)
                .map_err(|_| fault::corrupt(FILE))?,
        };
        Ok(Self { document, facts })
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        self.document.to_bytes()
    }

    /// Opens the two boxes of the passphrase: the vault key and the owner key.
    pub(crate) fn open(&self, passphrase: &SecretValue) -> Result<(Key, Key), Refusal> {
        let stretched = self.document.header.kdf.stretch(passphrase)?;
        let vault = self.unbox(&stretched, Boxed::VaultKey)?;
        let owner = self.unbox(&stretched, Boxed::Owner)?;
        match (vault, owner) {
            (Some(vault), Some(owner)) => Ok((vault, owner)),
            _ => Err(Refusal::new(
                Code::WrongPassphrase,
                "that passphrase does not open this vault",
                "try again: withheld unlock",
            )),
        }
    }

    /// Opens a box of the vault key.
    pub(crate) fn inner(&self, vault: &Key, which: Boxed) -> Result<Key, Refusal> {
        self.unbox(vault, which)?
            .ok_or_else(|| fault::corrupt(FILE))
    }

    /// Whether this is the vault key of this file.
    pub(crate) fn is_opened_by(&self, vault: &Key) -> Result<bool, Refusal> {
        Ok(self.unbox(vault, Boxed::Audit)?.is_some())
    }

    /// The same vault under another passphrase, with a salt of its own.
    pub(crate) fn under(
        &self,
        keys: &NewKeys<'_>,
        passphrase: &SecretValue,
    ) -> Result<Self, Refusal> {
        let mut header = self.document.header.clone();
        header.kdf = Kdf::fresh()?;
        Ok(Self {
            document: Document::seal(header, keys, passphrase)?,
            facts: self.facts.clone(),
        })
    }

    fn unbox(&self, by: &Key, which: Boxed) -> Result<Option<Key>, Refusal> {
        let boxes = &self.document.boxes;
        let written = match which {
            Boxed::VaultKey => &boxes.vault_key,
            Boxed::Owner => &boxes.owner,
            Boxed::Intake => &boxes.intake,
            Boxed::Audit => &boxes.audit,
        };
        let sealed = STANDARD.decode(written).map_err(|_| fault::corrupt(FILE))?;
        let opened = envelope::open_value(by, &self.document.header.seal(which)?, &sealed)?;
        Ok(opened.ok().and_then(Key::of_value))
    }
}

impl Document {
    fn seal(header: Header, keys: &NewKeys<'_>, passphrase: &SecretValue) -> Result<Self, Refusal> {
        if passphrase.len() < MIN_PASSPHRASE {
            return Err(Refusal::new(
                Code::Usage,
                "the owner passphrase is shorter than 8 characters",
                "choose a longer one, or press Enter and have one made",
            ));
        }
        let stretched = header.kdf.stretch(passphrase)?;
        let sealed = |by: &Key, which: Boxed, key: &Key| -> Result<String, Refusal> {
            let seal = header.seal(which)?;
            key.look(|bytes| envelope::seal_bytes(by, &seal, bytes))
                .map(|sealed| STANDARD.encode(sealed))
        };
        let boxes = Boxes {
            vault_key: sealed(&stretched, Boxed::VaultKey, keys.vault)?,
            owner: sealed(&stretched, Boxed::Owner, keys.owner)?,
            intake: sealed(keys.vault, Boxed::Intake, keys.intake)?,
            audit: sealed(keys.vault, Boxed::Audit, keys.audit)?,
        };
        let mut document = Self {
            header,
            boxes,
            check: String::new(),
        };
        document.check = document.sum()?;
        Ok(document)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self)
            .map_err(|_| fault::internal("the vault's key file cannot be written"))
    }

    fn sum(&self) -> Result<String, Refusal> {
        let rest = Self {
            check: String::new(),
            ..self.clone()
        };
        Ok(STANDARD.encode(Sha256::digest(rest.to_bytes()?)))
    }
}

impl Header {
    fn seal(&self, which: Boxed) -> Result<Seal, Refusal> {
        let all = serde_json::to_vec(self)
            .map_err(|_| fault::internal("the vault's key file cannot be written"))?;
        Ok(Seal::new(which.label(), &[&all]))
    }
}

/// A fresh name for an installation. It stands first in the names of keychain items, where a person
/// may type it: digits and letters only.
pub(crate) fn new_installation() -> Result<String, Refusal> {
    let mut random = [0; INSTALLATION_CHARS / 2];
    getrandom::fill(&mut random).map_err(|_| fault::no_randomness())?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn installation(written: &str) -> Result<String, Refusal> {
    let known = written.len() == INSTALLATION_CHARS
        && written
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    known
        .then(|| written.to_owned())
        .ok_or_else(|| fault::corrupt(FILE))
}

fn public(written: &str) -> Result<[u8; 32], Refusal> {
    STANDARD
        .decode(written)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| fault::corrupt(FILE))
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
