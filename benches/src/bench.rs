//! One run: every subject starts, is looked at while nothing else happens, and then takes its turns in
//! rounds whose order is drawn anew.

use std::time::Duration;

use crate::figures::{self, Figures, Measure, Who, mib};
use crate::lab::{Folder, Lab, Subject};
use crate::load::{Length, Tally, Work};
use crate::upstream::Page;
use crate::{Options, Outcome, procstat, report, shuffle};

/// How much is done.
pub(crate) struct Plan {
    /// Turns of every subject at every load.
    pub(crate) rounds: usize,
    /// Starts of every proxy.
    pub(crate) starts: usize,
    /// One turn.
    turn: Length,
}

impl Plan {
    fn of(quick: bool) -> Self {
        let (rounds, starts, warm, counted) = if quick {
            (3, 3, 100, 500)
        } else {
            (7, 7, 300, 1500)
        };
        Self {
            rounds,
            starts,
            turn: Length::Time {
                warm: Duration::from_millis(warm),
                counted: Duration::from_millis(counted),
            },
        }
    }
}

/// Runs it and prints what came of it.
///
/// # Errors
/// When something does not start, or an answer was wrong: then the figures are void.
pub(crate) fn run(options: &Options) -> Outcome {
    let plan = Plan::of(options.quick);
    let folder = Folder::new()?;
    let lab = Lab::new(folder.path(), options)?;
    let mut figures = Figures::default();
    let mut subjects = Vec::new();
    for who in lab.present() {
        eprintln!("starting {}", who.name());
        let subject = lab.start_often(who, plan.starts, &mut figures)?;
        at_rest(&lab, &subject, &mut figures)?;
        subjects.push(subject);
    }
    let mut seed = shuffle::seed();
    println!("{}", report::heading(options, &plan, seed));
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        take_turns(&lab, &subjects, plan.turn, &mut seed, &mut figures)?;
    }
    lab.end(subjects)?;
    println!("{}", report::table(&figures));
    println!("{}", report::targets(&figures));
    let void: Vec<String> = figures
        .errors()
        .map(|(who, count, first)| format!("{}: {count} errors, the first: {first}", who.name()))
        .collect();
    if void.is_empty() {
        Ok(())
    } else {
        Err(format!("these figures are void\n  {}", void.join("\n  ")).into())
    }
}

/// A load that every subject takes in every round.
#[derive(Clone, Copy, Debug)]
enum Turn {
    KeepAlive(u16),
    New,
    Down,
}

const TURNS: [Turn; 5] = [
    Turn::KeepAlive(1),
    Turn::KeepAlive(16),
    Turn::KeepAlive(64),
    Turn::New,
    Turn::Down,
];

impl Turn {
    fn work(self, length: Length) -> Work {
        let (page, clients, fresh) = match self {
            Self::KeepAlive(clients) => (Page::Small, usize::from(clients), false),
            Self::New => (Page::Small, 8, true),
            Self::Down => (Page::TenMib, 1, false),
        };
        Work {
            page,
            clients,
            fresh,
            length,
        }
    }

    fn take(self, who: Who, tally: &Tally, counted_s: f64, figures: &mut Figures) {
        let rate = (!tally.nanos.is_empty()).then(|| tally.nanos.len() as f64 / counted_s);
        match self {
            Self::KeepAlive(clients) => {
                figures.take(who, Measure::Rate(clients), rate);
                match clients {
                    1 => {
                        figures.take(who, Measure::P50, tally.quantile_us(0.50));
                        figures.take(who, Measure::P99, tally.quantile_us(0.99));
                    }
                    16 => figures.take(who, Measure::Cpu, figures::cpu_us(tally)),
                    _ => figures.take(who, Measure::RssMost, tally.most_rss_kib.map(mib)),
                }
            }
            Self::New => {
                figures.take(who, Measure::NewRate, rate);
                figures.take(who, Measure::NewCpu, figures::cpu_us(tally));
                figures.take(who, Measure::NewDelayed, figures::delayed_percent(tally));
            }
            Self::Down => {
                figures.take(who, Measure::Down, figures::throughput(tally, Page::TenMib));
            }
        }
    }
}

/// What is measured once, while the others rest: memory of bodies, and the pool.
fn at_rest(lab: &Lab, subject: &Subject, figures: &mut Figures) -> Outcome {
    let one_by_one = |page, answers| Work {
        page,
        clients: 1,
        fresh: false,
        length: Length::Answers(answers),
    };
    let who = subject.who;
    let before = subject.watched().and_then(procstat::rss_kib);
    let small = lab.load(subject, one_by_one(Page::TenMib, 5), figures)?;
    let added = small.most_rss_kib.zip(before);
    let added = added.map(|(most, before)| mib(most.saturating_sub(before)));
    figures.take(who, Measure::RssTenMib, added);
    if subject.watched().is_some() {
        let large = lab.load(subject, one_by_one(Page::OneGib, 1), figures)?;
        figures.take(who, Measure::RssOneGib, large.most_rss_kib.map(mib));
    }
    let before = lab.handshakes();
    let thousand = Work {
        clients: 16,
        ..one_by_one(Page::Small, 1000)
    };
    lab.load(subject, thousand, figures)?;
    let handshakes = lab.handshakes() - before;
    figures.take(who, Measure::Handshakes, Some(handshakes as f64));
    Ok(())
}

/// One round, in an order of its own.
fn take_turns(
    lab: &Lab,
    subjects: &[Subject],
    turn: Length,
    seed: &mut u64,
    figures: &mut Figures,
) -> Outcome {
    let counted_s = match turn {
        Length::Time { counted, .. } => counted.as_secs_f64(),
        Length::Answers(_) => return Err("a round is measured in time".into()),
    };
    let mut order: Vec<_> = subjects
        .iter()
        .flat_map(|subject| TURNS.map(|turn| (subject, turn)))
        .collect();
    shuffle::shuffle(&mut order, seed);
    for (subject, what) in order {
        let tally = lab.load(subject, what.work(turn), figures)?;
        what.take(subject.who, &tally, counted_s, figures);
    }
    Ok(())
}
