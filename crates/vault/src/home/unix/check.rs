//! Whose is it, and who else may touch it.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, Stat};
use rustix::io::Errno;
use withheld_core::{Code, Refusal, text};

use super::super::shown::Shown;
use super::{DIR_FLAGS, refused};

/// How deep a home goes.
const MAX_DEPTH: usize = 4;
const NOT_OURS_ALONE: Mode = Mode::RWXG.union(Mode::RWXO);
const OTHERS_WRITE: Mode = Mode::WGRP.union(Mode::WOTH);

/// A file that is open: plain, ours, nobody else's, with one name.
pub(super) fn file(opened: impl AsFd, path: &Path) -> Result<Stat, Refusal> {
    let stat = rustix::fs::fstat(opened).map_err(|errno| refused(path, errno))?;
    one_file(&stat, path)?;
    Ok(stat)
}

fn one_file(stat: &Stat, path: &Path) -> Result<(), Refusal> {
    entry(stat, FileType::RegularFile, path)?;
    if stat.st_nlink > 1 {
        let shown = Shown::of(path);
        return Err(Refusal::new(
            Code::ConfigInvalid,
            text!("`{}` has a second name (a hard link)", shown),
            text!(
                "find the other one and remove it: find / -xdev -samefile {}",
                shown
            ),
        ));
    }
    Ok(())
}

/// A directory that is open.
pub(super) fn directory(opened: impl AsFd, path: &Path) -> Result<(), Refusal> {
    let stat = rustix::fs::fstat(opened).map_err(|errno| refused(path, errno))?;
    entry(&stat, FileType::Directory, path)
}

/// Every entry of the home. Sockets are judged by owner and mode alone.
pub(in crate::home) fn tree(home: &Path) -> Result<(), Refusal> {
    match rustix::fs::open(home, DIR_FLAGS, Mode::empty()) {
        Ok(opened) => {
            directory(&opened, home)?;
            below(opened, home, MAX_DEPTH)
        }
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(refused(home, errno)),
    }
}

fn below(opened: OwnedFd, path: &Path, depth: usize) -> Result<(), Refusal> {
    let entries = rustix::fs::Dir::read_from(&opened).map_err(|errno| refused(path, errno))?;
    for found in entries {
        let found = found.map_err(|errno| refused(path, errno))?;
        let name = found.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let inside = path.join(std::ffi::OsStr::new(&*name.to_string_lossy()));
        let stat = match rustix::fs::statat(&opened, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Replaced meanwhile by its writer.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(refused(&inside, errno)),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth > 0 => {
                entry(&stat, FileType::Directory, &inside)?;
                let next = rustix::fs::openat(&opened, name, DIR_FLAGS, Mode::empty())
                    .map_err(|errno| refused(&inside, errno))?;
                below(next, &inside, depth - 1)?;
            }
            FileType::Socket => entry(&stat, FileType::Socket, &inside)?,
            FileType::RegularFile => one_file(&stat, &inside)?,
            _ => return Err(refused(&inside, Errno::LOOP)),
        }
    }
    Ok(())
}

fn entry(stat: &Stat, kind: FileType, path: &Path) -> Result<(), Refusal> {
    let shown = Shown::of(path);
    if FileType::from_raw_mode(stat.st_mode) != kind {
        return Err(refused(path, Errno::LOOP));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Refusal::new(
            Code::ConfigInvalid,
            text!("`{}` belongs to another user", shown),
            text!("see whose it is: ls -ld {}", shown),
        ));
    }
    if Mode::from_raw_mode(stat.st_mode).intersects(NOT_OURS_ALONE) {
        let mode = if kind == FileType::Directory {
            700_u32
        } else {
            600
        };
        return Err(Refusal::new(
            Code::ConfigInvalid,
            text!("`{}` is open to other users", shown),
            text!("close it: chmod {} {}", mode, shown),
        ));
    }
    Ok(())
}

/// The folders above the home, as they are written and as they resolve.
pub(in crate::home) fn parents(home: &Path) -> Result<(), Refusal> {
    let mut all: BTreeSet<PathBuf> = BTreeSet::new();
    for parent in home.ancestors().skip(1) {
        if let Ok(real) = parent.canonicalize() {
            all.extend(real.ancestors().map(Path::to_path_buf));
            all.insert(parent.to_path_buf());
        }
    }
    all.iter().try_for_each(|parent| one_parent(parent))
}

fn one_parent(path: &Path) -> Result<(), Refusal> {
    let stat = match rustix::fs::stat(path) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(refused(path, errno)),
    };
    let mode = Mode::from_raw_mode(stat.st_mode);
    let shown = Shown::of(path);
    if mode.intersects(OTHERS_WRITE) && !mode.contains(Mode::SVTX) {
        return Err(Refusal::new(
            Code::ConfigInvalid,
            text!("other users may write `{}`, which the home lies in", shown),
            text!("close it: chmod go-w {}", shown),
        ));
    }
    let me = rustix::process::geteuid().as_raw();
    if ![Some(0), Some(me), unmapped_root()].contains(&Some(stat.st_uid)) {
        return Err(Refusal::new(
            Code::ConfigInvalid,
            text!(
                "`{}`, which the home lies in, belongs to another user",
                shown
            ),
            "choose a folder below your own: withheld --home DIR",
        ));
    }
    Ok(())
}

/// Root as it looks from inside a user namespace that does not map it. Outside of one this is an
/// account like any other.
fn unmapped_root() -> Option<u32> {
    let map = std::fs::read_to_string("/proc/self/uid_map").ok()?;
    if !is_namespace(&map) {
        return None;
    }
    let written = std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?;
    written.trim().parse().ok()
}

/// Whether users are mapped here. The first namespace maps every one to itself.
fn is_namespace(map: &str) -> bool {
    !map.split_whitespace().eq(["0", "0", "4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_namespace_maps_everybody_to_themselves() {
        assert!(!is_namespace("         0          0 4294967295\n"));
        for map in [
            "      1000       1000          1\n",
            "         0       1000          1\n         1     100000      65536\n",
            "         0          0      65536\n",
            "",
        ] {
            assert!(is_namespace(map), "{map}");
        }
    }
}
