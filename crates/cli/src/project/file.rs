//! Finding and reading the file. It lies where others may write, so nothing about it is taken for
//! granted: a link, a pipe, a folder or a file without end is said, and never waited for.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use withheld_core::{Code, Refusal, Text, text};
use withheld_vault::home::Home;

/// How the file is called.
pub(super) const NAME: &str = "withheld.toml";
/// The largest one, in bytes: names of a project, and comments.
const LARGEST_BYTES: u64 = 64 * 1024;

/// A file that was found.
#[derive(Debug)]
pub(super) struct Found {
    /// How it is reached from here.
    pub(super) place: Text,
    pub(super) text: String,
}

/// The nearest file, from the current folder upwards.
///
/// # Errors
/// `config_invalid` where there is one that cannot be read.
pub(super) fn nearest() -> Result<Option<Found>, Refusal> {
    // A folder that is gone has no file in it.
    let Ok(here) = std::env::current_dir() else {
        return Ok(None);
    };
    above(&here, Home::account().as_deref())
}

/// The nearest file, from a folder upwards. The last folder that is looked into is the root of a
/// repository, or the account's own.
fn above(here: &Path, account: Option<&Path>) -> Result<Option<Found>, Refusal> {
    let identity = |folder: &Path| {
        let found = std::fs::metadata(folder).ok()?;
        Some((found.dev(), found.ino()))
    };
    let account = account.and_then(identity);
    let mut place = Text::from(NAME);
    for folder in here.ancestors() {
        if let Some(text) = read(&folder.join(NAME), &place)? {
            return Ok(Some(Found { place, text }));
        }
        let is_repository = folder.join(".git").symlink_metadata().is_ok();
        if is_repository || (account.is_some() && identity(folder) == account) {
            break;
        }
        place = text!("../{}", place);
    }
    Ok(None)
}

fn read(file: &Path, place: &Text) -> Result<Option<String>, Refusal> {
    // Not blocking: a pipe opens at once, and is then seen to be one.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(file, flags, Mode::empty()) {
        Ok(opened) => File::from(opened),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(Errno::LOOP) => return Err(odd(text!("`{}` is a symbolic link", *place))),
        Err(Errno::NXIO) => return Err(not_a_file(place)),
        Err(_) => return Err(odd(text!("`{}` cannot be opened", *place))),
    };
    let unreadable = |_| odd(text!("`{}` cannot be read", *place));
    let found = opened.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(not_a_file(place));
    }
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && found.uid() != 0 {
        return Err(odd(text!("`{}` belongs to another user", *place)));
    }
    let mut bytes = Vec::new();
    opened
        .take(LARGEST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(odd(text!("`{}` is larger than 64 KiB", *place)));
    }
    let text = String::from_utf8(bytes).map_err(|_| odd(text!("`{}` is not UTF-8", *place)))?;
    Ok(Some(text))
}

fn not_a_file(place: &Text) -> Refusal {
    odd(text!("`{}` is not a file", *place))
}

fn odd(message: Text) -> Refusal {
    Refusal::new(
        Code::ConfigInvalid,
        message,
        "look at it and at who put it there, then mend or remove it",
    )
}

#[cfg(test)]
mod tests;
