//! Pages that are locked and that a child does not inherit. macOS has no way to leave pages out of a core
//! file; `harden` forbids the whole file.

use std::ptr::NonNull;

use super::mapping::{locked, unmapped};
use crate::arena::Memory;

/// Fresh pages, all zero, and of which kind they are.
pub(crate) fn map(len: usize) -> Option<(NonNull<u8>, Memory)> {
    let base = locked(len)?;
    // SAFETY: a mapping of ours of this length, to which nothing refers yet.
    if unsafe { libc::minherit(base.as_ptr().cast(), len, libc::VM_INHERIT_NONE) } != 0 {
        unmapped(base, len);
        return None;
    }
    Some((base, Memory::LockedPages))
}
