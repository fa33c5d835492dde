//! What a run of the team prints: the figures, each beside its yardstick, and what was to be reached.

use std::fmt::Write as _;

use super::Plan;
use super::figures::{Act, Figures, Measure, Side, Size};
use crate::Options;
use crate::report::{cell, figure, judged, ratio};
use crate::targets::Bound::AtMost;
use crate::targets::{Target, target};

/// The lines of the table, each with the one that it is measured against.
const ROWS: &[(Measure, Option<Measure>)] = &[
    (Measure::Start, None),
    (Measure::Get, None),
    (Measure::GetFresh, None),
    (Measure::Status(Size::One), Some(Measure::Start)),
    (Measure::Status(Size::All), Some(Measure::Start)),
    (of(Act::Push, Side::Wait), Some(of(Act::Push, Side::Floor))),
    (
        of(Act::Push, Side::Broker),
        Some(of(Act::Push, Side::Floor)),
    ),
    (
        of(Act::Push, Side::Server),
        Some(of(Act::Push, Side::Floor)),
    ),
    (of(Act::Push, Side::Floor), None),
    (of(Act::Pull, Side::Wait), Some(Measure::Files)),
    (
        of(Act::Pull, Side::Broker),
        Some(of(Act::Pull, Side::Floor)),
    ),
    (
        of(Act::Pull, Side::Server),
        Some(of(Act::Pull, Side::Floor)),
    ),
    (of(Act::Pull, Side::Floor), None),
    (Measure::Files, None),
    (
        Measure::PushOne(Size::One),
        Some(Measure::Status(Size::One)),
    ),
    (
        Measure::PushOne(Size::All),
        Some(Measure::Status(Size::All)),
    ),
    (Measure::Visible(Size::One), None),
    (Measure::Visible(Size::All), None),
    (Measure::Join, None),
    (
        of(Act::Remove, Side::Wait),
        Some(of(Act::Remove, Side::Floor)),
    ),
    (
        of(Act::Remove, Side::Broker),
        Some(of(Act::Remove, Side::Floor)),
    ),
    (
        of(Act::Remove, Side::Server),
        Some(of(Act::Remove, Side::Floor)),
    ),
    (of(Act::Remove, Side::Floor), None),
    (of(Act::Absorb, Side::Wait), None),
    (Measure::Unlock(Size::One), None),
    (Measure::Unlock(Size::All), Some(Measure::Unlock(Size::One))),
    (Measure::IntoKeychain, Some(Measure::BareKeychain)),
    (Measure::BareKeychain, None),
    (Measure::IntoFiles, None),
];

/// Every target that the figures of a team touch, in milliseconds.
pub(super) const TARGETS: &[Target<Figures>] = &[
    target("status, one secret, p95", "ms", AtMost(150.0), |f| {
        f.p95(Measure::Status(Size::One))
    }),
    target("status, all secrets, p95", "ms", AtMost(150.0), |f| {
        f.p95(Measure::Status(Size::All))
    }),
    target(
        "set to visible at a colleague, one secret, p95",
        "ms",
        AtMost(2000.0),
        |f| f.p95(Measure::Visible(Size::One)),
    ),
    target(
        "set to visible at a colleague, all secrets, p95",
        "ms",
        AtMost(2000.0),
        |f| f.p95(Measure::Visible(Size::All)),
    ),
    target("pull 1,000, values in files", "ms", AtMost(1000.0), |f| {
        whole(f, of(Act::Pull, Side::Wait))
    }),
    target(
        "remove 1 of 100 members over 10,000 secrets",
        "ms",
        AtMost(5000.0),
        |f| whole(f, of(Act::Remove, Side::Wait)),
    ),
    target("join to first value, p95", "ms", AtMost(5000.0), |f| {
        f.p95(Measure::Join)
    }),
];

const fn of(act: Act, side: Side) -> Measure {
    Measure::Of(act, side)
}

/// A figure that is about so many secrets and members as only the whole run has.
fn whole(figures: &Figures, measure: Measure) -> Option<f64> {
    figures.median(measure).filter(|_| figures.plan.is_whole)
}

/// What was run, and where.
pub(super) fn heading(options: &Options, plan: &Plan) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let ours = options.withheld.as_ref();
    let ours = ours.map_or_else(String::new, |ours| ours.display().to_string());
    format!(
        "{} members, {} secrets · {cores} cores · ours is {ours}\n",
        plan.members,
        thousands(plan.secrets())
    )
}

/// The figures, in milliseconds.
pub(super) fn table(figures: &Figures) -> String {
    let mut text = format!("{:<46}{:>5}", "ms", "n");
    for head in ["median", "p95", "first", "last"] {
        let _ = write!(text, "{head:>10}");
    }
    text.push_str("   × yardstick\n");
    for (measure, yardstick) in ROWS {
        let all = figures.all(*measure);
        let _ = write!(
            text,
            "{:<46}{:>5}",
            label(*measure, &figures.plan),
            all.len()
        );
        for value in [
            figures.median(*measure),
            figures.p95(*measure),
            all.first().copied(),
            all.last().copied(),
        ] {
            text.push_str(&cell(value, figure));
        }
        if let Some(yardstick) = yardstick {
            let beside = figures.ratio(*measure, *yardstick);
            let name = label(*yardstick, &figures.plan);
            let _ = write!(text, "{} {}", cell(beside, ratio), name.trim());
        }
        text.push('\n');
    }
    text
}

/// Each target, met or not.
pub(super) fn targets(figures: &Figures) -> String {
    judged(figures, TARGETS)
}

fn label(measure: Measure, plan: &Plan) -> String {
    let size = |size| match size {
        Size::One => "one secret".to_owned(),
        Size::All => format!("{} secrets", thousands(plan.secrets())),
    };
    let (batch, few) = (thousands(plan.batch), thousands(plan.few));
    match measure {
        Measure::Start => "the program starts and ends".into(),
        Measure::Get => "GET of the server, kept connection".into(),
        Measure::GetFresh => "GET of the server, new connection".into(),
        Measure::Status(of) => format!("status, {}", size(of)),
        Measure::PushOne(of) => format!("push 1 of {}", size(of)),
        Measure::Visible(of) => format!("set to visible, {}", size(of)),
        Measure::Unlock(of) => format!("unlock, {}", size(of)),
        Measure::Join => "join to first value".into(),
        Measure::Of(act, side) => match side {
            Side::Wait => match act {
                Act::Push => format!("push {batch} new"),
                Act::Pull => format!("pull {batch}"),
                Act::Remove => format!("remove 1 of {} members", plan.members),
                Act::Absorb => "a colleague takes the new key".into(),
            },
            Side::Broker => "  CPU of the broker".into(),
            Side::Server => "  CPU of the server".into(),
            Side::Floor => "  its cryptography alone".into(),
        },
        Measure::Files => format!("  {batch} durable files alone"),
        Measure::IntoKeychain => format!("first pull of {few}, keychain"),
        Measure::IntoFiles => format!("first pull of {few}, files"),
        Measure::BareKeychain => format!("  {few} items alone, keychain"),
    }
}

/// With a comma before each three digits.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
