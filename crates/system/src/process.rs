//! This process, and those it starts.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// This executable. On Linux also after its file was replaced: the one that runs, and no other.
///
/// # Errors
/// When the system does not say where it is.
pub fn executable() -> io::Result<PathBuf> {
    system::executable()
}

/// Owner and mode of the executable, where files have them.
#[must_use]
pub fn executable_owner() -> Option<(u32, u32)> {
    system::executable_owner()
}

/// The number of this account, where accounts have one.
#[must_use]
pub fn account_number() -> Option<u32> {
    system::account_number()
}

/// Prepares a command that is to run away from this terminal, with nothing of the environment but what its
/// system cannot start a process without.
///
/// # Errors
/// When the system does not say what that is.
pub fn alone(command: &mut Command) -> io::Result<()> {
    system::alone(command)
}

/// Away from the terminal, from the inside: the other half of [`alone`].
pub fn leave_terminal() {
    system::leave_terminal();
}

/// Asks a child to end, as `kill` does.
///
/// # Errors
/// The system's; `Unsupported` where there is no asking.
pub fn ask_to_end(child: &Child) -> io::Result<()> {
    system::ask_to_end(child)
}

/// Lets this process open as many descriptors as it may, at most `most`; how many it may have open.
#[must_use]
pub fn raise_descriptors(most: u64) -> u64 {
    system::raise_descriptors(most)
}

/// The columns of the terminal that reads standard output, where it says so.
#[must_use]
pub fn columns() -> Option<usize> {
    system::columns()
}
