//! A disk that is full: a small file system in a mount namespace of its own, where this file is
//! started again.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

use withheld_core::api::VaultKind;
use withheld_core::name::{Environment, SecretName};
use withheld_core::{Code, Moment, Refusal};
use withheld_secret::{Expose as _, SecretValue};
use withheld_vault::{Home, Origin, Unlocked, Vault};

const HOME: &str = "WITHHELD_TEST_HOME";
/// More values of 64 KiB than the disk has room for.
const MANY: usize = 100;

fn value(len: usize, fill: u8) -> SecretValue {
    SecretValue::with_len::<()>(len, |room| {
        room.fill(fill);
        Ok(len)
    })
    .ok()
    .unwrap()
}

fn now() -> Moment {
    Moment::from_ms(1_795_539_600_000)
}

fn name(number: usize) -> SecretName {
    SecretName::parse(&format!("KEY_{number}")).unwrap()
}

fn store(vault: &Unlocked, number: usize) -> Result<Vec<u64>, Refusal> {
    let items = [(name(number), value(65_536, u8::try_from(number).unwrap()))];
    vault.store(&Environment::dev(), &items, Origin::Owner, now())
}

#[expect(clippy::disallowed_methods, reason = "tests look at their own values")]
fn is_whole(vault: &Unlocked, number: usize) -> bool {
    let value = vault.value(&Environment::dev(), &name(number)).unwrap();
    value.expose(|bytes| bytes.iter().all(|byte| usize::from(*byte) == number))
}

/// What the started process does. Nothing, when the whole file is run.
#[test]
fn the_act_of_a_started_process() {
    let Some(folder) = std::env::var_os(HOME) else {
        return;
    };
    let home = Home::at(&Path::new(&folder).join("home")).unwrap();
    let passphrase = value(12, b'p');
    let (vault, _) = Vault::create(&home, VaultKind::File, false, &passphrase, now()).unwrap();
    let refused = (0..MANY).find_map(|number| store(&vault, number).err().map(|no| (number, no)));
    let (stored, refusal) = refused.unwrap();
    assert!(stored > 1);
    assert_eq!(refusal.code, Code::StoreUnavailable);
    // Nothing is lost, nothing is half there, and room is all it takes.
    let again = Vault::open(&home)
        .unwrap()
        .unwrap()
        .unlock(&passphrase)
        .unwrap();
    assert_eq!(again.names(&Environment::dev()).len(), stored);
    assert!((0..stored).all(|number| is_whole(&again, number)));
    again.remove(&Environment::dev(), &[name(0)]).unwrap();
    store(&again, stored).unwrap();
    assert!(is_whole(&again, stored));
}

#[test]
fn a_full_disk_is_one_error_and_loses_nothing() {
    let folder = std::env::temp_dir().join(format!("wh-full-{}", std::process::id()));
    let namespace = |command: &mut Command| {
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.arg("--mount");
    };
    let mut probe = Command::new("unshare");
    namespace(&mut probe);
    if !probe
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        withheld_testkit::skip("this machine has no user namespaces");
        return;
    }
    std::fs::create_dir(&folder).unwrap();
    let mut started = Command::new("unshare");
    namespace(&mut started);
    let output = started
        .args([
            "sh",
            "-c",
            "mount -t tmpfs -o size=1500k,mode=700 none \"$1\" && shift && exec \"$@\"",
            "sh",
        ])
        .arg(&folder)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "the_act_of_a_started_process", "--nocapture"])
        .env(HOME, &folder)
        .output()
        .unwrap();
    std::fs::remove_dir(&folder).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
