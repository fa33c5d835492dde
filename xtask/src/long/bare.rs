//! The README's two commands in a bare Debian root: an ordinary user first, root second, over one target
//! folder. A chroot forbids user namespaces, so the root is entered by `unshare -m` and `pivot_root`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, has, output, root, run, shown_output};
use crate::setup::apt;

/// What a machine has on which one can build Rust, and nothing else.
const PACKAGES: &str = "gcc,libc6-dev,git,curl,ca-certificates";
const RELEASE: &str = "bookworm";
/// The README's two commands.
const COMMAND: &str = "cargo run --release -- demo && cargo xtask test";

type Step = (&'static str, fn(&Path) -> Outcome);

/// How the root is made.
const STEPS: &[Step] = &[("debian", debian), ("user", user), ("folders", folders)];

/// Makes the root where there is none yet, then runs the commands as both users.
///
/// # Errors
/// When the root cannot be made, or one of them fails.
pub(super) fn bare() -> Outcome<String> {
    let bare = root().join("target/bare");
    make(&bare)?;
    let mut uids = Vec::new();
    for user in ["guest", "root"] {
        let said = enter(&bare, user)?;
        let uid = super::said(&said, "uid=").ok_or("the root did not say who ran it")?;
        uids.push(uid.to_owned());
    }
    Ok(format!("`{COMMAND}` as {}", uids.join(" and ")))
}

/// Debian's smallest root, a user, and a clone of this repository. Each step leaves a mark, so that a run
/// that was cut short goes on where it ended.
fn make(bare: &Path) -> Outcome {
    for (name, step) in STEPS {
        let mark = bare.with_extension(format!("{name}.done"));
        if !mark.exists() {
            println!("bare: {name}");
            step(bare)?;
            fs::write(&mark, "").map_err(|error| format!("target/bare: {error}"))?;
        }
    }
    clone(bare)
}

fn debian(bare: &Path) -> Outcome {
    if !has("debootstrap") {
        apt(&["debootstrap"])?;
    }
    if bare.exists() {
        fs::remove_dir_all(bare).map_err(|error| format!("target/bare: {error}"))?;
    }
    run(Command::new("debootstrap")
        .args([
            "--variant=minbase",
            &format!("--include={PACKAGES}"),
            RELEASE,
        ])
        .arg(bare))
}

fn user(bare: &Path) -> Outcome {
    run(Command::new("chroot")
        .arg(bare)
        .args(["useradd", "--create-home", "guest"]))
}

/// What is bound in or written later, and a copy of what cargo has downloaded already.
fn folders(bare: &Path) -> Outcome {
    for folder in ["toolchain", "registry/registry", "old", "build"] {
        fs::create_dir_all(bare.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    }
    let cargo = cargo_home();
    for (from, to) in [
        ("config.toml", "registry/config.toml"),
        ("registry/index", "registry/registry/"),
        ("registry/cache", "registry/registry/"),
    ] {
        if cargo.join(from).exists() {
            run(Command::new("cp")
                .arg("-r")
                .arg(cargo.join(from))
                .arg(bare.join(to)))?;
        }
    }
    run(Command::new("chroot")
        .arg(bare)
        .args(["chown", "-R", "guest", "/build", "/registry"]))
}

fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    )
}

/// A clone of the commit that is checked out.
fn clone(bare: &Path) -> Outcome {
    let clone = bare.join("build/withheld");
    if clone.exists() {
        run(Command::new("git")
            .args(["-c", "safe.directory=*", "-C"])
            .arg(&clone)
            .args(["pull", "--quiet", "--ff-only"])
            .arg(root()))?;
    } else {
        run(Command::new("git")
            .args(["clone", "--quiet", "--no-hardlinks"])
            .arg(root())
            .arg(&clone))?;
    }
    run(Command::new("chroot")
        .arg(bare)
        .args(["chown", "-R", "guest", "/build"]))
}

/// Runs the commands inside, and returns what they said.
fn enter(bare: &Path, user: &str) -> Outcome<String> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let bundle = std::env::var_os("SSL_CERT_FILE").map_or_else(
        || PathBuf::from("/etc/ssl/certs/ca-certificates.crt"),
        PathBuf::from,
    );
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-euc", INSIDE])
        .arg(bare)
        .arg(sysroot.trim())
        .arg(&bundle)
        .arg(user)
        .arg(COMMAND);
    shown_output(&mut command)
}

/// `$0` the root, `$1` the toolchain, `$2` the CA bundle, `$3` the user, `$4` the command.
const INSIDE: &str = r#"
mount --bind "$0" "$0"
cd "$0"
mount --bind "$1" toolchain && mount -o remount,bind,ro toolchain
touch etc/resolv.conf etc/hosts
mount --bind "$2" etc/ssl/certs/ca-certificates.crt
mount --bind /etc/resolv.conf etc/resolv.conf
mount --bind /etc/hosts etc/hosts
mount -t proc proc proc
mount --rbind /dev dev
chmod 1777 tmp
pivot_root . old
umount -l /old
cd /build/withheld
export PATH=/toolchain/bin:/usr/sbin:/usr/bin:/sbin:/bin CARGO_HOME=/registry CARGO_TARGET_DIR=/build/target
export CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
chown -R "$3" /build /registry
home=$(getent passwd "$3" | cut -d: -f6)
exec setpriv --reuid="$3" --regid="$3" --init-groups env HOME="$home" sh -euc "id; $4" 2>&1
"#;
