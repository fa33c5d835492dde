#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::test_values::{bytes, value};

const CANARY: &[u8] = b"whCANARYletterbox";

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

#[test]
fn a_deposit_comes_out_as_it_went_in() {
    let key = IntakeKey::generate().unwrap();
    for len in [1, 8, 64, 65_536] {
        let plain: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let deposit = key.public().seal(&value(&plain), Purpose::Value).unwrap();
        assert_eq!(bytes(&key.open(&deposit, Purpose::Value).unwrap()), plain);
    }
}

#[test]
fn the_public_half_travels_as_text() {
    let key = IntakeKey::generate().unwrap();
    let json = serde_json::to_string(key.public()).unwrap();
    let read: PublicKey = serde_json::from_str(&json).unwrap();
    assert_eq!(&read, key.public());
    let deposit = read.seal(&value(CANARY), Purpose::Value).unwrap();
    assert_eq!(bytes(&key.open(&deposit, Purpose::Value).unwrap()), CANARY);
    for bad in ["\"\"", "\"AAAA\"", "\"no base64!\"", "7"] {
        assert!(serde_json::from_str::<PublicKey>(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_seed_is_the_key() {
    let key = IntakeKey::generate().unwrap();
    let seed = Key::fill(|room| {
        key.seed().look(|seed| room.copy_from_slice(seed));
        Ok(())
    });
    let again = IntakeKey::of_seed(seed.unwrap()).unwrap();
    assert_eq!(again.public(), key.public());
}

#[test]
fn a_deposit_is_for_one_key_and_one_purpose() {
    let key = IntakeKey::generate().unwrap();
    let other = IntakeKey::generate().unwrap();
    let deposit = key.public().seal(&value(CANARY), Purpose::Value).unwrap();
    assert_eq!(
        code(key.open(&deposit, Purpose::Passphrase(b""))),
        Some(Code::Conflict)
    );
    assert_eq!(
        code(other.open(&deposit, Purpose::Value)),
        Some(Code::Conflict)
    );
}

#[test]
fn a_passphrase_is_for_one_call() {
    let key = IntakeKey::generate().unwrap();
    let sealed = key
        .public()
        .seal(&value(CANARY), Purpose::Passphrase(b"call 1"))
        .unwrap();
    let open = |context: &[u8]| key.open(&sealed, Purpose::Passphrase(context));
    assert_eq!(bytes(&open(b"call 1").unwrap()), CANARY);
    for other in [&b"call 2"[..], b"call", b""] {
        assert_eq!(code(open(other)), Some(Code::Conflict));
    }
}

#[test]
fn a_changed_deposit_is_refused_and_never_another_value() {
    let key = IntakeKey::generate().unwrap();
    let deposit = key.public().seal(&value(CANARY), Purpose::Value).unwrap();
    let sealed = STANDARD.decode(deposit.as_str()).unwrap();
    assert!(!sealed.windows(8).any(|window| CANARY.starts_with(window)));
    // Every bit of ciphertext and tag, and some of the encapsulated key, which costs more to try.
    let tail = (ENCAPPED_BYTES * 8)..(sealed.len() * 8);
    let head = (0..ENCAPPED_BYTES * 8).step_by(997);
    for bit in head.chain(tail) {
        let mut other = sealed.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let other = Deposit::parse(&STANDARD.encode(other)).unwrap();
        assert_eq!(
            code(key.open(&other, Purpose::Value)),
            Some(Code::Conflict),
            "bit {bit}"
        );
    }
    for len in [0, 1, 1119, 1120, 1135, 1136, sealed.len() - 1] {
        let Ok(cut) = Deposit::parse(&STANDARD.encode(&sealed[..len])) else {
            continue;
        };
        assert_eq!(code(key.open(&cut, Purpose::Value)), Some(Code::Conflict));
    }
}
