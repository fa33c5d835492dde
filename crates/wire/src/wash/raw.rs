//! Looks for needles in the bytes as they come.
//!
//! The text is probed at positions that are multiples of a step, counted from its first byte and
//! never from a chunk, so where the chunks end cannot matter. A hit is followed to both sides as
//! far as text and form agree: a run. The offset between text and form (the diagonal) is kept, so
//! that no byte is compared twice for it.

use super::blots::Blot;
use super::forms::{Form, fold};
use super::index::Index;
use super::needles::{Needles, SHORT_STEP, STEP};
use super::stream::HOLD;

/// A run is found by a probe inside it. What decides that it counts comes at most this far behind
/// the end of that probe.
const DECIDED_WITHIN: u64 = 80;
/// A probe is looked at when this many bytes are known from it on. By then it is certain whether
/// the runs that are known go on, and so whether more are needed.
const AHEAD: u64 = 104;
/// Runs of one form that are followed at a time, where they reach [`AHEAD`]. Only a value that
/// repeats itself has more, and then these cover it; what goes on behind them is found by a probe
/// near their end.
const MOST_RUNS: usize = 16;

struct Run {
    form: usize,
    /// Position in the text at which the form's first byte would stand.
    diagonal: i128,
    start: u64,
    end: u64,
    open: bool,
}

/// The part of a text that is there.
struct Seen<'a> {
    needles: &'a Needles,
    text: &'a [u8],
    /// Position of its first byte.
    base: u64,
}

impl Seen<'_> {
    fn index(&self, position: u64) -> usize {
        usize::try_from(position - self.base).map_or(self.text.len(), |at| at.min(self.text.len()))
    }
}

/// The search through one text.
pub(super) struct Raw {
    next: u64,
    next_short: u64,
    /// Runs that may still grow or be met again, and those that cannot.
    live: Vec<Run>,
    done: Vec<Run>,
}

impl Raw {
    /// Begins at a position of the text.
    pub(super) fn new(at: u64) -> Self {
        Self {
            next: at.next_multiple_of(STEP as u64),
            next_short: at.next_multiple_of(SHORT_STEP as u64),
            live: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Searches what is new in `text`, whose first byte has the position `base`.
    pub(super) fn scan(&mut self, needles: &Needles, text: &[u8], base: u64, ended: bool) {
        for run in self.live.iter_mut().filter(|run| run.open) {
            extend(run, &needles.forms[run.form], text, base);
        }
        let end = base + text.len() as u64;
        let known = if ended {
            end
        } else {
            end.saturating_sub(AHEAD)
        };
        let seen = Seen {
            needles,
            text,
            base,
        };
        self.next = self.probe(&seen, &needles.grams, self.next, known);
        // Short forms are met whole or not at all.
        self.next_short = self.probe(&seen, &needles.short_grams, self.next_short, known);
    }

    /// Looks at the probes from the position `next` up to the position `known`. Returns the next.
    fn probe<const N: usize>(
        &mut self,
        seen: &Seen<'_>,
        index: &Index<N>,
        next: u64,
        known: u64,
    ) -> u64 {
        if next >= known {
            return next;
        }
        let from = seen.index(next);
        let probes = (seen.index(known) - from).div_ceil(N);
        let (grams, _) = seen.text[from..].as_chunks::<N>();
        let grams = &grams[..probes.min(grams.len())];
        if !index.is_empty() {
            for (number, gram) in grams.iter().enumerate() {
                index.find(gram, |place| {
                    let at = from + number * N;
                    self.hit(seen, place.form as usize, place.offset as usize, at);
                });
            }
        }
        next + (grams.len() * N) as u64
    }

    fn hit(&mut self, seen: &Seen<'_>, form_number: usize, offset: usize, at: usize) {
        let Seen {
            needles,
            text,
            base,
        } = *seen;
        let position = base + at as u64;
        let diagonal = i128::from(position) - offset as i128;
        self.retire(position);
        let mut reaching = 0;
        for run in self.live.iter().filter(|run| run.form == form_number) {
            if run.diagonal == diagonal {
                return;
            }
            reaching += usize::from(run.end >= position + AHEAD);
        }
        if reaching >= MOST_RUNS {
            return;
        }
        let form = &needles.forms[form_number];
        // As far back as every cut of the text leaves bytes that are still held.
        let held = (position + STEP as u64 + AHEAD + DECIDED_WITHIN)
            .saturating_sub(HOLD as u64)
            .max(base);
        let back = same_before(&form.bytes[..offset], &text[seen.index(held).min(at)..at]);
        let mut run = Run {
            form: form_number,
            diagonal,
            start: position - back as u64,
            end: position,
            open: true,
        };
        extend(&mut run, form, text, base);
        // Grams leave letter case and a little more out: the hit itself may not be one.
        if run.end > position {
            self.live.push(run);
        }
    }

    /// Puts aside the runs that end at or before a position that is being probed.
    fn retire(&mut self, position: u64) {
        let mut at = 0;
        while at < self.live.len() {
            if self.live[at].end > position || self.live[at].open {
                at += 1;
            } else {
                let run = self.live.swap_remove(at);
                self.done.push(run);
            }
        }
    }

    /// What may not pass, as far as it is known.
    pub(super) fn blots(&self, needles: &Needles, into: &mut Vec<Blot>) {
        for run in self.live.iter().chain(&self.done) {
            let form = &needles.forms[run.form];
            let offset = |position: u64| {
                usize::try_from(i128::from(position) - run.diagonal).unwrap_or_default()
            };
            let (start, end) = (offset(run.start), offset(run.end));
            if form.in_bytes.counts(start, end) {
                into.push(Blot {
                    start: run.start,
                    end: run.end,
                    secret: form.secret,
                    at_start: start <= form.in_bytes.whole_from,
                    at_end: end >= form.in_bytes.whole_to,
                });
            }
        }
    }

    /// Forgets runs that end at or before a position.
    pub(super) fn forget(&mut self, before: u64) {
        self.done.retain(|run| run.end > before);
    }
}

fn same_before(form: &[u8], text: &[u8]) -> usize {
    form.iter()
        .rev()
        .zip(text.iter().rev())
        .take_while(|(known, seen)| **known == fold(**seen))
        .count()
}

fn extend(run: &mut Run, form: &Form, text: &[u8], base: u64) {
    let at = usize::try_from(run.end - base).unwrap_or(text.len());
    let offset = usize::try_from(i128::from(run.end) - run.diagonal).unwrap_or(form.bytes.len());
    let (known, seen) = (&form.bytes[offset..], &text[at..]);
    let same = known
        .iter()
        .zip(seen)
        .take_while(|(known, seen)| **known == fold(**seen))
        .count();
    run.end += same as u64;
    run.open = same == seen.len() && same < known.len();
}
