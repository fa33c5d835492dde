//! Other processes of this user may wait for this one, see that it runs, and end it; nothing more. The system
//! and whoever may debug every process (administrators) are beyond that.

use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{
    HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, LocalFree, SetHandleInformation,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, SetKernelObjectSecurity,
};
use windows_sys::Win32::System::Console::{
    GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;
use windows_sys::core::w;

use super::Descriptors;

/// SYNCHRONIZE, PROCESS_QUERY_LIMITED_INFORMATION and PROCESS_TERMINATE, for the owner: who is named so has
/// no right to change the list either.
const LIST: windows_sys::core::PCWSTR = w!("D:P(A;;0x101001;;;OW)");

/// Both kinds of treatment are one here: what this program opens itself is never handed on, and the standard
/// three, which its starter marked to be, are marked no more. The system does not list what else was handed on.
pub(super) fn harden(_: Descriptors) -> io::Result<()> {
    keep_streams()?;
    // SAFETY: integers only. A process that fails so is not handed to the reporter, who writes its memory down.
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) };
    let mut descriptor = null_mut();
    // SAFETY: a constant string that ends with zero, and a valid place for the answer.
    let made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            LIST,
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    if made == 0 {
        return Err(io::Error::last_os_error());
    }
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the descriptor was made above and is given back here, once.
    let (set, fault) = unsafe {
        let set = SetKernelObjectSecurity(GetCurrentProcess(), what, descriptor);
        let fault = io::Error::last_os_error();
        LocalFree(descriptor);
        (set, fault)
    };
    if set == 0 {
        return Err(fault);
    }
    Ok(())
}

/// A broker that held the command line's streams would keep whoever reads them waiting.
fn keep_streams() -> io::Result<()> {
    for stream in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: integers and a handle of this process only.
        let done = unsafe {
            let handle = GetStdHandle(stream);
            // A process that was started without the stream.
            if handle.is_null() || handle == INVALID_HANDLE_VALUE {
                continue;
            }
            SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0)
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
