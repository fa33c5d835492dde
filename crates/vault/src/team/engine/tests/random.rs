//! Whatever a server answers: nothing panics, and what is kept is what the team wrote.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::team::post::Answer;

#[derive(Clone, Debug)]
enum Change {
    Body(Vec<u8>),
    Cut(usize),
    Status(u16),
    /// Another value at some place of the JSON.
    Value(usize, Value),
    /// A character of some text of it.
    Character(usize, usize, u8),
    /// An element of some list, taken out or doubled.
    Element(usize, bool),
}

fn change() -> impl Strategy<Value = Change> {
    let values = prop_oneof![
        Just(Value::Null),
        any::<u64>().prop_map(Value::from),
        Just(Value::from(-1)),
        Just(Value::from(1.5)),
        "[A-Za-z0-9_-]{0,80}".prop_map(Value::from),
        Just(Value::Array(Vec::new())),
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64).prop_map(Change::Body),
        any::<usize>().prop_map(Change::Cut),
        prop_oneof![
            Just(200),
            Just(204),
            Just(304),
            Just(409),
            Just(422),
            Just(500)
        ]
        .prop_map(Change::Status),
        (any::<usize>(), values).prop_map(|(at, value)| Change::Value(at, value)),
        (any::<usize>(), any::<usize>(), b'A'..=b'z')
            .prop_map(|(at, place, byte)| Change::Character(at, place, byte)),
        (any::<usize>(), any::<bool>()).prop_map(|(at, twice)| Change::Element(at, twice)),
    ]
}

fn apply(change: &Change, answer: &mut Answer) {
    let mut json: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    match change {
        Change::Body(bytes) => answer.body.clone_from(bytes),
        Change::Cut(at) => answer.body.truncate(at % (answer.body.len() + 1)),
        Change::Status(status) => answer.status = *status,
        Change::Value(at, value) => {
            if let Some(place) = nth(&mut json, *at) {
                *place = value.clone();
            }
            answer.body = serde_json::to_vec(&json).unwrap();
        }
        Change::Character(at, place, byte) => {
            if let Some(Value::String(text)) = nth(&mut json, *at)
                && !text.is_empty()
            {
                let mut bytes = std::mem::take(text).into_bytes();
                let place = place % bytes.len();
                bytes[place] = *byte;
                *text = String::from_utf8(bytes).unwrap();
            }
            answer.body = serde_json::to_vec(&json).unwrap();
        }
        Change::Element(at, twice) => {
            if let Some(Value::Array(list)) = nth(&mut json, *at)
                && let Some(last) = list.pop()
                && *twice
            {
                list.extend([last.clone(), last]);
            }
            answer.body = serde_json::to_vec(&json).unwrap();
        }
    }
}

/// A place in a JSON document, counted through and around.
fn nth(json: &mut Value, at: usize) -> Option<&mut Value> {
    fn pointers(json: &Value, here: &str, all: &mut Vec<String>) {
        all.push(here.to_owned());
        match json {
            Value::Array(list) => {
                for (at, inner) in list.iter().enumerate() {
                    pointers(inner, &format!("{here}/{at}"), all);
                }
            }
            Value::Object(map) => {
                for (key, inner) in map {
                    pointers(inner, &format!("{here}/{key}"), all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    pointers(json, "", &mut all);
    let at = at % all.len();
    json.pointer_mut(&all[at])
}

#[test]
fn z12_whatever_is_answered_only_what_the_team_wrote_is_kept() {
    let (mut anna, bob) = two();
    let prod = anna.env("billing/prod");
    for rid in 1..=3 {
        anna.put(&prod, rid, &format!("KEY_{rid}"), b"whCANARYvalue");
    }
    anna.set("bob", &[right("dev", Right::Read)], None).unwrap();
    anna.invite("carl", Role::Member, &[]);
    // A new key for Bob too.
    let line = anna.invite("dora", Role::Member, &[right("billing/prod", Right::Read)]);
    let mut dora = Person::new(&anna.post.shelf);
    dora.join(&line, hour(4)).unwrap();
    anna.remove("dora").unwrap();
    let honest = anna.team().state();
    let before = bob.team().state();
    let kept = Cell::new(0);

    let cases = (proptest::collection::vec((0_usize..6, change()), 1..3),);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    };
    let cell = RefCell::new(bob);
    proptest!(config, |((changes,) in cases)| {
        let mut bob = cell.borrow_mut();
        *super::super::lock(&bob.team().state) = Arc::clone(&before);
        let count = Cell::new(0);
        bob.post.change = Some(Box::new(move |_, answer| {
            let here = count.replace(count.get() + 1);
            for (at, change) in &changes {
                // The first answers of both tries.
                if here % 6 == *at {
                    apply(change, answer);
                }
            }
        }));
        let synced = bob.sync(hour(5));
        let after = bob.team().state();
        if synced.is_err() {
            prop_assert_eq!(&after.file.links, &before.file.links);
        } else {
            kept.set(kept.get() + 1);
        }
        let head = after.chain.head();
        prop_assert_eq!(honest.chain.hash_at(head.seq), Some(head.hash));
        for (env, here) in &after.envs {
            let head = here.chain.head();
            prop_assert_eq!(honest.envs[env].chain.hash_at(head.seq), Some(head.hash));
            for (rid, shown) in &here.records {
                let entry = here.chain.entry(rid).unwrap();
                prop_assert_eq!(shown.record.hash, entry.record);
            }
        }
    });
    let mut bob = cell.into_inner();
    assert!((1..300).contains(&kept.get()), "some of it was refused");
    *super::super::lock(&bob.team().state) = Arc::clone(&before);
    bob.post.change = None;
    bob.sync(hour(5)).unwrap();
    assert_eq!(bob.team().state().chain.head(), honest.chain.head());
    assert_eq!(bob.names(&prod).len(), 3);
    // Also what a guest is shown.
    let line = anna.invite("erik", Role::Member, &[]);
    let erik = Person::new(&anna.post.shelf);
    let cell = RefCell::new(erik);
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) },
        |(at in 0_usize..2, change in change())| {
        let count = Cell::new(0);
        let mut erik = cell.borrow_mut();
        erik.post.change = Some(Box::new(move |_, answer| {
            if count.replace(count.get() + 1) == at {
                apply(&change, answer);
            }
        }));
        let looked = Team::look(&line, &mut erik.post, hour(5));
        prop_assert!(looked.is_err() || looked.unwrap().member == person("erik"));
        prop_assert!(Team::open(&erik.vault).unwrap().is_none());
    });
}
