//! The entry in the user database, by the system's own reader of it.

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Bytes of the buffer that an entry is first read into.
const FIRST_BUFFER: usize = 1024;
/// An entry that needs more than this many bytes is taken as missing.
const LARGEST_BUFFER: usize = 1024 * 1024;

pub(super) fn home_of_user() -> Option<PathBuf> {
    let home = field(|entry| entry.pw_dir)?;
    let home = PathBuf::from(OsStr::from_bytes(&home));
    home.is_absolute().then_some(home)
}

pub(super) fn name_of_user() -> Option<String> {
    String::from_utf8(field(|entry| entry.pw_name)?).ok()
}

/// One string of the entry of this account.
fn field(which: fn(&libc::passwd) -> *mut c_char) -> Option<Vec<u8>> {
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
        let text = which(&entry);
        if status != 0 || found.is_null() || text.is_null() {
            return None;
        }
        // SAFETY: the call succeeded, so the string lies inside `buffer`.
        let text = unsafe { CStr::from_ptr(text) };
        return Some(text.to_bytes().to_vec());
    }
}
