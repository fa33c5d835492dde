//! What a process does to itself before it holds anything worth reading.

use std::io;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;

/// The first descriptor beyond the standard three.
#[cfg(unix)]
const FIRST_INHERITED: libc::c_int = 3;

/// What happens to the descriptors a process was started with, beyond the standard three.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Descriptors {
    /// They are closed: the broker, which needs none of them.
    Close,
    /// They stay open here and end with the next exec: the command line, so that `/dev/fd/N`
    /// can still be read.
    MarkCloseOnExec,
}

/// Makes the process undumpable and untraceable by its own user, forbids core files, and deals
/// with inherited descriptors.
///
/// To be called first in `main`, before anything is opened: [`Descriptors::Close`] closes
/// whatever is open.
///
/// # Errors
/// The system's error; the caller must not go on.
pub fn harden(descriptors: Descriptors) -> io::Result<()> {
    system::harden(descriptors)
}

#[cfg(unix)]
fn forbid_core_files() -> io::Result<()> {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `none` is a valid rlimit for the length of the call.
    let done = unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::fd::AsRawFd;

    /// Runs `look` in a forked child and returns its wait status. Only system calls in there:
    /// the other threads of the test process do not exist in the child.
    fn in_child(look: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child makes system calls only and leaves by _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = look();
            // SAFETY: ends the child.
            unsafe { libc::_exit(code) }
        }
        let mut status = 0;
        // SAFETY: our own child, a valid pointer.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        status
    }

    #[test]
    fn the_command_line_keeps_its_descriptors_and_marks_them() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let fd = reader.as_raw_fd();
        let status = in_child(|| {
            // SAFETY: integers only.
            unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
            if harden(Descriptors::MarkCloseOnExec).is_err() {
                return 1;
            }
            let mut core = libc::rlimit {
                rlim_cur: 1,
                rlim_max: 1,
            };
            // SAFETY: integers and a valid pointer.
            let (flags, dumpable) = unsafe {
                libc::getrlimit(libc::RLIMIT_CORE, &raw mut core);
                (
                    libc::fcntl(fd, libc::F_GETFD),
                    libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0),
                )
            };
            i32::from(flags != libc::FD_CLOEXEC || dumpable != 0 || core.rlim_max != 0)
        });
        assert_eq!(status, 0);
    }

    #[test]
    fn the_broker_closes_what_it_was_started_with() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let fd = reader.as_raw_fd();
        let status = in_child(|| {
            if harden(Descriptors::Close).is_err() {
                return 1;
            }
            // SAFETY: integers only.
            let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
            i32::from(flags != -1)
        });
        assert_eq!(status, 0);
    }
}
