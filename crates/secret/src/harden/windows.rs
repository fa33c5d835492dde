//! Other processes of this user may wait for this one, see that it runs, and end it; nothing more. The system
//! and whoever may debug every process (administrators) are beyond that.

use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, SetKernelObjectSecurity,
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

/// What a process inherits is what its starter marked for it, and nothing that this program opens is marked:
/// neither kind of treatment has anything to do.
pub(super) fn harden(_: Descriptors) -> io::Result<()> {
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
