//! What may not pass is taken out, and what stands in its place is put in.

use std::ops::Range;
use std::sync::Arc;

use super::meter::Meter;
use super::needles::Needles;
use super::stream::REACH;

/// A piece of the text that may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blot {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) secret: usize,
    /// Whether the piece holds the beginning of the value, ...
    pub(super) at_start: bool,
    /// ... and its end.
    pub(super) at_end: bool,
}

/// How what is taken out is filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// By the placeholder or the marker of the secret, whatever its length.
    Replacement,
    /// By as many `*`: offsets stay true, for a part of a reply.
    Stars,
}

/// A place that is being taken out: neighbouring and overlapping pieces of one secret.
struct Open {
    secret: usize,
    start: u64,
    end: u64,
    at_start: bool,
    at_end: bool,
}

/// Hands a text on without what may not pass.
pub(super) struct Blotter {
    fill: Fill,
    /// What of the text is handed on in the end; `None` for all of it.
    pub(super) shown: Option<Range<u64>>,
    meter: Arc<Meter>,
    open: Option<Open>,
}

impl Blotter {
    pub(super) fn new(fill: Fill, meter: Arc<Meter>) -> Self {
        Self {
            fill,
            shown: None,
            meter,
            open: None,
        }
    }

    /// Whether the first bytes of the next text go on with a place that is being taken out.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Hands on `text`, whose first byte has the position `base`. `blots` are sorted by their
    /// starts.
    pub(super) fn pass(
        &mut self,
        needles: &Needles,
        blots: &[Blot],
        text: &[u8],
        base: u64,
        out: &mut Vec<u8>,
    ) {
        let limit = base + text.len() as u64;
        let index = |position: u64| usize::try_from(position - base).unwrap_or(text.len());
        let mut coming = blots.iter().peekable();
        let mut here: Vec<Blot> = Vec::new();
        let mut at = base;
        while at < limit {
            while let Some(blot) = coming.next_if(|blot| blot.start <= at) {
                here.push(*blot);
            }
            here.retain(|blot| blot.end > at);
            let next_start = coming.peek().map_or(limit, |blot| blot.start.min(limit));
            if here.is_empty() {
                self.close(false);
                out.extend_from_slice(&text[index(at)..index(next_start)]);
                at = next_start;
                continue;
            }
            self.enter(needles, &here, at, out);
            let next = here
                .iter()
                .map(|blot| blot.end)
                .fold(next_start, std::cmp::Ord::min);
            if self.fill == Fill::Stars {
                out.resize(out.len() + index(next) - index(at), b'*');
            }
            if let Some(open) = &mut self.open {
                open.end = next;
            }
            at = next;
        }
    }

    /// Begins a place, or goes on with the one that is open.
    fn enter(&mut self, needles: &Needles, here: &[Blot], at: u64, out: &mut Vec<u8>) {
        let goes_on = |open: &Open| {
            here.iter()
                .any(|blot| blot.secret == open.secret && blot.start < at)
        };
        if !self.open.as_ref().is_some_and(goes_on) {
            self.close(false);
            let secret = owner(here, at);
            if self.fill == Fill::Replacement {
                out.extend_from_slice(&needles.replacements[secret]);
            }
            self.open = Some(Open {
                secret,
                start: at,
                end: at,
                at_start: false,
                at_end: false,
            });
        }
        if let Some(open) = &mut self.open {
            for blot in here.iter().filter(|blot| blot.secret == open.secret) {
                open.at_start |= blot.at_start;
                open.at_end |= blot.at_end;
            }
        }
    }

    /// A place is at its end, or the text is.
    pub(super) fn close(&mut self, text_ends: bool) {
        if let Some(open) = self.open.take() {
            let whole = open.at_start && open.at_end;
            self.meter
                .add_redaction(!whole && !self.is_cut_off(&open, text_ends));
        }
    }

    /// Whether a place ends only because less was fetched than there is, and is not shown. So how
    /// much of a value stands there says nothing, and nobody learns it.
    fn is_cut_off(&self, open: &Open, text_ends: bool) -> bool {
        let Some(shown) = &self.shown else {
            return false;
        };
        let hidden = open.end <= shown.start || open.start >= shown.end;
        let touches = open.start == 0 || text_ends;
        hidden && touches
    }
}

/// Of several secrets at one place, the one that takes most of it, as far as every cut of the text
/// can know; then the one that stands there whole; then the first.
fn owner(here: &[Blot], at: u64) -> usize {
    let rank = |blot: &&Blot| {
        let end = blot.end.min(at + REACH as u64);
        let whole = blot.at_start && blot.at_end && end == blot.end;
        (end, whole, std::cmp::Reverse(blot.secret))
    };
    here.iter().max_by_key(rank).map_or(0, |blot| blot.secret)
}
