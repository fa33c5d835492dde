//! What a member who has the keys could seal, by the same second implementation: `attacks.json`, made by
//! the script beside it. The numbers are the design's.

use withheld_core::Refusal;

use super::*;
use crate::team::epoch::EpochKey;
use crate::team::{Broken, Unopened};

fn attacks() -> Value {
    let json = include_str!("../../../testdata/team/attacks.json");
    serde_json::from_str(json).unwrap()
}

fn cases(of: &str) -> Vec<Value> {
    attacks()[of].as_array().unwrap().clone()
}

fn id(chain: &Chain, n: u64) -> EpochId {
    EpochId {
        ws: chain.ws(),
        env: ENV,
        n,
    }
}

/// Whether it is refused with the rule that the case names.
#[track_caller]
fn is_refused<T>(result: Result<T, Refusal>, case: &Value) {
    let message = result.err().unwrap().message;
    let rule = case["refused"].as_str().unwrap();
    assert!(message.as_str().ends_with(rule), "{message}: {case}");
}

#[test]
fn z09_unit_an_envelope_that_opens_to_another_key_stands_in_nobodys_way() {
    let (vectors, chain) = (Vectors::read(), Vectors::read().chain());
    let good = vectors.bytes("envelope");
    let open =
        |shown: &[&[u8]]| envelope::find(shown.iter().copied(), id(&chain, 2), &device(), &chain);
    for case in cases("envelopes") {
        let withheld = case["envelope"].is_null();
        let bad: Vec<_> = (!withheld)
            .then(|| hex(&case["envelope"]))
            .into_iter()
            .collect();
        let mut shown: Vec<&[u8]> = bad.iter().map(Vec::as_slice).collect();
        is_refused(open(&shown), &case);
        shown.push(&good);
        assert!(open(&shown).is_ok(), "{case}");
    }
}

#[test]
fn z02_unit_keys_that_the_author_did_not_commit_to_open_nothing() {
    let (vectors, chain) = (Vectors::read(), Vectors::read().chain());
    let epoch = EpochKey::of(id(&chain, 2), key([2; 32])).unwrap();
    let (meta, value) = (vectors.bytes("meta"), vectors.bytes("value"));
    for case in cases("records") {
        let record = Record::read(&hex(&case["record"])).unwrap();
        let slot = Slot::read(&hex(&case["slot"])).unwrap();
        let of = |result: Result<(), Unopened>| match result {
            Ok(()) => Value::Null,
            Err(Unopened::Broken(Broken::Slot)) => "slot".into(),
            Err(Unopened::Broken(Broken::Commitment)) => "commitment".into(),
            Err(Unopened::Broken(Broken::Part)) => "part".into(),
            Err(other) => panic!("{other:?}: {case}"),
        };
        let opened = [
            of(sealed::open_meta(&record, &slot, &meta, &epoch).map(drop)),
            of(sealed::open_value(&record, &slot, &value, &epoch).map(drop)),
        ];
        assert_eq!(case["refused"], Value::from(opened.to_vec()), "{case}");
    }
}

#[test]
fn z09_unit_a_wrong_key_of_the_epoch_before_is_not_believed() {
    for case in cases("epochs") {
        let mut chain = Vectors::read().chain();
        chain.apply(&hex(&case["link"])).unwrap();
        let shown = hex(&case["envelope"]);
        let third = envelope::find([&shown[..]], id(&chain, 3), &device(), &chain).unwrap();
        let second = third.unwrap_prev(&chain);
        if case["refused"].is_null() {
            let second = second.unwrap().unwrap();
            second.root().look(|root| assert_eq!(root, &[2; 32]));
        } else {
            is_refused(second, &case);
        }
    }
}
