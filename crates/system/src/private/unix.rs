//! Owner and mode.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::Odd;

const OTHERS: u32 = 0o077;

/// Device and inode.
pub type Identity = (u64, u64);

pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(no_follow());
    options
}

#[allow(
    clippy::cast_possible_wrap,
    reason = "the flags of open(2) are an int in C"
)]
fn no_follow() -> i32 {
    OFlags::NOFOLLOW.bits() as i32
}

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

pub(super) fn is_private(file: &File) -> io::Result<bool> {
    let found = file.metadata()?;
    Ok(is_own(&found) && found.mode() & OTHERS == 0)
}

pub(super) fn is_trusted(file: &File) -> io::Result<bool> {
    let found = file.metadata()?;
    Ok(is_own(&found) || found.uid() == 0)
}

pub(super) fn is_private_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_dir() && is_own(&found) && found.mode() & 0o777 == 0o700)
}

fn is_own(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn identity(folder: &Path) -> Option<Identity> {
    let found = std::fs::metadata(folder).ok()?;
    Some((found.dev(), found.ino()))
}

pub(super) fn shut_others_out(path: &Path) -> io::Result<bool> {
    if std::fs::metadata(path)?.permissions().mode() & OTHERS == 0 {
        return Ok(false);
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(true)
}

#[cfg(target_os = "linux")]
pub(super) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Err(io::ErrorKind::Unsupported.into()),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn allocate(_: &File, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn open_without_waiting(path: &Path) -> Result<File, Odd> {
    // Not blocking: a pipe opens at once, and is then seen to be one.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(opened) => Ok(File::from(opened)),
        Err(Errno::NOENT | Errno::NOTDIR) => Err(Odd::Missing),
        Err(Errno::LOOP) => Err(Odd::Link),
        Err(Errno::NXIO) => Err(Odd::NotAFile),
        Err(_) => Err(Odd::Unopened),
    }
}
