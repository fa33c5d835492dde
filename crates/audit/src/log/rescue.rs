//! A sync that failed is never tried again on the same file: the kernel may have dropped the pages
//! and call the next one a success. The records are read back, verified up to the last one written,
//! and put into a fresh file that takes the place of the old one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use withheld_core::Refusal;
use withheld_system::private;

use super::unavailable;
use super::writer::Setting;
use crate::anchor::create_new;
use crate::chain::{Frame, Head};
use crate::folder::{open, segment_path};
use crate::hex;
use crate::verify::Verifier;

const NEW: &str = "rescue.new";

/// Replaces segment `number`, of which `length` bytes were written, by a copy that is on disk.
pub(super) fn copy(setting: &Setting, number: u64, length: u64, head: Head) -> Result<(), Refusal> {
    let path = segment_path(&setting.folder, number);
    let bytes = read(&path, length).ok_or_else(unavailable)?;
    verify(&bytes, number, head)?;
    let new = setting.folder.join(NEW);
    let replaced = create_new(&new).and_then(|mut file| {
        file.write_all(&bytes)?;
        (setting.sync)(&file)?;
        fs::rename(&new, &path)?;
        private::sync_folder(&setting.folder)
    });
    replaced.map_err(|_| {
        // Only room is at stake; the old file is still in its place.
        let _ = fs::remove_file(&new);
        unavailable()
    })
}

fn read(path: &Path, length: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path).ok()?.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then_some(bytes)
}

fn verify(bytes: &[u8], number: u64, head: Head) -> Result<(), Refusal> {
    let first = bytes.split(|byte| *byte == b'\n').next();
    let before = first.and_then(before).ok_or_else(unavailable)?;
    let mut verifier = Verifier::new(None, Some(head))
        .map_err(Refusal::from)?
        .starting_at(number, before);
    verifier
        .segment(bytes)
        .map_err(|broken| verifier.locate(broken))?;
    let report = verifier
        .finish()
        .map_err(|broken| verifier.locate(broken))?;
    if report.head != head || report.torn_bytes > 0 {
        return Err(unavailable());
    }
    Ok(())
}

/// Where the chain stood before a line, by the line's own word.
pub(super) fn before(line: &[u8]) -> Option<Head> {
    let frame = Frame::read(line)?;
    Some(Head {
        seq: frame.seq.checked_sub(1)?,
        hash: hex::read(frame.prev.as_bytes())?,
    })
}
