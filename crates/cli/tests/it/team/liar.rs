//! A member to whom the server lies: each lie has its verdict and exit status, nothing of it is applied,
//! and when the server is honest again the member goes on.

use withheld_testkit::{Agent, Canary, Changed, Exchange};

use super::two::{Two, asked, diff_exits, invite, named, told};

/// A member to whom the server lies, one lie after the other.
pub(super) struct Liar {
    pub(super) two: Two,
    agent: Agent,
    /// What is in force at the member, and its version.
    pub(super) value: Canary,
    pub(super) version: u64,
    /// Makes the names of guests differ.
    guests: u32,
}

impl Liar {
    pub(super) fn new(two: Two) -> Self {
        Self {
            agent: two.newdev.agent_named("busy", &["--grant", "*"]),
            value: two.key.clone(),
            version: 1,
            guests: 0,
            two,
        }
    }

    /// So many new versions of `KEY` that the member has not seen: a commit each.
    pub(super) fn writes(&mut self, commits: u64) -> (Canary, u64) {
        let values: Vec<_> = (0..commits).map(|_| self.two.rotate()).collect();
        (values.last().unwrap().clone(), self.version + commits)
    }

    /// Two links that the member has not seen.
    pub(super) fn invites(&mut self) {
        for _ in 0..2 {
            self.guests += 1;
            let name = format!("guest{}", self.guests);
            invite(&self.two.lead, &name, &["dev:read"]);
        }
    }

    /// The lie is met with this code, and changes nothing; then the truth is told.
    #[track_caller]
    pub(super) fn meets(
        &mut self,
        next: (Canary, u64),
        verdict: (i32, &str),
        script: impl Fn(&Exchange) -> Option<Changed> + Send + Sync + 'static,
    ) {
        self.meets_as(next, verdict, seen_as(verdict), script);
    }

    /// The same, of a lie that is seen like this afterwards: by its state, and the exit status of `diff`.
    #[track_caller]
    pub(super) fn meets_as(
        &mut self,
        next: (Canary, u64),
        verdict: (i32, &str),
        seen: (&str, i32),
        script: impl Fn(&Exchange) -> Option<Changed> + Send + Sync + 'static,
    ) {
        self.two.post.tap.script(script);
        self.refuses(verdict, seen);
        self.two.post.tap.honest();
        self.goes_on(next);
    }

    /// What is shown now is met with this code and seen like this, and nothing of it is applied.
    #[track_caller]
    pub(super) fn refuses(&self, (exit, code): (i32, &str), (state, drift): (&str, i32)) {
        told(&self.two.newdev, &["pull"]).fails(exit).says(code);
        self.holds(state);
        diff_exits(&self.two.newdev, drift);
    }

    /// What is shown now is taken: this value, in this version.
    #[track_caller]
    pub(super) fn goes_on(&mut self, (value, version): (Canary, u64)) {
        let pulled = asked(&self.two.newdev, &["pull"]);
        assert_eq!(named(&pulled["pulled"], "KEY")["version"], version);
        (self.value, self.version) = (value, version);
        self.holds("in-sync");
    }

    /// The value that was in force is, in that version.
    #[track_caller]
    pub(super) fn holds(&self, state: &str) {
        let status = self.two.newdev.status();
        let row = named(&status["secrets"], "KEY");
        assert_eq!(row["version"], self.version, "{row}");
        assert_eq!(row["state"], state, "{row}");
        self.two.arrives(&self.agent, &self.value);
    }

    /// A lie about commits or records.
    #[track_caller]
    pub(super) fn lie(
        &mut self,
        verdict: (i32, &str),
        script: impl Fn(&Exchange) -> Option<Changed> + Send + Sync + 'static,
    ) {
        let next = self.writes(1);
        self.meets(next, verdict, script);
    }
}

/// How what is met with this verdict is seen afterwards: by the state, and the exit status of `diff`.
pub(super) fn seen_as((exit, _): (i32, &str)) -> (&'static str, i32) {
    match exit {
        8 => ("tampered", 8),
        _ => ("unverified", 6),
    }
}

pub(super) const INVALID: (i32, &str) = (8, "signature_invalid");
pub(super) const ROLLBACK: (i32, &str) = (8, "rollback_detected");
pub(super) const FORK: (i32, &str) = (8, "fork_detected");
pub(super) const UNVERIFIED: (i32, &str) = (6, "unverified");
