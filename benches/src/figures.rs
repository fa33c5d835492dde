//! What was measured of each subject, as medians over the rounds.

use std::collections::BTreeMap;

use crate::load::Tally;
use crate::upstream::Page;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The client dials the origin.
    Direct,
    /// A plain CONNECT tunnel between them.
    Tunnel,
    /// A proxy with two TLS legs that does nothing else.
    Floor,
    /// The broker: session, policy, log, injection and wash.
    Ours,
    /// The broker, each intent waiting for the disk. Only the disk sets a target for that.
    Power,
}

impl Who {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 5] = [
        Self::Direct,
        Self::Tunnel,
        Self::Floor,
        Self::Ours,
        Self::Power,
    ];

    /// Those that are no broker.
    pub(crate) const YARDSTICKS: [Self; 3] = [Self::Direct, Self::Tunnel, Self::Floor];

    /// Its name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Tunnel => "tunnel",
            Self::Floor => "floor",
            Self::Ours => "ours",
            Self::Power => "power",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    /// Answers a second, this many requests in flight on kept connections.
    Rate(u16),
    /// Median latency in µs, one request in flight.
    P50,
    /// Latency in µs that 99 of 100 stay within, one request in flight.
    P99,
    /// Processor time in µs of the proxy for one request, 16 in flight.
    Cpu,
    /// Answers a second, 8 in flight, each on a connection of its own.
    NewRate,
    /// Processor time in µs of the proxy for one such connection.
    NewCpu,
    /// Of 100 such connections, how many took 38 to 48 ms: the mark of a delayed acknowledgement.
    NewDelayed,
    /// MB/s of 10 MiB down.
    Down,
    /// MiB in memory after the first request.
    RssIdle,
    /// The most MiB in memory with 64 connections.
    RssMost,
    /// MiB that 10 MiB down add.
    RssTenMib,
    /// The most MiB in memory while 1 GiB goes down.
    RssOneGib,
    /// From the start to the first answer in ms.
    Start,
    /// Handshakes at the origin for 1,000 requests, 16 in flight.
    Handshakes,
}

impl Measure {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 16] = [
        Self::Rate(1),
        Self::Rate(16),
        Self::Rate(64),
        Self::P50,
        Self::P99,
        Self::Cpu,
        Self::NewRate,
        Self::NewCpu,
        Self::NewDelayed,
        Self::Down,
        Self::RssIdle,
        Self::RssMost,
        Self::RssTenMib,
        Self::RssOneGib,
        Self::Start,
        Self::Handshakes,
    ];

    /// Whether one subject's figure over another's says anything: not where the other's is near 0.
    pub(crate) fn compares(self) -> bool {
        !matches!(self, Self::RssTenMib | Self::NewDelayed)
    }

    /// What it is, with its unit.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Rate(clients) => format!("keep-alive req/s, c={clients}"),
            Self::P50 => "p50 µs, c=1".into(),
            Self::P99 => "p99 µs, c=1".into(),
            Self::Cpu => "CPU µs a request, c=16".into(),
            Self::NewRate => "new connections/s, c=8".into(),
            Self::NewCpu => "CPU µs a new connection".into(),
            Self::NewDelayed => "new connections at 40 ms, %".into(),
            Self::Down => "10 MiB down, MB/s".into(),
            Self::RssIdle => "RSS MiB, idle".into(),
            Self::RssMost => "RSS MiB, most at c=64".into(),
            Self::RssTenMib => "RSS MiB, added by 10 MiB down".into(),
            Self::RssOneGib => "RSS MiB, most with 1 GiB down".into(),
            Self::Start => "start to first answer, ms".into(),
            Self::Handshakes => "origin handshakes, 1,000 requests".into(),
        }
    }
}

/// Everything measured in one run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    values: BTreeMap<(Who, Measure), Vec<f64>>,
    errors: BTreeMap<Who, (u64, String)>,
}

impl Figures {
    /// Takes one value of one round.
    pub(crate) fn take(&mut self, who: Who, measure: Measure, value: Option<f64>) {
        if let Some(value) = value {
            self.values.entry((who, measure)).or_default().push(value);
        }
    }

    /// Takes the errors of a tally.
    pub(crate) fn take_errors(&mut self, who: Who, tally: &Tally) {
        if tally.errors > 0 {
            let first = tally.first_error.clone().unwrap_or_default();
            self.errors.entry(who).or_insert((0, first)).0 += tally.errors;
        }
    }

    /// The median over the rounds.
    pub(crate) fn median(&self, who: Who, measure: Measure) -> Option<f64> {
        median(self.values.get(&(who, measure))?)
    }

    /// One subject's median over another's.
    pub(crate) fn ratio(&self, who: Who, measure: Measure, to: Who) -> Option<f64> {
        let base = self.median(to, measure).filter(|base| *base > 0.0)?;
        Some(self.median(who, measure)? / base)
    }

    /// What one subject's median is above another's.
    pub(crate) fn added(&self, who: Who, measure: Measure, to: Who) -> Option<f64> {
        Some(self.median(who, measure)? - self.median(to, measure)?)
    }

    /// How far the rounds of one measure lie apart, against their median.
    pub(crate) fn spread(&self, who: Who, measure: Measure) -> Option<f64> {
        let values = self.values.get(&(who, measure))?;
        let least = values.iter().copied().reduce(f64::min)?;
        let most = values.iter().copied().reduce(f64::max)?;
        Some((most - least) / median(values).filter(|median| *median > 0.0)?)
    }

    /// Whether anything of this subject was measured.
    pub(crate) fn has(&self, who: Who) -> bool {
        self.values.keys().any(|(measured, _)| *measured == who)
    }

    /// Errors of each subject that had some, with the first one's text.
    pub(crate) fn errors(&self) -> impl Iterator<Item = (Who, u64, &str)> {
        self.errors
            .iter()
            .map(|(who, (count, first))| (*who, *count, first.as_str()))
    }
}

/// The value in the middle, or between the two there.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// What this share of the values stays within.
pub(crate) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    values.get((last as f64 * share).round() as usize).copied()
}

/// MB/s of pages one after the other.
pub(crate) fn throughput(tally: &Tally, page: Page) -> Option<f64> {
    let seconds = tally.nanos.iter().sum::<u64>() as f64 / 1e9;
    let bytes = tally.nanos.len() as u64 * page.bytes();
    (seconds > 0.0).then(|| bytes as f64 / 1e6 / seconds)
}

/// Processor time of one answer in µs.
pub(crate) fn cpu_us(tally: &Tally) -> Option<f64> {
    let cpu = tally.cpu?.as_secs_f64() * 1e6;
    (tally.answers > 0).then(|| cpu / tally.answers as f64)
}

/// Of 100 counted answers, how many took 38 to 48 ms.
pub(crate) fn delayed_percent(tally: &Tally) -> Option<f64> {
    let delayed = tally
        .nanos
        .iter()
        .filter(|nanos| (38_000_000..48_000_000).contains(*nanos))
        .count();
    (!tally.nanos.is_empty()).then(|| delayed as f64 * 100.0 / tally.nanos.len() as f64)
}

/// KiB as MiB.
pub(crate) fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
