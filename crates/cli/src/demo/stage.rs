//! Where the demo plays: a folder of its own, two homes with a broker each, an API of its own; and how
//! it runs commands there.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use withheld_core::Code;
use withheld_system::process;

use super::api::Api;
use super::files::{new_file, new_folder, random};
use super::interrupt::Interrupt;
use super::server::Server;
use crate::context::Context;
use crate::environment;
use crate::failure::Failure;
use crate::output::Outcome;

/// The file with the certificates that the API is trusted by.
pub(super) const API_CA: &str = "api-ca.pem";
/// What the demo's keys begin with, as keys of real services do.
const KEY_PREFIX: &str = "demo_live_";

/// The stage.
pub(super) struct Stage {
    pub(super) folder: PathBuf,
    /// The key of the first chapter: of use to nobody but the demo's own API.
    pub(super) key: String,
    pub(super) api: Api,
    /// What a child gets of our environment.
    inherited: Vec<(&'static str, OsString)>,
    path: OsString,
    interrupt: Interrupt,
    vault: Cell<&'static str>,
    owner: Home,
    colleague: Home,
    /// The team's server, while there is one.
    pub(super) server: RefCell<Option<Server>>,
    is_struck: Cell<bool>,
}

/// One person's home.
struct Home {
    folder: PathBuf,
    passphrase: PathBuf,
    /// The variables of `proxy env`, once there are some.
    agent: RefCell<Vec<(String, String)>>,
}

/// As whom a command runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// With the owner's passphrase.
    Owner,
    /// With what `proxy env` printed.
    Agent,
    /// The owner of the second home.
    Colleague,
    /// An agent there.
    ColleaguesAgent,
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
        let key = new_key()?;
        let folder = new_folder(&context.variables.temporary)?;
        let stage = Self {
            api: Api::start(key.clone())?,
            key,
            inherited: context.variables.bus.clone(),
            path: context.variables.path.clone(),
            interrupt,
            vault: Cell::new("none"),
            owner: Home::at(&folder, "home"),
            colleague: Home::at(&folder, "colleague"),
            server: RefCell::default(),
            folder,
            is_struck: Cell::new(false),
        };
        new_file(&stage.owner.passphrase, &random()?)?;
        new_file(&stage.colleague.passphrase, &random()?)?;
        new_file(&stage.folder.join(API_CA), &stage.api.ca_pem)?;
        Ok(stage)
    }

    fn home(&self, side: Side) -> &Home {
        match side {
            Side::Owner | Side::Agent => &self.owner,
            Side::Colleague | Side::ColleaguesAgent => &self.colleague,
        }
    }

    /// Where the keys rest.
    pub(super) fn vault(&self) -> &'static str {
        self.vault.get()
    }

    pub(super) fn note_vault(&self, vault: &'static str) {
        self.vault.set(vault);
    }

    /// What an agent has in its environment from now on.
    pub(super) fn give_agent(&self, agent: Side, variables: Vec<(String, String)>) {
        *self.home(agent).agent.borrow_mut() = variables;
    }

    /// The variable of an agent's environment.
    pub(super) fn agent_variable(&self, agent: Side, name: &str) -> String {
        let variables = self.home(agent).agent.borrow();
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Runs one of our own commands.
    pub(super) fn withheld(&self, side: Side, words: &[&str], stdin: &str) -> Outcome<Ran> {
        let mut command = Command::new(process::executable().map_err(|_| unrun())?);
        command
            .args(words)
            .arg("--home")
            .arg(&self.home(side).folder);
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
        let home = self.home(side);
        match side {
            Side::Owner | Side::Colleague => {
                command.env(environment::PASSPHRASE_FILE, &home.passphrase)
            }
            Side::Agent | Side::ColleaguesAgent => {
                command.envs(home.agent.borrow().iter().cloned())
            }
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

    /// Stops the brokers and the server and removes the folder. Whether all of it is gone.
    pub(super) fn strike(&self) -> bool {
        if self.is_struck.replace(true) {
            return true;
        }
        let are_left = [&self.owner, &self.colleague].map(Home::leave);
        let is_stopped = self.server.take().is_none_or(Server::stop);
        let is_removed = std::fs::remove_dir_all(&self.folder).is_ok();
        are_left == [true, true] && is_stopped && is_removed
    }
}

impl Home {
    fn at(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.join(name),
            passphrase: folder.join(format!("{name}-passphrase")),
            agent: RefCell::default(),
        }
    }

    /// Stops the broker. Whether it has ended, and nothing rests in the keychain.
    fn leave(&self) -> bool {
        let stop = |executable| {
            Command::new(executable)
                .args(["daemon", "stop", "--home"])
                .arg(&self.folder)
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
        };
        let stopped = process::executable()
            .and_then(stop)
            .is_ok_and(|status| status.success());
        self.erase().is_ok() && stopped
    }

    /// What rests in the keychain goes, too.
    fn erase(&self) -> Result<(), withheld_core::Refusal> {
        let home = withheld_vault::Home::at(&self.folder)?;
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

    /// Whether a key is, any one of the demo.
    pub(super) fn shows_a_key(&self) -> bool {
        self.shows(KEY_PREFIX)
    }
}

/// A key that is of use to nobody but the demo's own API.
pub(super) fn new_key() -> Outcome<String> {
    Ok(format!("{KEY_PREFIX}{}", random()?))
}

pub(super) fn unrun() -> Failure {
    Failure::refuse(
        Code::Internal,
        "the demo could not run a command",
        "see what this user may start: ulimit -u",
    )
}
