//! The log as it grows. Nothing here waits: whoever follows asks again when it likes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use withheld_core::Refusal;
use withheld_core::name::RequestId;

use super::{Filter, Shown};
use crate::folder::{self, segment_path};

/// How much is read at once, in bytes.
const CHUNK: u64 = 1024 * 1024;

/// Hands over records that came since the last look: requests once they have their outcome.
pub struct Follow {
    folder: PathBuf,
    filter: Filter,
    segment: u64,
    /// Bytes of the segment up to the last whole line that was read.
    position: u64,
    /// The counts of refusals that were handed over, so that a record is told again only with news.
    counts: BTreeMap<RequestId, Option<u64>>,
}

impl Follow {
    /// From the end of the log on. Whoever shows [`super::records`] first asks for them after this call,
    /// and leaves out what comes again with a number that was shown.
    ///
    /// # Errors
    /// As [`super::records`].
    pub fn from_end(folder: &Path, filter: Filter) -> Result<Self, Refusal> {
        let last = folder::segments(folder)?.last().copied();
        let mut follow = Self {
            folder: folder.to_owned(),
            filter,
            segment: last.unwrap_or(1),
            position: 0,
            counts: BTreeMap::new(),
        };
        if last.is_some() {
            while follow.step(&mut |_| ())? {}
        }
        Ok(follow)
    }

    /// The records that came since the last call, oldest first.
    ///
    /// # Errors
    /// `store_unavailable` when the log cannot be read.
    pub fn poll(&mut self) -> Result<Vec<Shown>, Refusal> {
        let mut news = Vec::new();
        while self.step(&mut |shown| news.push(shown))? {}
        news.retain(|shown| self.is_news(shown));
        Ok(news)
    }

    fn is_news(&mut self, shown: &Shown) -> bool {
        if shown.entry.is_open() || !self.filter.admits(&shown.entry) {
            return false;
        }
        let super::Entry::Request(record) = &shown.entry else {
            return true;
        };
        // Only a refusal is counted, and only counted records come again.
        record.count.is_none()
            || self.counts.insert(record.request, record.count) != Some(record.count)
    }

    /// Reads a piece of the current segment, or goes on to the next. Whether there was any.
    fn step(&mut self, each: &mut dyn FnMut(Shown)) -> Result<bool, Refusal> {
        let next = segment_path(&self.folder, self.segment + 1).exists();
        let bytes = match self.read() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(_) => return Err(folder::unreadable()),
        };
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        for line in bytes[..whole].split(|byte| *byte == b'\n') {
            Shown::read(line).into_iter().for_each(&mut *each);
        }
        self.position += whole as u64;
        // The next segment was there before this one was read to its end, so nothing more comes.
        if whole == 0 && next {
            self.segment += 1;
            self.position = 0;
            return Ok(true);
        }
        Ok(whole > 0)
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut file: File = folder::open(&segment_path(&self.folder, self.segment))?;
        file.seek(SeekFrom::Start(self.position))?;
        let mut bytes = Vec::new();
        file.take(CHUNK).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
