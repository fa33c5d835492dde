//! Every forbidden dependency, added to a copy of the manifests: `cargo deny` must say no to each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, root};
use crate::setup::cargo_deny;

/// Who must not depend on whom. None of these arrows closes a circle: cargo itself would refuse that.
const FORBIDDEN: &[(&str, &str)] = &[
    ("audit", "withheld-secret"),
    ("broker", "withheld-secret"),
    ("cli", "withheld-secret"),
    ("testkit", "withheld-secret"),
    ("server", "withheld-secret"),
    ("team", "withheld-secret"),
    ("server", "withheld-vault"),
    ("vault", "sqlx"),
    ("wire", "withheld-vault"),
    ("testkit", "withheld-vault"),
    ("cli", "withheld-wire"),
    ("vault", "withheld-wire"),
    ("vault", "tokio-rustls"),
    ("audit", "tokio-rustls"),
    ("broker", "reqwest"),
    ("wire", "hyper-rustls"),
    ("vault", "oauth2"),
    ("cli", "native-tls"),
    ("wire", "openssl"),
    ("wire", "openssl-sys"),
];

/// Tries each, on a copy: the tree stays as it is.
///
/// # Errors
/// The first that `cargo deny` lets pass, or that the copy itself does not hold.
pub(crate) fn shut() -> Outcome<usize> {
    let folder = root().join("target/doors");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("target/doors: {error}"))?;
    }
    let copy = folder.join("workspace");
    copy_manifests(&copy).map_err(|error| format!("target/doors: {error}"))?;
    let (passed, said) = deny(&copy)?;
    if !passed {
        return Err(format!("the doors do not hold as they are:\n{said}"));
    }
    for (from, to) in FORBIDDEN {
        let manifest = copy.join("crates").join(from).join("Cargo.toml");
        let before = fs::read_to_string(&manifest).map_err(|error| format!("{from}: {error}"))?;
        let line = dependency(&copy, to).map_err(|error| format!("{to}: {error}"))?;
        let with = before.replacen("[dependencies]", &format!("[dependencies]\n{line}"), 1);
        fs::write(&manifest, with).map_err(|error| format!("{from}: {error}"))?;
        let (passed, said) = deny(&copy)?;
        fs::write(&manifest, before).map_err(|error| format!("{from}: {error}"))?;
        if passed || !said.contains("banned") {
            return Err(format!("{from} may depend on {to}:\n{said}"));
        }
        println!("door: {from:<8} may not depend on {to}");
    }
    Ok(FORBIDDEN.len())
}

/// The line that adds a dependency: a crate of ours or of the workspace, else an empty one of that name.
fn dependency(copy: &Path, name: &str) -> std::io::Result<String> {
    if name.starts_with("withheld-") || name == "tokio-rustls" {
        return Ok(format!("{name}.workspace = true"));
    }
    let folder = copy.with_file_name("strangers").join(name);
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n[workspace]\n"
        ),
    )?;
    Ok(format!(
        "{name} = {{ path = \"../../../strangers/{name}\" }}"
    ))
}

/// The workspace without its code.
fn copy_manifests(copy: &Path) -> std::io::Result<()> {
    let root = root();
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join("crates"))?
        .flatten()
        .map(|entry| Path::new("crates").join(entry.file_name()))
        .collect();
    folders.push(PathBuf::from("xtask"));
    fs::create_dir_all(copy)?;
    for file in ["Cargo.toml", "Cargo.lock", "deny.toml"] {
        fs::copy(root.join(file), copy.join(file))?;
    }
    for folder in folders {
        fs::create_dir_all(copy.join(&folder).join("src"))?;
        fs::copy(
            root.join(&folder).join("Cargo.toml"),
            copy.join(&folder).join("Cargo.toml"),
        )?;
        for target in ["src/lib.rs", "src/main.rs"] {
            if root.join(&folder).join(target).exists() {
                fs::write(copy.join(&folder).join(target), "fn main() {}")?;
            }
        }
    }
    Ok(())
}

/// Whether the doors of a workspace hold, and what was said about them.
fn deny(workspace: &Path) -> Outcome<(bool, String)> {
    let output = Command::new(cargo_deny()?)
        .args(["--offline", "--color", "never", "check", "bans"])
        .current_dir(workspace)
        .output()
        .map_err(|error| format!("cargo-deny does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.success(), said))
}
