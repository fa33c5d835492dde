//! Lines that hold on to each other: each has its number and the SHA-256 of the line before; a seal
//! is a line signed by its segment's key. Pure: nothing here writes, waits or asks the time.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use withheld_core::{Moment, Plain};

use crate::hex;
use crate::key::SegmentKey;

/// Signed before a sealed line, so that no other signature of the key can be taken for a seal.
const SEAL_LABEL: &[u8] = b"withheld/audit/seal/1\0";
const CERTIFICATE_LABEL: &[u8] = b"withheld/audit/segment/1\0";
pub(crate) const SIGNATURE_FIELD: &[u8] = br#","signature":""#;
pub(crate) const SEAL: &str = "seal";

/// Where a chain ends: the number and the hash of its last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line; 0 before the first.
    pub seq: u64,
    /// The SHA-256 of the last line without its newline; zeros before the first.
    pub hash: [u8; 32],
}

/// A line to be written, newline included, and where the chain ends once it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The bytes for the file.
    pub bytes: Vec<u8>,
    /// The head to go on from, once the bytes are in the file and not before.
    pub head: Head,
}

/// The record is not one that verification would accept, so it must not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritable;

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this record does not fit the audit log")
    }
}

impl std::error::Error for Unwritable {}

impl Head {
    /// Before the first line.
    pub const START: Self = Self {
        seq: 0,
        hash: [0; 32],
    };

    /// The next line: the record's fields between `seq` and `prev`.
    ///
    /// # Errors
    /// When the record is no object with `at` and `kind`, has a field `seq` or `prev` of its own,
    /// or calls itself a seal.
    pub fn record(&self, record: &impl Plain) -> Result<Line, Unwritable> {
        let fields = serde_json::to_vec(record).map_err(|_| Unwritable)?;
        let line = self.open(&fields)?;
        let frame = Frame::read(&line).ok_or(Unwritable)?;
        if frame.kind == SEAL {
            return Err(Unwritable);
        }
        self.close(line)
    }

    /// A seal: the head so far, signed. The first line of every segment is one and so names the key.
    ///
    /// # Errors
    /// When the numbers of the log are used up.
    pub fn seal(&self, at: Moment, segment: u64, key: &dyn SegmentKey) -> Result<Line, Unwritable> {
        let mut line = self.open(&seal_fields(at, segment, &key.public()))?;
        let signature = key.sign(&seal_message(&line[..line.len() - 1]));
        line.pop();
        line.extend_from_slice(SIGNATURE_FIELD);
        hex::push(&mut line, &signature);
        line.extend_from_slice(b"\"}");
        self.close(line)
    }

    /// The vault's word for a segment's key, written at the next unlock, in whatever segment is open.
    ///
    /// # Errors
    /// When the numbers of the log are used up.
    pub fn certificate(
        &self,
        at: Moment,
        segment: u64,
        public: &[u8; 32],
        certificate: &[u8; 64],
    ) -> Result<Line, Unwritable> {
        let mut fields = seal_fields(at, segment, public);
        fields.pop();
        fields.extend_from_slice(br#","certificate":""#);
        hex::push(&mut fields, certificate);
        fields.extend_from_slice(b"\"}");
        let line = self.open(&fields)?;
        self.close(line)
    }

    /// `{"seq":N,` the fields `,"prev":"…"}`
    fn open(&self, fields: &[u8]) -> Result<Vec<u8>, Unwritable> {
        let inner = fields
            .strip_prefix(b"{")
            .and_then(|fields| fields.strip_suffix(b"}"))
            .ok_or(Unwritable)?;
        let seq = self.seq.checked_add(1).ok_or(Unwritable)?;
        let mut line = format!("{{\"seq\":{seq},").into_bytes();
        line.extend_from_slice(inner);
        line.extend_from_slice(br#","prev":""#);
        hex::push(&mut line, &self.hash);
        line.extend_from_slice(b"\"}");
        Ok(line)
    }

    fn close(&self, mut line: Vec<u8>) -> Result<Line, Unwritable> {
        let head = self.past(&line).ok_or(Unwritable)?;
        line.push(b'\n');
        Ok(Line { bytes: line, head })
    }

    /// The head after a line, given without its newline.
    pub(crate) fn past(&self, line: &[u8]) -> Option<Self> {
        Some(Self {
            seq: self.seq.checked_add(1)?,
            hash: Sha256::digest(line).into(),
        })
    }
}

/// What every line has; the rest of a record is not the chain's business.
#[derive(Deserialize)]
pub(crate) struct Frame<'a> {
    pub(crate) seq: u64,
    pub(crate) at: Moment,
    #[serde(borrow)]
    pub(crate) kind: &'a str,
    #[serde(borrow)]
    pub(crate) prev: &'a str,
}

impl<'a> Frame<'a> {
    /// Two fields of one name are refused by the reader, so a line cannot be read in two ways.
    pub(crate) fn read(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// What the segment's key signs: the label, and the sealed line up to its signature.
pub(crate) fn seal_message(line: &[u8]) -> Vec<u8> {
    [SEAL_LABEL, line].concat()
}

/// What the vault's audit key signs for a segment: a label, the segment's number and its key.
#[must_use]
pub fn certificate_message(segment: u64, public: &[u8; 32]) -> Vec<u8> {
    [CERTIFICATE_LABEL, &segment.to_be_bytes(), public].concat()
}

fn seal_fields(at: Moment, segment: u64, public: &[u8; 32]) -> Vec<u8> {
    let mut fields =
        format!(r#"{{"at":"{at}","kind":"{SEAL}","segment":{segment},"key":""#).into_bytes();
    hex::push(&mut fields, public);
    fields.extend_from_slice(b"\"}");
    fields
}
