#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;
use crate::test_values::Folder;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn made(folder: &Folder) -> Home {
    let home = Home::at(&folder.path().join("home")).unwrap();
    home.create().unwrap();
    home
}

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

fn hint<T>(result: Result<T, Refusal>) -> String {
    result.err().unwrap().hint.as_str().to_owned()
}

#[test]
fn folders_are_700_and_files_600_and_all_lies_below_the_home() {
    let folder = Folder::new();
    let home = Home::at(&folder.path().join("a/b/home")).unwrap();
    home.create().unwrap();
    home.write(&home.policy(), b"policy").unwrap();
    home.write(&home.index(), b"index").unwrap();
    for directory in ["..", ".", "vault", "vault/items", "audit", "ca", "run"] {
        assert_eq!(mode(&home.path().join(directory)), 0o700, "{directory}");
    }
    assert_eq!(mode(&home.policy()), 0o600);
    assert_eq!(mode(&home.index()), 0o600);
    for path in [
        home.policy(),
        home.vault_key(),
        home.index(),
        home.items(),
        home.sessions(),
        home.audit(),
        home.ca_pem(),
        home.bundle_pem(),
        home.config(),
        home.owner_sock(),
        home.agent_sock(),
        home.lock_file(),
    ] {
        assert!(path.starts_with(home.path()));
    }
    home.check().unwrap();
}

#[test]
fn the_account_home_is_where_the_interface_page_says() {
    let home = Home::of_account().unwrap();
    assert!(home.path().is_absolute());
    assert!(home.path().ends_with(".local/share/withheld"));
}

#[test]
fn a_path_with_dots_is_no_home() {
    for bad in ["", "/tmp/../etc", "../home", "home/.."] {
        assert_eq!(
            code(Home::at(Path::new(bad))),
            Some(Code::ConfigInvalid),
            "{bad}"
        );
    }
    assert!(
        Home::at(Path::new("relative"))
            .unwrap()
            .path()
            .is_absolute()
    );
}

#[test]
fn files_are_replaced_whole_and_removed() {
    let folder = Folder::new();
    let home = made(&folder);
    assert_eq!(home.read(&home.policy()).unwrap(), None);
    home.write(&home.policy(), b"one").unwrap();
    // What a killed write left behind is in nobody's way.
    fs::write(home.path().join(".policy.new"), b"half").unwrap();
    home.write(&home.policy(), b"two").unwrap();
    assert_eq!(
        home.read(&home.policy()).unwrap().as_deref(),
        Some(&b"two"[..])
    );
    assert_eq!(mode(&home.policy()), 0o600);
    assert!(!home.path().join(".policy.new").exists());
    home.remove(&home.policy()).unwrap();
    home.remove(&home.policy()).unwrap();
    assert_eq!(home.read(&home.policy()).unwrap(), None);
}

#[test]
fn a_home_that_is_not_there_is_empty_and_takes_nothing() {
    let folder = Folder::new();
    let home = Home::at(&folder.path().join("home")).unwrap();
    home.check().unwrap();
    assert_eq!(home.read(&home.policy()).unwrap(), None);
    assert_eq!(home.names(&home.items()).unwrap(), Vec::<String>::new());
    assert_eq!(code(home.write(&home.policy(), b"x")), Some(Code::NotFound));
    assert!(!home.path().exists());
}

#[test]
fn what_lies_outside_is_not_reached() {
    let folder = Folder::new();
    let home = made(&folder);
    let outside = folder.path().join("outside");
    assert_eq!(code(home.read(&outside)), Some(Code::Internal));
    assert_eq!(
        code(home.write(&home.path().join("../outside"), b"x")),
        Some(Code::Internal)
    );
    assert!(!outside.exists());
}

#[test]
fn loose_files_and_folders_are_refused_with_the_command_that_mends_them() {
    let folder = Folder::new();
    let home = made(&folder);
    home.write(&home.policy(), b"policy").unwrap();
    let shown = home.path().to_str().unwrap();
    for (loose, tight) in [(0o640, 0o600), (0o604, 0o600), (0o620, 0o600)] {
        chmod(&home.policy(), loose);
        assert_eq!(code(home.read(&home.policy())), Some(Code::ConfigInvalid));
        assert_eq!(
            hint(home.check()),
            format!("close it: chmod 600 {shown}/policy")
        );
        chmod(&home.policy(), tight);
        home.check().unwrap();
    }
    chmod(&home.path().join("vault"), 0o750);
    assert_eq!(
        hint(home.check()),
        format!("close it: chmod 700 {shown}/vault")
    );
    assert_eq!(code(home.read(&home.index())), Some(Code::ConfigInvalid));
    assert_eq!(
        code(home.write(&home.index(), b"x")),
        Some(Code::ConfigInvalid)
    );
    chmod(&home.path().join("vault"), 0o700);
    home.check().unwrap();
}

#[test]
fn a_parent_that_others_may_write_is_refused_unless_it_is_sticky() {
    let folder = Folder::new();
    let parent = folder.path().join("parent");
    fs::create_dir(&parent).unwrap();
    let home = Home::at(&parent.join("home")).unwrap();
    for loose in [0o777, 0o770, 0o722] {
        chmod(&parent, loose);
        assert_eq!(code(home.create()), Some(Code::ConfigInvalid), "{loose:o}");
        let shown = parent.to_str().unwrap();
        assert_eq!(hint(home.check()), format!("close it: chmod go-w {shown}"));
        assert!(!home.path().exists());
    }
    chmod(&parent, 0o1777);
    home.create().unwrap();
    chmod(&parent, 0o755);
    home.check().unwrap();
}

#[test]
fn k04_links_pipes_and_folders_in_place_of_a_file_are_refused() {
    let folder = Folder::new();
    let home = made(&folder);
    let target = folder.path().join("target");
    fs::write(&target, b"untouched").unwrap();
    chmod(&target, 0o600);
    let policy = home.policy();

    symlink(&target, &policy).unwrap();
    assert_eq!(code(home.read(&policy)), Some(Code::ConfigInvalid));
    assert_eq!(code(home.check()), Some(Code::ConfigInvalid));
    // Replacing replaces the link, not what it points to.
    home.write(&policy, b"mine").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"untouched");
    assert_eq!(home.read(&policy).unwrap().as_deref(), Some(&b"mine"[..]));

    fs::remove_file(&policy).unwrap();
    fs::hard_link(&target, &policy).unwrap();
    assert_eq!(code(home.read(&policy)), Some(Code::ConfigInvalid));
    assert_eq!(code(home.check()), Some(Code::ConfigInvalid));
    home.write(&policy, b"mine").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"untouched");

    fs::remove_file(&policy).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &policy,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert_eq!(code(home.read(&policy)), Some(Code::ConfigInvalid));
    assert_eq!(code(home.check()), Some(Code::ConfigInvalid));

    fs::remove_file(&policy).unwrap();
    fs::create_dir(&policy).unwrap();
    chmod(&policy, 0o700);
    assert_eq!(code(home.read(&policy)), Some(Code::ConfigInvalid));
    assert_eq!(
        code(home.write(&policy, b"mine")),
        Some(Code::ConfigInvalid)
    );
}

#[test]
fn k04_a_link_in_place_of_a_folder_is_refused() {
    let folder = Folder::new();
    let home = made(&folder);
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    chmod(&elsewhere, 0o700);
    fs::remove_dir(home.items()).unwrap();
    fs::remove_dir(home.path().join("vault")).unwrap();
    symlink(&elsewhere, home.path().join("vault")).unwrap();
    assert_eq!(code(home.read(&home.index())), Some(Code::ConfigInvalid));
    assert_eq!(
        code(home.write(&home.index(), b"x")),
        Some(Code::ConfigInvalid)
    );
    assert_eq!(code(home.check()), Some(Code::ConfigInvalid));
    assert!(fs::read_dir(&elsewhere).unwrap().next().is_none());

    let linked = folder.path().join("linked");
    symlink(home.path(), &linked).unwrap();
    let linked = Home::at(&linked).unwrap();
    assert_eq!(code(linked.check()), Some(Code::ConfigInvalid));
    assert_eq!(
        code(linked.read(&linked.policy())),
        Some(Code::ConfigInvalid)
    );
}

#[test]
fn a_path_is_shown_quoted_and_never_a_key() {
    let shown = |path: &str| Shown::of(Path::new(path)).to_string();
    assert_eq!(shown("/home/me/.local/share"), "/home/me/.local/share");
    assert_eq!(shown("/home/me (old)/x"), "'/home/me (old)/x'");
    assert_eq!(shown("/home/`reboot`/x"), "/home/…");
    assert_eq!(shown("/home/sk_live_51HxYzAbCdEfGh/x"), "/home/…");
    assert_eq!(shown("/"), "/");
}
