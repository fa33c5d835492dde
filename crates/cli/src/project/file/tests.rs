use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use super::*;
use crate::folder_for_tests::Folder;

/// A folder three deep, so that there is something above.
fn deep(folder: &Folder) -> PathBuf {
    let here = folder.path().join("a/b/c");
    fs::create_dir_all(&here).expect("folders");
    here
}

fn found(here: &Path, account: Option<&Path>) -> Option<(String, String)> {
    let found = above(here, account).expect("readable")?;
    Some((found.place.as_str().to_owned(), found.text))
}

fn said(here: &Path) -> String {
    let refusal = above(here, None).expect_err("refused");
    assert_eq!(refusal.code, Code::ConfigInvalid);
    refusal.message.as_str().to_owned()
}

#[test]
fn the_nearest_file_counts_and_is_named_as_it_is_reached() {
    let folder = Folder::new();
    let here = deep(&folder);
    // Whatever lies above the folders of tests is not ours to say.
    let stop = folder.path();
    fs::create_dir(stop.join(".git")).expect("a repository");
    assert_eq!(found(&here, None), None);
    fs::write(stop.join("a/withheld.toml"), "far").expect("written");
    assert_eq!(
        found(&here, None),
        Some(("../../withheld.toml".into(), "far".into()))
    );
    fs::write(here.join("withheld.toml"), "near").expect("written");
    assert_eq!(
        found(&here, None),
        Some(("withheld.toml".into(), "near".into()))
    );
}

#[test]
fn nothing_counts_that_was_put_above_the_repository_or_the_account() {
    let folder = Folder::new();
    let here = deep(&folder);
    fs::write(folder.path().join("withheld.toml"), "planted").expect("written");
    let (repository, account) = (folder.path().join("a/b"), folder.path().join("a"));
    assert_eq!(found(&here, Some(&account)), None);
    // By what it is, not by how it is written.
    symlink(&account, folder.path().join("link")).expect("a link");
    assert_eq!(found(&here, Some(&folder.path().join("link"))), None);
    assert!(found(&here, None).is_some());
    // A worktree has a file where others have a folder.
    fs::write(repository.join(".git"), "gitdir: /elsewhere").expect("written");
    assert_eq!(found(&here, None), None);
    // The root of the repository and the account's folder are looked into themselves.
    fs::write(repository.join("withheld.toml"), "own").expect("written");
    assert_eq!(
        found(&here, None),
        Some(("../withheld.toml".into(), "own".into()))
    );
    fs::remove_file(repository.join(".git")).expect("removed");
    assert!(found(&here, Some(&repository)).is_some());
}

#[test]
fn what_is_no_plain_file_is_said_and_never_waited_for() {
    let folder = Folder::new();
    let here = deep(&folder);
    let file = here.join(NAME);
    let other = folder.path().join("other");
    fs::write(&other, "project = \"shop\"").expect("written");

    symlink(&other, &file).expect("a link");
    assert_eq!(said(&here), "`withheld.toml` is a symbolic link");
    fs::remove_file(&file).expect("removed");
    symlink("/nowhere", &file).expect("a link");
    assert_eq!(said(&here), "`withheld.toml` is a symbolic link");
    fs::remove_file(&file).expect("removed");

    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.expect("mkfifo").success());
    assert_eq!(said(&here), "`withheld.toml` is not a file");
    fs::remove_file(&file).expect("removed");

    let _socket = UnixListener::bind(&file).expect("a socket");
    assert_eq!(said(&here), "`withheld.toml` is not a file");
    fs::remove_file(&file).expect("removed");

    fs::create_dir(&file).expect("a folder");
    assert_eq!(said(&here), "`withheld.toml` is not a file");
    fs::remove_dir(&file).expect("removed");

    fs::write(&file, vec![b'#'; 64 * 1024]).expect("written");
    assert_eq!(
        found(&here, None).map(|(_, text)| text.len()),
        Some(64 * 1024)
    );
    fs::write(&file, vec![b'#'; 64 * 1024 + 1]).expect("written");
    assert_eq!(said(&here), "`withheld.toml` is larger than 64 KiB");
    fs::write(&file, b"# \xff").expect("written");
    assert_eq!(said(&here), "`withheld.toml` is not UTF-8");
    // A fault of a file above is one, too.
    fs::rename(&file, folder.path().join("a").join(NAME)).expect("moved");
    assert_eq!(said(&here), "`../../withheld.toml` is not UTF-8");
}

#[test]
fn a_file_of_another_user_is_not_taken() {
    let folder = Folder::new();
    let here = deep(&folder);
    fs::write(here.join(NAME), "").expect("written");
    // Only root can give a file away.
    let own = rustix::process::geteuid();
    let stranger = rustix::process::Uid::from_raw(own.as_raw().wrapping_add(12_345));
    if rustix::fs::chown(here.join(NAME), Some(stranger), None).is_ok() {
        assert_eq!(said(&here), "`withheld.toml` belongs to another user");
    } else {
        assert!(!own.is_root());
    }
}
