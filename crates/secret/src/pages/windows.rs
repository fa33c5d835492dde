//! Pages that are locked. There is no fork, and `harden` turns off what writes a process's memory to disk
//! when it fails.

use std::ptr::NonNull;

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree, VirtualLock,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessWorkingSetSize, SetProcessWorkingSetSize,
};

use crate::arena::Memory;

/// Fresh pages, all zero, and of which kind they are.
pub(crate) fn map(len: usize) -> Option<(NonNull<u8>, Memory)> {
    make_room(len)?;
    // SAFETY: new pages wherever the system likes; they overlap nothing.
    let base = unsafe {
        VirtualAlloc(
            std::ptr::null(),
            len,
            MEM_RESERVE | MEM_COMMIT,
            PAGE_READWRITE,
        )
    };
    let base: NonNull<u8> = NonNull::new(base.cast())?;
    // SAFETY: pages of ours of this length, to which nothing refers yet.
    unsafe {
        if VirtualLock(base.as_ptr().cast(), len) == 0 {
            VirtualFree(base.as_ptr().cast(), 0, MEM_RELEASE);
            return None;
        }
    }
    Some((base, Memory::LockedPages))
}

/// What a process may lock is the least of its working set, which begins very small.
fn make_room(len: usize) -> Option<()> {
    let (mut least, mut most) = (0, 0);
    // SAFETY: the handle of this process needs no closing; valid pointers for the length of the call.
    unsafe {
        let process = GetCurrentProcess();
        if GetProcessWorkingSetSize(process, &raw mut least, &raw mut most) == 0 {
            return None;
        }
        let (least, most) = (least.checked_add(len)?, most.checked_add(len)?);
        (SetProcessWorkingSetSize(process, least, most) != 0).then_some(())
    }
}

/// Bytes this process may lock: as many as its working set can be made to hold.
pub(crate) fn lockable() -> usize {
    usize::MAX
}
