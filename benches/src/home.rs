//! A home of the program's, set up and used as a person would: by its public commands.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Outcome, tls};

/// A home that nothing was done to yet.
pub(crate) struct Home {
    program: PathBuf,
    folder: PathBuf,
    passphrase: PathBuf,
    variables: Vec<(&'static str, String)>,
}

/// What a command said, and how long it took from its start to its end.
pub(crate) struct Said {
    /// The data of its document.
    pub(crate) data: Value,
    /// What a person waits for.
    pub(crate) took: Duration,
}

impl Home {
    /// One that lies in this folder, which must not be there yet.
    ///
    /// # Errors
    /// When the folder cannot be made, or there is no such program.
    pub(crate) fn new(program: &Path, folder: &Path) -> Outcome<Self> {
        DirBuilder::new().mode(0o700).create(folder)?;
        let passphrase = folder.join("passphrase");
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&passphrase)?;
        file.write_all(tls::random_text()?.as_bytes())?;
        Ok(Self {
            program: program.canonicalize()?,
            folder: folder.to_owned(),
            passphrase,
            variables: Vec::new(),
        })
    }

    /// The same, whose commands see these variables as well.
    pub(crate) fn seeing(self, variables: Vec<(&'static str, String)>) -> Self {
        Self { variables, ..self }
    }

    /// The folder of the vault and all that belongs to it.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// A file beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Nothing of this process's environment: what runs is what these lines say.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(self.path());
        self.place(&mut command);
        command
    }

    /// The variables and the folder of its commands, for a program that runs one of them.
    pub(crate) fn place(&self, command: &mut Command) {
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder);
    }

    /// The words that begin each of its commands, for a shell.
    pub(crate) fn shell_words(&self) -> String {
        format!(
            "'{}' --home '{}'",
            self.program.display(),
            self.path().display()
        )
    }

    /// The file with the owner's passphrase.
    pub(crate) fn passphrase(&self) -> &Path {
        &self.passphrase
    }

    /// Runs a command.
    ///
    /// # Errors
    /// What it said when it failed.
    pub(crate) fn run(&self, arguments: &[&str], stdin: Option<&str>) -> Outcome<String> {
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
        let stdout = String::from_utf8(output.stdout)?;
        if output.status.success() {
            return Ok(stdout);
        }
        // With `--json` the error is on stdout, and stderr is silent.
        let said = String::from_utf8_lossy(&output.stderr);
        let shown = arguments.join(" ");
        let status = output.status;
        Err(format!("`withheld {shown}` ended with {status}: {said}{stdout}").into())
    }

    /// Runs a command and reads its document.
    ///
    /// # Errors
    /// What it said when it failed.
    pub(crate) fn asks(&self, arguments: &[&str]) -> Outcome<Said> {
        let began = Instant::now();
        let written = self.run(&[arguments, &["--json"]].concat(), None)?;
        let took = began.elapsed();
        let mut document: Value = serde_json::from_str(&written)?;
        let data = document["data"].take();
        Ok(Said { data, took })
    }
}
