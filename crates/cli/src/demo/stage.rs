//! Where the demo plays: a folder of its own, a broker of its own, an API of its own; and how it
//! runs commands there.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use withheld_core::Code;

use super::api::Api;
use super::interrupt::Interrupt;
use crate::context::Context;
use crate::environment;
use crate::failure::Failure;
use crate::output::Outcome;

const OWN_EXECUTABLE: &str = "/proc/self/exe";
/// What the demo's key begins with, as keys of real services do.
const KEY_PREFIX: &str = "demo_live_";

/// The stage.
pub(super) struct Stage {
    folder: PathBuf,
    /// The key: of use to nobody but the demo's own API.
    pub(super) key: String,
    pub(super) api: Api,
    /// What a child gets of our environment.
    inherited: Vec<(&'static str, OsString)>,
    path: OsString,
    interrupt: Interrupt,
    vault: Cell<&'static str>,
    /// The variables of `proxy env`, once there are some.
    pub(super) agent: RefCell<Vec<(String, String)>>,
    is_struck: Cell<bool>,
}

/// As whom a command runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// With the owner's passphrase.
    Owner,
    /// With what `proxy env` printed.
    Agent,
}

/// How a command ended.
pub(super) struct Ran {
    pub(super) status: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Stage {
    /// Makes the folder, the key and the API.
    pub(super) fn set(context: &Context) -> Outcome<Self> {
        let interrupt = Interrupt::watch();
        let key = format!("{KEY_PREFIX}{}", random()?);
        let folder = new_folder(&context.variables.temporary)?;
        let stage = Self {
            api: Api::start(key.clone())?,
            key,
            folder,
            inherited: context.variables.bus.clone(),
            path: context.variables.path.clone(),
            interrupt,
            vault: Cell::new("none"),
            agent: RefCell::default(),
            is_struck: Cell::new(false),
        };
        new_file(&stage.passphrase(), &random()?)?;
        new_file(&stage.api_ca(), &stage.api.ca_pem)?;
        Ok(stage)
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn passphrase(&self) -> PathBuf {
        self.folder.join("passphrase")
    }

    /// The certificates that the API is trusted by.
    pub(super) fn api_ca(&self) -> PathBuf {
        self.folder.join("api-ca.pem")
    }

    /// Where the key rests.
    pub(super) fn vault(&self) -> &'static str {
        self.vault.get()
    }

    pub(super) fn note_vault(&self, vault: &'static str) {
        self.vault.set(vault);
    }

    /// The variable of an agent's environment.
    pub(super) fn agent_variable(&self, name: &str) -> String {
        let variables = self.agent.borrow();
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Runs one of our own commands.
    pub(super) fn withheld(&self, side: Side, words: &[&str], stdin: &str) -> Outcome<Ran> {
        let mut command = Command::new(OWN_EXECUTABLE);
        command.args(words).arg("--home").arg(self.home());
        self.run(command, side, stdin)
    }

    /// Runs curl, where there is one.
    pub(super) fn curl(&self, words: &[&str]) -> Outcome<Option<Ran>> {
        let folders = std::env::split_paths(&self.path);
        let Some(curl) = folders
            .map(|folder| folder.join("curl"))
            .find(|file| file.is_file())
        else {
            return Ok(None);
        };
        let mut command = Command::new(curl);
        command.args(words);
        self.run(command, Side::Agent, "").map(Some)
    }

    fn run(&self, mut command: Command, side: Side, stdin: &str) -> Outcome<Ran> {
        if self.interrupt.came() {
            return Err(Failure::Answered(crate::exit::NO));
        }
        command
            .env_clear()
            .env(environment::PATH, &self.path)
            .envs(self.inherited.iter().map(|(name, value)| (*name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match side {
            Side::Owner => command.env(environment::PASSPHRASE_FILE, self.passphrase()),
            Side::Agent => command.envs(self.agent.borrow().iter().cloned()),
        };
        let mut child = command.spawn().map_err(|_| unrun())?;
        if let Some(mut pipe) = child.stdin.take() {
            // One that does not read its stdin is free not to.
            let _ = pipe.write_all(stdin.as_bytes());
        }
        let ran = child.wait_with_output().map_err(|_| unrun())?;
        Ok(Ran {
            status: ran.status.code(),
            stdout: String::from_utf8_lossy(&ran.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&ran.stderr).into_owned(),
        })
    }

    /// Stops the broker and removes the folder. Whether all of it is gone.
    pub(super) fn strike(&self) -> bool {
        if self.is_struck.replace(true) {
            return true;
        }
        let stopped = Command::new(OWN_EXECUTABLE)
            .args(["daemon", "stop", "--home"])
            .arg(self.home())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        let erased = self.erase().is_ok();
        std::fs::remove_dir_all(&self.folder).is_ok() && stopped && erased
    }
}

impl Stage {
    /// What rests in the keychain goes, too.
    fn erase(&self) -> Result<(), withheld_core::Refusal> {
        let home = withheld_vault::Home::at(&self.home())?;
        match withheld_vault::Vault::open(&home)? {
            Some(vault) => vault.erase(),
            None => Ok(()),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.strike();
    }
}

impl Ran {
    /// Whether it ended with this status.
    pub(super) fn ended(&self, status: u8) -> bool {
        self.status == Some(i32::from(status))
    }

    /// What it wrote to stdout, as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or(Value::Null)
    }

    /// Whether a text is anywhere in what it wrote.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

fn new_folder(temporary: &Path) -> Outcome<PathBuf> {
    let folder = temporary.join(format!("withheld-demo-{}", &random()?[..8]));
    DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(|_| unwritten())?;
    Ok(folder)
}

fn new_file(path: &Path, content: &str) -> Outcome {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(|_| unwritten())
}

/// 192 random bits as 32 characters.
fn random() -> Outcome<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|_| {
        Failure::refuse(
            Code::Internal,
            "the system gave no random bytes",
            "see what this machine offers: withheld doctor",
        )
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn unwritten() -> Failure {
    Failure::refuse(
        Code::StoreUnavailable,
        "the demo's folder cannot be written",
        "see whether the folder for temporary files has room",
    )
}

fn unrun() -> Failure {
    Failure::refuse(
        Code::Internal,
        "the demo could not run a command",
        "see what this user may start: ulimit -u",
    )
}
