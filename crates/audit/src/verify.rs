//! The check of a log by public bytes: no passphrase, no key that can sign.
//!
//! What it proves: in a closed segment that the vault certified, lines up to the last seal cannot be
//! changed by anybody, for the key is gone. Lines after the last seal, and segments without a
//! certificate (they could be made anew with another key), are held by the anchor alone: a head
//! kept elsewhere.

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

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        let code = match broken.fault {
            Fault::RolledBack => Code::RollbackDetected,
            _ => Code::LogBroken,
        };
        Self::new(
            code,
            text!(
                "the audit log cannot be trusted from record {} on: {}",
                broken.seq,
                broken.fault.as_str()
            ),
            "keep the folder `audit` as it is, and find out what wrote to it",
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
}

/// Reads the segments of a log one after another.
pub struct Verifier {
    audit_key: Option<VerifyingKey>,
    anchor: Option<Head>,
    segments: Vec<Segment>,
    head: Head,
    sealed: u64,
    torn_bytes: usize,
    clock_back: Option<u64>,
    latest: Option<Moment>,
}

struct Segment {
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
            anchor,
            segments: Vec::new(),
            head: Head::START,
            sealed: 0,
            torn_bytes: 0,
            clock_back: None,
            latest: None,
        })
    }

    /// The next segment's bytes, from the first segment on. The file's number is not asked: the
    /// segment's own first line says which one it is.
    ///
    /// # Errors
    /// The first record that does not hold. What comes after it says nothing any more.
    pub fn segment(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.torn_bytes > 0 || self.segments.last().is_some_and(|last| last.key.is_none()) {
            // Only the last segment can have been cut short by a crash.
            return Err(self.next(Fault::Unreadable));
        }
        self.segments.push(Segment {
            key: None,
            certified: false,
        });
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.record(&rest[..end])?;
            rest = &rest[end + 1..];
        }
        self.torn_bytes = rest.len();
        Ok(())
    }

    /// After the last segment.
    ///
    /// # Errors
    /// [`Fault::RolledBack`] when the log ends before the anchor.
    pub fn finish(self) -> Result<Report, Broken> {
        if self.anchor.is_some_and(|anchor| anchor.seq > self.head.seq) {
            return Err(self.next(Fault::RolledBack));
        }
        Ok(Report {
            head: self.head,
            sealed: self.sealed,
            torn_bytes: self.torn_bytes,
            uncertified: (1..)
                .zip(&self.segments)
                .filter(|(_, segment)| !segment.certified)
                .map(|(number, _)| number)
                .collect(),
            clock_back: self.clock_back,
        })
    }

    fn record(&mut self, line: &[u8]) -> Result<(), Broken> {
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
        match self.anchor {
            Some(anchor) if anchor.seq == self.head.seq && anchor != self.head => Err(Broken {
                seq: anchor.seq,
                fault: Fault::NotAnchored,
            }),
            _ => Ok(()),
        }
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
        let number = u64::try_from(self.segments.len()).map_err(|_| bad)?;
        if seal.segment != number {
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
        let segment = usize::try_from(seal.segment)
            .ok()
            .and_then(|number| number.checked_sub(1))
            .and_then(|index| self.segments.get_mut(index))
            .filter(|segment| segment.key.is_some_and(|known| known.as_bytes() == key))
            .ok_or(bad)?;
        if let Some(audit_key) = &self.audit_key {
            audit_key
                .verify_strict(
                    &certificate_message(seal.segment, key),
                    &Signature::from_bytes(&certificate),
                )
                .map_err(|_| bad)?;
            segment.certified = true;
        }
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

#[cfg(test)]
mod tests;
