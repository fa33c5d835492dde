//! The order of a round. What runs first in every round would carry the machine's drift alone.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// The next number of a xorshift sequence. Never 0 when `state` is not.
pub(crate) fn step(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ (state << 17)
}

/// A number of its own for each run, never 0.
pub(crate) fn seed() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}

/// Puts the items into an order that the seed decides; the seed moves on.
pub(crate) fn shuffle<T>(items: &mut [T], seed: &mut u64) {
    for last in (1..items.len()).rev() {
        *seed = step(*seed);
        let other = (*seed >> 16) as usize % (last + 1);
        items.swap(last, other);
    }
}
