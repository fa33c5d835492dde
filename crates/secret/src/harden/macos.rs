//! No debugger may attach from now on. Reading the memory of a process takes its task port, which the system
//! gives to root and to debuggers only.

use std::io;

use super::{Descriptors, FIRST_INHERITED, forbid_core_files};

pub(super) fn harden(descriptors: Descriptors) -> io::Result<()> {
    // SAFETY: this request looks at none of the other arguments.
    let denied = unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) };
    if denied != 0 {
        return Err(io::Error::last_os_error());
    }
    forbid_core_files()?;
    inherited()?
        .into_iter()
        .try_for_each(|descriptor| treat(descriptor, descriptors))
}

/// What is open beyond the standard three. There is no call for a range of them.
fn inherited() -> io::Result<Vec<libc::c_int>> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/dev/fd")? {
        let name = entry?.file_name();
        let number: Option<libc::c_int> = name.to_str().and_then(|name| name.parse().ok());
        open.extend(number.filter(|number| *number >= FIRST_INHERITED));
    }
    Ok(open)
}

fn treat(descriptor: libc::c_int, descriptors: Descriptors) -> io::Result<()> {
    // SAFETY: plain integers only; the caller's contract is that it owns no descriptor yet.
    let done = unsafe {
        match descriptors {
            Descriptors::Close => libc::close(descriptor),
            Descriptors::MarkCloseOnExec => {
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC)
            }
        }
    };
    let fault = io::Error::last_os_error();
    // The descriptor with which the folder was listed is closed already.
    if done < 0 && fault.raw_os_error() != Some(libc::EBADF) {
        return Err(fault);
    }
    Ok(())
}
