//! A07: a full disk stops what is new before it stops what has begun, and stops nothing once there
//! is room again.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use withheld_audit::read::{Entry, Filter, records};
use withheld_audit::{Act, Outcome, OwnerAct, Paper, verify_folder};
use withheld_core::Code;
use withheld_core::destination::Host;
use withheld_testkit::{Temp, skip};

use crate::common::{Hands, NOON_MS, Vault, delivered, open, permit, request, who};

/// Names the small file system to the process inside.
const DISK: &str = "WITHHELD_TEST_SMALL_DISK";
/// The process inside could not mount one.
const NO_MOUNT: i32 = 77;
/// More records than the reserve has room for.
const TOO_MANY: u64 = 20_000;

#[test]
fn a07_a_full_disk() {
    let disk = Temp::new();
    let inside = std::env::current_exe().unwrap();
    // Root mounts in a namespace of mounts; anybody else in one of users as well.
    let script = format!(
        "mount -t tmpfs -o size=4m,mode=700 tmpfs \"${DISK}\" || exit {NO_MOUNT}; exec \"$0\" --exact full::on_a_small_disk"
    );
    let flags = if rustix::process::geteuid().is_root() {
        "-m"
    } else {
        "-rm"
    };
    let ran = Command::new("unshare")
        .args([flags, "sh", "-c", &script])
        .arg(inside)
        .env(DISK, disk.path())
        .output();
    match ran {
        Ok(ran) if ran.status.success() => {
            let said = String::from_utf8_lossy(&ran.stdout);
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(ran) if ran.status.code() == Some(101) => {
            panic!(
                "{}{}",
                String::from_utf8_lossy(&ran.stdout),
                String::from_utf8_lossy(&ran.stderr)
            )
        }
        _ => skip("no small file system can be mounted here"),
    }
}

/// Not a test of its own: what [`a07_a_full_disk`] runs where a small file system is mounted.
#[test]
fn on_a_small_disk() {
    let Some(disk) = std::env::var_os(DISK).map(PathBuf::from) else {
        return;
    };
    let folder = disk.join("audit");
    let vault = Vault::new(true);
    let log = open(&folder, &vault, &Hands::at(NOON_MS)).unwrap();
    let intend = |number| log.intend(&who(), Paper::Permit(&permit(number)), &[7]);
    let (receipt, closing) = intend(1).unwrap();
    receipt.spend();

    fill(&disk.join("filler"));
    // The reserve carries on for a while, and not for ever.
    let api = Host::parse("api.test").unwrap();
    log.tunnel(&who(), &api, 443, None).unwrap();
    let refusal = (0..TOO_MANY)
        .find_map(|_| log.tunnel(&who(), &api, 443, None).err())
        .unwrap();
    assert_eq!(refusal.code, Code::AuditUnavailable);
    assert_eq!(intend(2).err().unwrap().code, Code::AuditUnavailable);
    // What has begun still ends in the log, and the owner can still act.
    closing.close(delivered()).unwrap();
    log.owner(OwnerAct::of(Act::Lock)).unwrap();
    verify_folder(&folder, Some(&vault.public()), None).unwrap();

    fs::remove_file(disk.join("filler")).unwrap();
    let (receipt, closing) = intend(3).unwrap();
    receipt.spend();
    closing.close(delivered()).unwrap();
    log.shutdown();
    assert!(folder.join("reserve").exists());
    verify_folder(&folder, Some(&vault.public()), None).unwrap();
    let outcomes: Vec<_> = records(&folder, &Filter::default())
        .unwrap()
        .into_iter()
        .filter_map(|shown| match shown.entry {
            Entry::Request(record) => Some((record.request, record.outcome)),
            _ => None,
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            (request(1), Outcome::Delivered),
            (request(3), Outcome::Delivered)
        ]
    );
}

/// Takes all the room there is.
fn fill(path: &Path) {
    let mut filler = File::create(path).unwrap();
    for size in [64 * 1024, 1] {
        while filler.write_all(&vec![0; size]).is_ok() {}
    }
}
