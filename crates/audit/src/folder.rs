//! The folder of a log: which segments lie in it, and how their lines are read.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use withheld_core::{Code, Refusal, text};
use withheld_system::private;

use crate::verify::{Broken, Fault};

/// A line that is longer is no record: the longest that is written has a few kilobytes.
const MAX_LINE: u64 = 256 * 1024;

/// A line, or what a crash left of one.
pub(crate) enum Piece<'a> {
    Line(&'a [u8]),
    Torn(usize),
}

pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.jsonl"))
}

/// The numbers of the segments, from 1 on.
///
/// # Errors
/// `log_broken` when one is missing, `store_unavailable` when the folder cannot be read.
pub(crate) fn segments(folder: &Path) -> Result<Vec<u64>, Refusal> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(_) => return Err(unreadable()),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(|_| unreadable())?.file_name();
        numbers.extend(name.to_str().and_then(segment_number));
    }
    numbers.sort_unstable();
    for (expected, number) in (1..).zip(&numbers) {
        if expected != *number {
            return Err(missing(expected));
        }
    }
    Ok(numbers)
}

fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".jsonl")?;
    let number = digits.parse().ok()?;
    // One written form: no sign, no further zeros, so that no number stands for two files.
    (format!("{number:08}") == digits && number > 0).then_some(number)
}

/// Opens a file of ours for reading; a link in its place is not followed.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    private::options().read(true).open(path)
}

/// Hands over each line of a segment without its newline, and then how many bytes follow the last.
///
/// # Errors
/// The first error of `each`; `store_unavailable` when the file cannot be read.
pub(crate) fn lines(
    folder: &Path,
    number: u64,
    mut each: impl FnMut(Piece<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let file = open(&segment_path(folder, number)).map_err(|_| unreadable())?;
    let mut file = BufReader::with_capacity(64 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut file)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|_| unreadable())?;
        match line.split_last() {
            Some((b'\n', line)) => each(Piece::Line(line))?,
            // Too long for a record: handed over as a line, so that its reader says so.
            Some(_) if read as u64 == MAX_LINE => each(Piece::Line(&line))?,
            _ => return each(Piece::Torn(line.len())),
        }
    }
}

/// A segment is not there.
pub(crate) fn missing(number: u64) -> Refusal {
    Refusal::new(
        Code::LogBroken,
        text!(
            "the audit log cannot be trusted: `audit/{:08}.jsonl` is missing",
            number
        ),
        "put the file back, or keep the folder `audit` as it is and find out what took it away",
    )
}

pub(crate) fn unreadable() -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        "the audit log cannot be read",
        "see what is wrong with the folder: withheld doctor",
    )
}

/// The log ends before what an anchor saw.
pub(crate) fn rolled_back(after: u64, segment: u64) -> Refusal {
    Broken {
        seq: after.saturating_add(1),
        fault: Fault::RolledBack,
    }
    .in_segment(segment)
}
