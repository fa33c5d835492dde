//! What is to be reached, as far as one run can tell; for the broker ratios of one run, not figures of a
//! machine.

use crate::figures::{Figures, Measure, Who};

/// One thing to reach.
pub(crate) struct Target<F> {
    /// What it is.
    pub(crate) what: &'static str,
    /// The figure, with its unit, as it is written.
    pub(crate) unit: &'static str,
    /// Where it must lie.
    pub(crate) bound: Bound,
    figure: fn(&F) -> Option<f64>,
    /// The figure of the floor, where the floor decides whether the target can be reached at all.
    allowed_by: Option<fn(&F) -> Option<f64>>,
}

/// Where a figure must lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Not below.
    AtLeast(f64),
    /// Not above.
    AtMost(f64),
}

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Reached.
    Met(f64),
    /// Not reached.
    NotMet(f64),
    /// Not reached, and the floor does not reach it either on this machine.
    FloorToo(f64),
    /// This run has no such figure.
    NotMeasured,
}

impl<F> Target<F> {
    /// What became of it in this run.
    pub(crate) fn verdict(&self, figures: &F) -> Verdict {
        let floor = self.allowed_by.and_then(|floor| floor(figures));
        match (self.figure)(figures) {
            None => Verdict::NotMeasured,
            Some(figure) if self.bound.holds(figure) => Verdict::Met(figure),
            Some(figure) if floor.is_some_and(|floor| !self.bound.holds(floor)) => {
                Verdict::FloorToo(figure)
            }
            Some(figure) => Verdict::NotMet(figure),
        }
    }
}

/// A target that stands by itself.
pub(crate) const fn target<F>(
    what: &'static str,
    unit: &'static str,
    bound: Bound,
    figure: fn(&F) -> Option<f64>,
) -> Target<F> {
    Target {
        what,
        unit,
        bound,
        figure,
        allowed_by: None,
    }
}

/// A target that holds only where the floor reaches it.
const fn where_floor_allows<F>(target: Target<F>, floor: fn(&F) -> Option<f64>) -> Target<F> {
    Target {
        allowed_by: Some(floor),
        ..target
    }
}

use Bound::{AtLeast, AtMost};

/// Every target that the figures of the broker touch.
pub(crate) const TARGETS: &[Target<Figures>] = &[
    target("keep-alive, c=1", "× floor", AtLeast(0.85), |f| {
        of_floor(f, Measure::Rate(1))
    }),
    target("keep-alive, c=16", "× floor", AtLeast(0.85), |f| {
        of_floor(f, Measure::Rate(16))
    }),
    target("keep-alive, c=64", "× floor", AtLeast(0.85), |f| {
        of_floor(f, Measure::Rate(64))
    }),
    where_floor_allows(
        target("keep-alive, c=16", "× tunnel", AtLeast(0.60), |f| {
            of_tunnel(f, Measure::Rate(16))
        }),
        |f| f.ratio(Who::Floor, Measure::Rate(16), Who::Tunnel),
    ),
    where_floor_allows(
        target("keep-alive, c=64", "× tunnel", AtLeast(0.50), |f| {
            of_tunnel(f, Measure::Rate(64))
        }),
        |f| f.ratio(Who::Floor, Measure::Rate(64), Who::Tunnel),
    ),
    target("added to floor's p50, c=1", "µs", AtMost(15.0), |f| {
        added(f, Measure::P50)
    }),
    target("added to floor's p99, c=1", "µs", AtMost(60.0), |f| {
        added(f, Measure::P99)
    }),
    target("CPU a request, c=16", "× floor", AtMost(1.3), |f| {
        of_floor(f, Measure::Cpu)
    }),
    target(
        "new connections, pooled upstream",
        "× direct",
        AtLeast(0.75),
        |f| f.ratio(Who::Ours, Measure::NewRate, Who::Direct),
    ),
    target("CPU a new connection", "µs", AtMost(400.0), |f| {
        ours(f, Measure::NewCpu)
    }),
    target("new connections at 40 ms", "%", AtMost(1.0), |f| {
        ours(f, Measure::NewDelayed)
    }),
    target("10 MiB down, one secret", "× tunnel", AtLeast(0.65), |f| {
        of_tunnel(f, Measure::Down)
    }),
    target("RSS idle", "MiB", AtMost(15.0), |f| {
        ours(f, Measure::RssIdle)
    }),
    target("RSS at 64 connections", "MiB", AtMost(30.0), |f| {
        ours(f, Measure::RssMost)
    }),
    target("RSS added by 10 MiB down", "MiB", AtMost(4.0), |f| {
        ours(f, Measure::RssTenMib)
    }),
    target("start to first answer", "ms", AtMost(50.0), |f| {
        ours(f, Measure::Start)
    }),
    target(
        "origin handshakes, 1,000 requests, c=16",
        "",
        AtMost(16.0),
        |f| ours(f, Measure::Handshakes),
    ),
];

fn ours(figures: &Figures, measure: Measure) -> Option<f64> {
    figures.median(Who::Ours, measure)
}

fn of_floor(figures: &Figures, measure: Measure) -> Option<f64> {
    figures.ratio(Who::Ours, measure, Who::Floor)
}

fn of_tunnel(figures: &Figures, measure: Measure) -> Option<f64> {
    figures.ratio(Who::Ours, measure, Who::Tunnel)
}

fn added(figures: &Figures, measure: Measure) -> Option<f64> {
    figures.added(Who::Ours, measure, Who::Floor)
}
