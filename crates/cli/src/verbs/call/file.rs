//! The file of `-o`: opened before anything is sent, so that a folder that is not there is no reason to
//! send a request twice; emptied only when there is a body to write.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use withheld_core::{Code, Refusal};

use crate::cli::Call;
use crate::output::Outcome;

/// Where the body goes that does not go to stdout.
pub(super) struct BodyFile<'a> {
    path: &'a Path,
    file: File,
    /// Made here, and nothing written yet.
    is_idle: bool,
}

impl<'a> BodyFile<'a> {
    /// Opens what `-o` names; `-` is stdout, as with curl.
    ///
    /// # Errors
    /// `store_unavailable` where it cannot be written.
    pub(super) fn named(arguments: &'a Call) -> Outcome<Option<Self>> {
        let named = arguments.output.as_deref();
        let Some(path) = named.filter(|file| *file != Path::new("-")) else {
            return Ok(None);
        };
        let new = OpenOptions::new().write(true).create_new(true).open(path);
        let (file, is_idle) = match new {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (OpenOptions::new().write(true).open(path), false)
            }
            new => (new, true),
        };
        let file = file.map_err(|_| {
            Refusal::new(
                Code::StoreUnavailable,
                "the file for the body cannot be written; nothing was sent",
                "see whether its folder is there and may be written: -o FILE",
            )
        })?;
        Ok(Some(Self {
            path,
            file,
            is_idle,
        }))
    }

    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// Empties it: a body has come. What is no plain file has nothing to be emptied.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.is_idle = false;
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}

impl Drop for BodyFile<'_> {
    fn drop(&mut self) {
        if self.is_idle {
            // Left there it is empty, and no harm.
            let _ = fs::remove_file(self.path);
        }
    }
}
