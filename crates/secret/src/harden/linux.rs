//! Not dumpable: that alone keeps a debugger, `/proc/PID/mem` and `/proc/PID/fd` from this user.

use std::io;

use super::{Descriptors, FIRST_INHERITED, forbid_core_files};

pub(super) fn harden(descriptors: Descriptors) -> io::Result<()> {
    let flags = match descriptors {
        Descriptors::Close => 0,
        Descriptors::MarkCloseOnExec => libc::CLOSE_RANGE_CLOEXEC,
    };
    // SAFETY: plain integers only.
    checked(libc::c_long::from(unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0)
    }))?;
    forbid_core_files()?;
    // SAFETY: plain integers only; the caller's contract is that it owns no descriptor yet.
    checked(unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST_INHERITED,
            libc::c_uint::MAX,
            flags,
        )
    })
}

fn checked(result: libc::c_long) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
