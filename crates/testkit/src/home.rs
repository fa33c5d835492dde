//! Homes that are set up already: making one costs an Argon2, copying one costs nothing.

use std::fs;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

/// The owner passphrase of every test home.
pub(crate) const PASSPHRASE: &str = "gravel lantern orbit maple 52 canyon";

/// Copies a home with a new vault to `home`, made by `init` when the first test of this binary asks.
///
/// # Panics
/// When it cannot be made or copied.
pub(crate) fn copy(binary: &Path, init: impl FnOnce(&Path), home: &Path) {
    let folder = folder(binary);
    fs::create_dir_all(&folder).expect("a folder for templates");
    let lock = fs::File::create(folder.join("lock")).expect("a lock file");
    flock(&lock, FlockOperation::LockExclusive).expect("the lock");
    let template = folder.join(name(binary));
    if !template.exists() {
        for old in fs::read_dir(&folder).expect("the folder").flatten() {
            if old.path().is_dir() {
                fs::remove_dir_all(old.path()).expect("an old template goes");
            }
        }
        // It is made where a socket's path is short, and moved when it is whole.
        let made = crate::Temp::new();
        init(&made.path().join("home"));
        let moved = folder.join("moving");
        copy_all(&made.path().join("home"), &moved);
        fs::rename(&moved, &template).expect("the template is in place");
    }
    copy_all(&template, home);
}

/// Beside the binary's profile folder, where cargo keeps temporary things of tests.
fn folder(binary: &Path) -> PathBuf {
    let target = binary.ancestors().nth(2).expect("a target folder");
    target.join("tmp").join("withheld-homes")
}

/// Another build makes another template.
fn name(binary: &Path) -> String {
    let facts = fs::metadata(binary).expect("the binary");
    format!("{}-{}.{}", facts.len(), facts.mtime(), facts.mtime_nsec())
}

/// A folder and all in it with its modes, without sockets and without what a running broker holds.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    let mode = fs::metadata(from).expect("a folder").permissions().mode() & 0o777;
    fs::DirBuilder::new()
        .mode(mode)
        .create(to)
        .expect("a folder of the copy");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            copy_all(&from, &to);
        } else if kind.is_file() {
            fs::copy(&from, &to).expect("a file of the copy");
        } else {
            assert!(kind.is_socket(), "{} is no part of a home", from.display());
        }
    }
}

/// Ends a broker that no longer answers.
pub(crate) fn kill(pid: &str) {
    // It may have gone by itself; what matters is that it is gone. The shell's own `kill`: a bare machine
    // has no program of that name.
    drop(
        Command::new("sh")
            .args(["-c", &format!("kill -9 {pid}")])
            .output(),
    );
}
