//! Looks for needles in a text as a view shows it.
//!
//! A view sleeps where nothing would be undone. A unit that undoes something wakes it a little
//! before, unless the grams round it say that no run holds it, and it sleeps again a little behind
//! the last one. What holds no unit stands in the text itself, and is found there. Everything goes by
//! positions in the text, never by chunks.

use super::blots::Blot;
use super::index::Index;
use super::needles::{Needles, STEP};
use super::runs::Runs;
use super::scout::{AHEAD, Scout, Seen};
use super::shown::{REMEMBERED, Shown};
use super::views::{Kind, LEVELS, LONGEST_UNIT};

/// Bytes seen behind a unit, ...
const BEHIND: u64 = (LONGEST_UNIT + STEP) as u64;
/// ... and where it takes more of a run to meet it; and of a run that goes on.
const FAR_BEHIND: u64 = 40;

/// One view of one text.
pub(super) struct View {
    kind: Kind,
    /// Position of the next byte to read.
    next: u64,
    /// Awake up to this position.
    awake: u64,
    /// Where the view last went to sleep.
    slept: u64,
    scout: Scout,
    /// What the first level shows and the second has not read.
    between: Shown,
    shown: Shown,
    /// How much of that is searched.
    searched: usize,
    runs: Runs,
}

impl View {
    /// A view of a text that begins at a position.
    pub(super) fn new(kind: Kind, at: u64) -> Self {
        Self {
            kind,
            next: at,
            awake: at,
            slept: at,
            scout: Scout::new(kind, at),
            between: Shown::default(),
            shown: Shown::default(),
            searched: 0,
            runs: Runs::default(),
        }
    }

    /// Reads what is new in `text`, whose first byte has the position `base`.
    pub(super) fn scan(&mut self, needles: &Needles, text: &[u8], base: u64, ended: bool) {
        let end = base + text.len() as u64;
        let ahead = |bytes: usize| {
            if ended {
                end
            } else {
                (end + 1).saturating_sub(bytes as u64)
            }
        };
        let seen = Seen {
            needles,
            text,
            base,
            known: ahead(AHEAD),
        };
        let readable = ahead(LONGEST_UNIT);
        while self.next < self.awake || self.wake(&seen) {
            if self.next >= readable {
                break;
            }
            self.read(&seen, readable);
            if self.next >= self.awake {
                self.sleep(needles);
            } else if self.between.bytes().len() + self.shown.bytes().len() > 2 * REMEMBERED {
                self.search(needles, false);
            }
        }
        self.search(needles, ended);
    }

    /// Looks for the next unit that a run may hold. Returns whether there is one.
    fn wake(&mut self, seen: &Seen<'_>) -> bool {
        while self.next < seen.known {
            self.next = self.scout.pass_breaks(seen, self.next);
            if self.next >= seen.known {
                break;
            }
            let limit = seen.between(self.next, seen.known).len();
            let (plain, unit) = self.kind.next_unit(seen.from(self.next), limit);
            self.next += plain as u64;
            let Some(unit) = unit else {
                break;
            };
            if !unit.escape {
                self.scout.suspect = self.next + LONGEST_UNIT as u64;
                self.next += 1;
            } else if let Some(end) = self.scout.pass(seen, &unit, self.next) {
                self.next = end;
            } else {
                self.awake = self.next + 1;
                self.next = self.scout.from().max(self.slept);
                if self.next > self.slept {
                    self.forget_shown();
                }
                return true;
            }
        }
        self.awake = self.next;
        false
    }

    fn forget_shown(&mut self) {
        self.shown.forget(self.shown.bytes().len());
        self.searched = 0;
    }

    /// What the first level is written to. Lines are not nested.
    fn first(&mut self) -> &mut Shown {
        const { assert!(LEVELS == 2) };
        match self.kind {
            Kind::Escapes => &mut self.between,
            Kind::Lines => &mut self.shown,
        }
    }

    /// Reads the bytes up to the next unit, and that.
    fn read(&mut self, seen: &Seen<'_>, readable: u64) {
        let near = seen.between(self.next, self.awake.min(readable)).len();
        let (plain, unit) = self.kind.next_unit(seen.from(self.next), near);
        let at = self.next;
        self.first().extend(&seen.from(at)[..plain], at);
        self.next += plain as u64;
        if let Some(unit) = unit {
            let span = (self.next, self.next + unit.used as u64);
            self.first().push(unit.bytes(), span);
            self.next = span.1;
            let behind = match (unit.escape, seen.needles.all_grams) {
                (true, true) => BEHIND,
                (true, false) => FAR_BEHIND,
                // With what a unit near it stands for it may be one of the second level.
                (false, _) => LONGEST_UNIT as u64,
            };
            self.awake = self.awake.max(span.1 + behind);
            if unit.escape {
                self.scout.undone = span.1;
            }
        }
    }

    /// Sleeps, unless a run goes on.
    fn sleep(&mut self, needles: &Needles) {
        self.search(needles, true);
        if self.runs.is_quiet() {
            self.slept = self.next;
        } else {
            self.awake = self.next + FAR_BEHIND;
        }
    }

    /// Searches what was read; all of it, or what no later byte can change.
    fn search(&mut self, needles: &Needles, all: bool) {
        self.read_between(all);
        self.shown.fold(self.searched);
        while self.searched < self.shown.bytes().len() {
            if self.runs.is_quiet() {
                self.searched = self.next_met(needles);
                if self.searched == self.shown.bytes().len() {
                    break;
                }
            }
            self.runs.go_on(needles, &self.shown, self.searched);
            self.searched += 1;
            self.meet(needles, &needles.grams);
            self.meet(needles, &needles.short_readings);
        }
        if self.searched >= 2 * REMEMBERED {
            self.shown.forget(self.searched - REMEMBERED);
            self.searched = REMEMBERED;
        }
    }

    /// The second level.
    fn read_between(&mut self, all: bool) {
        let mut at = 0;
        while at < self.between.bytes().len() {
            let rest = &self.between.bytes()[at..];
            let plain = self.kind.lead(rest).unwrap_or(rest.len());
            if plain > 0 {
                self.shown.copy(&self.between, at..at + plain);
                at += plain;
                continue;
            }
            if rest.len() < LONGEST_UNIT && !all {
                break;
            }
            let unit = self.kind.unit(rest);
            let span = self.between.span(at..at + unit.used);
            self.shown.push(unit.bytes(), span);
            at += unit.used;
        }
        self.between.forget(at);
    }

    /// The next byte that ends a gram of a needle, or the end.
    fn next_met(&self, needles: &Needles) -> usize {
        let bytes = self.shown.bytes();
        let next = next_met(bytes, self.searched, &needles.grams);
        next_met(&bytes[..next], self.searched, &needles.short_readings)
    }

    /// Meets the needles of which the gram before the byte `searched` is a part.
    fn meet<const N: usize>(&mut self, needles: &Needles, index: &Index<N>) {
        let Some(gram) = self.shown.bytes()[..self.searched].last_chunk() else {
            return;
        };
        index.find(gram, |place| {
            let (form, offset) = (place.form as usize, place.offset as usize);
            self.runs.meet(
                needles,
                &self.shown,
                self.searched,
                form,
                offset..offset + N,
            );
        });
    }

    /// What may not pass, as far as it is known.
    pub(super) fn blots(&self, needles: &Needles, into: &mut Vec<Blot>) {
        self.runs.blots(needles, into);
    }

    /// Forgets runs that end at or before a position.
    pub(super) fn forget(&mut self, before: u64) {
        self.runs.forget(before);
    }
}

/// The first byte from `from` on that ends a gram of the index, or the end.
fn next_met<const N: usize>(bytes: &[u8], from: usize, index: &Index<N>) -> usize {
    let first = from.saturating_sub(N - 1);
    if index.is_empty() {
        return bytes.len();
    }
    let met = bytes[first..]
        .windows(N)
        .position(|gram| gram.first_chunk().is_some_and(|gram| index.holds(gram)));
    met.map_or(bytes.len(), |met| first + met + N - 1)
}
