//! What a run prints.

use std::fmt::Write as _;

use crate::Options;
use crate::bench::Plan;
use crate::figures::{Figures, Measure, Who};
use crate::targets::{Bound, TARGETS, Target, Verdict};

/// Rounds that lie further apart than this were disturbed by something else on the machine.
const QUIET: f64 = 0.15;

/// What was run, and where.
pub(crate) fn heading(options: &Options, plan: &Plan, seed: u64) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let ours = match &options.withheld {
        Some(program) => format!("ours is {}", program.display()),
        None => "ours is not measured: no program was named".into(),
    };
    format!(
        "medians of {} rounds, {} starts · {cores} cores · seed {seed:x}\n{ours}\n",
        plan.rounds, plan.starts
    )
}

/// The figures of every subject that was measured, and how ours stand to the yardsticks.
pub(crate) fn table(figures: &Figures) -> String {
    let measured = || Who::ALL.into_iter().filter(|who| figures.has(*who));
    let bases = || {
        Who::YARDSTICKS
            .into_iter()
            .filter(|_| figures.has(Who::Ours))
    };
    let mut text = format!("{:<34}", "");
    for who in measured() {
        let _ = write!(text, "{:>10}", who.name());
    }
    for base in bases() {
        let _ = write!(text, "{:>10}", format!("× {}", base.name()));
    }
    text.push('\n');
    for measure in Measure::ALL {
        let _ = write!(text, "{:<34}", measure.label());
        for who in measured() {
            text.push_str(&cell(figures.median(who, measure), figure));
        }
        for base in bases() {
            let compared = figures.ratio(Who::Ours, measure, base);
            text.push_str(&cell(compared.filter(|_| measure.compares()), ratio));
        }
        text.push('\n');
    }
    text.push_str(&noise(figures));
    text
}

/// Each target, met or not.
pub(crate) fn targets(figures: &Figures) -> String {
    if !figures.has(Who::Ours) {
        return String::from("no target is judged: ours is not measured");
    }
    judged(figures, TARGETS)
}

/// One line a target.
pub(crate) fn judged<F>(figures: &F, targets: &[Target<F>]) -> String {
    let mut text = String::new();
    for target in targets {
        let bound = match target.bound {
            Bound::AtLeast(least) => format!("≥ {least}"),
            Bound::AtMost(most) => format!("≤ {most}"),
        };
        let (verdict, shown) = match target.verdict(figures) {
            Verdict::Met(figure) => ("met", ratio(figure)),
            Verdict::NotMet(figure) => ("NOT MET", ratio(figure)),
            Verdict::FloorToo(figure) => ("floor neither", ratio(figure)),
            Verdict::NotMeasured => ("NOT MEASURED", "-".into()),
        };
        let _ = writeln!(
            text,
            "{verdict:<14}{shown:>10} {:<9} {bound:<8} {}",
            target.unit, target.what
        );
    }
    text
}

/// A cell of a table; nothing where there is no figure.
pub(crate) fn cell(value: Option<f64>, shown: fn(f64) -> String) -> String {
    format!("{:>10}", value.map_or_else(|| "-".into(), shown))
}

/// With as many digits as say something.
pub(crate) fn figure(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// Two digits behind the point.
pub(crate) fn ratio(value: f64) -> String {
    format!("{value:.2}")
}

/// A warning where the rounds of the same thing do not agree.
fn noise(figures: &Figures) -> String {
    let apart = Who::YARDSTICKS
        .into_iter()
        .filter_map(|who| figures.spread(who, Measure::Rate(16)))
        .fold(0.0, f64::max);
    if apart > QUIET {
        format!(
            "\nNOISY: rounds of the yardsticks at c=16 lie {:.0} % apart; something else runs here\n",
            apart * 100.0
        )
    } else {
        String::new()
    }
}
