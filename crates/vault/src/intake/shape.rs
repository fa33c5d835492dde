//! What may be said of a value without showing it: which known shapes it has, and whether it is
//! weak.

use serde::Deserialize;
use withheld_core::Refusal;
use withheld_core::entropy::bits_per_byte;
use withheld_secret::{Expose as _, SecretValue};

/// Fewer bits than this, estimated from the bytes' histogram, is called weak.
const WEAK_BITS: f64 = 64.0;

/// How keys of one kind look: a public prefix, then `min` to `max` characters of an alphabet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyShape {
    /// What every key of the kind begins with; may be empty.
    pub prefix: String,
    /// What follows, as in a bracket expression without its brackets: `0-9A-Za-z_-`. Empty: any
    /// visible character.
    #[serde(default)]
    pub alphabet: String,
    /// The fewest characters after the prefix.
    pub min: usize,
    /// The most characters after the prefix.
    pub max: usize,
}

/// What a person may be told of what they typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Indices of the shapes that fit, in the order in which they were handed in.
    pub matches: Vec<usize>,
    /// Fewer than about 64 bits by its histogram.
    pub weak: bool,
}

impl KeyShape {
    fn fits(&self, value: &[u8]) -> bool {
        value
            .strip_prefix(self.prefix.as_bytes())
            .is_some_and(|rest| {
                (self.min..=self.max).contains(&rest.len())
                    && rest.iter().all(|byte| self.has(*byte))
            })
    }

    fn has(&self, byte: u8) -> bool {
        let mut class = self.alphabet.as_bytes();
        if class.is_empty() {
            return byte.is_ascii_graphic();
        }
        while let Some((&first, rest)) = class.split_first() {
            // A dash at the end stands for itself.
            if let [b'-', last, tail @ ..] = rest {
                if (first..=*last).contains(&byte) {
                    return true;
                }
                class = tail;
            } else {
                if first == byte {
                    return true;
                }
                class = rest;
            }
        }
        false
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "only the indices of known shapes and one bit leave, for the person who typed it"
)]
pub(super) fn of(value: &SecretValue, shapes: &[KeyShape]) -> Shape {
    value.expose(|bytes| Shape {
        matches: (0..shapes.len())
            .filter(|index| shapes[*index].fits(bytes))
            .collect(),
        weak: bits_per_byte(bytes) * (bytes.len() as f64) < WEAK_BITS,
    })
}

/// Removes one final newline in place; whether there was one.
#[expect(
    clippy::disallowed_methods,
    reason = "looks at the last two bytes; the shorter value is made in locked memory again"
)]
pub(super) fn without_newline(value: SecretValue) -> Result<(SecretValue, bool), Refusal> {
    let cut = value.expose(|bytes| match bytes {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    });
    if cut == 0 {
        return Ok((value, false));
    }
    let kept = value.len() - cut;
    SecretValue::with_len(kept, |room| {
        value.expose(|bytes| room.copy_from_slice(&bytes[..kept]));
        Ok(kept)
    })
    .map(|shorter| (shorter, true))
    .map_err(crate::fault::unfilled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn shape(prefix: &str, alphabet: &str, min: usize, max: usize) -> KeyShape {
        KeyShape {
            prefix: prefix.into(),
            alphabet: alphabet.into(),
            min,
            max,
        }
    }

    fn value(bytes: &[u8]) -> SecretValue {
        SecretValue::with_len::<()>(bytes.len(), |room| {
            room.copy_from_slice(bytes);
            Ok(bytes.len())
        })
        .ok()
        .unwrap()
    }

    #[test]
    fn shapes_fit_by_prefix_alphabet_and_length() {
        let shapes = [
            shape("ghp_", "0-9A-Za-z", 36, 36),
            shape("glpat-", "0-9A-Za-z_-", 20, 300),
            shape("", "0-9a-f", 40, 40),
            shape("AQ.", "", 8, 99),
        ];
        let fits = |written: &str| of(&value(written.as_bytes()), &shapes).matches;
        assert_eq!(fits(&format!("ghp_{}", "a1Z".repeat(12))), [0]);
        assert_eq!(fits(&format!("ghp_{}", "a1Z".repeat(13))), [0_usize; 0]);
        assert_eq!(fits(&format!("ghp_{}-", "a".repeat(35))), [0_usize; 0]);
        assert_eq!(fits("glpat-abc_def-ghi_jkl-mno1"), [1]);
        assert_eq!(fits(&"0a".repeat(20)), [2]);
        assert_eq!(fits("AQ.x/y=z!!1"), [3]);
        assert_eq!(fits("AQ.x y=z!!1"), [0_usize; 0]);
    }

    #[test]
    fn weak_is_what_repeats_or_is_short() {
        assert!(of(&value(b"password"), &[]).weak);
        assert!(of(&value(&[b'a'; 4000]), &[]).weak);
        assert!(!of(&value(b"7f3a9c1e5b7d2f4a6c8e0b1d3f5a7c9e"), &[]).weak);
    }

    #[test]
    fn one_newline_goes_and_only_one() {
        for (given, kept, cut) in [
            (&b"value\n"[..], 5, true),
            (b"value\r\n", 5, true),
            (b"value\n\n", 6, true),
            (b"value", 5, false),
            (b"\nvalue", 6, false),
        ] {
            let (value, was_cut) = without_newline(value(given)).unwrap();
            assert_eq!((value.len(), was_cut), (kept, cut));
        }
    }
}
