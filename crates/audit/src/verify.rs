//! The check of a log by public bytes: no passphrase, no key that can sign.
//!
//! What it proves: in a closed segment that the vault certified, lines up to the last seal cannot be
//! changed by anybody, for the key is gone. Lines after the last seal, and segments without a
//! certificate (they could be made anew with another key), are held by the anchor alone: a head
//! kept elsewhere.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;
use withheld_core::{Code, Moment, Refusal, text};

use crate::chain::{Frame, Head, SEAL, SIGNATURE_FIELD, certificate_message, seal_message};
use crate::hex;

/// Where the log stops being trustworthy, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The first record that the chain no longer vouches for.
    pub seq: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line that is no record.
    Unreadable,
    /// A number twice, or one left out.
    OutOfOrder,
    /// The next record names another line than this one.
    Altered,
    /// A segment does not begin with the seal that names its key.
    NoKey,
    /// A seal that its segment's key did not sign.
    Seal,
    /// A certificate that the vault's audit key did not sign, or for another key.
    Certificate,
    /// Not the record that the anchor saw.
    NotAnchored,
    /// The log ends before the anchor: its end was taken away, or an older copy put back.
    RolledBack,
}

impl Fault {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "this line is not a record",
            Self::OutOfOrder => "a record is missing here, or stands here twice",
            Self::Altered => "this record is not the one that the next record names",
            Self::NoKey => "this segment does not begin with its own key",
            Self::Seal => "this seal was not signed by the key of its segment",
            Self::Certificate => "this certificate was not signed by this vault",
            Self::NotAnchored => "this is not the record that the anchor names",
            Self::RolledBack => "the log ends before the record that the anchor names",
        }
    }
}

const BROKEN_HINT: &str = "keep the folder `audit` as it is, and find out what wrote to it";

impl Broken {
    fn code(self) -> Code {
        match self.fault {
            Fault::RolledBack => Code::RollbackDetected,
            _ => Code::LogBroken,
        }
    }

    /// The refusal that names the file too: `audit/00000001.jsonl` for segment 1.
    #[must_use]
    pub fn in_segment(self, segment: u64) -> Refusal {
        Refusal::new(
            self.code(),
            text!(
                "the audit log cannot be trusted from record {} on, in `audit/{:08}.jsonl`: {}",
                self.seq,
                segment,
                self.fault.as_str()
            ),
            BROKEN_HINT,
        )
    }
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        Self::new(
            broken.code(),
            text!(
                "the audit log cannot be trusted from record {} on: {}",
                broken.seq,
                broken.fault.as_str()
            ),
            BROKEN_HINT,
        )
    }
}

/// What a sound log says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The last whole record.
    pub head: Head,
    /// The last record that a seal covers.
    pub sealed: u64,
    /// Bytes after the last whole record: a write that a crash cut short.
    pub torn_bytes: usize,
    /// Segments whose key the vault has not vouched for (yet): all of them without an audit key.
    pub uncertified: Vec<u64>,
    /// The first record that is dated before the one before it. The numbers decide, not the clock.
    pub clock_back: Option<u64>,
    /// How many segments there are.
    pub segments: u64,
    /// The newest anchor that the log was held to.
    pub anchored: Option<u64>,
}

/// Reads the segments of a log one after another.
pub struct Verifier {
    audit_key: Option<VerifyingKey>,
    anchors: Vec<Head>,
    /// The number of the first segment that is read.
    first: u64,
    segments: Vec<Segment>,
    head: Head,
    sealed: u64,
    torn_bytes: usize,
    clock_back: Option<u64>,
    latest: Option<Moment>,
}

struct Segment {
    /// The number of its first record.
    first: u64,
    key: Option<VerifyingKey>,
    certified: bool,
}

impl Verifier {
    /// With the vault's public audit key and the anchor, where they are known. Without the first no
    /// segment counts as certified; without the second a shortened log is not noticed.
    ///
    /// # Errors
    /// [`Fault::Certificate`] when `audit_key` is no key.
    pub fn new(audit_key: Option<&[u8; 32]>, anchor: Option<Head>) -> Result<Self, Broken> {
        let audit_key = audit_key
            .map(VerifyingKey::from_bytes)
            .transpose()
            .map_err(|_| Broken {
                seq: 0,
                fault: Fault::Certificate,
            })?;
        Ok(Self {
            audit_key,
            anchors: anchor.into_iter().collect(),
            first: 1,
            segments: Vec::new(),
            head: Head::START,
            sealed: 0,
            torn_bytes: 0,
            clock_back: None,
            latest: None,
        })
    }

    /// Holds the log to a further anchor: a copy that is kept elsewhere.
    #[must_use]
    pub fn anchored(mut self, anchor: Option<Head>) -> Self {
        self.anchors.extend(anchor);
        self
    }

    /// Begins with a later segment instead of the first. What came before is taken from that
    /// segment's own first line, so only an anchor behind it vouches for anything.
    pub(crate) fn starting_at(mut self, number: u64, before: Head) -> Self {
        self.first = number;
        self.head = before;
        self.sealed = before.seq;
        self.anchors.retain(|anchor| anchor.seq > before.seq);
        self
    }

    /// The next segment's bytes, from the first segment on. The file's number is not asked: the
    /// segment's own first line says which one it is.
    ///
    /// # Errors
    /// The first record that does not hold. What comes after it says nothing any more.
    pub fn segment(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.begin()?;
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.record(&rest[..end])?;
            rest = &rest[end + 1..];
        }
        self.torn(rest.len());
        Ok(())
    }

    /// The next segment begins.
    pub(crate) fn begin(&mut self) -> Result<(), Broken> {
        if self.torn_bytes > 0 || self.segments.last().is_some_and(|last| last.key.is_none()) {
            // Only the last segment can have been cut short by a crash.
            return Err(self.next(Fault::Unreadable));
        }
        self.segments.push(Segment {
            first: self.head.seq.saturating_add(1),
            key: None,
            certified: false,
        });
        Ok(())
    }

    /// Bytes after the segment's last whole line.
    pub(crate) fn torn(&mut self, bytes: usize) {
        self.torn_bytes = bytes;
    }

    /// Names the file that the record lies in, or should.
    pub(crate) fn locate(&self, broken: Broken) -> Refusal {
        let segment = (self.first..)
            .zip(&self.segments)
            .filter(|(_, segment)| segment.first <= broken.seq)
            .last();
        broken.in_segment(segment.map_or(self.first, |(number, _)| number))
    }

    /// The number of the segment that is being read.
    pub(crate) fn reading(&self) -> u64 {
        (self.first..)
            .zip(&self.segments)
            .last()
            .map_or(self.first, |(number, _)| number)
    }

    /// The keys that the vault has not vouched for, by segment.
    pub(crate) fn uncertified(&self) -> BTreeMap<u64, [u8; 32]> {
        (self.first..)
            .zip(&self.segments)
            .filter(|(_, segment)| !segment.certified)
            .filter_map(|(number, segment)| Some((number, segment.key?.to_bytes())))
            .collect()
    }

    /// After the last segment.
    ///
    /// # Errors
    /// [`Fault::RolledBack`] when the log ends before the anchor.
    pub fn finish(&self) -> Result<Report, Broken> {
        if self.anchors.iter().any(|anchor| anchor.seq > self.head.seq) {
            return Err(self.next(Fault::RolledBack));
        }
        Ok(Report {
            head: self.head,
            sealed: self.sealed,
            torn_bytes: self.torn_bytes,
            uncertified: (self.first..)
                .zip(&self.segments)
                .filter(|(_, segment)| !segment.certified)
                .map(|(number, _)| number)
                .collect(),
            clock_back: self.clock_back,
            segments: self.segments.len() as u64,
            anchored: self.anchors.iter().map(|anchor| anchor.seq).max(),
        })
    }

    /// The next line of the segment, without its newline.
    pub(crate) fn record(&mut self, line: &[u8]) -> Result<(), Broken> {
        let frame = Frame::read(line).ok_or_else(|| self.next(Fault::Unreadable))?;
        let next = self.next(Fault::OutOfOrder);
        if frame.seq != next.seq {
            // A number that was there already: the first of the two is as doubtful as the second.
            return Err(Broken {
                seq: frame.seq.clamp(1, next.seq),
                ..next
            });
        }
        if hex::read(frame.prev.as_bytes()) != Some(self.head.hash) {
            return Err(Broken {
                seq: self.head.seq.max(1),
                fault: Fault::Altered,
            });
        }
        if frame.kind == SEAL {
            self.seal(line)?;
        } else if self.segments.last().is_none_or(|open| open.key.is_none()) {
            return Err(self.next(Fault::NoKey));
        }
        if self.latest.is_some_and(|latest| frame.at < latest) {
            self.clock_back.get_or_insert(frame.seq);
        }
        self.latest = Some(frame.at);
        self.head = self.head.past(line).ok_or(next)?;
        let differs = |anchor: &Head| anchor.seq == self.head.seq && *anchor != self.head;
        if self.anchors.iter().any(differs) {
            return Err(Broken {
                seq: self.head.seq,
                fault: Fault::NotAnchored,
            });
        }
        Ok(())
    }

    fn seal(&mut self, line: &[u8]) -> Result<(), Broken> {
        let bad = self.next(Fault::Seal);
        let seal = SealLine::read(line).ok_or(bad)?;
        let key = hex::read(seal.key.as_bytes()).ok_or(bad)?;
        match (seal.signature, seal.certificate) {
            (Some(signature), None) => self.signed(line, &seal, &key, signature),
            (None, Some(certificate)) => self.certified(&seal, &key, certificate),
            _ => Err(bad),
        }
    }

    fn signed(
        &mut self,
        line: &[u8],
        seal: &SealLine<'_>,
        key: &[u8; 32],
        signature: &str,
    ) -> Result<(), Broken> {
        let bad = self.next(Fault::Seal);
        let no_key = self.next(Fault::NoKey);
        if seal.segment != self.reading() {
            return Err(no_key);
        }
        let key = VerifyingKey::from_bytes(key).map_err(|_| bad)?;
        let open = self.segments.last_mut().ok_or(no_key)?;
        if *open.key.get_or_insert(key) != key {
            return Err(bad);
        }
        let tail = SIGNATURE_FIELD.len() + signature.len() + 2;
        let (sealed, field) = line
            .len()
            .checked_sub(tail)
            .and_then(|at| line.split_at_checked(at))
            .ok_or(bad)?;
        let signature = hex::read(signature.as_bytes()).ok_or(bad)?;
        if !field.starts_with(SIGNATURE_FIELD)
            || key
                .verify_strict(&seal_message(sealed), &Signature::from_bytes(&signature))
                .is_err()
        {
            return Err(bad);
        }
        self.sealed = bad.seq;
        Ok(())
    }

    fn certified(
        &mut self,
        seal: &SealLine<'_>,
        key: &[u8; 32],
        certificate: &str,
    ) -> Result<(), Broken> {
        let bad = self.next(Fault::Certificate);
        if self.segments.last().is_none_or(|open| open.key.is_none()) {
            return Err(self.next(Fault::NoKey));
        }
        let certificate = hex::read(certificate.as_bytes()).ok_or(bad)?;
        if let Some(audit_key) = &self.audit_key {
            audit_key
                .verify_strict(
                    &certificate_message(seal.segment, key),
                    &Signature::from_bytes(&certificate),
                )
                .map_err(|_| bad)?;
        }
        // Of a segment before the first that is read nothing is known, its key included.
        let Some(index) = seal.segment.checked_sub(self.first) else {
            return if self.first > 1 { Ok(()) } else { Err(bad) };
        };
        let segment = usize::try_from(index)
            .ok()
            .and_then(|index| self.segments.get_mut(index))
            .filter(|segment| segment.key.is_some_and(|known| known.as_bytes() == key))
            .ok_or(bad)?;
        segment.certified = self.audit_key.is_some();
        Ok(())
    }

    fn next(&self, fault: Fault) -> Broken {
        Broken {
            seq: self.head.seq.saturating_add(1),
            fault,
        }
    }
}

/// A seal holds exactly this, and either a signature or a certificate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "named so that nothing else is accepted")]
struct SealLine<'a> {
    seq: u64,
    at: Moment,
    kind: &'a str,
    segment: u64,
    key: &'a str,
    prev: &'a str,
    #[serde(borrow, default)]
    signature: Option<&'a str>,
    #[serde(borrow, default)]
    certificate: Option<&'a str>,
}

impl<'a> SealLine<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

mod in_folder;
#[cfg(test)]
mod tests;

pub use self::in_folder::verify_folder;
