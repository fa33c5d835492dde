//! Values that do not come from a terminal: standard input, a file, a variable.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use withheld_core::{Code, Refusal};
use withheld_secret::SecretValue;

use super::{
    How, Invitation, MAX_VALUE, Passphrase, PublicKey, Taken, take_invitation, take_passphrase,
    take_value, too_large,
};
use crate::fault;

/// Room for the largest value and the newline that is not part of it.
const ROOM: usize = MAX_VALUE + 2;

/// Reads a value from standard input, to its end.
///
/// # Errors
/// `usage` under 8 bytes, and where the input is a terminal or cannot be read; `too_large` over
/// 64 KiB.
pub fn from_stdin(to: &PublicKey, how: How<'_>) -> Result<Taken, Refusal> {
    let stdin = rustix::stdio::stdin();
    if rustix::termios::isatty(stdin) {
        return Err(Refusal::new(
            Code::Usage,
            "standard input is a terminal, which would show the value",
            "leave out --stdin and paste at the prompt",
        ));
    }
    take_value(read(stdin, stdin_fault)?, to, how)
}

/// Reads a value from a file; pipes and `/dev/fd/N` will do.
///
/// # Errors
/// As [`from_stdin`].
pub fn from_file(path: &Path, to: &PublicKey, how: How<'_>) -> Result<Taken, Refusal> {
    take_value(read(open(path, file_fault)?, file_fault)?, to, how)
}

/// Takes the value of an environment variable that the owner named. Programs of this user may have
/// read it there; the owner is told so by the command line.
///
/// # Errors
/// `usage` where there is no such variable or it is shorter than 8 bytes, `too_large` over 64 KiB.
pub fn from_variable(name: &OsStr, to: &PublicKey, how: How<'_>) -> Result<Taken, Refusal> {
    let held = std::env::var_os(name).ok_or_else(|| {
        Refusal::new(
            Code::Usage,
            "there is no environment variable of that name",
            "give the name of the variable: withheld set NAME --from-env VARIABLE",
        )
    })?;
    let bytes = zeroize::Zeroizing::new(std::os::unix::ffi::OsStringExt::into_vec(held));
    if bytes.len() > ROOM {
        return Err(too_large());
    }
    let value = SecretValue::with_len(bytes.len(), |room| {
        room.copy_from_slice(&bytes);
        Ok(bytes.len())
    })
    .map_err(fault::unfilled)?;
    take_value(value, to, how)
}

/// Reads the owner's passphrase from a file, once; one final newline is not part of it.
///
/// # Errors
/// `owner_needed` where the file cannot be read or is empty.
pub fn passphrase_file(path: &Path) -> Result<Passphrase, Refusal> {
    take_passphrase(read(open(path, passphrase_fault)?, passphrase_fault)?)
}

/// Reads an invitation from a file; one final newline is not part of it.
///
/// # Errors
/// `usage` where the file cannot be read, or holds no invitation.
pub fn invitation_file(path: &Path) -> Result<Invitation, Refusal> {
    take_invitation(read(open(path, invitation_fault)?, invitation_fault)?)
}

fn open(path: &Path, fault: fn() -> Refusal) -> Result<std::os::fd::OwnedFd, Refusal> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open(path.as_os_str().as_bytes(), flags, Mode::empty()).map_err(|_| fault())
}

/// Reads to the end, straight into locked memory.
fn read(from: impl AsFd, fault: fn() -> Refusal) -> Result<SecretValue, Refusal> {
    SecretValue::with_len(ROOM + 1, |room| {
        let mut used = 0;
        while used < room.len() {
            match rustix::io::read(&from, &mut room[used..]) {
                Ok(0) => return Ok(used),
                Ok(more) => used += more,
                Err(Errno::INTR) => {}
                Err(_) => return Err(fault()),
            }
        }
        Err(too_large())
    })
    .map_err(crate::fault::unfilled)
}

fn stdin_fault() -> Refusal {
    Refusal::new(
        Code::Usage,
        "standard input could not be read",
        "send the value there: withheld set NAME --stdin < FILE",
    )
}

fn file_fault() -> Refusal {
    Refusal::new(
        Code::Usage,
        "the file with the value could not be read",
        "name a file that you may read: withheld set NAME --from-file FILE",
    )
}

fn invitation_fault() -> Refusal {
    Refusal::new(
        Code::Usage,
        "the file with the invitation could not be read",
        "name a file that holds the whole line: withheld team join --from-file FILE",
    )
}

fn passphrase_fault() -> Refusal {
    Refusal::new(
        Code::OwnerNeeded,
        "the file that WITHHELD_PASSPHRASE_FILE names could not be read",
        "name a file that holds the owner passphrase, or unset the variable and type it",
    )
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
