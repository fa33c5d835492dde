//! What is found at the start: the records since the anchor are verified, what a crash left of the
//! last one is cut off, and requests without an outcome are told.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use withheld_core::name::RequestId;
use withheld_core::{Code, Refusal};
use withheld_system::private;

use super::rescue;
use crate::anchor::Anchored;
use crate::chain::{Frame, Head};
use crate::folder::{self, Piece, segment_path};
use crate::record::{Outcome, RequestRecord};
use crate::verify::{Broken, Fault, Verifier};

/// Where the log goes on.
pub(super) struct Start {
    pub(super) head: Head,
    /// The number of the last segment; 0 before the first.
    pub(super) last: u64,
    pub(super) policy: u64,
    pub(super) uncertified: BTreeMap<u64, [u8; 32]>,
    /// The process before did not close the log: how many bytes were cut off.
    pub(super) cut_bytes: Option<u64>,
    /// Intents without an outcome.
    pub(super) orphans: Vec<RequestRecord>,
}

/// Reads and mends the folder. `copy` is the anchor that is kept elsewhere.
pub(super) fn of(
    folder: &Path,
    audit_key: Option<&[u8; 32]>,
    copy: Option<Anchored>,
) -> Result<Start, Refusal> {
    make(folder)?;
    let anchored = Anchored::of(folder)?;
    let segments = folder::segments(folder)?;
    let last = segments.last().copied().unwrap_or(0);
    let newest = [anchored, copy]
        .into_iter()
        .flatten()
        .max_by_key(|anchored| anchored.head.seq);
    let policy = [anchored, copy]
        .into_iter()
        .flatten()
        .map(|anchored| anchored.policy)
        .max()
        .unwrap_or(0);
    if last == 0 {
        return match newest {
            Some(gone) if gone.head.seq > 0 => Err(folder::rolled_back(0, 1)),
            _ => Ok(Start::first(policy)),
        };
    }
    if newest.is_some_and(|anchored| anchored.segment > last) {
        return Err(folder::missing(last + 1));
    }
    let from = anchored.map_or(1, |anchored| anchored.from.min(last));
    let verifier = Verifier::new(audit_key, anchored.map(|anchored| anchored.head))
        .map_err(Refusal::from)?
        .anchored(copy.map(|copy| copy.head));
    let mut tail = Tail {
        folder,
        last,
        anchor: newest.map_or(0, |anchored| anchored.head.seq),
        verifier: verifier.starting_at(from, before(folder, from)?),
        open: BTreeMap::new(),
        good: 0,
        cut: 0,
    };
    for number in from..=last {
        tail.read(number)?;
    }
    tail.finish(anchored, policy)
}

impl Start {
    fn first(policy: u64) -> Self {
        Self {
            head: Head::START,
            last: 0,
            policy,
            uncertified: BTreeMap::new(),
            cut_bytes: None,
            orphans: Vec::new(),
        }
    }
}

struct Tail<'a> {
    folder: &'a Path,
    last: u64,
    /// The last record that was on disk for certain.
    anchor: u64,
    verifier: Verifier,
    open: BTreeMap<RequestId, RequestRecord>,
    /// Bytes of the segment up to its last whole record.
    good: u64,
    /// Bytes behind them.
    cut: u64,
}

impl Tail<'_> {
    fn read(&mut self, number: u64) -> Result<(), Refusal> {
        self.good = 0;
        self.verifier
            .begin()
            .map_err(|broken| self.verifier.locate(broken))?;
        folder::lines(self.folder, number, |piece| match piece {
            Piece::Line(line) if self.cut == 0 => self.line(number, line),
            Piece::Line(line) => {
                self.cut += line.len() as u64 + 1;
                Ok(())
            }
            Piece::Torn(bytes) if number == self.last => {
                self.cut += bytes as u64;
                Ok(())
            }
            Piece::Torn(bytes) => {
                self.verifier.torn(bytes);
                Ok(())
            }
        })
    }

    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), Refusal> {
        let length = line.len() as u64 + 1;
        match self.verifier.record(line) {
            Ok(()) => {
                self.good += length;
                self.note(line);
                Ok(())
            }
            // Behind the anchor a power cut may leave holes, and behind a hole anything.
            Err(Broken {
                seq,
                fault: Fault::Unreadable,
            }) if number == self.last && seq > self.anchor => {
                self.cut += length;
                Ok(())
            }
            Err(broken) => Err(self.verifier.locate(broken)),
        }
    }

    /// Keeps the intents that have no outcome yet.
    fn note(&mut self, line: &[u8]) {
        if Frame::read(line).is_none_or(|frame| frame.kind != "request") {
            return;
        }
        let Ok(record) = serde_json::from_slice::<RequestRecord>(line) else {
            return;
        };
        if record.outcome == Outcome::Intended {
            self.open.insert(record.request, record);
        } else {
            self.open.remove(&record.request);
        }
    }

    fn finish(self, anchored: Option<Anchored>, policy: u64) -> Result<Start, Refusal> {
        let uncertified = self.verifier.uncertified();
        let report = self
            .verifier
            .finish()
            .map_err(|broken| self.verifier.locate(broken))?;
        let clean = anchored.is_some_and(|anchored| anchored.head == report.head) && self.cut == 0;
        let mut last = self.last;
        if self.cut > 0 || self.good == 0 {
            mend(self.folder, last, self.good).map_err(|_| store_unavailable())?;
            last -= u64::from(self.good == 0);
        }
        Ok(Start {
            head: report.head,
            last,
            policy,
            uncertified,
            cut_bytes: (!clean).then_some(self.cut),
            orphans: self.open.into_values().collect(),
        })
    }
}

/// Cuts a segment back to its whole records; one without any goes.
fn mend(folder: &Path, number: u64, good: u64) -> io::Result<()> {
    let path = segment_path(folder, number);
    if good == 0 {
        fs::remove_file(path)?;
        return private::sync_folder(folder);
    }
    let file = private::options().write(true).open(path)?;
    file.set_len(good)?;
    file.sync_all()
}

/// Where the chain stood before a segment.
fn before(folder: &Path, number: u64) -> Result<Head, Refusal> {
    if number == 1 {
        return Ok(Head::START);
    }
    let mut first = None;
    folder::lines(folder, number, |piece| {
        if let (Piece::Line(line), None) = (piece, &first) {
            first = Some(rescue::before(line));
        }
        Ok(())
    })?;
    first
        .flatten()
        .ok_or_else(|| folder::rolled_back(0, number))
}

/// Whether the log has the record that a copy of the anchor names.
///
/// # Errors
/// `rollback_detected` or `log_broken` when it has not.
pub(super) fn holds(folder: &Path, copy: &Anchored) -> Result<(), Refusal> {
    if !segment_path(folder, copy.segment).exists() {
        return Err(folder::missing(copy.segment));
    }
    let mut found = None;
    folder::lines(folder, copy.segment, |piece| {
        if let Piece::Line(line) = piece
            && let Some(before) = rescue::before(line)
            && before.seq.checked_add(1) == Some(copy.head.seq)
        {
            found = before.past(line);
        }
        Ok(())
    })?;
    match found {
        Some(head) if head == copy.head => Ok(()),
        Some(_) => Err(Broken {
            seq: copy.head.seq,
            fault: Fault::NotAnchored,
        }
        .in_segment(copy.segment)),
        None => Err(folder::rolled_back(copy.head.seq - 1, copy.segment)),
    }
}

fn make(folder: &Path) -> Result<(), Refusal> {
    match private::make_folder(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(store_unavailable()),
        _ => Ok(()),
    }
}

pub(super) fn store_unavailable() -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        "the audit log cannot be written: the disk is full, or may not be written",
        "free some space, or see what is wrong: withheld doctor",
    )
}
