//! What a level of a view has shown of a text, and where each byte of it is written.

use std::ops::Range;

use super::forms::fold;
use super::units::is_shown;

/// Bytes that are remembered, to follow a run to its start; more is kept for a while.
pub(super) const REMEMBERED: usize = 512;

/// Positions in the text: of the first byte, and behind the last.
pub(super) type Span = (u64, u64);

/// Bytes in the order in which they were shown.
#[derive(Default)]
pub(super) struct Shown {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// How many were forgotten.
    gone: u64,
}

impl Shown {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where these bytes are written, all together.
    pub(super) fn span(&self, at: Range<usize>) -> Span {
        let first = self.spans.get(at.start).copied().unwrap_or_default();
        let last = self.spans[..at.end].last().copied().unwrap_or_default();
        (first.0, last.1)
    }

    /// The number of a byte, of all that were shown.
    pub(super) fn number(&self, at: usize) -> u64 {
        self.gone + at as u64
    }

    /// Adds bytes that stand for themselves, the first of them at a position.
    pub(super) fn extend(&mut self, bytes: &[u8], at: u64) {
        self.bytes.extend_from_slice(bytes);
        self.spans
            .extend((at..at + bytes.len() as u64).map(|at| (at, at + 1)));
    }

    /// Adds bytes that are written as `span`.
    pub(super) fn push(&mut self, bytes: &[u8], span: Span) {
        self.bytes.extend_from_slice(bytes);
        self.spans.extend(bytes.iter().map(|_| span));
    }

    /// Adds bytes of another level.
    pub(super) fn copy(&mut self, other: &Self, at: Range<usize>) {
        self.bytes.extend_from_slice(&other.bytes[at.clone()]);
        self.spans.extend_from_slice(&other.spans[at]);
    }

    /// Makes one, from an index on, what is one to the wash, and takes out line breaks: a value and its
    /// echo may be broken at different places.
    pub(super) fn fold(&mut self, from: usize) {
        for byte in &mut self.bytes[from..] {
            *byte = fold(*byte);
        }
        if memchr::memchr2(b'\r', b'\n', &self.bytes[from..]).is_some() {
            let mut to = from;
            for at in from..self.bytes.len() {
                if is_shown(self.bytes[at]) {
                    self.bytes[to] = self.bytes[at];
                    self.spans[to] = self.spans[at];
                    to += 1;
                }
            }
            self.bytes.truncate(to);
            self.spans.truncate(to);
        }
    }

    /// Forgets the first bytes.
    pub(super) fn forget(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.spans.drain(..count);
        self.gone += count as u64;
    }
}
