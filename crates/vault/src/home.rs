//! The home: one folder, and how its files are read and replaced.
//!
//! Directories are made 0700 and files 0600 with the call that creates them. Every file is reached
//! by descending from the home's own descriptor, component by component, without following a link,
//! and is judged by its descriptor: what is looked at is what is used.

mod check;
#[cfg(test)]
pub(crate) mod kill;
mod paths;
mod shown;

use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use withheld_core::{Code, Refusal, Text, text};

use crate::fault;
use shown::Shown;

/// The largest file of a home that is written or read, in bytes: as much as a team's server keeps of one
/// workspace.
const MAX_FILE_BYTES: u64 = 1 << 30;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIR_MODE: Mode = Mode::RWXU;
const DIR_FLAGS: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

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
        check::parents(&self.path)?;
        self.make_parents()?;
        make_directory(&self.path)?;
        for directory in DIRECTORIES {
            make_directory(&self.path.join(directory))?;
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
        check::parents(&self.path)?;
        check::tree(&self.path)
    }

    /// The bytes of a file of the home; `None` where it is not there.
    ///
    /// # Errors
    /// `config_invalid` where file or folder is not ours alone, `store_unavailable` where the disk
    /// gives nothing back.
    pub fn read(&self, file: &Path) -> Result<Option<Vec<u8>>, Refusal> {
        let Some((directory, name)) = self.descend(file)? else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let opened = match rustix::fs::openat(&directory, name, flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(refused(file, errno)),
        };
        let stat = check::file(&opened, file)?;
        if u64::try_from(stat.st_size).map_or(true, |size| size > MAX_FILE_BYTES) {
            return Err(fault::unavailable(Shown::of(file).text()));
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::fs::File::from(opened), &mut bytes)
            .map_err(|_| fault::unavailable(Shown::of(file).text()))?;
        Ok(Some(bytes))
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
        let Some((directory, name)) = self.descend(file)? else {
            return Err(missing_folder());
        };
        let mut fresh = std::ffi::OsString::from(".");
        fresh.push(name);
        fresh.push(".new");
        // What a killed write left behind.
        match rustix::fs::unlinkat(&directory, &fresh, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(refused(file, errno)),
        }
        let written = put(&directory, &fresh, bytes)
            .and_then(|()| rustix::fs::renameat(&directory, &fresh, &directory, name))
            .and_then(|()| rustix::fs::fsync(&directory));
        written.map_err(|errno| {
            // Best effort: the next write removes it too.
            let _ = rustix::fs::unlinkat(&directory, &fresh, AtFlags::empty());
            refused(file, errno)
        })
    }

    /// Removes a file of the home; one that is not there is removed already.
    ///
    /// # Errors
    /// As [`Home::write`].
    pub fn remove(&self, file: &Path) -> Result<(), Refusal> {
        #[cfg(test)]
        kill::point(file)?;
        let Some((directory, name)) = self.descend(file)? else {
            return Ok(());
        };
        match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
            Ok(()) => rustix::fs::fsync(&directory).map_err(|errno| refused(file, errno)),
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(refused(file, errno)),
        }
    }

    /// The names in a folder of the home, in no order; none where it is not there.
    ///
    /// # Errors
    /// As [`Home::read`].
    pub fn names(&self, directory: &Path) -> Result<Vec<String>, Refusal> {
        let inside = directory.join("name");
        let Some((opened, _)) = self.descend(&inside)? else {
            return Ok(Vec::new());
        };
        let entries = rustix::fs::Dir::new(opened).map_err(|errno| refused(directory, errno))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|errno| refused(directory, errno))?;
            if let Ok(name) = entry.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// The descriptor of a file's folder, reached without following a link, and the file's name.
    fn descend<'a>(
        &self,
        file: &'a Path,
    ) -> Result<Option<(OwnedFd, &'a std::ffi::OsStr)>, Refusal> {
        let below = file.strip_prefix(&self.path).map_err(|_| outside())?;
        let mut here = match rustix::fs::open(&self.path, DIR_FLAGS, Mode::empty()) {
            Ok(home) => home,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(refused(&self.path, errno)),
        };
        check::directory(&here, &self.path)?;
        let name = below.file_name().ok_or_else(outside)?;
        let mut path = self.path.clone();
        for component in below.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(next) = component else {
                return Err(outside());
            };
            path.push(next);
            here = match rustix::fs::openat(&here, next, DIR_FLAGS, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(refused(&path, errno)),
            };
            check::directory(&here, &path)?;
        }
        Ok(Some((here, name)))
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
        missing.into_iter().rev().try_for_each(make_directory)
    }
}

/// A path of the home, as an error may show it.
pub(crate) fn shown(path: &Path) -> Text {
    Shown::of(path).text()
}

/// A new file of ours, all of its bytes on the disk.
fn put(directory: &OwnedFd, name: &std::ffi::OsStr, bytes: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, FILE_MODE)?;
    let mut left = bytes;
    while !left.is_empty() {
        match rustix::io::write(&file, left) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(written) => left = &left[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    rustix::fs::fsync(&file)
}

fn make_directory(path: &Path) -> Result<(), Refusal> {
    match rustix::fs::mkdir(path, DIR_MODE) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(refused(path, errno)),
    }
}

/// What the system's answer means for whoever has to mend it.
fn refused(path: &Path, errno: Errno) -> Refusal {
    let shown = Shown::of(path);
    match errno {
        Errno::LOOP | Errno::MLINK | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO => Refusal::new(
            Code::ConfigInvalid,
            text!("`{}` is a link or no plain file or folder", shown),
            text!("look at it, and move it away: ls -ld {}", shown),
        ),
        Errno::ACCESS | Errno::PERM => Refusal::new(
            Code::ConfigInvalid,
            text!("`{}` may not be opened by this user", shown),
            text!("see whose it is: ls -ld {}", shown),
        ),
        _ => fault::unavailable(shown.text()),
    }
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
