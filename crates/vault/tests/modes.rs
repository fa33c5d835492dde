//! C08: modes come from the calls that create, whatever the umask. One test in a process of its
//! own, since a process has one umask.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::Mode;
use withheld_core::Moment;
use withheld_core::api::VaultKind;
use withheld_secret::SecretValue;
use withheld_vault::{Home, Vault};

fn check(path: &Path) {
    let entry = std::fs::symlink_metadata(path).unwrap();
    let expected = if entry.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(entry.mode() & 0o7777, expected, "{}", path.display());
    if entry.is_dir() {
        for inside in std::fs::read_dir(path).unwrap() {
            check(&inside.unwrap().path());
        }
    }
}

#[test]
fn c08_files_are_600_and_folders_700_under_any_umask() {
    for (number, umask) in [Mode::empty(), Mode::RWXG | Mode::RWXO, Mode::WGRP]
        .into_iter()
        .enumerate()
    {
        let before = rustix::process::umask(umask);
        let folder = std::env::temp_dir().join(format!("wh-modes-{}-{number}", std::process::id()));
        let home = Home::at(&folder).unwrap();
        let passphrase = SecretValue::with_len::<()>(12, |room| {
            room.fill(b'p');
            Ok(12)
        });
        let passphrase = passphrase.ok().unwrap();
        let made = Vault::create(
            &home,
            VaultKind::File,
            false,
            &passphrase,
            Moment::from_ms(1_795_539_600_000),
        );
        drop(made.unwrap());
        check(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        rustix::process::umask(before);
    }
}
