//! Files are reached by their paths, folder by folder, and none of them may be a link. Who else could change
//! them meanwhile could not change what lies in a folder that is this account's alone.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use withheld_core::{Code, Refusal, text};
use withheld_system::private;

use super::shown::Shown;
use super::{MAX_FILE_BYTES, missing_folder, outside};
use crate::fault;

/// How deep a home goes.
const MAX_DEPTH: usize = 4;

pub(super) fn read(home: &Path, file: &Path) -> Result<Option<Vec<u8>>, Refusal> {
    if descend(home, file)?.is_none() {
        return Ok(None);
    }
    let opened = match private::open_plain(file) {
        Ok(opened) => opened,
        Err(private::Odd::Missing) => return Ok(None),
        Err(private::Odd::Unopened) => return Err(unavailable(file)),
        Err(private::Odd::Link | private::Odd::NotAFile) => return Err(odd(file)),
    };
    alone(private::is_private(&opened), file)?;
    let size = opened.metadata().map_err(|_| unavailable(file))?.len();
    if size > MAX_FILE_BYTES {
        return Err(unavailable(file));
    }
    let mut bytes = Vec::new();
    opened
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|_| unavailable(file))?;
    Ok(Some(bytes))
}

pub(super) fn write(home: &Path, file: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let Some((directory, name)) = descend(home, file)? else {
        return Err(missing_folder());
    };
    let mut fresh = OsString::from(".");
    fresh.push(name);
    fresh.push(".new");
    let fresh = directory.join(fresh);
    // What a killed write left behind.
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unavailable(file)),
        _ => {}
    }
    let written = private::create_new(&fresh).and_then(|mut made| {
        made.write_all(bytes)?;
        made.sync_all()?;
        // Open without sharing, it could not be renamed.
        drop(made);
        std::fs::rename(&fresh, file)?;
        private::sync_folder(&directory)
    });
    written.map_err(|_| {
        // Best effort: the next write removes it too.
        let _ = std::fs::remove_file(&fresh);
        unavailable(file)
    })
}

pub(super) fn make_all(
    home: &Path,
    folder: &Path,
    files: &[(String, Vec<u8>)],
) -> Result<(), Refusal> {
    if descend(home, &folder.join("name"))?.is_none() {
        return Err(missing_folder());
    }
    let mut made = Vec::new();
    let done = files.iter().try_for_each(|(name, bytes)| {
        let file = folder.join(name);
        let mut fresh = private::create_new(&file)?;
        made.push(file);
        fresh.write_all(bytes)?;
        fresh.sync_all()
    });
    done.and_then(|()| private::sync_folder(folder))
        .map_err(|_| {
            for file in &made {
                // Best effort: nothing names it.
                let _ = std::fs::remove_file(file);
            }
            unavailable(folder)
        })
}

pub(super) fn remove(home: &Path, file: &Path) -> Result<(), Refusal> {
    if descend(home, file)?.is_none() {
        return Ok(());
    }
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unavailable(file)),
        _ => Ok(()),
    }
}

pub(super) fn names(home: &Path, directory: &Path) -> Result<Vec<String>, Refusal> {
    if descend(home, &directory.join("name"))?.is_none() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(directory).map_err(|_| unavailable(directory))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|_| unavailable(directory))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

pub(super) fn make_directory(path: &Path) -> Result<(), Refusal> {
    match private::make_folder(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(unavailable(path)),
        _ => Ok(()),
    }
}

/// Every entry of the home.
pub(super) fn tree(home: &Path) -> Result<(), Refusal> {
    if !is_there(home)? {
        return Ok(());
    }
    folder(home)?;
    below(home, MAX_DEPTH)
}

fn below(directory: &Path, depth: usize) -> Result<(), Refusal> {
    let entries = std::fs::read_dir(directory).map_err(|_| unavailable(directory))?;
    for entry in entries {
        let entry = entry.map_err(|_| unavailable(directory))?;
        let inside = entry.path();
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            // Replaced meanwhile by its writer.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(_) => return Err(unavailable(&inside)),
        };
        if kind.is_dir() && depth > 0 {
            folder(&inside)?;
            below(&inside, depth - 1)?;
        } else if !kind.is_file() {
            return Err(odd(&inside));
        }
    }
    Ok(())
}

/// The folders above the home: none that others could take it out of.
pub(super) fn parents(home: &Path) -> Result<(), Refusal> {
    for parent in home.ancestors().skip(1) {
        if !is_there(parent)? {
            continue;
        }
        let others = private::others_may_move(parent).map_err(|_| unavailable(parent))?;
        if others {
            let shown = Shown::of(parent);
            return Err(Refusal::new(
                Code::ConfigInvalid,
                text!("other users may change `{}`, which the home lies in", shown),
                text!("see who they are: icacls {}", shown),
            ));
        }
    }
    Ok(())
}

/// The folder of a file and its name; `None` where the folder is not there.
fn descend<'a>(home: &Path, file: &'a Path) -> Result<Option<(PathBuf, &'a OsStr)>, Refusal> {
    let below = file.strip_prefix(home).map_err(|_| outside())?;
    let name = below.file_name().ok_or_else(outside)?;
    let mut here = home.to_path_buf();
    if !is_there(&here)? {
        return Ok(None);
    }
    folder(&here)?;
    for component in below.parent().into_iter().flat_map(Path::components) {
        let Component::Normal(next) = component else {
            return Err(outside());
        };
        here.push(next);
        if !is_there(&here)? {
            return Ok(None);
        }
        folder(&here)?;
    }
    Ok(Some((here, name)))
}

fn is_there(path: &Path) -> Result<bool, Refusal> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(_) => Err(unavailable(path)),
    }
}

fn folder(path: &Path) -> Result<(), Refusal> {
    let found = std::fs::symlink_metadata(path).map_err(|_| unavailable(path))?;
    if !found.is_dir() {
        return Err(odd(path));
    }
    alone(Ok(private::is_private_folder(path)), path)
}

fn alone(is_private: std::io::Result<bool>, path: &Path) -> Result<(), Refusal> {
    if is_private.map_err(|_| unavailable(path))? {
        return Ok(());
    }
    let shown = Shown::of(path);
    Err(Refusal::new(
        Code::ConfigInvalid,
        text!("`{}` is open to other users", shown),
        text!("see who they are: icacls {}", shown),
    ))
}

fn odd(path: &Path) -> Refusal {
    let shown = Shown::of(path);
    Refusal::new(
        Code::ConfigInvalid,
        text!("`{}` is a link or no plain file or folder", shown),
        text!("look at it, and move it away: dir /a {}", shown),
    )
}

fn unavailable(path: &Path) -> Refusal {
    fault::unavailable(Shown::of(path).text())
}
