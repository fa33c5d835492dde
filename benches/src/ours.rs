//! The broker, set up as a person would: by its public commands, in a home of its own.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::child::{Process, Started};
use crate::{Outcome, tls};

/// The secret's name. A new one would be nothing that a catalogue of services knows.
const NAME: &str = "BENCH_KEY";
/// How long the broker may take to end.
const END: Duration = Duration::from_secs(10);

/// What a request's record waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The default: it survives the death of the process.
    Process,
    /// It survives a power cut.
    Power,
}

/// A set-up broker that does not run yet.
pub(crate) struct Ours {
    program: PathBuf,
    home: PathBuf,
    passphrase: PathBuf,
    /// The session's token.
    pub(crate) token: String,
    /// What the client sends instead of the credential.
    pub(crate) placeholder: String,
}

impl Ours {
    /// Makes a vault, stores and binds the credential, and makes a session. All of it lies in the
    /// folder, which must not be there yet.
    ///
    /// # Errors
    /// What the program said when a command failed.
    pub(crate) fn set_up(
        program: &Path,
        folder: &Path,
        authority: &str,
        origin_ca: &Path,
        credential: &str,
        durability: Durability,
    ) -> Outcome<Self> {
        DirBuilder::new().mode(0o700).create(folder)?;
        let passphrase = folder.join("passphrase");
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&passphrase)?;
        file.write_all(tls::random_text()?.as_bytes())?;
        let mut ours = Self {
            program: program.canonicalize()?,
            home: folder.join("home"),
            passphrase,
            token: String::new(),
            placeholder: String::new(),
        };
        let provided = ours.provide(authority, origin_ca, credential, durability);
        // Whatever came of it: the first command started a broker.
        let stopped = ours.run(&["daemon", "stop"], None);
        provided.and(stopped.map(drop))?;
        Ok(ours)
    }

    fn provide(
        &mut self,
        authority: &str,
        origin_ca: &Path,
        credential: &str,
        durability: Durability,
    ) -> Outcome {
        let ca = origin_ca
            .to_str()
            .ok_or("the folder for temporary files has an odd name")?;
        self.run(&["init", "--vault", "file"], None)?;
        self.run(&["set", NAME, "--stdin"], Some(credential))?;
        let bind = ["bind", NAME, "--host", authority, "--inject", "bearer"];
        self.run(&[&bind[..], &["--ca", ca, "--private"]].concat(), None)?;
        // `local` may make 60 requests a minute.
        let agent = ["agent", "add", "bench", "--grant", NAME];
        self.run(&[&agent[..], &["--rate", "4000000000/s"]].concat(), None)?;
        if durability == Durability::Power {
            self.run(&["config", "audit-durability", "power"], None)?;
        }
        let environment = self.run(&["proxy", "env", "--as", "bench", "--shell", "sh"], None)?;
        self.token = variable(&environment, "WITHHELD_SESSION")?;
        self.placeholder = variable(&environment, NAME)?;
        Ok(())
    }

    /// The certificate of the authority that its leaves come from.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn ca_pem(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.home.join("ca/ca.pem"))?)
    }

    /// Starts the broker. It is locked.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(&self) -> Outcome<Started> {
        Process::start(self.command().arg("daemon"))
    }

    /// Opens the vault of the running broker.
    ///
    /// # Errors
    /// What the program said.
    pub(crate) fn unlock(&self) -> Outcome {
        self.run(&["unlock"], None).map(drop)
    }

    /// Ends the running broker as a person would.
    ///
    /// # Errors
    /// What the program said, or that the broker is still there.
    pub(crate) fn stop(&self, process: &mut Process) -> Outcome {
        self.run(&["daemon", "stop"], None)?;
        if process.ended_within(END) {
            Ok(())
        } else {
            Err("the broker did not end when it was asked to".into())
        }
    }

    /// Nothing of this process's environment: what runs is what these lines say.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().arg("--home").arg(&self.home);
        command
    }

    fn run(&self, arguments: &[&str], stdin: Option<&str>) -> Outcome<String> {
        let mut child = self
            .command()
            .args(arguments)
            .arg("--no-input")
            .env("WITHHELD_PASSPHRASE_FILE", &self.passphrase)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(stdin.unwrap_or_default().as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let shown = arguments.join(" ");
        Err(format!("`withheld {shown}` ended with {}: {said}", output.status).into())
    }
}

/// The value of a variable in lines that a shell reads: `export K='v'`.
///
/// # Errors
/// When no line names it.
pub(crate) fn variable(lines: &str, name: &str) -> Outcome<String> {
    let start = format!("export {name}='");
    lines
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.strip_suffix('\''))
        .map(|value| value.replace(r"'\''", "'"))
        .ok_or_else(|| format!("`proxy env` prints no {name}").into())
}
