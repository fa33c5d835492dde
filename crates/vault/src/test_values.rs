//! Values for tests, and a folder that goes when the test ends.

use std::path::{Path, PathBuf};

use withheld_secret::{Expose as _, SecretValue};

pub(crate) fn value(bytes: &[u8]) -> SecretValue {
    SecretValue::with_len::<()>(bytes.len(), |room| {
        room.copy_from_slice(bytes);
        Ok(bytes.len())
    })
    .ok()
    .unwrap()
}

pub(crate) fn bytes(value: &SecretValue) -> Vec<u8> {
    value.expose(<[u8]>::to_vec)
}

/// A new folder below the system's temporary one, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let mut random = [0; 4];
        getrandom::fill(&mut random).unwrap();
        // Short, so that errors show it: longer ones look like keys.
        let name = format!("wh-{:08x}", u32::from_be_bytes(random));
        let path = std::env::temp_dir().join(name);
        rustix::fs::mkdir(&path, rustix::fs::Mode::RWXU).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
