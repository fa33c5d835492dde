//! Functions of Windows that its Rust library does not offer: accounts, access lists, and where the system is.

use std::ffi::{OsString, c_void};
use std::fs::File;
use std::io;
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::windows::io::{AsRawHandle, FromRawHandle as _};
use std::path::{Path, PathBuf};
use std::ptr::{null_mut, slice_from_raw_parts};

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1,
    SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetTokenInformation, OWNER_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_FLAG_OPEN_REPARSE_POINT,
};
use windows_sys::Win32::System::SystemInformation::GetSystemWindowsDirectoryW;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

const WHAT: u32 = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;

/// A security descriptor of the system's making, given back when dropped.
struct Made(PSECURITY_DESCRIPTOR);

impl Drop for Made {
    fn drop(&mut self) {
        // SAFETY: the system made it for whoever asked, to be freed once.
        unsafe { LocalFree(self.0) };
    }
}

impl Made {
    fn parse(text: &str) -> io::Result<Self> {
        let text = wide(text.encode_utf16());
        let mut made = null_mut();
        // SAFETY: a string that ends with zero, and a valid place for the answer.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut made,
                null_mut(),
            )
        };
        checked(done)?;
        Ok(Self(made))
    }

    fn text(&self) -> io::Result<String> {
        let mut text = null_mut();
        // SAFETY: the descriptor lives as long as `self`; a valid place for the answer.
        let done = unsafe {
            ConvertSecurityDescriptorToStringSecurityDescriptorW(
                self.0,
                SDDL_REVISION_1,
                WHAT,
                &raw mut text,
                null_mut(),
            )
        };
        checked(done)?;
        taken(text)
    }

    fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }
}

/// This account, as the system writes it in descriptors.
///
/// # Errors
/// When the system does not say.
pub fn account() -> io::Result<String> {
    let number = account_number()?;
    // Some accounts have short names there: the system is asked to write its own.
    let text = Made::parse(&format!("O:{number}"))?.text()?;
    text.strip_prefix("O:")
        .map(str::to_owned)
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

fn account_number() -> io::Result<String> {
    /// Bytes that hold the longest number, and its head.
    const ROOM: usize = 256;
    let mut token = null_mut();
    // SAFETY: the handle of this process needs no closing; a valid place for the answer.
    checked(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;
    // Of words, so that the structure in it is aligned.
    let mut user = [0_u64; ROOM / 8];
    let (mut used, mut text) = (0, null_mut());
    // SAFETY: the buffer is valid and its length is told; what the system wrote there begins with a
    // TOKEN_USER whose pointer leads into the buffer; the token is closed once.
    let done = unsafe {
        let room = u32::try_from(ROOM).unwrap_or(0);
        let place = user.as_mut_ptr().cast::<c_void>();
        let asked = GetTokenInformation(token, TokenUser, place, room, &raw mut used);
        let done = if asked == 0 {
            0
        } else {
            ConvertSidToStringSidW((*place.cast::<TOKEN_USER>()).User.Sid, &raw mut text)
        };
        let done = checked(done);
        CloseHandle(token);
        done
    };
    done?;
    taken(text)
}

/// Owner and access list of something open, as text.
///
/// # Errors
/// When the handle may not ask.
pub fn description(open: &impl AsRawHandle) -> io::Result<String> {
    let mut made = null_mut();
    // SAFETY: the handle is open as long as `open` lives; only the last place is asked for.
    let fault = unsafe {
        GetSecurityInfo(
            open.as_raw_handle(),
            SE_FILE_OBJECT,
            WHAT,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut made,
        )
    };
    if fault != 0 {
        return Err(io::Error::from_raw_os_error(fault.cast_signed()));
    }
    Made(made).text()
}

/// Makes a folder with this owner and list.
pub(crate) fn create_folder(path: &Path, list: &str) -> io::Result<()> {
    let made = Made::parse(list)?;
    let path = wide(path.as_os_str().encode_wide());
    let attributes = made.attributes();
    // SAFETY: a string that ends with zero; the attributes and their descriptor outlive the call.
    checked(unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) })
}

/// Makes a file with this owner and list, and opens it.
pub(crate) fn create_file(path: &Path, access: u32, list: &str) -> io::Result<File> {
    let made = Made::parse(list)?;
    let path = wide(path.as_os_str().encode_wide());
    let attributes = made.attributes();
    // SAFETY: a string that ends with zero; the attributes and their descriptor outlive the call.
    let handle: HANDLE = unsafe {
        CreateFileW(
            path.as_ptr(),
            access,
            0,
            &raw const attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh handle that nobody else has.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Calls `make` with security attributes of this owner and list.
pub(crate) fn with_attributes<T>(
    list: &str,
    make: impl FnOnce(*mut c_void) -> io::Result<T>,
) -> io::Result<T> {
    let made = Made::parse(list)?;
    let mut attributes = made.attributes();
    make((&raw mut attributes).cast())
}

/// The folder of the system itself; never from a variable, which could have been planted.
///
/// # Errors
/// When the system does not say.
pub fn folder() -> io::Result<PathBuf> {
    /// Characters of a path that the function can return.
    const ROOM: usize = 1024;
    let mut path = [0_u16; ROOM];
    // SAFETY: the buffer is valid and its length is told.
    let length =
        unsafe { GetSystemWindowsDirectoryW(path.as_mut_ptr(), u32::try_from(ROOM).unwrap_or(0)) };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match path.get(..length) {
        Some(path) if length > 0 => Ok(PathBuf::from(OsString::from_wide(path))),
        _ => Err(io::Error::last_os_error()),
    }
}

fn wide(units: impl Iterator<Item = u16>) -> Vec<u16> {
    units.chain([0]).collect()
}

/// Copies a string of the system's making, and gives it back.
fn taken(text: *mut u16) -> io::Result<String> {
    // SAFETY: the system made a string that ends with zero, to be freed once.
    let copy = unsafe {
        let mut length = 0;
        while *text.add(length) != 0 {
            length += 1;
        }
        let copy = String::from_utf16(&*slice_from_raw_parts(text, length));
        LocalFree(text.cast());
        copy
    };
    copy.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

fn checked(done: i32) -> io::Result<()> {
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
