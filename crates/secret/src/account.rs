//! The account of this process, as the user database has it.

use std::path::PathBuf;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// The home of the account that this process runs as; never from `HOME`, which a project's file
/// could have set. `None` when the user database has no entry, or no absolute path in it.
#[must_use]
pub fn home_of_user() -> Option<PathBuf> {
    system::home_of_user()
}

/// The name of the account that this process runs as; never from `USER`. `None` when the user database
/// has no entry, or a name that is no text.
#[must_use]
pub fn name_of_user() -> Option<String> {
    system::name_of_user()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn name_and_home_are_those_of_the_user_database() {
        // SAFETY: no arguments, no failure.
        let uid = unsafe { libc::geteuid() }.to_string();
        let database = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let written = database
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.get(2) == Some(&uid.as_str()));
        if let Some([name, _, _, _, _, home, ..]) = written.as_deref() {
            assert_eq!(name_of_user().as_deref(), Some(*name));
            assert_eq!(home_of_user(), Some(PathBuf::from(home)));
        }
    }
}
