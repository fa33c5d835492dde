//! The source of the standard library, of exactly the compiler that runs. Debian's backports have it; apt
//! downloads it with lists and a cache of its own, and installs nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, output, run};

const PACKAGE: &str = "rust-src";
/// The suite of the package. Its mirror is the one that this machine is set up with.
const SUITE: &str = "trixie-backports";
/// Where apt keeps its sources.
const SOURCES: &str = "/etc/apt";

/// The folder `library` of the source, fetched where it is not there yet.
///
/// # Errors
/// When no mirror is set up, it does not answer, or it has this version no more.
pub(super) fn library(folder: &Path) -> Outcome<PathBuf> {
    let version = version()?;
    let unpacked = folder.join(format!("{PACKAGE}-{version}"));
    let library = unpacked.join(format!("usr/src/rustc-{version}/library"));
    if library.join("std").exists() {
        return Ok(library);
    }
    let apt = folder.join("apt");
    prepare(&apt)?;
    run(isolated("apt-get", &apt).args(["update", "-qq"]))?;
    // A name that ends in `*`: any revision of the package of this version.
    run(isolated("apt-get", &apt)
        .args(["download", "-qq", &format!("{PACKAGE}={version}*")])
        .current_dir(&apt))?;
    let package = downloaded(&apt)?;
    run(Command::new("dpkg-deb")
        .arg("-x")
        .arg(&package)
        .arg(&unpacked))?;
    gone(fs::remove_dir_all(&apt))?;
    if library.join("std").exists() {
        Ok(library)
    } else {
        Err(format!("{PACKAGE} holds no library of {version}"))
    }
}

/// The version of the compiler, as Debian writes it.
fn version() -> Outcome<String> {
    let said = output(Command::new("rustc").arg("-vV"))?;
    said.lines()
        .find_map(|line| line.strip_prefix("release: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc says no version".to_owned())
}

/// A source list, and folders for what apt remembers.
fn prepare(apt: &Path) -> Outcome {
    if apt.exists() {
        gone(fs::remove_dir_all(apt))?;
    }
    for inside in ["lists/partial", "cache/archives/partial"] {
        gone(fs::create_dir_all(apt.join(inside)))?;
    }
    gone(fs::write(apt.join("status"), ""))?;
    let mirror = mirror()?;
    gone(fs::write(
        apt.join("sources.list"),
        format!("deb {mirror} {SUITE} main\n"),
    ))
}

/// apt as this machine is set up, but for its sources and all that it writes.
fn isolated(program: &str, apt: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, file) in [
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::Etc::sourceparts", "/dev/null"),
        ("Dir::Etc::preferences", "/dev/null"),
        ("Dir::Etc::preferencesparts", "/dev/null"),
        ("Dir::State", "."),
        ("Dir::State::lists", "lists"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
        ("Dir::Cache::archives", "cache/archives"),
    ] {
        command
            .arg("-o")
            .arg(format!("{name}={}", apt.join(file).display()));
    }
    command
}

/// The one package that was downloaded.
fn downloaded(apt: &Path) -> Outcome<PathBuf> {
    let entries = fs::read_dir(apt).map_err(|error| format!("{}: {error}", apt.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|kind| kind == "deb"))
        .ok_or_else(|| format!("apt downloaded no {PACKAGE}"))
}

/// Options and address of the Debian mirror that this machine is set up with.
fn mirror() -> Outcome<String> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let codename = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .ok_or("this is no Debian: /etc/os-release names no release")?;
    source_lists()
        .iter()
        .find_map(|text| in_lines(text, codename).or_else(|| in_stanzas(text, codename)))
        .ok_or_else(|| format!("apt has no source for {codename}"))
}

fn source_lists() -> Vec<String> {
    let parts = fs::read_dir(Path::new(SOURCES).join("sources.list.d"));
    let mut paths = vec![Path::new(SOURCES).join("sources.list")];
    paths.extend(parts.into_iter().flatten().flatten().map(|e| e.path()));
    paths
        .iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|kind| kind == "list" || kind == "sources")
        })
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}

/// `deb [options] address suite components`.
fn in_lines(text: &str, codename: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (options, rest) = inside.split_once(']')?;
                (format!("[{options}] "), rest)
            }
            None => (String::new(), rest),
        };
        let mut words = rest.split_whitespace();
        let address = words.next()?;
        (words.next()? == codename).then(|| format!("{options}{address}"))
    })
}

/// Stanzas of `Name: value`.
fn in_stanzas(text: &str, codename: &str) -> Option<String> {
    text.split("\n\n").find_map(|stanza| {
        let field = |name: &str| {
            stanza
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        let is_there = field("Suites")?
            .split_whitespace()
            .any(|suite| suite == codename);
        let address = field("URIs")?.split_whitespace().next()?;
        is_there.then(|| match field("Signed-By") {
            Some(keys) if keys.starts_with('/') => format!("[signed-by={keys}] {address}"),
            _ => address.to_owned(),
        })
    })
}

fn gone<T>(done: std::io::Result<T>) -> Outcome<T> {
    done.map_err(|error| format!("the folder for {PACKAGE}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_the_release_in_both_forms() {
        let lines = "# deb http://c.test/debian bookworm main\n\
                     deb-src http://s.test/debian bookworm main\n\
                     deb http://x.test/debian-security bookworm-security main\n\
                     deb [signed-by=/k.gpg arch=amd64] http://m.test/debian bookworm main\n";
        assert_eq!(
            in_lines(lines, "bookworm").as_deref(),
            Some("[signed-by=/k.gpg arch=amd64] http://m.test/debian")
        );
        assert_eq!(in_lines(lines, "trixie"), None);
        let stanzas = "Types: deb\nURIs: http://o.test/other\nSuites: nodistro\n\n\
                       Types: deb\n# a comment\nURIs: http://m.test/debian\n\
                       Suites: bookworm bookworm-updates\nSigned-By: /k.gpg\n";
        assert_eq!(
            in_stanzas(stanzas, "bookworm").as_deref(),
            Some("[signed-by=/k.gpg] http://m.test/debian")
        );
        assert_eq!(in_stanzas(stanzas, "trixie"), None);
    }
}
