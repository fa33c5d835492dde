//! A folder of one's own, gone at the end.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::canary::letters;

/// A folder that only this account may enter. Its name is short: a socket's path has 108 bytes at most.
pub struct Temp(PathBuf);

impl Temp {
    /// A new, empty one.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("wh-{}", letters(10)));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .expect("a temporary folder");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Temp {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // What a test leaves behind does not decide whether it passed.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
