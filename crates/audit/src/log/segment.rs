//! One segment file: made, appended to, and brought back to its last whole record.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use withheld_core::Moment;
use withheld_system::private;

use crate::chain::Head;
use crate::folder::segment_path;
use crate::key::SegmentKey;

/// A segment closes after this many records.
pub(super) const MAX_RECORDS: u64 = 64 * 1024;
/// And after this many milliseconds.
const MAX_AGE_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a segment goes on when its successor cannot be made, in records.
const GRACE: u64 = 1024;

/// The open segment. Dropping it wipes its key.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) file: Arc<File>,
    /// Bytes of whole records.
    pub(super) length: u64,
    pub(super) key: Box<dyn SegmentKey>,
    /// The last record that a seal covers.
    pub(super) sealed: u64,
    /// The first record, the segment's key.
    first: u64,
    records: u64,
    limit: u64,
    opened: Moment,
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No room. The file is as it was.
    Full,
    /// Something else. The file is as it was.
    Failed,
    /// The file may end in half a record and could not be brought back: no more writing to it.
    Torn,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Failed,
        }
    }
}

impl Segment {
    /// Makes the file of a segment that begins with the key. Returns it and the head to go on from.
    pub(super) fn create(
        folder: &Path,
        number: u64,
        head: Head,
        at: Moment,
        key: Box<dyn SegmentKey>,
    ) -> Result<(Self, Head), Fault> {
        let line = head.seal(at, number, &*key).map_err(|_| Fault::Failed)?;
        let path = segment_path(folder, number);
        let file = private::options()
            .append(true)
            .create_new(true)
            .open(&path)?;
        let mut segment = Self {
            number,
            file: Arc::new(file),
            length: 0,
            key,
            sealed: line.head.seq,
            first: line.head.seq,
            records: 0,
            limit: MAX_RECORDS,
            opened: at,
        };
        let begun = segment
            .append(&line.bytes)
            .and_then(|()| private::sync_folder(folder).map_err(Fault::from));
        if let Err(fault) = begun {
            // Without its first line the file is nothing, and its number is needed again.
            let _ = fs::remove_file(&path);
            return Err(fault);
        }
        Ok((segment, line.head))
    }

    /// Adds one line, with one write(2). On an error the file ends where it ended before.
    pub(super) fn append(&mut self, line: &[u8]) -> Result<(), Fault> {
        let fault = loop {
            match (&*self.file).write(line) {
                Ok(written) if written == line.len() => {
                    self.length += line.len() as u64;
                    self.records += 1;
                    return Ok(());
                }
                Ok(_) => break Fault::Full,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.into(),
            }
        };
        match self.file.set_len(self.length) {
            Ok(()) => Err(fault),
            Err(_) => Err(Fault::Torn),
        }
    }

    /// Whether the segment has had its records or its day.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        let age = now.as_ms().saturating_sub(self.opened.as_ms());
        self.records >= self.limit || (age >= MAX_AGE_MS && self.sealed > self.first)
    }

    /// It goes on for a while: its successor could not be made.
    pub(super) fn prolong(&mut self, now: Moment) {
        self.limit = self.records + GRACE;
        self.opened = now;
    }
}
