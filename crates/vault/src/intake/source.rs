//! Values that do not come from a terminal: standard input, a file, a variable.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, IsTerminal as _, Read as _};
use std::path::Path;

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
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Refusal::new(
            Code::Usage,
            "standard input is a terminal, which would show the value",
            "leave out --stdin and paste at the prompt",
        ));
    }
    // The library's own reader keeps a copy of what it reads.
    let unbuffered = system::unbuffered(&stdin).map_err(|_| stdin_fault())?;
    take_value(read(unbuffered, stdin_fault)?, to, how)
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
    let bytes = zeroize::Zeroizing::new(held.into_encoded_bytes());
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

fn open(path: &Path, fault: fn() -> Refusal) -> Result<File, Refusal> {
    system::open(path).map_err(|_| fault())
}

/// Reads to the end, straight into locked memory.
fn read(mut from: File, fault: fn() -> Refusal) -> Result<SecretValue, Refusal> {
    SecretValue::with_len(ROOM + 1, |room| {
        let mut used = 0;
        while used < room.len() {
            match from.read(&mut room[used..]) {
                Ok(0) => return Ok(used),
                Ok(more) => used += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(fault()),
            }
        }
        Err(too_large())
    })
    .map_err(crate::fault::unfilled)
}

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io::{Result, Stdin};
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::Path;

    pub(super) fn unbuffered(stdin: &Stdin) -> Result<File> {
        stdin.as_fd().try_clone_to_owned().map(File::from)
    }

    /// A terminal that is opened does not become this process's own.
    #[allow(
        clippy::cast_possible_wrap,
        reason = "the flags of open(2) are an int in C"
    )]
    pub(super) fn open(path: &Path) -> Result<File> {
        let flags = rustix::fs::OFlags::NOCTTY.bits() as i32;
        OpenOptions::new().read(true).custom_flags(flags).open(path)
    }
}

#[cfg(windows)]
mod system {
    use std::fs::File;
    use std::io::{Result, Stdin};
    use std::os::windows::io::AsHandle as _;
    use std::path::Path;

    pub(super) fn unbuffered(stdin: &Stdin) -> Result<File> {
        stdin.as_handle().try_clone_to_owned().map(File::from)
    }

    pub(super) fn open(path: &Path) -> Result<File> {
        File::open(path)
    }
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
