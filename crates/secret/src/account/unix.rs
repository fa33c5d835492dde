//! The entry in the user database, by the system's own reader of it.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Bytes of the buffer that an entry is first read into.
const FIRST_BUFFER: usize = 1024;
/// An entry that needs more than this many bytes is taken as missing.
const LARGEST_BUFFER: usize = 1024 * 1024;

pub(super) fn home_of_user() -> Option<PathBuf> {
    let mut buffer = vec![0_u8; FIRST_BUFFER];
    loop {
        // SAFETY: `passwd` is a struct of integers and pointers, for which zero is a value.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: every pointer is valid for the call, and the length is the buffer's.
        let status = unsafe {
            libc::getpwuid_r(
                libc::geteuid(),
                &raw mut entry,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        if status == libc::ERANGE && buffer.len() < LARGEST_BUFFER {
            buffer.resize(buffer.len() * 2, 0);
            continue;
        }
        if status != 0 || found.is_null() || entry.pw_dir.is_null() {
            return None;
        }
        // SAFETY: the call succeeded, so `pw_dir` points to a string inside `buffer`.
        let home = unsafe { CStr::from_ptr(entry.pw_dir) };
        let home = PathBuf::from(OsStr::from_bytes(home.to_bytes()));
        return home.is_absolute().then_some(home);
    }
}
