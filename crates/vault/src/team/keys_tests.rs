#![allow(clippy::unwrap_used, reason = "tests")]

use ed25519_dalek::VerifyingKey;

use super::*;
use crate::team::test_team::Person;

#[test]
fn a_device_signs_under_labels_and_requests_as_they_are() {
    let person = Person::new(1);
    let signature = person.seed.sign(Label::SIG_COMMIT, b"body").unwrap();
    let ops = person.public.ops;
    ops.verify(Label::SIG_COMMIT, b"body", &signature).unwrap();
    assert!(ops.verify(Label::SIG_RECORD, b"body", &signature).is_err());

    let base = b"\"@method\": GET";
    let signature = person.seed.sign_request(base).unwrap();
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    let key = VerifyingKey::from_bytes(ops.as_bytes()).unwrap();
    key.verify_strict(base, &signature).unwrap();
}

#[test]
fn the_owner_key_is_the_devices_admin_key() {
    let person = Person::new(1);
    let signature = person.owner.sign_as_admin(Label::SIG_WLINK, b"body");
    (person.public.admin)
        .verify(Label::SIG_WLINK, b"body", &signature)
        .unwrap();
    assert!(
        (person.public.ops)
            .verify(Label::SIG_WLINK, b"body", &signature)
            .is_err()
    );
}

#[test]
fn a_local_file_is_this_devices_or_not() {
    let seed = Person::new(1).seed;
    let mac = seed.state_mac(b"heads").unwrap();
    assert!(seed.wrote_state(b"heads", &mac).unwrap());
    assert!(!seed.wrote_state(b"headz", &mac).unwrap());
    assert!(!seed.wrote_state(b"heads", &mac[..31]).unwrap());
    assert!(!Person::new(2).seed.wrote_state(b"heads", &mac).unwrap());
}
