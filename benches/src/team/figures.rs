//! What was measured of a team, in milliseconds.

use std::collections::BTreeMap;

use super::Plan;
use crate::figures;

/// What is done by a command, and looked at from all sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// New secrets go to the team.
    Push,
    /// They come to a colleague.
    Pull,
    /// A member goes, and every key that it had is replaced.
    Remove,
    /// A colleague takes the new key.
    Absorb,
}

/// A side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// What a person waits for: the command from its start to its end.
    Wait,
    /// Processor time of the broker that did it.
    Broker,
    /// Processor time of the server.
    Server,
    /// The yardstick: the cryptography of it, and nothing else.
    Floor,
}

/// How much the team has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    /// One secret.
    One,
    /// All that the run makes.
    All,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measure {
    /// The program starts and ends.
    Start,
    /// A GET of the server's, on a kept connection.
    Get,
    /// The same on a new one.
    GetFresh,
    /// `status` with nothing changed, which is one GET.
    Status(Size),
    /// `push` of one new version.
    PushOne(Size),
    /// From the start of `set` until a colleague's `status --follow` shows it; a push between.
    Visible(Size),
    /// `unlock`: the passphrase, and the copy of the team judged anew.
    Unlock(Size),
    /// From the start of `team join` to a value in the new vault.
    Join,
    /// Of an act.
    Of(Act, Side),
    /// The yardstick of values that come: as many small files, each on the disk before the next.
    Files,
    /// The first pull of some, into a keychain.
    IntoKeychain,
    /// The same, into files.
    IntoFiles,
    /// The yardstick: as many items of that size, by a client that does nothing else.
    BareKeychain,
}

/// Everything measured in one run.
pub(super) struct Figures {
    /// How much was done.
    pub(super) plan: Plan,
    values: BTreeMap<Measure, Vec<f64>>,
}

impl Figures {
    /// None yet.
    pub(super) fn of(plan: Plan) -> Self {
        Self {
            plan,
            values: BTreeMap::new(),
        }
    }

    /// Takes one.
    pub(super) fn take(&mut self, measure: Measure, ms: f64) {
        self.values.entry(measure).or_default().push(ms);
    }

    /// All of one measure, in the order in which they were taken.
    pub(super) fn all(&self, measure: Measure) -> &[f64] {
        self.values.get(&measure).map_or(&[], Vec::as_slice)
    }

    /// The one in the middle.
    pub(super) fn median(&self, measure: Measure) -> Option<f64> {
        figures::median(self.all(measure))
    }

    /// What 95 of 100 stay within.
    pub(super) fn p95(&self, measure: Measure) -> Option<f64> {
        figures::quantile(self.all(measure), 0.95)
    }

    /// One median over another.
    pub(super) fn ratio(&self, measure: Measure, to: Measure) -> Option<f64> {
        let base = self.median(to).filter(|base| *base > 0.0)?;
        Some(self.median(measure)? / base)
    }
}

/// As milliseconds.
pub(super) fn ms(took: std::time::Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
