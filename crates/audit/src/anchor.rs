//! The anchor: where the log was on disk when it was last looked at, kept beside the log and, as a
//! copy, where a program that rewrites the folder does not reach.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use withheld_core::{Code, Refusal};
use withheld_system::private;

use crate::chain::Head;
use crate::folder;
use crate::hex;

const FILE: &str = "anchor";
const NEW: &str = "anchor.new";
/// An anchor has under 300 bytes.
const MAX_BYTES: u64 = 4096;

/// What the anchor says. Every record that it names is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// The last record that is on disk.
    pub head: Head,
    /// The segment that record is in.
    pub segment: u64,
    /// The counter of the newest policy document; an older one is not accepted any more.
    pub policy: u64,
    /// The first segment that the next start has to read: before it every request has its outcome
    /// and every segment its certificate.
    pub from: u64,
}

/// A place for a copy of the anchor outside the folder of the log: the keychain, a server.
pub trait Anchor: Send + Sync {
    /// The copy; `None` when there is none, or it cannot be had now.
    fn load(&self) -> Option<Anchored>;

    /// Puts a newer one. May take its time; whether it worked.
    fn store(&self, anchored: &Anchored) -> bool;
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    seq: u64,
    hash: String,
    segment: u64,
    policy: u64,
    from: u64,
}

impl Anchored {
    /// The written form, one line of JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut hash = Vec::new();
        hex::push(&mut hash, &self.head.hash);
        let written = Written {
            seq: self.head.seq,
            hash: String::from_utf8(hash).unwrap_or_default(),
            segment: self.segment,
            policy: self.policy,
            from: self.from,
        };
        let mut bytes = serde_json::to_vec(&written).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads the written form; `None` when it is anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            head: Head {
                seq: written.seq,
                hash: hex::read(written.hash.as_bytes())?,
            },
            segment: written.segment,
            policy: written.policy,
            from: written.from.max(1),
        })
    }

    /// The anchor of a log's folder; `None` before the first.
    ///
    /// # Errors
    /// `log_broken` when the file is not an anchor, `store_unavailable` when it cannot be read.
    pub fn of(folder: &Path) -> Result<Option<Self>, Refusal> {
        let mut bytes = Vec::new();
        match folder::open(&folder.join(FILE)) {
            Ok(file) => file
                .take(MAX_BYTES)
                .read_to_end(&mut bytes)
                .map_err(|_| folder::unreadable())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(folder::unreadable()),
        };
        Self::from_bytes(&bytes).map(Some).ok_or_else(|| {
            Refusal::new(
                Code::LogBroken,
                "the audit log cannot be trusted: `audit/anchor` is not an anchor",
                "keep the folder `audit` as it is, and find out what wrote to it",
            )
        })
    }

    /// Replaces the anchor of a folder. On return it is on disk, or the one before is still there.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let new = folder.join(NEW);
        let written = create_new(&new).and_then(|mut file| {
            file.write_all(&self.to_bytes())?;
            file.sync_all()?;
            fs::rename(&new, folder.join(FILE))?;
            private::sync_folder(folder)
        });
        if written.is_err() {
            // Half an anchor would take up the room that records need; a second failure adds nothing.
            let _ = fs::remove_file(&new);
        }
        written
    }
}

/// Makes a file of our own for writing, in place of what a crash may have left there.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private::options().write(true).create_new(true).open(path)
}
