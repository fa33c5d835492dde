//! Says which of the units of a text a run may hold, so that a view sleeps through the others.
//!
//! A run has eight characters in a row, so that a gram round the unit lies in it, and every gram is
//! known. Where it takes more than a few bytes to tell what stands there, the answer is yes.

use super::needles::{Needles, STEP};
use super::units::{Unit, is_shown};
use super::views::{Kind, LONGEST_UNIT, Second};

/// Bytes seen before the first of several units near each other: more than are let through in a row,
/// and the public prefix of most keys.
const BEFORE: u64 = 40;
/// Bytes in which eight characters must lie, or else it is not told what stands there.
const FARTHEST: u64 = 128;
/// Bytes that are known from a unit on: all of it and of one of the second level, a gram behind them,
/// and all of a unit there.
pub(super) const AHEAD: usize = 3 * LONGEST_UNIT + STEP;

/// The part of a text that is there.
pub(super) struct Seen<'a> {
    pub(super) needles: &'a Needles,
    pub(super) text: &'a [u8],
    /// Position of its first byte, ...
    pub(super) base: u64,
    /// ... and up to where a unit can be told.
    pub(super) known: u64,
}

impl<'a> Seen<'a> {
    pub(super) fn from(&self, position: u64) -> &'a [u8] {
        let at = usize::try_from(position - self.base).unwrap_or(self.text.len());
        self.text.get(at..).unwrap_or_default()
    }

    pub(super) fn between(&self, from: u64, to: u64) -> &'a [u8] {
        let text = self.from(from);
        let count = usize::try_from(to - from).unwrap_or(usize::MAX);
        &text[..count.min(text.len())]
    }
}

/// What is known of the text behind the last unit.
pub(super) struct Scout {
    kind: Kind,
    /// Behind that unit.
    pub(super) undone: u64,
    /// Up to here the second level may undo more than the first.
    pub(super) suspect: u64,
    /// The last bytes as a view shows them, the newest on top, and how many there are.
    near: u64,
    filled: usize,
    /// The first of the units near each other, and where the text before it begins.
    first: u64,
    plain_from: u64,
    /// The start of a unit with at least eight characters behind it, or the first; of a later one;
    /// and the characters behind that.
    older: u64,
    newer: u64,
    since: usize,
}

impl Scout {
    /// A scout of a text that begins at a position.
    pub(super) fn new(kind: Kind, at: u64) -> Self {
        Self {
            kind,
            undone: at,
            suspect: at,
            near: 0,
            filled: 0,
            first: at,
            plain_from: at,
            older: at,
            newer: at,
            since: 0,
        }
    }

    /// Where a view must begin to read for the unit that was looked at last.
    pub(super) fn from(&self) -> u64 {
        if self.older == self.first {
            self.plain_from.max(self.first.saturating_sub(BEFORE))
        } else {
            self.older
        }
    }

    /// Where the unit at a position ends, one of the second level included, if it is certain that no
    /// run holds what it stands for.
    pub(super) fn pass(&mut self, seen: &Seen<'_>, unit: &Unit, at: u64) -> Option<u64> {
        let is_plain = self.come_to(seen, at);
        let is_near = at - self.older <= FARTHEST;
        if !is_plain || !is_near || at < self.suspect || !seen.needles.all_grams {
            return None;
        }
        let end = at + unit.used as u64;
        let (unit, end) = match self.kind.second_level(unit, seen.from(end)) {
            Second::Same => (*unit, end),
            Second::Unit(second) => (second, end + second.used as u64 - 1),
            Second::Unknown => return None,
        };
        let mut window = (self.near, self.filled);
        for byte in unit.shown() {
            if is_met(seen, &mut window, *byte) {
                return None;
            }
            self.since += 1;
        }
        let behind = seen.from(end);
        let plain = self.kind.plain_before_unit(behind, STEP - 1)?;
        (self.near, self.filled) = window;
        if behind[..plain]
            .iter()
            .any(|byte| is_met(seen, &mut window, *byte))
        {
            return None;
        }
        self.undone = end;
        Some(end)
    }

    /// Passes over line breaks, which most texts have most of, in fewer steps: up to the first unit
    /// that is something else, or that a run may hold.
    pub(super) fn pass_breaks(&mut self, seen: &Seen<'_>, from: u64) -> u64 {
        if self.kind != Kind::Lines || !seen.needles.all_grams {
            return from;
        }
        let index = |position: u64| {
            let at = position.saturating_sub(seen.base);
            usize::try_from(at).map_or(seen.text.len(), |at| at.min(seen.text.len()))
        };
        let text = seen.text;
        let known = index(seen.known);
        let (mut at, mut undone) = (index(from), index(self.undone));
        // The first of the breaks near each other, and the end of the one before it.
        let mut first = None;
        let kind = self.kind;
        let lead = |at: usize| kind.lead(text.get(at..known)?);
        while let Some(lead) = lead(at) {
            at += lead;
            let gap = at - undone;
            if gap >= STEP {
                first = None;
            }
            let is_far = first.is_some_and(|(first, _)| at - first > FARTHEST as usize / 2);
            let passed = self.pass_break(seen, at, gap, first.is_some());
            let Some((end, near)) = passed.filter(|_| !is_far) else {
                let (at, undone) = first.unwrap_or((at, undone));
                self.undone = seen.base + undone as u64;
                return seen.base + at as u64;
            };
            first.get_or_insert((at, undone));
            self.near = near;
            (undone, at) = (end, end);
        }
        if let Some((at, undone)) = first {
            self.plain_from = seen.base + undone as u64;
            self.first = seen.base + at as u64;
            (self.older, self.newer) = (self.first, self.first);
            (self.filled, self.since) = (STEP, 0);
        }
        self.undone = seen.base + undone as u64;
        seen.known.max(self.undone)
    }

    /// Where the break ends that no run holds, and what is shown before it.
    #[inline]
    fn pass_break(
        &self,
        seen: &Seen<'_>,
        at: usize,
        gap: usize,
        goes_on: bool,
    ) -> Option<(usize, u64)> {
        let rest = &seen.text[at..];
        let end = match rest {
            [b'=', ..] => return None,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        let before = u64::from_le_bytes(*seen.text[..at].last_chunk()?);
        let near = match gap {
            STEP.. => before,
            1.. if goes_on => {
                let others = 8 * (STEP - gap);
                before >> others << others | self.near >> (8 * gap)
            }
            0 if goes_on => self.near,
            _ => return None,
        };
        let behind: &[u8; STEP] = rest[end..].first_chunk()?;
        let plain = self.kind.plain_bytes(behind);
        if behind.get(plain) == Some(&b'=') || behind.starts_with(b"data:") {
            return None;
        }
        let grams = &seen.needles.grams;
        let behind = u64::from_le_bytes(*behind);
        let gram = |at: usize| (near >> (8 * at) | behind << (64 - 8 * at)).to_le_bytes();
        let reach = 1..=plain.min(STEP - 1);
        let may_hold = reach
            .clone()
            .fold(false, |any, at| any | grams.may_hold(&gram(at)));
        let held = may_hold && reach.into_iter().any(|at| grams.holds(&gram(at)));
        (!held).then_some((at + end, near))
    }

    /// Takes in the bytes before the unit at a position. Returns whether they are shown as they are.
    fn come_to(&mut self, seen: &Seen<'_>, at: u64) -> bool {
        let gap = seen.between(self.undone.max(at.saturating_sub(STEP as u64)), at);
        if let Some(last) = gap.first_chunk() {
            self.near = u64::from_le_bytes(*last);
            self.filled = STEP;
            self.plain_from = self.undone;
            (self.first, self.older, self.newer) = (at, at, at);
            self.since = 0;
        } else {
            for byte in gap {
                self.near = self.near >> 8 | u64::from(*byte) << 56;
            }
            self.filled = STEP.min(self.filled + gap.len());
            self.since += gap.len();
            if self.since >= STEP {
                (self.older, self.newer) = (self.newer, at);
                self.since = 0;
            }
        }
        self.kind == Kind::Lines || gap.iter().all(|byte| is_shown(*byte))
    }
}

/// Adds a byte, and says whether the gram that it ends stands in a needle.
#[inline]
fn is_met(seen: &Seen<'_>, window: &mut (u64, usize), byte: u8) -> bool {
    window.0 = window.0 >> 8 | u64::from(byte) << 56;
    window.1 = STEP.min(window.1 + 1);
    window.1 == STEP && seen.needles.grams.holds(&window.0.to_le_bytes())
}
