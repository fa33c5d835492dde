//! E01 to E16: every spelling is taken out whole, wherever it stands and however it is cut.

use super::*;

/// A spelling of a canary by a real encoder.
pub(super) struct Vector {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    pub(super) text: Vec<u8>,
    /// Bytes at the ends that are not of the value alone.
    front: usize,
    back: usize,
}

impl Vector {
    /// What is of the value alone.
    pub(super) fn alone(&self) -> Vec<u8> {
        self.text[self.front..self.text.len() - self.back].to_vec()
    }

    /// The vector in a text, and that text without it.
    pub(super) fn between(&self, before: &[u8], after: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let inner = self.front..self.text.len() - self.back;
        let text = [before, &self.text, after].concat();
        let clean = [
            before,
            &self.text[..inner.start],
            PLACE.as_bytes(),
            &self.text[inner.end..],
            after,
        ];
        (text, clean.concat())
    }
}

pub(super) fn vectors() -> Vec<Vector> {
    let sources = std::fs::read_to_string(folder().join("sources.tsv")).unwrap();
    let rows = sources
        .lines()
        .skip(1)
        .map(|row| row.split('\t').collect::<Vec<_>>());
    let vectors: Vec<Vector> = rows
        .filter(|row| row[1] != "body")
        .map(|row| Vector {
            name: row[0].to_owned(),
            value: std::fs::read(folder().join(format!("{}.value", row[1]))).unwrap(),
            text: std::fs::read(folder().join(row[0])).unwrap(),
            front: row[2].parse().unwrap(),
            back: row[3].parse().unwrap(),
        })
        .collect();
    assert!(vectors.len() > 150, "the vectors are there");
    vectors
}

#[test]
fn every_spelling_is_taken_out_whole() {
    let mut missed = Vec::new();
    for vector in vectors() {
        let needles = one(&vector.value);
        for (before, after) in [
            (&b""[..], &b""[..]),
            (b"{\"you sent\": [", b"]}"),
            (b"key=", b"&x=1"),
        ] {
            let (text, clean) = vector.between(before, after);
            let got = wash(&needles, [&text[..]]);
            if got != whole(&clean) {
                missed.push(format!(
                    "{}: {:?} {}/{}",
                    vector.name,
                    String::from_utf8_lossy(&got.text),
                    got.redactions,
                    got.partial
                ));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn no_cut_of_a_spelling_lets_it_through() {
    for vector in vectors() {
        let needles = one(&vector.value);
        let (text, clean) = vector.between(b"{\"you sent\": [", b"]}");
        for cut in 1..text.len() {
            let (first, second) = text.split_at(cut);
            assert_eq!(
                wash(&needles, [first, second]),
                whole(&clean),
                "{} cut at {cut}",
                vector.name
            );
        }
        assert_eq!(
            wash(&needles, text.chunks(1)),
            whole(&clean),
            "{} byte by byte",
            vector.name
        );
    }
}

#[test]
fn a_spelling_is_found_at_every_distance_from_the_start() {
    for vector in vectors() {
        let needles = one(&vector.value);
        for distance in (0..24).chain(1000..1008) {
            let (text, clean) = vector.between(
                &b". ".repeat(distance)[..distance],
                b" and more text behind it",
            );
            assert_eq!(
                wash(&needles, [&text[..]]),
                whole(&clean),
                "{} after {distance}",
                vector.name
            );
        }
    }
}
