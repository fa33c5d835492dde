//! The raw log, seals and certificates included: what another machine needs to verify it.

use std::io::Write;
use std::path::Path;

use withheld_core::{Code, Refusal};

use crate::folder::{self, Piece};

/// Writes every whole line of every segment, as it lies in the files.
///
/// # Errors
/// `store_unavailable` when the log cannot be read or the lines cannot be written; `log_broken` when
/// a segment is missing.
pub fn export(folder: &Path, to: &mut dyn Write) -> Result<(), Refusal> {
    for number in folder::segments(folder)? {
        folder::lines(folder, number, |piece| match piece {
            Piece::Line(line) => to
                .write_all(line)
                .and_then(|()| to.write_all(b"\n"))
                .map_err(|_| unwritable()),
            // A record that is being written, or that a crash cut short.
            Piece::Torn(_) => Ok(()),
        })?;
    }
    to.flush().map_err(|_| unwritable())
}

fn unwritable() -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        "the audit log could not be written out to its end",
        "write it to a place with room: withheld audit export > FILE",
    )
}
