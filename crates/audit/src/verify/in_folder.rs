//! The check of a log where it lies.

use std::path::Path;

use withheld_core::Refusal;

use super::{Report, Verifier};
use crate::anchor::Anchored;
use crate::chain::Head;
use crate::folder::{self, Piece};

/// Verifies the log of a folder, also while a broker writes to it: the segments, each other's hashes,
/// seals and certificates, and the anchor that lies with them. `audit_key` is the vault's public
/// one; `copy` an anchor that is kept elsewhere.
///
/// # Errors
/// `log_broken` and `rollback_detected` name the file and the first record that cannot be trusted;
/// `store_unavailable` when the folder cannot be read.
pub fn verify_folder(
    folder: &Path,
    audit_key: Option<&[u8; 32]>,
    copy: Option<Head>,
) -> Result<Report, Refusal> {
    // Before the records: a writer goes on behind us, and its anchor is never ahead of them.
    let anchored = Anchored::of(folder)?;
    let segments = folder::segments(folder)?;
    let last = segments.last().copied().unwrap_or(0);
    if let Some(anchored) = anchored.filter(|anchored| anchored.segment > last && last > 0) {
        return Err(folder::missing(anchored.segment));
    }
    let mut verifier = Verifier::new(audit_key, anchored.map(|anchored| anchored.head))
        .map_err(Refusal::from)?
        .anchored(copy);
    for number in segments {
        verifier.begin().map_err(|broken| verifier.locate(broken))?;
        folder::lines(folder, number, |piece| match piece {
            Piece::Line(line) => verifier
                .record(line)
                .map_err(|broken| verifier.locate(broken)),
            Piece::Torn(bytes) => {
                verifier.torn(bytes);
                Ok(())
            }
        })?;
    }
    verifier.finish().map_err(|broken| verifier.locate(broken))
}
