//! The yardstick of values that rest in files: as many files, each on the disk before the next one is
//! begun, and nothing else.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Outcome;

/// About what an envelope of a short value has.
const BYTES: usize = 256;

/// Writes them into a new folder, which goes again.
///
/// # Errors
/// When the disk does not take them.
pub(super) fn durable_files(folder: &Path, count: usize) -> Outcome<Duration> {
    fs::create_dir(folder)?;
    let directory = File::open(folder)?;
    let began = Instant::now();
    for number in 0..count {
        let mut file = File::create_new(folder.join(number.to_string()))?;
        file.write_all(&[7; BYTES])?;
        file.sync_all()?;
        directory.sync_all()?;
    }
    let took = began.elapsed();
    fs::remove_dir_all(folder)?;
    Ok(took)
}
