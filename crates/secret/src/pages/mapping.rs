//! Mappings as every Unix has them.

use std::ptr::NonNull;

/// Private pages that stay out of swap.
pub(super) fn locked(len: usize) -> Option<NonNull<u8>> {
    let base = mapped(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)?;
    // SAFETY: a mapping of ours of this length.
    if unsafe { libc::mlock(base.as_ptr().cast(), len) } != 0 {
        unmapped(base, len);
        return None;
    }
    Some(base)
}

pub(super) fn mapped(len: usize, flags: libc::c_int, fd: libc::c_int) -> Option<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping wherever the kernel likes; it overlaps nothing.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, fd, 0) };
    if base == libc::MAP_FAILED {
        return None;
    }
    NonNull::new(base.cast())
}

/// Gives back a mapping to which nothing refers yet.
pub(super) fn unmapped(base: NonNull<u8>, len: usize) {
    // SAFETY: made by `mapped` with this length, and handed to nobody.
    unsafe { libc::munmap(base.as_ptr().cast(), len) };
}

/// Bytes this process may lock.
pub(crate) fn lockable() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a valid pointer for the length of the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) } != 0 {
        return 0;
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}
