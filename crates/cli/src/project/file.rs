//! Finding and reading the file. It lies where others may write, so nothing about it is taken for
//! granted: a link, a pipe, a folder or a file without end is said, and never waited for.

use std::io::Read as _;
use std::path::Path;

use withheld_core::{Code, Refusal, Text, text};
use withheld_system::private::{self, Odd};
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
    let account = account.and_then(private::identity);
    let mut place = Text::from(NAME);
    for folder in here.ancestors() {
        if let Some(text) = read(&folder.join(NAME), &place)? {
            return Ok(Some(Found { place, text }));
        }
        let is_repository = folder.join(".git").symlink_metadata().is_ok();
        if is_repository || (account.is_some() && private::identity(folder) == account) {
            break;
        }
        place = text!("../{}", place);
    }
    Ok(None)
}

fn read(file: &Path, place: &Text) -> Result<Option<String>, Refusal> {
    let opened = match private::open_plain(file) {
        Ok(opened) => opened,
        Err(Odd::Missing) => return Ok(None),
        Err(Odd::Link) => return Err(odd(text!("`{}` is a symbolic link", *place))),
        Err(Odd::NotAFile) => return Err(odd(text!("`{}` is not a file", *place))),
        Err(Odd::Unopened) => return Err(odd(text!("`{}` cannot be opened", *place))),
    };
    let unreadable = |_| odd(text!("`{}` cannot be read", *place));
    if !private::is_trusted(&opened).map_err(unreadable)? {
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

fn odd(message: Text) -> Refusal {
    Refusal::new(
        Code::ConfigInvalid,
        message,
        "look at it and at who put it there, then mend or remove it",
    )
}

#[cfg(test)]
mod tests;
