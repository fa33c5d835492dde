//! Washes a text that comes in chunks.
//!
//! What is held back is a constant number of bytes, whatever the text holds: a tail that is held
//! only when it could become a needle tells by the size of a frame whether a guess was right.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};

use super::blots::{Blot, Blotter, Fill};
use super::events::Events;
use super::meter::Meter;
use super::needles::Needles;
use super::raw::Raw;
use super::scout::AHEAD;
use super::view::View;
use super::views::{Kind, LEVELS, LONGEST_UNIT};

/// Bytes held back until the text is at an end.
pub(super) const HOLD: usize = 504;
/// How far a view may lie behind the text: each level waits for one longest unit.
const LAG: usize = (LONGEST_UNIT + 1) * LONGEST_UNIT;
const _: () = assert!(AHEAD < LAG, "a view that sleeps waits for less");
const _: () = assert!(LEVELS == 2, "LAG is worked out for two levels");
/// How far back from a byte a decision may reach that is taken when a view has come to it.
pub(super) const REACH: usize = HOLD - LAG;
/// Chunks are worked on in pieces of this many bytes, so that what is known of one piece stays
/// small.
const PIECE: usize = 64 * 1024;

/// A text on its way through.
pub(crate) struct Washer {
    needles: Arc<Needles>,
    /// What is held, and what is being worked on.
    text: BytesMut,
    /// Position of its first byte.
    base: u64,
    raw: Raw,
    views: [View; 2],
    blotter: Blotter,
    events: Option<Events>,
    blots: Vec<Blot>,
}

impl Washer {
    /// A washer for one text. With `events` it is an event stream: each event is let go as soon
    /// as its blank line is there, and nothing is looked for across that line.
    pub(crate) fn new(needles: Arc<Needles>, meter: Arc<Meter>, fill: Fill, events: bool) -> Self {
        Self {
            needles,
            text: BytesMut::new(),
            base: 0,
            raw: Raw::new(0),
            views: [View::new(Kind::Escapes, 0), View::new(Kind::Lines, 0)],
            blotter: Blotter::new(fill, meter),
            events: events.then(Events::default),
            blots: Vec::new(),
        }
    }

    /// Of the text, only this is handed on in the end.
    pub(super) fn shown(mut self, shown: Range<u64>) -> Self {
        self.blotter.shown = Some(shown);
        self
    }

    /// Takes a chunk and adds to `out` what may be let go.
    pub(crate) fn push(&mut self, mut chunk: &[u8], out: &mut Vec<Bytes>) {
        while !chunk.is_empty() {
            let piece = &chunk[..chunk.len().min(PIECE)];
            let (taken, ended) = match &mut self.events {
                Some(events) => events.next_end(piece),
                None => (piece.len(), false),
            };
            self.text.extend_from_slice(&piece[..taken]);
            chunk.advance(taken);
            if ended {
                self.end(out);
            } else {
                self.scan(false);
                self.release(self.text.len().saturating_sub(HOLD), out);
            }
        }
    }

    /// The text is at its end: adds to `out` what was held.
    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) {
        self.end(out);
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.scan(true);
        self.release(self.text.len(), out);
        self.blotter.close(true);
        self.raw = Raw::new(self.base);
        self.views = [
            View::new(Kind::Escapes, self.base),
            View::new(Kind::Lines, self.base),
        ];
    }

    fn scan(&mut self, ended: bool) {
        if self.needles.is_empty() {
            return;
        }
        self.raw.scan(&self.needles, &self.text, self.base, ended);
        for view in &mut self.views {
            view.scan(&self.needles, &self.text, self.base, ended);
        }
    }

    /// Lets go the first `count` bytes of what is held.
    fn release(&mut self, count: usize, out: &mut Vec<Bytes>) {
        if count == 0 {
            return;
        }
        self.blots.clear();
        self.raw.blots(&self.needles, &mut self.blots);
        for view in &self.views {
            view.blots(&self.needles, &mut self.blots);
        }
        let text = self.text.split_to(count);
        let base = self.base;
        self.base += count as u64;
        let untouched =
            !self.blotter.is_open() && self.blots.iter().all(|blot| blot.start >= self.base);
        if untouched {
            out.push(text.freeze());
        } else {
            self.blots.sort_unstable_by_key(|blot| blot.start);
            let mut washed = Vec::with_capacity(count);
            self.blotter
                .pass(&self.needles, &self.blots, &text, base, &mut washed);
            if !washed.is_empty() {
                out.push(washed.into());
            }
        }
        self.raw.forget(self.base);
        for view in &mut self.views {
            view.forget(self.base);
        }
    }
}

/// Washes a whole text. `None` when nothing had to be taken out.
pub(super) fn whole(needles: &Arc<Needles>, meter: &Arc<Meter>, text: &[u8]) -> Option<Bytes> {
    if text.len() <= PIECE && is_clean(needles, text) {
        return None;
    }
    let before = meter.redactions();
    let mut washer = Washer::new(
        Arc::clone(needles),
        Arc::clone(meter),
        Fill::Replacement,
        false,
    );
    let mut out = Vec::new();
    washer.push(text, &mut out);
    washer.finish(&mut out);
    (meter.redactions() != before).then(|| out.concat().into())
}

/// Whether nothing would be taken out of a whole text.
pub(super) fn is_clean(needles: &Needles, text: &[u8]) -> bool {
    if needles.is_empty() {
        return true;
    }
    let mut blots = Vec::new();
    let mut raw = Raw::new(0);
    raw.scan(needles, text, 0, true);
    raw.blots(needles, &mut blots);
    for kind in [Kind::Escapes, Kind::Lines] {
        if kind.lead(text).is_some() {
            let mut view = View::new(kind, 0);
            view.scan(needles, text, 0, true);
            view.blots(needles, &mut blots);
        }
    }
    blots.is_empty()
}
