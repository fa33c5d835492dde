//! The home: one folder, and how its files are read and replaced.
//!
//! Directories are made 0700 and files 0600 with the call that creates them; on Windows, with a list that
//! admits this account and the system. How files are reached is the system's part.

#[cfg(test)]
pub(crate) mod kill;
mod paths;
mod shown;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::path::{Component, Path, PathBuf};

use withheld_core::{Code, Refusal, Text};

use crate::fault;
use shown::Shown;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// The largest file of a home that is written or read, in bytes: as much as a team's server keeps of one
/// workspace.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Below the account's home.
#[cfg(not(any(target_os = "macos", windows)))]
const BELOW_ACCOUNT: &str = ".local/share/withheld";
#[cfg(target_os = "macos")]
const BELOW_ACCOUNT: &str = "Library/Application Support/withheld";
#[cfg(windows)]
const BELOW_ACCOUNT: &str = "AppData/Local/withheld";

/// The directories of a home, parents first.
const DIRECTORIES: &[&str] = &["vault", "vault/items", "audit", "ca", "run", "team"];

/// Where everything of an installation lies. Making one touches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// The account's own folder, as the user database has it; `None` where it has none.
    #[must_use]
    pub fn account() -> Option<PathBuf> {
        withheld_secret::home_of_user()
    }

    /// The account's own name, as the user database has it; `None` where it has none.
    #[must_use]
    pub fn account_name() -> Option<String> {
        withheld_secret::name_of_user()
    }

    /// The home of this account, as the user database has it.
    ///
    /// # Errors
    /// `config_invalid` where the database has no home for this account.
    pub fn of_account() -> Result<Self, Refusal> {
        Self::account()
            .map(|account| Self {
                path: account.join(BELOW_ACCOUNT),
            })
            .ok_or_else(|| {
                Refusal::new(
                    Code::ConfigInvalid,
                    "the user database has no home folder for this account",
                    "name a folder: withheld --home DIR",
                )
            })
    }

    /// The home in this folder; a relative path counts from where the process stands.
    ///
    /// # Errors
    /// `config_invalid` for an empty path, and for one with `..` in it.
    pub fn at(path: &Path) -> Result<Self, Refusal> {
        let dotted = path
            .components()
            .any(|component| component == Component::ParentDir);
        match std::path::absolute(path) {
            Ok(path) if !dotted => Ok(Self { path }),
            _ => Err(Refusal::new(
                Code::ConfigInvalid,
                "the path of the home is empty or has `..` in it",
                "write the whole path: withheld --home DIR",
            )),
        }
    }

    /// Makes the folder and its directories where they are missing, then checks all of it.
    ///
    /// # Errors
    /// `config_invalid` as [`Home::check`], `store_unavailable` where the disk refuses.
    pub fn create(&self) -> Result<(), Refusal> {
        system::parents(&self.path)?;
        self.make_parents()?;
        system::make_directory(&self.path)?;
        for directory in DIRECTORIES {
            system::make_directory(&self.path.join(directory))?;
        }
        self.check()
    }

    /// Checks what is there: our own, nobody else's to read or write, no links, no second names,
    /// and no parent that others may write (sticky ones aside).
    ///
    /// # Errors
    /// `config_invalid`, with the command that mends it where there is one. A folder that is not
    /// there passes.
    pub fn check(&self) -> Result<(), Refusal> {
        system::parents(&self.path)?;
        system::tree(&self.path)
    }

    /// The bytes of a file of the home; `None` where it is not there.
    ///
    /// # Errors
    /// `config_invalid` where file or folder is not ours alone, `store_unavailable` where the disk
    /// gives nothing back.
    pub fn read(&self, file: &Path) -> Result<Option<Vec<u8>>, Refusal> {
        system::read(&self.path, file)
    }

    /// Replaces a file of the home, or makes it: afterwards the old bytes are there or the new
    /// ones, on the disk, whatever happens meanwhile.
    ///
    /// # Errors
    /// As [`Home::read`]; `store_unavailable` also when the disk is full, and for more than can be
    /// read again. The old file is kept.
    pub fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(fault::unavailable(Shown::of(file).text()));
        }
        #[cfg(test)]
        kill::point(file)?;
        system::write(&self.path, file, bytes)
    }

    /// Makes files in a folder of the home that nothing names yet, all of them on the disk afterwards; refused,
    /// what was made of them is taken away again. Killed in between, some of them are there, whole or not.
    ///
    /// # Errors
    /// As [`Home::write`].
    pub fn make_all(&self, folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Refusal> {
        for (name, bytes) in files {
            if Path::new(name).file_name() != Some(name.as_ref()) {
                return Err(outside());
            }
            if bytes.len() as u64 > MAX_FILE_BYTES {
                return Err(fault::unavailable(Shown::of(folder).text()));
            }
        }
        #[cfg(test)]
        for (number, (name, _)) in files.iter().enumerate() {
            if let Err(killed) = kill::point(&folder.join(name)) {
                system::make_all(&self.path, folder, &files[..number])?;
                return Err(killed);
            }
        }
        system::make_all(&self.path, folder, files)
    }

    /// Removes a file of the home; one that is not there is removed already.
    ///
    /// # Errors
    /// As [`Home::write`].
    pub fn remove(&self, file: &Path) -> Result<(), Refusal> {
        #[cfg(test)]
        kill::point(file)?;
        system::remove(&self.path, file)
    }

    /// The names in a folder of the home, in no order; none where it is not there.
    ///
    /// # Errors
    /// As [`Home::read`].
    pub fn names(&self, directory: &Path) -> Result<Vec<String>, Refusal> {
        system::names(&self.path, directory)
    }

    /// `.local` and the like, where the account does not have them yet.
    fn make_parents(&self) -> Result<(), Refusal> {
        let mut missing: Vec<&Path> = Vec::new();
        for parent in self.path.ancestors().skip(1) {
            if parent.as_os_str().is_empty() || parent.exists() {
                break;
            }
            missing.push(parent);
        }
        missing
            .into_iter()
            .rev()
            .try_for_each(system::make_directory)
    }
}

/// A path of the home, as an error may show it.
pub(crate) fn shown(path: &Path) -> Text {
    Shown::of(path).text()
}

fn outside() -> Refusal {
    fault::internal("a path outside the home was asked of it")
}

fn missing_folder() -> Refusal {
    Refusal::new(
        Code::NotFound,
        "there is no vault here yet",
        "make one: withheld init",
    )
}

#[cfg(test)]
mod tests;
