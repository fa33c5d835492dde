//! The runs of a view: how far what it shows agrees with a form.

use std::ops::Range;

use super::blots::Blot;
use super::needles::Needles;
use super::shown::{REMEMBERED, Shown};
use super::stream::REACH;

/// Runs of one form that are followed at a time. Only a value that repeats itself has more, and
/// then these cover it.
const MOST_RUNS: usize = 16;

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

/// The runs of one view.
#[derive(Default)]
pub(super) struct Runs {
    /// Those that may still grow, and those that cannot and count.
    open: Vec<Run>,
    done: Vec<Run>,
}

impl Runs {
    /// Whether no run may still grow.
    pub(super) fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }

    /// One more byte was shown.
    pub(super) fn go_on(&mut self, needles: &Needles, shown: &Shown, newest: usize) {
        let mut at = 0;
        while at < self.open.len() {
            go_on(&mut self.open[at], needles, shown, newest);
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

    /// The bytes before `end` are the gram of a form.
    pub(super) fn meet(
        &mut self,
        needles: &Needles,
        shown: &Shown,
        end: usize,
        form_number: usize,
        gram: Range<usize>,
    ) {
        let form = &needles.forms[form_number];
        let to = gram.end;
        let count = shown.number(end);
        let diagonal = i128::from(count) - to as i128;
        let mut same_form = 0;
        for run in self.open.iter().filter(|run| run.form == form_number) {
            if run.diagonal == diagonal {
                return;
            }
            same_form += usize::from(run.counts);
        }
        // A run that has just come to the end of its form is found once more by its last bytes.
        let ends_here = |run: &&Run| run.shown_to == count;
        let known = self.done.iter().rev().take_while(ends_here);
        let mut known = known.filter(|run| run.form == form_number && run.diagonal == diagonal);
        if same_form >= MOST_RUNS || known.next().is_some() {
            return;
        }
        let remembered = &shown.bytes()[end.saturating_sub(REMEMBERED)..end];
        let back = form.bytes[..to]
            .iter()
            .rev()
            .zip(remembered.iter().rev())
            .take_while(|(known, shown)| known == shown)
            .count();
        if back < gram.len() {
            return;
        }
        let (start, end) = shown.span(end - back..end);
        let mut run = Run {
            form: form_number,
            from: to - back,
            to,
            diagonal,
            start,
            end,
            open: to < form.bytes.len(),
            counts: false,
            shown_to: count,
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
            let form = &needles.forms[run.form];
            into.push(Blot {
                start: run.start,
                end: run.end,
                secret: form.secret,
                at_start: run.from <= form.in_view.whole_from,
                at_end: run.to >= form.in_view.whole_to,
            });
        }
    }

    /// Forgets runs that end at or before a position.
    pub(super) fn forget(&mut self, before: u64) {
        self.done.retain(|run| run.end > before);
    }
}

fn go_on(run: &mut Run, needles: &Needles, shown: &Shown, newest: usize) {
    let form = &needles.forms[run.form].bytes;
    if form.get(run.to) != shown.bytes().get(newest) {
        run.open = false;
        return;
    }
    run.to += 1;
    run.shown_to += 1;
    run.end = shown.span(newest..newest + 1).1;
    run.open = run.to < form.len();
    judge(run, needles);
}

/// A run that holds nothing that was undone stands in the text itself, and does not count here. Once a
/// run counts, it counts from its start, but no further back than what every cut of the text still
/// holds.
fn judge(run: &mut Run, needles: &Needles) {
    let form = &needles.forms[run.form];
    let written = run.end - run.start;
    let was_undone = written > (run.to - run.from) as u64;
    if !run.counts && was_undone && written >= form.written && form.in_view.counts(run.from, run.to)
    {
        run.counts = true;
        run.start = run.start.max(run.end.saturating_sub(REACH as u64));
    }
}
