//! Files and folders that nobody but this account may read or write.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::Identity;
#[cfg(windows)]
pub use windows::others_may_move;

/// Options that follow no link in the place of the file. A file they make is this account's alone; on Windows
/// only in a folder that is, for it takes the folder's list.
#[must_use]
pub fn options() -> OpenOptions {
    system::options()
}

/// Makes a file for writing that is this account's alone, in whatever folder.
///
/// # Errors
/// The system's, also when something is there already.
pub fn create_new(path: &Path) -> io::Result<File> {
    system::create_new(path)
}

/// Makes a folder that is this account's alone.
///
/// # Errors
/// The system's, also when something is there already.
pub fn make_folder(path: &Path) -> io::Result<()> {
    system::make_folder(path)
}

/// Whether an open file or folder belongs to this account and nobody else may read or write it.
///
/// # Errors
/// When the system does not say.
pub fn is_private(file: &File) -> io::Result<bool> {
    system::is_private(file)
}

/// Whether an open file belongs to this account or to the administrator.
///
/// # Errors
/// When the system does not say.
pub fn is_trusted(file: &File) -> io::Result<bool> {
    system::is_trusted(file)
}

/// Whether this is a folder, no link to one, that this account alone may use.
#[must_use]
pub fn is_private_folder(path: &Path) -> bool {
    system::is_private_folder(path)
}

/// Makes the names in a folder last, where the system needs to be told.
///
/// # Errors
/// The system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    system::sync_folder(folder)
}

/// What tells a folder from every other on this machine, however it is reached.
#[must_use]
pub fn identity(folder: &Path) -> Option<Identity> {
    system::identity(folder)
}

/// Takes a file that is there away from other accounts. Gives whether any could have used it.
///
/// # Errors
/// When that can be neither read nor changed.
pub fn shut_others_out(path: &Path) -> io::Result<bool> {
    system::shut_others_out(path)
}

/// Takes this many bytes of the disk for an empty file.
///
/// # Errors
/// `Unsupported` where the file system can only be made to by writing; else the system's.
pub fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    system::allocate(file, bytes)
}

/// What is there instead of a plain file.
#[derive(Debug)]
pub enum Odd {
    /// Nothing.
    Missing,
    /// A link.
    Link,
    /// A folder, a pipe, a socket, a device.
    NotAFile,
    /// Something that this account may not open, or that cannot be read.
    Unopened,
}

/// Opens a plain file that lies where others may write: what is no plain file is told, and never waited for.
///
/// # Errors
/// What is there instead.
pub fn open_plain(path: &Path) -> Result<File, Odd> {
    let opened = system::open_without_waiting(path)?;
    match opened.metadata() {
        Ok(found) if found.is_file() => Ok(opened),
        Ok(found) if found.is_symlink() => Err(Odd::Link),
        Ok(_) => Err(Odd::NotAFile),
        Err(_) => Err(Odd::Unopened),
    }
}
