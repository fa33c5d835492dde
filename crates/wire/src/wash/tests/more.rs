//! Needles that are given beside those that there are.

use std::collections::BTreeMap;

use super::super::index::{Grams, Index};
use super::vectors::vectors;
use super::*;

/// Grams of a form that are kept at most.
const FEW: usize = 8;

/// Letters as from a die, the same in every run.
struct Die(u64);

impl Die {
    fn letters(&mut self, alphabet: &[u8], count: usize) -> Vec<u8> {
        let mut letter = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            alphabet[usize::try_from(self.0 >> 33).unwrap() % alphabet.len()]
        };
        (0..count).map(|_| letter()).collect()
    }
}

/// As many values as take more than one table.
fn many(die: &mut Die) -> Arc<Needles> {
    let values: Vec<Vec<u8>> = (0..120)
        .map(|_| die.letters(b"abcdefghijklmnopqrstuvwxyz0123456789", 43))
        .collect();
    let values: Vec<_> = values
        .iter()
        .map(|value| (&value[..], "<MANY>", 0))
        .collect();
    needles(&values)
}

fn with(known: &Needles, bytes: &[u8], replacement: &str) -> Arc<Needles> {
    let secret = Secret {
        replacement,
        value: &value(bytes),
        prefix: "",
    };
    Arc::new(known.with(&[secret]))
}

/// Sizes that lie beside each other, and such that are merged, and the whole of it.
#[test]
fn an_index_that_grows_finds_all_that_was_added_and_nothing_else() {
    let mut die = Die(0x5EED);
    let mut index = Index::<8>::default();
    let mut known: BTreeMap<[u8; 8], Vec<(u32, u32)>> = BTreeMap::new();
    let sizes = [70_000, 3, 900, 1, 9_000, 0, 30_000, 2, 40_000, 5];
    for (form, size) in sizes.into_iter().enumerate() {
        let text = die.letters(b"abcde", size + 7);
        let mut grams = Grams::new();
        for offset in 0..size {
            grams.add(form, &text, offset);
            let gram: [u8; 8] = text[offset..offset + 8].try_into().unwrap();
            let places = known.entry(gram).or_default();
            let form = u32::try_from(form).unwrap();
            if places.iter().filter(|place| place.0 == form).count() < FEW {
                places.push((form, u32::try_from(offset).unwrap()));
            }
        }
        index = index.with(grams);
        for (gram, places) in &known {
            let mut found = Vec::new();
            index.find(gram, |place| found.push((place.form, place.offset)));
            found.sort_unstable();
            assert_eq!(found, *places, "after {size}");
            assert!(index.holds(gram));
        }
        for _ in 0..10_000 {
            let gram: [u8; 8] = die.letters(b"abcde", 8).try_into().unwrap();
            assert_eq!(index.holds(&gram), known.contains_key(&gram));
        }
    }
}

#[test]
fn every_spelling_of_a_value_that_was_given_later_is_taken_out_whole() {
    let many = many(&mut Die(0x5EED));
    for vector in vectors() {
        let needles = with(&many, &vector.value, PLACE);
        let (text, clean) = vector.between(b"{\"you sent\": [", b"]}");
        assert_eq!(
            wash(&needles, [&text[..]]),
            whole(&clean),
            "{}",
            vector.name
        );
        assert_eq!(
            wash(&needles, text.chunks(1)),
            whole(&clean),
            "{}",
            vector.name
        );
    }
}

/// Short values, long ones and such of one character are looked for in ways of their own.
#[test]
fn what_there_was_is_found_after_each_kind_of_value_that_is_given_later() {
    let mut die = Die(0x5EED);
    let (long, short) = (die.letters(b"abcdefgh123", 5_000), b"9xY-4kQz");
    let kinds: [&[u8]; 4] = [PLAIN, short, &long, &[b'z'; 60]];
    let mut needles = many(&mut die);
    let mut given: Vec<(&[u8], String)> = Vec::new();
    for (number, kind) in kinds.into_iter().enumerate() {
        let place = format!("<{number}>");
        needles = with(&needles, kind, &place);
        given.push((kind, place));
        for (value, place) in &given {
            let text = [b"it is ", *value, b" and so on"].concat();
            let clean = format!("it is {place} and so on").into_bytes();
            assert_eq!(wash(&needles, [&text[..]]), whole(&clean), "{place}");
            assert_eq!(wash(&needles, text.chunks(1)), whole(&clean), "{place}");
        }
    }
    let before = one(PLAIN);
    let after = with(&before, short, "<LATER>");
    let text = [PLAIN, b" ", short].concat();
    assert_eq!(
        wash(&before, [&text[..]]).text,
        [PLACE.as_bytes(), b" ", short].concat()
    );
    assert_eq!(
        wash(&after, [&text[..]]).text,
        format!("{PLACE} <LATER>").into_bytes()
    );
}
