//! A part of a reply: fetched wider than it was asked for, washed, and trimmed, so that a value
//! cannot be read piece by piece from parts that each hold too little of it to be known (E25).

use std::ops::{Range, RangeInclusive};

use bytes::{Buf as _, Bytes};

use super::stream::HOLD;

/// Bytes fetched before and behind a part: as many as the wash may need to know what stands there.
pub(crate) const MARGIN: u64 = HOLD as u64;

/// The bytes to ask the upstream for, where the agent asked for these.
pub(crate) fn wider(asked: &RangeInclusive<u64>) -> RangeInclusive<u64> {
    asked.start().saturating_sub(MARGIN)..=asked.end().saturating_add(MARGIN)
}

/// Cuts a washed part to what was asked for. It must be washed with [`Fill::Stars`](super::Fill),
/// which keeps every offset.
pub(crate) struct Trim {
    skip: u64,
    take: u64,
}

impl Trim {
    /// Cuts the bytes `came` of the whole to those that were `asked` for. What was asked for and
    /// did not come is missing at the end.
    pub(crate) fn new(asked: &RangeInclusive<u64>, came: &RangeInclusive<u64>) -> Self {
        let start = (*asked.start()).max(*came.start());
        let end = (*asked.end()).min(*came.end());
        Self {
            skip: start - came.start(),
            take: end
                .checked_sub(start)
                .map_or(0, |more| more.saturating_add(1)),
        }
    }

    /// Where in the text the part is.
    pub(super) fn shown(&self) -> Range<u64> {
        self.skip..self.skip.saturating_add(self.take)
    }

    /// What belongs to the part, of the next bytes.
    pub(crate) fn cut(&mut self, mut bytes: Bytes) -> Bytes {
        let skip = self.skip.min(bytes.len() as u64);
        self.skip -= skip;
        bytes.advance(usize::try_from(skip).unwrap_or(bytes.len()));
        let take = self.take.min(bytes.len() as u64);
        self.take -= take;
        bytes.truncate(usize::try_from(take).unwrap_or(bytes.len()));
        bytes
    }
}
