//! The vault in a real Secret Service: gnome-keyring on a bus of its own. The vault's part runs in
//! a process of its own as well, since a process has one session bus: this file, started again.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use withheld_core::api::VaultKind;
use withheld_core::name::{Environment, SecretName};
use withheld_core::{Code, Moment, Refusal};
use withheld_secret::{Expose as _, SecretValue};
use withheld_testkit::{Keyring, Mood};
use withheld_vault::{Home, Origin, Unlocked, Vault};

/// Names the act that a started process plays.
const ACT: &str = "WITHHELD_TEST_ACT";
const HOME: &str = "WITHHELD_TEST_HOME";
/// Begins the act that tries to open a vault; what it expects to hear follows.
const UNLOCK: &str = "unlock: ";
const PASSPHRASE: &[u8] = b"correct horse battery";
const CANARY: &[u8] = b"whCANARYkeychain";
const ITEM: &str = "local/default/dev/STRIPE_KEY/1";

fn value(bytes: &[u8]) -> SecretValue {
    SecretValue::with_len::<()>(bytes.len(), |room| {
        room.copy_from_slice(bytes);
        Ok(bytes.len())
    })
    .ok()
    .unwrap()
}

fn large() -> Vec<u8> {
    (0..65_536)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect()
}

fn name(written: &str) -> SecretName {
    SecretName::parse(written).unwrap()
}

fn now() -> Moment {
    Moment::from_ms(1_795_539_600_000)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests look at their own canaries"
)]
fn held(vault: &Unlocked, named: &str) -> Vec<u8> {
    let value = vault.value(&Environment::dev(), &name(named)).unwrap();
    value.expose(<[u8]>::to_vec)
}

fn create(home: &Home, auto_unlock: bool) -> Result<Unlocked, Refusal> {
    let passphrase = value(PASSPHRASE);
    Vault::create(home, VaultKind::Keychain, auto_unlock, &passphrase, now())
        .map(|(vault, _)| vault)
}

fn unlock(home: &Home) -> Result<Unlocked, Refusal> {
    Vault::open(home)?.unwrap().unlock(&value(PASSPHRASE))
}

/// One error, the right one, with its hint.
fn assert_unavailable<T>(result: Result<T, Refusal>, message: &str) {
    let refusal = result.err().unwrap();
    assert_eq!(refusal.code, Code::KeychainUnavailable);
    assert_eq!(refusal.message.as_str(), message);
    let hint =
        "unlock it in your desktop session; on a machine without one: withheld init --vault file";
    assert_eq!(refusal.hint.as_str(), hint);
}

/// What the started process does. Nothing, when the whole file is run.
#[test]
fn the_act_of_a_started_process() {
    let (Some(act), Some(home)) = (std::env::var_os(ACT), std::env::var_os(HOME)) else {
        return;
    };
    let home = Home::at(Path::new(&home)).unwrap();
    match act.to_str().unwrap() {
        "store" => {
            let vault = create(&home, true).unwrap();
            let items = [
                (name("STRIPE_KEY"), value(CANARY)),
                (name("LARGE_KEY"), value(&large())),
            ];
            vault
                .store(&Environment::dev(), &items, Origin::Owner, now())
                .unwrap();
            vault.raise_policy_floor(7).unwrap();
            assert!(std::fs::read_dir(home.items()).unwrap().next().is_none());
        }
        "read" => {
            let by_keychain = Vault::open(&home).unwrap().unwrap().unlock_by_keychain();
            for vault in [unlock(&home).unwrap(), by_keychain.unwrap().unwrap()] {
                assert_eq!(held(&vault, "STRIPE_KEY"), CANARY);
                assert_eq!(held(&vault, "LARGE_KEY"), large());
                assert_eq!(vault.policy_floor(), 7);
                assert!(vault.authority(now()).is_ok());
            }
        }
        "remove" => {
            let names = [name("STRIPE_KEY"), name("LARGE_KEY")];
            unlock(&home)
                .unwrap()
                .remove(&Environment::dev(), &names)
                .unwrap();
        }
        "roll back" => {
            let old = std::fs::read(home.index()).unwrap();
            unlock(&home).unwrap().raise_policy_floor(8).unwrap();
            std::fs::write(home.index(), old).unwrap();
            let refusal = unlock(&home).err().unwrap();
            assert_eq!(refusal.code, Code::RollbackDetected);
        }
        act if act.starts_with(UNLOCK) => {
            assert_unavailable(unlock(&home), &act[UNLOCK.len()..]);
        }
        message => {
            assert_unavailable(create(&home, false), message);
            assert!(!home.path().exists());
        }
    }
}

struct Stage {
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Stage {
    fn new(variables: Vec<(&'static str, String)>) -> Self {
        let mut random = [0; 4];
        getrandom::fill(&mut random).unwrap();
        let folder = std::env::temp_dir().join(format!("wh-{:08x}", u32::from_be_bytes(random)));
        std::fs::create_dir(&folder).unwrap();
        Self { folder, variables }
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn play(&self, act: &str) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_act_of_a_started_process", "--nocapture"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.variables.clone())
            .env(ACT, act)
            .env(HOME, self.home())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{act}: {said}");
    }

    /// Every file below the home, with its bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut left = vec![self.home()];
        while let Some(folder) = left.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match std::fs::read(&path) {
                    Ok(bytes) => files.push((path, bytes)),
                    Err(_) => left.push(path),
                }
            }
        }
        files.sort();
        files
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn started(mood: Mood) -> Option<(Keyring, Stage)> {
    match Keyring::start(mood) {
        Ok(keyring) => {
            let stage = Stage::new(keyring.variables());
            Some((keyring, stage))
        }
        Err(reason) => {
            withheld_testkit::skip(&reason);
            None
        }
    }
}

fn no_bus() -> Vec<(&'static str, String)> {
    vec![(
        "DBUS_SESSION_BUS_ADDRESS",
        "unix:path=/nonexistent/bus".to_owned(),
    )]
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn an_item_is_there_reads_as_ciphertext_and_is_gone_after_removal() {
    let Some((keyring, mut stage)) = started(Mood::Open) else {
        return;
    };
    stage.play("store");
    stage.play("read");
    let listed = keyring
        .secret_tool(&["search", "--all", "service", "withheld"])
        .unwrap();
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let user = listed
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(_, user)| user)
        .find(|user| user.ends_with(ITEM))
        .unwrap();
    let lookup = ["lookup", "service", "withheld", "username", user];
    let read = keyring.secret_tool(&lookup).unwrap();
    // A count, an envelope's overhead, and as many bytes as the value has.
    assert_eq!(read.len(), 2 + 41 + CANARY.len());
    for seen in [&read[..], listed.as_bytes()] {
        assert!(!contains(seen, CANARY));
        assert!(!contains(seen, b"d2hDQU5BUll"));
        assert!(!contains(seen, b"776843414e415259"));
    }
    for (file, bytes) in stage.files() {
        assert!(!contains(&bytes, CANARY), "{}", file.display());
    }
    stage.play("remove");
    assert!(keyring.secret_tool(&lookup).unwrap().is_empty());
    let left = keyring
        .secret_tool(&["search", "--all", "service", "withheld"])
        .unwrap();
    assert!(!contains(&left, b"STRIPE_KEY") && !contains(&left, b"LARGE_KEY"));

    // A keychain that is missing later is an error, and no reason to change or make a file.
    let files = stage.files();
    stage.variables = no_bus();
    stage.play("unlock: GNOME Keyring cannot be reached");
    assert_eq!(stage.files(), files);
    stage.variables = keyring.variables();
    stage.play("roll back");
}

#[test]
fn no_bus_is_one_error_and_no_file() {
    let stage = Stage::new(no_bus());
    stage.play("GNOME Keyring cannot be reached");
}

#[test]
fn no_keyring_on_the_bus_is_one_error_and_no_file() {
    if let Some((_keyring, stage)) = started(Mood::Missing) {
        stage.play("GNOME Keyring cannot be reached");
    }
}

#[test]
fn a_locked_keyring_is_one_error_and_no_file() {
    if let Some((_keyring, stage)) = started(Mood::Locked) {
        stage.play("GNOME Keyring is locked, and was not unlocked when it asked");
    }
}

#[test]
fn a_silent_keyring_is_one_error_and_no_file() {
    if let Some((_keyring, stage)) = started(Mood::Silent) {
        stage.play("GNOME Keyring did not answer within 5 s");
    }
}
