//! By what Windows has instead.

use std::io;
use std::os::windows::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS};

use crate::windows;

pub(super) fn executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

pub(super) fn executable_owner() -> Option<(u32, u32)> {
    None
}

pub(super) fn account_number() -> Option<u32> {
    None
}

pub(super) fn alone(command: &mut Command) -> io::Result<()> {
    let system = windows::folder()?;
    command
        .env_clear()
        // Without it the system's own libraries do not find each other.
        .env("SystemRoot", &system)
        .current_dir(&system)
        .creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    Ok(())
}

/// It was started detached.
pub(super) fn leave_terminal() {}

pub(super) fn ask_to_end(_: &Child) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Handles have no limit that is worth counting.
pub(super) fn raise_descriptors(most: u64) -> u64 {
    most
}

pub(super) fn columns() -> Option<usize> {
    None
}
