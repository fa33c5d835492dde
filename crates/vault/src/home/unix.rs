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
