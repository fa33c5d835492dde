//! A set of short byte groups (grams) with the places where they stand in the needles.
//!
//! A lookup is one load, one multiplication and one bit; only what passes the bit meets the exact
//! table. Letter case is left out of the key, and a space is known as a plus too, so one index serves
//! every mix of them.

use zeroize::Zeroize;

/// Sets the bit that separates the cases of an ASCII letter, in every byte.
const CASELESS: u64 = 0x2020_2020_2020_2020;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const FEWEST_BITS: u32 = 12;
const MOST_BITS: u32 = 21;
/// Bits of the map for each gram, so that a random gram passes in 1 of 64.
const BITS_A_GRAM: usize = 64;
/// Places kept of one gram in one needle: a value of one repeated character must not make every
/// hit cost its whole length.
const MOST_PLACES: usize = 8;

/// Where a gram stands: the number of the form, and the offset in it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    key: u64,
    pub(super) form: u32,
    pub(super) offset: u32,
}

/// Grams of `N` bytes, at most 8.
pub(super) struct Index<const N: usize> {
    shift: u32,
    map: Vec<u64>,
    /// Sorted by key.
    places: Vec<Place>,
    /// Open addressing: number of the first place of a key plus one, or 0.
    slots: Vec<u32>,
}

/// Collects grams for an [`Index`].
pub(super) struct Grams<const N: usize> {
    places: Vec<Place>,
}

impl<const N: usize> Grams<N> {
    pub(super) fn new() -> Self {
        Self { places: Vec::new() }
    }

    /// Adds the gram at `offset` of a form, if it has one there.
    pub(super) fn add(&mut self, form: usize, bytes: &[u8], offset: usize) {
        let gram = bytes.get(offset..).and_then(<[u8]>::first_chunk);
        let (Some(gram), Ok(form), Ok(offset)) = (gram, u32::try_from(form), u32::try_from(offset))
        else {
            return;
        };
        self.spell(*gram, 0, form, offset);
    }

    /// Adds a gram in every spelling of its spaces from the byte `from` on.
    fn spell(&mut self, mut gram: [u8; N], from: usize, form: u32, offset: u32) {
        if let Some(next) = gram[from..].iter().position(|byte| *byte == b' ') {
            let space = from + next;
            self.spell(gram, space + 1, form, offset);
            gram[space] = b'+';
            self.spell(gram, space + 1, form, offset);
        } else {
            let key = key(&gram);
            self.places.push(Place { key, form, offset });
        }
    }

    /// The index of what was added.
    pub(super) fn build(mut self) -> Index<N> {
        self.places
            .sort_unstable_by_key(|place| (place.key, place.form, place.offset));
        let places = few_each(&self.places);
        self.places.zeroize();
        let bits = (places.len() * BITS_A_GRAM)
            .next_power_of_two()
            .trailing_zeros()
            .clamp(FEWEST_BITS, MOST_BITS);
        let mut index = Index {
            shift: 64 - bits,
            map: vec![0; 1 << (bits - 6)],
            slots: vec![0; (places.len() * 2).next_power_of_two().max(2)],
            places,
        };
        index.fill();
        index
    }
}

/// At most [`MOST_PLACES`] places of a gram in one form.
fn few_each(sorted: &[Place]) -> Vec<Place> {
    let mut kept: Vec<Place> = Vec::with_capacity(sorted.len());
    let mut run = 0;
    for place in sorted {
        let same = kept
            .last()
            .is_some_and(|last| last.key == place.key && last.form == place.form);
        run = if same { run + 1 } else { 0 };
        if run < MOST_PLACES {
            kept.push(*place);
        }
    }
    kept
}

#[inline]
fn key<const N: usize>(gram: &[u8; N]) -> u64 {
    let mut padded = [0_u8; 8];
    padded[..N].copy_from_slice(gram);
    u64::from_le_bytes(padded) | CASELESS >> (8 * (8 - N))
}

#[inline]
fn hash(key: u64) -> u64 {
    key.wrapping_mul(MULTIPLIER)
}

impl<const N: usize> Index<N> {
    fn fill(&mut self) {
        let mut before = None;
        for (number, place) in self.places.iter().enumerate() {
            if before == Some(place.key) {
                continue;
            }
            before = Some(place.key);
            let hash = hash(place.key);
            let bit = (hash >> self.shift) as usize;
            self.map[bit >> 6] |= 1 << (bit & 63);
            let mut slot = hash as usize >> 7 & (self.slots.len() - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = u32::try_from(number + 1).unwrap_or(0);
        }
    }

    /// Whether there is nothing to find.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The places of a gram.
    #[inline]
    pub(super) fn find(&self, gram: &[u8; N]) -> &[Place] {
        if self.may_hold(gram) {
            self.exact(gram)
        } else {
            &[]
        }
    }

    /// Whether there may be places of a gram.
    #[inline]
    pub(super) fn may_hold(&self, gram: &[u8; N]) -> bool {
        let bit = (hash(key(gram)) >> self.shift) as usize;
        self.map[bit >> 6] >> (bit & 63) & 1 != 0
    }

    #[cold]
    fn exact(&self, gram: &[u8; N]) -> &[Place] {
        let key = key(gram);
        let hash = hash(key);
        let mut slot = hash as usize >> 7 & (self.slots.len() - 1);
        while self.slots[slot] != 0 {
            let from = self.slots[slot] as usize - 1;
            if self.places[from].key == key {
                let same = self.places[from..].partition_point(|place| place.key == key);
                return &self.places[from..from + same];
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        &[]
    }
}

impl zeroize::Zeroize for Place {
    fn zeroize(&mut self) {
        self.key.zeroize();
        self.form.zeroize();
        self.offset.zeroize();
    }
}

impl<const N: usize> Drop for Index<N> {
    fn drop(&mut self) {
        self.places.zeroize();
        self.map.zeroize();
    }
}
