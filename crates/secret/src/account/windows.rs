//! The profile folder and the name of the user whose token this process runs under, by the system's own
//! readers of them.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::Security::TOKEN_QUERY;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_sys::Win32::System::WindowsProgramming::GetUserNameW;
use windows_sys::Win32::UI::Shell::GetUserProfileDirectoryW;

/// Characters of the longest path that Windows has.
const LONGEST: usize = 32 * 1024;
/// Characters of the longest name of an account, with the end.
const LONGEST_NAME: usize = 257;

pub(super) fn home_of_user() -> Option<PathBuf> {
    let mut path = vec![0_u16; LONGEST];
    let mut length = u32::try_from(LONGEST).ok()?;
    let mut token = null_mut();
    // SAFETY: the handle of this process needs no closing; every pointer is valid for its call, the length
    // is the buffer's, and the token is closed once.
    let found = unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) == 0 {
            return None;
        }
        let found = GetUserProfileDirectoryW(token, path.as_mut_ptr(), &raw mut length);
        CloseHandle(token);
        found
    };
    if found == 0 {
        return None;
    }
    let end = path.iter().position(|unit| *unit == 0)?;
    let home = PathBuf::from(OsString::from_wide(&path[..end]));
    home.is_absolute().then_some(home)
}

pub(super) fn name_of_user() -> Option<String> {
    let mut name = vec![0_u16; LONGEST_NAME];
    let mut length = u32::try_from(LONGEST_NAME).ok()?;
    // SAFETY: both pointers are valid for the call, and the length is the buffer's.
    let found = unsafe { GetUserNameW(name.as_mut_ptr(), &raw mut length) };
    if found == 0 {
        return None;
    }
    let end = name.iter().position(|unit| *unit == 0)?;
    String::from_utf16(&name[..end]).ok()
}
