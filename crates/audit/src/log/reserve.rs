//! Room that is taken in good time and given up when the disk is full, so that a program that fills
//! the disk neither stops work at once nor keeps an outcome out of the log.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use withheld_system::private;

use crate::anchor::create_new;

const FILE: &str = "reserve";
/// About four thousand records.
const BYTES: u64 = 1024 * 1024;
/// What intents may use of it; the rest is for outcomes and for what the owner does.
const FOR_INTENTS: u64 = BYTES / 2;

pub(super) struct Reserve {
    path: PathBuf,
    held: bool,
    /// Bytes written since it was given up.
    used: u64,
}

impl Reserve {
    /// Takes the room, or what an earlier start took. A full disk is no fault here.
    pub(super) fn of(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let held =
            fs::symlink_metadata(&path).is_ok_and(|file| file.is_file() && file.len() == BYTES);
        let mut reserve = Self {
            path,
            held,
            used: BYTES,
        };
        reserve.refill();
        reserve
    }

    /// Gives the room to the log. Whether there was any.
    pub(super) fn give_up(&mut self) -> bool {
        if !self.held || fs::remove_file(&self.path).is_err() {
            return false;
        }
        self.held = false;
        self.used = 0;
        true
    }

    /// Takes the room again; whether it is there.
    pub(super) fn refill(&mut self) -> bool {
        if !self.held {
            self.held = fill(&self.path).is_ok();
            if !self.held {
                let _ = fs::remove_file(&self.path);
            }
        }
        self.held
    }

    /// Whether an intent may be written: on a full disk only in the first half of the reserve.
    pub(super) fn admits_intents(&mut self) -> bool {
        self.held || self.used < FOR_INTENTS || self.refill()
    }

    /// So many bytes went into the log.
    pub(super) fn spent(&mut self, bytes: usize) {
        if !self.held {
            self.used = self.used.saturating_add(bytes as u64);
        }
    }
}

fn fill(path: &Path) -> io::Result<()> {
    let mut file = create_new(path)?;
    match private::allocate(&file, BYTES) {
        // A file system that cannot: the room is taken by writing.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            for _ in 0..BYTES / 4096 {
                file.write_all(&[0; 4096])?;
            }
            file.sync_all()
        }
        done => done,
    }
}
