//! Looks for needles in a text as a view shows it.
//!
//! A view sleeps where nothing would be undone. A unit that undoes something wakes it a little
//! before, and it sleeps again when none has come for as long; what is found there joins what was
//! found in the bytes themselves. Everything goes by positions in the text, never by chunks.

use super::blots::Blot;
use super::needles::Needles;
use super::stream::REACH;
use super::views::{self, Kind, LEVELS, LONGEST_UNIT, Unit};

/// Bytes seen before and behind a unit that undoes something: more than are let through in a row,
/// and the public prefix of most keys.
const AROUND: u64 = 40;
/// Runs of one form that are followed at a time. Only a value that repeats itself has more, and
/// then these cover it.
const MOST_RUNS: usize = 16;
/// Shown bytes that are kept, to follow a hit to its start; more is kept for a while.
const REMEMBERED: usize = 512;

/// A shown byte, and where it is written.
#[derive(Clone, Copy)]
struct Shown {
    byte: u8,
    start: u64,
    end: u64,
}

struct Run {
    form: usize,
    /// Offsets in the form: the first byte, and the one behind the last.
    from: usize,
    to: usize,
    /// Number of the shown byte at which the form's first byte would stand.
    diagonal: i128,
    start: u64,
    end: u64,
    open: bool,
    counts: bool,
    /// How many bytes were shown when it last grew.
    shown_to: u64,
}

/// One view of one text.
pub(super) struct View {
    kind: Kind,
    /// Position of the next byte to read.
    next: u64,
    /// Awake up to this position.
    awake: u64,
    /// Where the view last went to sleep.
    slept: u64,
    /// What the first level shows and the second has not read.
    between: Vec<u8>,
    between_spans: Vec<(u64, u64)>,
    shown: Vec<Shown>,
    /// How many bytes were shown, the forgotten ones included.
    count: u64,
    /// The last eight, lowest first, and how many of them are there.
    window: u64,
    filled: usize,
    /// Runs that may still grow, and those that cannot and count.
    open: Vec<Run>,
    done: Vec<Run>,
}

impl View {
    /// A view of a text that begins at a position.
    pub(super) fn new(kind: Kind, at: u64) -> Self {
        Self {
            kind,
            next: at,
            awake: at,
            slept: at,
            between: Vec::new(),
            between_spans: Vec::new(),
            shown: Vec::new(),
            count: 0,
            window: 0,
            filled: 0,
            open: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Reads what is new in `text`, whose first byte has the position `base`.
    pub(super) fn scan(&mut self, needles: &Needles, text: &[u8], base: u64, ended: bool) {
        let end = base + text.len() as u64;
        // Behind this there are too few bytes to tell a unit.
        let known = if ended {
            end
        } else {
            (end + 1).saturating_sub(LONGEST_UNIT as u64)
        };
        loop {
            if self.next >= self.awake && !self.wake(text, base, ended) {
                break;
            }
            // Reading may put off the sleep.
            while self.next < self.awake.min(known) {
                self.read(needles, text, base, known);
            }
            let asleep = self.next >= self.awake;
            self.show(needles, asleep || (ended && self.next >= end));
            if !asleep {
                break;
            }
            self.slept = self.next;
        }
    }

    /// Looks for the next unit that undoes something. Returns whether there is one.
    fn wake(&mut self, text: &[u8], base: u64, ended: bool) -> bool {
        let mut at = usize::try_from(self.next - base).unwrap_or(text.len());
        loop {
            let Some(lead) = text.get(at..).and_then(|rest| self.kind.lead(rest)) else {
                self.next = self.next.max(base + text.len() as u64);
                self.awake = self.next;
                return false;
            };
            at += lead;
            let rest = &text[at..];
            let position = base + at as u64;
            if rest.len() < LONGEST_UNIT && !ended {
                self.next = position;
                self.awake = position;
                return false;
            }
            let unit = self.kind.unit(rest);
            if self.kind.wakes(&unit, text, at) {
                self.begin(position);
                return true;
            }
            at += 1;
        }
    }

    fn begin(&mut self, unit: u64) {
        let before = unit.saturating_sub(AROUND);
        if before > self.slept {
            self.next = before;
            self.filled = 0;
            self.shown.clear();
            let open = std::mem::take(&mut self.open);
            self.done.extend(open.into_iter().filter(|run| run.counts));
        } else {
            self.next = self.slept;
        }
        self.awake = unit + AROUND;
    }

    /// Reads one unit of the text, or all bytes up to the next that can begin one.
    fn read(&mut self, needles: &Needles, text: &[u8], base: u64, known: u64) {
        let index = |position: u64| usize::try_from(position - base).unwrap_or(text.len());
        let rest = &text[index(self.next)..];
        let near = &text[index(self.next)..index(self.awake.min(known))];
        let plain = self.kind.lead(near).unwrap_or(near.len());
        if plain > 0 {
            self.read_plain(needles, &near[..plain]);
            return;
        }
        let unit = self.kind.unit(rest);
        if self.kind.wakes(&unit, text, index(self.next)) {
            self.awake = self.awake.max(self.next + AROUND);
        }
        let end = self.next + unit.used as u64;
        for byte in unit.bytes() {
            self.between.push(*byte);
            self.between_spans.push((self.next, end));
        }
        self.next = end;
        self.show(needles, self.kind == Kind::Lines);
    }

    fn read_plain(&mut self, needles: &Needles, bytes: &[u8]) {
        for byte in bytes {
            let (start, end) = (self.next, self.next + 1);
            self.next = end;
            if self.between.is_empty() {
                self.add(needles, *byte, start, end);
            } else {
                self.between.push(*byte);
                self.between_spans.push((start, end));
                if self.between.len() >= LONGEST_UNIT {
                    self.show(needles, false);
                }
            }
        }
    }

    /// Shows what was read; all of it, or what no later byte can change.
    fn show(&mut self, needles: &Needles, all: bool) {
        let mut at = 0;
        while at < self.between.len() {
            let rest = &self.between[at..];
            if rest.len() < LONGEST_UNIT && !all && self.kind.lead(&rest[..1]).is_some() {
                break;
            }
            let unit = self.second(rest);
            let start = self.between_spans[at].0;
            let end = self.between_spans[at + unit.used - 1].1;
            for byte in unit.bytes() {
                self.add(needles, *byte, start, end);
            }
            at += unit.used;
        }
        self.between.drain(..at);
        self.between_spans.drain(..at);
    }

    /// The second level. Lines are not nested.
    fn second(&self, rest: &[u8]) -> Unit {
        const { assert!(LEVELS == 2) };
        match self.kind {
            Kind::Escapes => self.kind.unit(rest),
            Kind::Lines => Unit::literal(rest),
        }
    }

    #[inline]
    fn add(&mut self, needles: &Needles, byte: u8, start: u64, end: u64) {
        if !views::is_shown(byte) {
            return;
        }
        let byte = views::fold(byte);
        let shown = Shown { byte, start, end };
        if !self.open.is_empty() {
            self.go_on(needles, shown);
        }
        self.shown.push(shown);
        self.count += 1;
        self.window = self.window >> 8 | u64::from(byte) << 56;
        self.filled += 1;
        for index in [&needles.view_grams, &needles.short_view_grams] {
            if self.filled < index.size() || index.is_empty() {
                continue;
            }
            let newest = self.window >> (64 - 8 * index.size());
            for place in index.find(newest) {
                let offset = place.offset as usize;
                self.hit(needles, place.form as usize, offset, index.size());
            }
        }
        if self.shown.len() >= 2 * REMEMBERED {
            self.shown.drain(..REMEMBERED);
        }
    }

    fn go_on(&mut self, needles: &Needles, shown: Shown) {
        let mut at = 0;
        while at < self.open.len() {
            go_on(&mut self.open[at], needles, shown);
            if self.open[at].open {
                at += 1;
            } else {
                let run = self.open.swap_remove(at);
                self.close(run);
            }
        }
    }

    fn close(&mut self, run: Run) {
        if run.counts {
            self.done.push(run);
        }
    }

    fn hit(&mut self, needles: &Needles, form_number: usize, offset: usize, size: usize) {
        let form = &needles.view_forms[form_number];
        let to = offset + size;
        let diagonal = i128::from(self.count) - to as i128;
        let mut same_form = 0;
        for run in self.open.iter().filter(|run| run.form == form_number) {
            if run.diagonal == diagonal {
                return;
            }
            same_form += usize::from(run.counts);
        }
        // A run that has just come to the end of its form is found once more by its last bytes.
        let ends_here = |run: &&Run| run.shown_to == self.count;
        let known = self.done.iter().rev().take_while(ends_here);
        let mut known = known.filter(|run| run.form == form_number && run.diagonal == diagonal);
        if same_form >= MOST_RUNS || known.next().is_some() {
            return;
        }
        let remembered = &self.shown[self.shown.len().saturating_sub(REMEMBERED)..];
        let back = form.bytes[..to]
            .iter()
            .rev()
            .zip(remembered.iter().rev())
            .take_while(|(known, shown)| **known == shown.byte)
            .count();
        let (Some(first), Some(last)) =
            (remembered.get(remembered.len() - back), remembered.last())
        else {
            return;
        };
        if back < size {
            return;
        }
        let mut run = Run {
            form: form_number,
            from: to - back,
            to,
            diagonal,
            start: first.start,
            end: last.end,
            open: to < form.bytes.len(),
            counts: false,
            shown_to: self.count,
        };
        judge(&mut run, needles);
        if run.open {
            self.open.push(run);
        } else {
            self.close(run);
        }
    }

    /// What may not pass, as far as it is known.
    pub(super) fn blots(&self, needles: &Needles, into: &mut Vec<Blot>) {
        for run in self.open.iter().chain(&self.done).filter(|run| run.counts) {
            let form = &needles.view_forms[run.form];
            into.push(Blot {
                start: run.start,
                end: run.end,
                secret: form.secret,
                at_start: run.from <= form.whole_from,
                at_end: run.to >= form.whole_to,
            });
        }
    }

    /// Forgets runs that end at or before a position.
    pub(super) fn forget(&mut self, before: u64) {
        self.done.retain(|run| run.end > before);
    }
}

fn go_on(run: &mut Run, needles: &Needles, shown: Shown) {
    let form = &needles.view_forms[run.form].bytes;
    if form.get(run.to) != Some(&shown.byte) {
        run.open = false;
        return;
    }
    run.to += 1;
    run.shown_to += 1;
    run.end = shown.end;
    run.open = run.to < form.len();
    judge(run, needles);
}

/// Once a run counts, it counts from its start, but no further back than what every cut of the
/// text still holds.
fn judge(run: &mut Run, needles: &Needles) {
    let form = &needles.view_forms[run.form];
    let long_enough = run.end - run.start >= form.written;
    if !run.counts && long_enough && form.counts(run.from, run.to) {
        run.counts = true;
        run.start = run.start.max(run.end.saturating_sub(REACH as u64));
    }
}
