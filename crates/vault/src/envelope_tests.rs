#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::test_values::{bytes, value};

const CANARY: &[u8] = b"whCANARYenvelope";

fn seal_of(environment: &str, name: &str, version: u64) -> Seal {
    Seal::of_value(
        &Workspace::local(),
        &Environment::parse(environment).unwrap(),
        &SecretName::parse(name).unwrap(),
        version,
    )
}

#[test]
fn what_goes_in_comes_out_at_every_length() {
    let key = Key::random().unwrap();
    let seal = seal_of("dev", "STRIPE_KEY", 1);
    for len in [0, 1, 15, 16, 63, 64, 65, 4096, 65_536] {
        let plain: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let sealed = seal_value(&key, &seal, &value(&plain)).unwrap();
        assert_eq!(sealed.len(), len + 41);
        let opened = open_value(&key, &seal, &sealed).unwrap().ok().unwrap();
        assert_eq!(bytes(&opened), plain);
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    let key = Key::random().unwrap();
    let seal = seal_of("dev", "STRIPE_KEY", 1);
    let sealed = seal_value(&key, &seal, &value(CANARY)).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut other = sealed.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(
            open_value(&key, &seal, &other).unwrap().is_err(),
            "bit {bit}"
        );
    }
    for len in 0..sealed.len() {
        assert!(open_value(&key, &seal, &sealed[..len]).unwrap().is_err());
    }
    let longer = [&sealed[..], b"\0"].concat();
    assert!(open_value(&key, &seal, &longer).unwrap().is_err());
}

#[test]
fn an_envelope_opens_only_as_what_it_is() {
    let key = Key::random().unwrap();
    let sealed = seal_value(&key, &seal_of("shop/dev", "STRIPE_KEY", 2), &value(CANARY)).unwrap();
    for other in [
        seal_of("shop/prod", "STRIPE_KEY", 2),
        seal_of("dev", "STRIPE_KEY", 2),
        seal_of("shop/dev", "STRIPE_KEYS", 2),
        seal_of("shop/dev", "STRIPE_KEY", 1),
        seal_of("shop/dev", "STRIPE_KEY", 3),
        Seal::of_house("local", "value", 2),
    ] {
        assert!(open_value(&key, &other, &sealed).unwrap().is_err());
    }
    let other = Key::random().unwrap();
    let seal = seal_of("shop/dev", "STRIPE_KEY", 2);
    assert!(open_value(&other, &seal, &sealed).unwrap().is_err());
    assert!(open_value(&key, &seal, &sealed).unwrap().is_ok());
}

#[test]
fn parts_cannot_be_shifted_into_each_other() {
    let one = Seal::new("l", &[b"ab", b"c"]);
    assert_ne!(one.0, Seal::new("l", &[b"a", b"bc"]).0);
    assert_ne!(one.0, Seal::new("l", &[b"abc"]).0);
    assert_ne!(one.0, Seal::new("la", &[b"b", b"c"]).0);
    assert_ne!(one.0, Seal::new("l", &[b"ab", b"c", b""]).0);
}

#[test]
fn two_envelopes_of_one_value_have_nothing_in_common() {
    let key = Key::random().unwrap();
    let seal = seal_of("dev", "STRIPE_KEY", 1);
    let seen: std::collections::BTreeSet<Vec<u8>> = (0..1000)
        .map(|_| seal_value(&key, &seal, &value(CANARY)).unwrap()[1..25].to_vec())
        .collect();
    assert_eq!(seen.len(), 1000);
}

#[test]
fn the_value_is_not_in_its_envelope() {
    let key = Key::random().unwrap();
    let sealed = seal_value(&key, &seal_of("dev", "STRIPE_KEY", 1), &value(CANARY)).unwrap();
    assert!(!sealed.windows(8).any(|window| CANARY.starts_with(window)));
}
