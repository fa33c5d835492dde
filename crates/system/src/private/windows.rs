//! Owner and access list.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, READ_CONTROL,
};

use super::Odd;
use crate::sddl::Descriptor;
use crate::windows;

/// The path in the system's own form, one for each folder.
pub type Identity = PathBuf;

pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    options
}

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    windows::create_file(path, GENERIC_WRITE, &own_list("")?)
}

/// What is made in the folder later takes over its list.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    windows::create_folder(path, &own_list("OICI")?)
}

/// Owned by this account; nobody else in the list, and nothing taken over from the folder above.
fn own_list(inheritance: &str) -> io::Result<String> {
    let me = windows::account()?;
    Ok(format!(
        "O:{me}D:P(A;{inheritance};FA;;;{me})(A;{inheritance};FA;;;SY)"
    ))
}

pub(super) fn is_private(file: &File) -> io::Result<bool> {
    Ok(described(file)?.is_private())
}

pub(super) fn is_trusted(file: &File) -> io::Result<bool> {
    Ok(described(file)?.is_trusted())
}

pub(super) fn is_private_folder(path: &Path) -> bool {
    let is_folder = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    is_folder && open_to_look(path).is_ok_and(|opened| is_private(&opened).unwrap_or(false))
}

/// Whether others may take this folder, or what lies in it, from its place.
///
/// # Errors
/// When the system does not say.
pub fn others_may_move(folder: &Path) -> io::Result<bool> {
    Ok(described(&open_to_look(folder)?)?.others_may_move())
}

/// A file or a folder, for its facts alone; a link itself, not where it leads.
fn open_to_look(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
}

fn described(file: &File) -> io::Result<Descriptor> {
    let text = windows::description(file)?;
    Descriptor::parse(&text, &windows::account()?)
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// The file system writes its own journal of names; there is nothing a program could do.
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn identity(folder: &Path) -> Option<Identity> {
    std::fs::canonicalize(folder).ok()
}

/// A list is not mended from here: whoever made it looser is told.
pub(super) fn shut_others_out(path: &Path) -> io::Result<bool> {
    if is_private(&open_to_look(path)?)? {
        return Ok(false);
    }
    Err(io::Error::from(io::ErrorKind::PermissionDenied))
}

pub(super) fn allocate(_: &File, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn open_without_waiting(path: &Path) -> Result<File, Odd> {
    let opened = options()
        .read(true)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path);
    opened.map_err(|fault| match fault.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Odd::Missing,
        _ => Odd::Unopened,
    })
}
