#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::intake::{IntakeKey, Purpose};
use crate::test_values::{Folder, bytes};

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

#[test]
fn files_are_taken_whole_and_lose_one_newline() {
    let folder = Folder::new();
    let key = IntakeKey::generate().unwrap();
    let file = folder.path().join("value");
    for (written, raw, kept, trimmed) in [
        (&b"whCANARYfile"[..], false, &b"whCANARYfile"[..], false),
        (b"whCANARYfile\n", false, b"whCANARYfile", true),
        (b"whCANARYfile\r\n", false, b"whCANARYfile", true),
        (b"whCANARYfile\n\n", false, b"whCANARYfile\n", true),
        (b"whCANARYfile\n", true, b"whCANARYfile\n", false),
        (b"\x00\xFF\x80 bytes", false, b"\x00\xFF\x80 bytes", false),
    ] {
        std::fs::write(&file, written).unwrap();
        let how = How { raw, shapes: &[] };
        let taken = from_file(&file, key.public(), how).unwrap();
        assert_eq!(taken.trimmed_newline, trimmed);
        let value = key.open(&taken.deposit, Purpose::Value).unwrap();
        assert_eq!(bytes(&value), kept);
    }
}

#[test]
fn a_value_has_from_8_bytes_to_64_kib() {
    let folder = Folder::new();
    let key = IntakeKey::generate().unwrap();
    let file = folder.path().join("value");
    for (len, expected) in [
        (0, Some(Code::Usage)),
        (7, Some(Code::Usage)),
        (8, None),
        (65_536, None),
        (65_537, Some(Code::TooLarge)),
        (65_538, Some(Code::TooLarge)),
        (200_000, Some(Code::TooLarge)),
    ] {
        std::fs::write(&file, vec![b'v'; len]).unwrap();
        let taken = from_file(&file, key.public(), How::default());
        assert_eq!(code(taken), expected, "{len}");
    }
    // The newline that is not part of the value does not count.
    std::fs::write(&file, [vec![b'v'; 65_536], b"\r\n".to_vec()].concat()).unwrap();
    assert!(from_file(&file, key.public(), How::default()).is_ok());
    let missing = folder.path().join("missing");
    assert_eq!(
        code(from_file(&missing, key.public(), How::default())),
        Some(Code::Usage)
    );
    assert_eq!(
        code(from_file(folder.path(), key.public(), How::default())),
        Some(Code::Usage)
    );
}

#[test]
fn a_variable_is_taken_by_its_name() {
    let key = IntakeKey::generate().unwrap();
    let taken = from_variable(
        OsStr::new("CARGO_MANIFEST_DIR"),
        key.public(),
        How::default(),
    );
    let value = key.open(&taken.unwrap().deposit, Purpose::Value).unwrap();
    assert_eq!(bytes(&value), env!("CARGO_MANIFEST_DIR").as_bytes());
    let missing = OsStr::new("WITHHELD_TEST_NO_SUCH_VARIABLE");
    assert_eq!(
        code(from_variable(missing, key.public(), How::default())),
        Some(Code::Usage)
    );
}

#[test]
fn a_passphrase_file_is_sealed_as_a_passphrase() {
    let folder = Folder::new();
    let key = IntakeKey::generate().unwrap();
    let file = folder.path().join("passphrase");
    std::fs::write(&file, "four words and more\n").unwrap();
    let taken = passphrase_file(&file).unwrap();
    let sealed = taken.seal(key.public(), b"call").unwrap();
    let value = key.open(&sealed, Purpose::Passphrase(b"call")).unwrap();
    assert_eq!(bytes(&value), b"four words and more");
    assert!(key.open(&sealed, Purpose::Value).is_err());
    std::fs::write(&file, "\n").unwrap();
    assert_eq!(code(passphrase_file(&file)), Some(Code::OwnerNeeded));
    let missing = folder.path().join("missing");
    assert_eq!(code(passphrase_file(&missing)), Some(Code::OwnerNeeded));
}
