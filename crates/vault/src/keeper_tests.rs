#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use super::*;
use crate::intake::IntakeKey;
use crate::owner;
use crate::test_values::value;

const PASSPHRASE: &[u8] = b"correct horse battery";

struct Keys {
    vault: Key,
    owner: Key,
    intake: IntakeKey,
    audit: Key,
}

impl Keys {
    fn random() -> Self {
        Self {
            vault: Key::random().unwrap(),
            owner: Key::random().unwrap(),
            intake: IntakeKey::generate().unwrap(),
            audit: Key::random().unwrap(),
        }
    }

    fn lent(&self) -> NewKeys<'_> {
        NewKeys {
            vault: &self.vault,
            owner: &self.owner,
            intake: self.intake.seed(),
            audit: &self.audit,
        }
    }

    fn file(&self) -> KeyFile {
        let facts = Facts {
            kind: VaultKind::File,
            auto_unlock: false,
            installation: new_installation().unwrap(),
            owner_public: owner::public(&self.owner),
            audit_public: owner::public(&self.audit),
            intake_public: self.intake.public().clone(),
        };
        KeyFile::new(facts, &self.lent(), &value(PASSPHRASE)).unwrap()
    }
}

fn same(one: &Key, other: &Key) -> bool {
    one.look(|one| other.look(|other| one == other))
}

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

/// The document with one field changed, and its sum made right again, as a forger would.
fn forged(file: &KeyFile, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(&file.to_bytes().unwrap()).unwrap();
    change(&mut json);
    let mut document: Document = serde_json::from_value(json).unwrap();
    document.check = document.sum().unwrap();
    document.to_bytes().unwrap()
}

#[test]
fn the_passphrase_opens_it_and_another_does_not() {
    let keys = Keys::random();
    let file = KeyFile::read(&keys.file().to_bytes().unwrap()).unwrap();
    let (vault, owner) = file.open(&value(PASSPHRASE)).unwrap();
    assert!(same(&vault, &keys.vault) && same(&owner, &keys.owner));
    assert!(same(
        &file.inner(&vault, Boxed::Audit).unwrap(),
        &keys.audit
    ));
    assert!(same(
        &file.inner(&vault, Boxed::Intake).unwrap(),
        keys.intake.seed()
    ));
    assert!(file.is_opened_by(&vault).unwrap());
    assert!(!file.is_opened_by(&owner).unwrap());
    assert_eq!(
        code(file.open(&value(b"correct horse batterz"))),
        Some(Code::WrongPassphrase)
    );
}

#[test]
fn k02_every_flipped_bit_and_every_cut_is_a_damaged_file() {
    let bytes = Keys::random().file().to_bytes().unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            code(KeyFile::read(&other)),
            Some(Code::StoreCorrupt),
            "bit {bit}"
        );
    }
    for len in 0..bytes.len() {
        assert_eq!(code(KeyFile::read(&bytes[..len])), Some(Code::StoreCorrupt));
    }
    let spaced = [&bytes[..], b"\n"].concat();
    assert_eq!(code(KeyFile::read(&spaced)), Some(Code::StoreCorrupt));
}

#[test]
fn a_weaker_key_derivation_is_refused_before_it_is_tried() {
    let file = Keys::random().file();
    let kdf = |field: &'static str, to: Value| {
        forged(&file, move |json| json["header"]["kdf"][field] = to)
    };
    for weak in [
        kdf("m_kib", 65_535.into()),
        kdf("m_kib", 8.into()),
        kdf("m_kib", 4_000_000.into()),
        kdf("t", 2.into()),
        kdf("t", 1_000_000.into()),
        kdf("p", 4.into()),
        kdf("alg", "argon2i".into()),
        kdf("alg", "none".into()),
    ] {
        assert_eq!(code(KeyFile::read(&weak)), Some(Code::StoreCorrupt));
    }
}

#[test]
fn a_forged_header_opens_nothing() {
    let keys = Keys::random();
    let file = keys.file();
    let stranger = Keys::random();
    let public = STANDARD.encode(owner::public(&stranger.owner));
    let forged = forged(&file, move |json| {
        json["header"]["owner_public"] = public.into()
    });
    let read = KeyFile::read(&forged).unwrap();
    assert_eq!(
        code(read.open(&value(PASSPHRASE))),
        Some(Code::WrongPassphrase)
    );
    assert!(!read.is_opened_by(&keys.vault).unwrap());
}

#[test]
fn another_passphrase_has_a_salt_of_its_own_and_ends_the_old_one() {
    let keys = Keys::random();
    let before = keys.file();
    let after = before
        .under(&keys.lent(), &value(b"another one of mine"))
        .unwrap();
    let salt = |file: &KeyFile| file.document.header.kdf.salt.clone();
    assert_ne!(salt(&before), salt(&after));
    assert_eq!(
        code(after.open(&value(PASSPHRASE))),
        Some(Code::WrongPassphrase)
    );
    let (vault, _) = after.open(&value(b"another one of mine")).unwrap();
    assert!(same(&vault, &keys.vault));
}

#[test]
fn a_short_passphrase_makes_no_vault() {
    let keys = Keys::random();
    let facts = keys.file().facts;
    let made = KeyFile::new(facts, &keys.lent(), &value(b"7 bytes"));
    assert_eq!(code(made), Some(Code::Usage));
}
