//! A set of short byte groups (grams) with the places where they stand in the needles.
//!
//! A lookup is one load, one multiplication and one bit; only what passes the bit meets the exact
//! tables. Letter case is left out of the key, and a space is known as a plus too, so one index serves
//! every mix of them.
//!
//! More grams make another index, which shares the tables of the one before: each is several times as
//! large as the next, so there are few of them, and a small addition to many needles costs little.

use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

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
/// How many times as large as the next a table is at least.
const TIMES: usize = 8;
/// Places that are always in one table: to make it anew takes a millisecond.
const IN_ONE: usize = 1 << 16;

/// Where a gram stands: the number of the form, and the offset in it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    key: u64,
    pub(super) form: u32,
    pub(super) offset: u32,
}

/// Grams of `N` bytes, at most 8.
pub(super) struct Index<const N: usize> {
    map: Map,
    /// The largest first.
    tables: Vec<Arc<Table>>,
}

/// Which grams there may be.
#[derive(Clone)]
struct Map {
    shift: u32,
    words: Vec<u64>,
}

/// Which grams there are.
struct Table {
    /// Sorted by key.
    places: Zeroizing<Vec<Place>>,
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

    /// What was added, sorted, and few of each.
    fn sorted(mut self) -> Zeroizing<Vec<Place>> {
        self.places.sort_unstable_by_key(Place::order);
        let places = few_each(&self.places);
        self.places.zeroize();
        places
    }
}

/// At most [`MOST_PLACES`] places of a gram in one form.
fn few_each(sorted: &[Place]) -> Zeroizing<Vec<Place>> {
    let mut kept: Zeroizing<Vec<Place>> = Zeroizing::new(Vec::with_capacity(sorted.len()));
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

impl<const N: usize> Default for Index<N> {
    fn default() -> Self {
        Self {
            map: Map::new(FEWEST_BITS),
            tables: Vec::new(),
        }
    }
}

impl<const N: usize> Index<N> {
    /// This index with more grams, of forms that it does not know.
    pub(super) fn with(&self, grams: Grams<N>) -> Self {
        let mut new = grams.sorted();
        let mut tables = self.tables.clone();
        if new.is_empty() {
            let map = self.map.clone();
            return Self { map, tables };
        }
        let known = tables.iter().map(|table| table.places.len());
        let mut map = self
            .map
            .for_count(known.sum::<usize>() + new.len(), &tables);
        new.iter().for_each(|place| map.add(place.key));
        while let Some(last) = tables.pop_if(|last| last.is_small_beside(&new)) {
            new = merged(&last.places, &new);
        }
        tables.push(Arc::new(Table::of(new)));
        Self { map, tables }
    }

    /// Whether there is nothing to find.
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Looks at the places of a gram.
    #[inline]
    pub(super) fn find(&self, gram: &[u8; N], mut look: impl FnMut(&Place)) {
        if self.may_hold(gram) {
            for table in &self.tables {
                table.exact(key(gram)).iter().for_each(&mut look);
            }
        }
    }

    /// Whether there are places of a gram.
    #[inline]
    pub(super) fn holds(&self, gram: &[u8; N]) -> bool {
        let is_in = |table: &Arc<Table>| !table.exact(key(gram)).is_empty();
        self.may_hold(gram) && self.tables.iter().any(is_in)
    }

    /// Whether there may be places of a gram.
    #[inline]
    pub(super) fn may_hold(&self, gram: &[u8; N]) -> bool {
        self.map.has(key(gram))
    }
}

impl Map {
    fn new(bits: u32) -> Self {
        Self {
            shift: u64::BITS - bits,
            words: vec![0; 1 << (bits - 6)],
        }
    }

    /// This map, or a larger one of the same grams where there are to be so many.
    fn for_count(&self, count: usize, tables: &[Arc<Table>]) -> Self {
        let bits = (count * BITS_A_GRAM)
            .next_power_of_two()
            .trailing_zeros()
            .clamp(FEWEST_BITS, MOST_BITS);
        if self.shift == u64::BITS - bits {
            return self.clone();
        }
        let mut map = Self::new(bits);
        let places = tables.iter().flat_map(|table| table.places.iter());
        places.for_each(|place| map.add(place.key));
        map
    }

    fn add(&mut self, key: u64) {
        let bit = (hash(key) >> self.shift) as usize;
        self.words[bit >> 6] |= 1 << (bit & 63);
    }

    #[inline]
    fn has(&self, key: u64) -> bool {
        let bit = (hash(key) >> self.shift) as usize;
        self.words[bit >> 6] >> (bit & 63) & 1 != 0
    }
}

impl Table {
    fn of(places: Zeroizing<Vec<Place>>) -> Self {
        let mut slots = vec![0; (places.len() * 2).next_power_of_two()];
        let mut before = None;
        for (number, place) in places.iter().enumerate() {
            if before == Some(place.key) {
                continue;
            }
            before = Some(place.key);
            let mut slot = hash(place.key) as usize >> 7 & (slots.len() - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (slots.len() - 1);
            }
            slots[slot] = u32::try_from(number + 1).unwrap_or(0);
        }
        Self { places, slots }
    }

    /// Whether these are too many for a table of their own beside this one.
    fn is_small_beside(&self, new: &[Place]) -> bool {
        let own = self.places.len();
        own / TIMES < new.len() || own + new.len() <= IN_ONE
    }

    #[cold]
    fn exact(&self, key: u64) -> &[Place] {
        let mut slot = hash(key) as usize >> 7 & (self.slots.len() - 1);
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

/// The places of both, sorted.
fn merged(one: &[Place], other: &[Place]) -> Zeroizing<Vec<Place>> {
    let mut all = Zeroizing::new(Vec::with_capacity(one.len() + other.len()));
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(left), Some(right)) if right.order() < left.order() => other.next(),
            (Some(_), _) => one.next(),
            (None, _) => other.next(),
        };
        match next {
            Some(place) => all.push(*place),
            None => return all,
        }
    }
}

impl Place {
    fn order(&self) -> (u64, u32, u32) {
        (self.key, self.form, self.offset)
    }
}

impl Zeroize for Place {
    fn zeroize(&mut self) {
        self.key.zeroize();
        self.form.zeroize();
        self.offset.zeroize();
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}
