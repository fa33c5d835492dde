//! Searches captured bytes for canaries, whatever they were wrapped in.
//!
//! It takes encodings off (up to [`DEPTH`], one inside the other) and searches what appears, instead of
//! searching for a table of encoded needles: it shares neither code nor idea with the wash it judges.

mod decode;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use crate::canary::Canary;
use decode::DECODERS;

/// How many encodings are taken off, one inside the other.
const DEPTH: usize = 4;
/// So many bytes in a row lead to a closer look.
const GRAM: usize = 8;
/// So many characters in a row of a value are a leak.
const RUN: usize = 15;

/// A canary that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Where the bytes came from.
    pub place: String,
    /// The encodings that were taken off, outermost first.
    pub through: Vec<&'static str>,
    /// How many bytes in a row.
    pub run: usize,
    /// Which of the canaries, in the order they were given.
    pub canary: usize,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes of canary {} in {}, through [{}]",
            self.run,
            self.canary,
            self.place,
            self.through.join(", ")
        )
    }
}

/// Knows what must not be seen.
pub struct LeakOracle {
    /// The canaries, their ASCII letters in lower case: a folded echo is an echo.
    folded: Vec<Vec<u8>>,
    public: Vec<usize>,
    /// First bytes of a look, and the places in the canaries where they stand.
    grams: HashMap<[u8; GRAM], Vec<(usize, usize)>>,
    /// A quick no for almost every place.
    bitmap: Vec<u64>,
}

impl LeakOracle {
    /// An oracle for these canaries.
    ///
    /// # Panics
    /// When one is too short to be told from chance.
    pub fn new(canaries: &[&Canary]) -> Self {
        let mut oracle = Self {
            folded: Vec::new(),
            public: Vec::new(),
            grams: HashMap::new(),
            bitmap: vec![0; 1024],
        };
        for canary in canaries {
            oracle.add(canary);
        }
        oracle
    }

    /// One more canary.
    ///
    /// # Panics
    /// When it is too short to be told from chance.
    pub fn add(&mut self, canary: &Canary) {
        let folded = canary.bytes().to_ascii_lowercase();
        assert!(folded.len() >= canary.public() + GRAM, "a canary is longer");
        let index = self.folded.len();
        for (offset, gram) in folded.windows(GRAM).enumerate() {
            let gram: [u8; GRAM] = gram.try_into().expect("a window of this length");
            self.grams.entry(gram).or_default().push((index, offset));
            let bit = bit_of(gram);
            self.bitmap[bit / 64] |= 1 << (bit % 64);
        }
        self.folded.push(folded);
        self.public.push(canary.public());
    }

    /// Every canary in these bytes: one entry for each canary and stack of encodings.
    pub fn search(&self, place: &str, bytes: &[u8]) -> Vec<Leak> {
        let mut leaks = Vec::new();
        let mut seen = HashSet::new();
        self.look(place, bytes, &mut Vec::new(), RUN, &mut seen, &mut leaks);
        leaks
    }

    /// Searches one reading, then every reading of it that another decoder gives.
    fn look(
        &self,
        place: &str,
        bytes: &[u8],
        through: &mut Vec<&'static str>,
        enough: usize,
        seen: &mut HashSet<u64>,
        leaks: &mut Vec<Leak>,
    ) {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((bytes, enough));
        if !seen.insert(hash) {
            return;
        }
        for (canary, run) in self.runs(bytes, enough) {
            leaks.push(Leak {
                place: place.to_owned(),
                through: through.clone(),
                run,
                canary,
            });
        }
        if through.len() == DEPTH {
            return;
        }
        for decoder in DECODERS {
            (decoder.read)(bytes, &mut |reading| {
                through.push(decoder.name);
                let enough = enough.min(decoder.enough);
                self.look(place, &reading, through, enough, seen, leaks);
                through.pop();
            });
        }
    }

    /// The longest run of each canary that stands in the bytes as they are.
    fn runs(&self, bytes: &[u8], enough: usize) -> Vec<(usize, usize)> {
        let folded = bytes.to_ascii_lowercase();
        let mut longest = vec![0; self.folded.len()];
        for (at, gram) in folded.windows(GRAM).enumerate() {
            let gram: [u8; GRAM] = gram.try_into().expect("a window of this length");
            let bit = bit_of(gram);
            if self.bitmap[bit / 64] >> (bit % 64) & 1 == 0 {
                continue;
            }
            for (canary, offset) in self.grams.get(&gram).into_iter().flatten() {
                let value = &self.folded[*canary][*offset..];
                let run = value
                    .iter()
                    .zip(&folded[at..])
                    .take_while(|(left, right)| left == right)
                    .count();
                // What may be seen does not count, but for a short value's sake all of it does.
                let secret = run.saturating_sub(self.public[*canary].saturating_sub(*offset));
                let whole = run == value.len() && *offset <= self.public[*canary];
                if secret >= GRAM && (run >= enough || whole) {
                    longest[*canary] = longest[*canary].max(run);
                }
            }
        }
        longest
            .into_iter()
            .enumerate()
            .filter(|(_, run)| *run > 0)
            .collect()
    }
}

fn bit_of(gram: [u8; GRAM]) -> usize {
    let mixed = u64::from_le_bytes(gram).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> 48).expect("16 bits")
}
