//! Every file is reached by descending from the home's own descriptor, component by component, without
//! following a link, and is judged by its descriptor: what is looked at is what is used.

mod check;

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use withheld_core::{Code, Refusal, text};

use super::shown::Shown;
use super::{MAX_FILE_BYTES, missing_folder, outside};
use crate::fault;

pub(super) use check::{parents, tree};

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIR_MODE: Mode = Mode::RWXU;
const DIR_FLAGS: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Files that are open at once: a process may have 256 on macOS.
const OPEN_AT_ONCE: usize = 128;
/// Who wait for them.
const WAITING_AT_ONCE: usize = 16;

pub(super) fn read(home: &Path, file: &Path) -> Result<Option<Vec<u8>>, Refusal> {
    let Some((directory, name)) = descend(home, file)? else {
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

pub(super) fn write(home: &Path, file: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let Some((directory, name)) = descend(home, file)? else {
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

/// Each file is written, then all of them are waited for by several at once: so the file system has the disk
/// write many of them in one go, and a thousand values do not wait for the disk a thousand times. Not by
/// `syncfs`: it waits for whatever else is written to that disk, and before Linux 5.8 it said nothing of
/// what could not be written.
pub(super) fn make_all(
    home: &Path,
    folder: &Path,
    files: &[(String, Vec<u8>)],
) -> Result<(), Refusal> {
    let inside = folder.join("name");
    let Some((directory, _)) = descend(home, &inside)? else {
        return Err(missing_folder());
    };
    let mut made = Vec::new();
    let done = files
        .chunks(OPEN_AT_ONCE)
        .try_for_each(|some| make_some(&directory, some, &mut made))
        .and_then(|()| rustix::fs::fsync(&directory));
    done.map_err(|errno| {
        for name in made {
            // Best effort: nothing names it.
            let _ = rustix::fs::unlinkat(&directory, name, AtFlags::empty());
        }
        refused(folder, errno)
    })
}

/// Makes as many files as may be open, and waits until they are on the disk.
fn make_some<'a>(
    directory: &OwnedFd,
    files: &'a [(String, Vec<u8>)],
    made: &mut Vec<&'a str>,
) -> Result<(), Errno> {
    let mut opened = Vec::new();
    for (name, bytes) in files {
        let file = create(directory, name.as_ref())?;
        made.push(name);
        fill(&file, bytes)?;
        opened.push(file);
    }
    let share = opened.len().div_ceil(WAITING_AT_ONCE).max(1);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = opened
            .chunks(share)
            .map(|files| scope.spawn(|| files.iter().try_for_each(rustix::fs::fsync)))
            .collect();
        let ended = waiting.into_iter().map(|one| one.join());
        // All of them, so that none waits for a file that is taken away.
        let ended: Vec<_> = ended.collect();
        ended
            .into_iter()
            .try_for_each(|one| one.unwrap_or(Err(Errno::IO)))
    })
}

pub(super) fn remove(home: &Path, file: &Path) -> Result<(), Refusal> {
    let Some((directory, name)) = descend(home, file)? else {
        return Ok(());
    };
    match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
        Ok(()) => rustix::fs::fsync(&directory).map_err(|errno| refused(file, errno)),
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(refused(file, errno)),
    }
}

pub(super) fn names(home: &Path, directory: &Path) -> Result<Vec<String>, Refusal> {
    let inside = directory.join("name");
    let Some((opened, _)) = descend(home, &inside)? else {
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
fn descend<'a>(home: &Path, file: &'a Path) -> Result<Option<(OwnedFd, &'a OsStr)>, Refusal> {
    let below = file.strip_prefix(home).map_err(|_| outside())?;
    let mut here = match rustix::fs::open(home, DIR_FLAGS, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(refused(home, errno)),
    };
    check::directory(&here, home)?;
    let name = below.file_name().ok_or_else(outside)?;
    let mut path = home.to_path_buf();
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

/// A new file of ours, all of its bytes on the disk.
fn put(directory: &OwnedFd, name: &OsStr, bytes: &[u8]) -> Result<(), Errno> {
    let file = create(directory, name)?;
    fill(&file, bytes)?;
    rustix::fs::fsync(&file)
}

fn create(directory: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, FILE_MODE)
}

fn fill(file: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    let mut left = bytes;
    while !left.is_empty() {
        match rustix::io::write(file, left) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(written) => left = &left[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

pub(super) fn make_directory(path: &Path) -> Result<(), Refusal> {
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
