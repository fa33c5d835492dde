//! `memfd_secret`, else pages that are locked and left out of core files and forks.

use std::ptr::NonNull;

use super::mapping::{locked, mapped, unmapped};
use crate::arena::Memory;

/// Fresh pages, all zero, and of which kind they are.
pub(crate) fn map(len: usize) -> Option<(NonNull<u8>, Memory)> {
    match map_secret(len) {
        Some(base) => Some((base, Memory::MemfdSecret)),
        None => Some((map_locked(len)?, Memory::LockedPages)),
    }
}

/// A mapping of `memfd_secret`; its descriptor is closed at once, so nothing can map it again.
fn map_secret(len: usize) -> Option<NonNull<u8>> {
    // SAFETY: integers only; the descriptor is ours and closed on every way out.
    unsafe {
        let fd = libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC);
        let fd = libc::c_int::try_from(fd).ok().filter(|fd| *fd >= 0)?;
        let sized = libc::off_t::try_from(len).is_ok_and(|len| libc::ftruncate(fd, len) == 0);
        let base = if sized {
            mapped(len, libc::MAP_SHARED, fd)
        } else {
            None
        };
        libc::close(fd);
        guarded(base?, len, &[libc::MADV_DONTFORK])
    }
}

pub(crate) fn map_locked(len: usize) -> Option<NonNull<u8>> {
    guarded(
        locked(len)?,
        len,
        &[libc::MADV_DONTFORK, libc::MADV_DONTDUMP],
    )
}

/// Gives the advice; a mapping that will not take it is not used.
fn guarded(base: NonNull<u8>, len: usize, advice: &[libc::c_int]) -> Option<NonNull<u8>> {
    for advice in advice {
        // SAFETY: a mapping of ours of this length, to which nothing refers yet.
        if unsafe { libc::madvise(base.as_ptr().cast(), len, *advice) } != 0 {
            unmapped(base, len);
            return None;
        }
    }
    Some(base)
}
