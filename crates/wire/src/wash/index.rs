//! A set of short byte groups (grams) with the places where they stand in the needles.
//!
//! A lookup is one load, one multiplication and one bit; only what passes the bit meets the exact
//! table. Letter case is left out of the key, so one index serves every case mix.

use zeroize::Zeroize;

/// Sets the bit that separates the cases of an ASCII letter, in every byte.
const CASELESS: u64 = 0x2020_2020_2020_2020;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const FEWEST_BITS: u32 = 12;
const MOST_BITS: u32 = 20;
/// Bits of the map for each gram, so that a random gram passes in 1 of 32.
const BITS_A_GRAM: usize = 32;
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

/// Grams of one size.
pub(super) struct Index {
    size: usize,
    shift: u32,
    map: Vec<u64>,
    /// Sorted by key.
    places: Vec<Place>,
    /// Open addressing: number of the first place of a key plus one, or 0.
    slots: Vec<u32>,
}

/// Collects grams for an [`Index`].
pub(super) struct Grams {
    size: usize,
    places: Vec<Place>,
}

impl Grams {
    /// Grams of `size` bytes, at most 8.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            places: Vec::new(),
        }
    }

    /// Adds the gram at `offset` of a form.
    pub(super) fn add(&mut self, form: usize, bytes: &[u8], offset: usize) {
        let Some(gram) = bytes.get(offset..offset + self.size) else {
            return;
        };
        let (Ok(form), Ok(offset)) = (u32::try_from(form), u32::try_from(offset)) else {
            return;
        };
        let mut padded = [0_u8; 8];
        padded[..self.size].copy_from_slice(gram);
        self.places.push(Place {
            key: u64::from_le_bytes(padded) | mask(self.size),
            form,
            offset,
        });
    }

    /// The index of what was added.
    pub(super) fn build(mut self) -> Index {
        self.places
            .sort_unstable_by_key(|place| (place.key, place.form, place.offset));
        let places = few_each(&self.places);
        self.places.zeroize();
        let bits = (places.len() * BITS_A_GRAM)
            .next_power_of_two()
            .trailing_zeros()
            .clamp(FEWEST_BITS, MOST_BITS);
        let mut index = Index {
            size: self.size,
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

fn mask(size: usize) -> u64 {
    CASELESS >> (8 * (8 - size))
}

impl Index {
    fn fill(&mut self) {
        let mut before = None;
        for (number, place) in self.places.iter().enumerate() {
            if before == Some(place.key) {
                continue;
            }
            before = Some(place.key);
            let hash = place.key.wrapping_mul(MULTIPLIER);
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

    /// How many bytes a gram has.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The places of the gram that `window` (its bytes, lowest first) begins with.
    #[inline]
    pub(super) fn find(&self, window: u64) -> &[Place] {
        let key = window | mask(self.size);
        let hash = key.wrapping_mul(MULTIPLIER);
        let bit = (hash >> self.shift) as usize;
        if self.map[bit >> 6] >> (bit & 63) & 1 == 0 {
            return &[];
        }
        self.exact(key, hash)
    }

    #[cold]
    fn exact(&self, key: u64, hash: u64) -> &[Place] {
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

impl Drop for Index {
    fn drop(&mut self) {
        self.places.zeroize();
        self.map.zeroize();
    }
}
