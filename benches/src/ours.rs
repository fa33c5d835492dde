//! The broker, set up as a person would: by its public commands, in a home of its own.

use std::path::Path;
use std::time::Duration;

use crate::Outcome;
use crate::child::{Process, Started};
use crate::home::Home;

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
    home: Home,
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
        let mut ours = Self {
            home: Home::new(program, folder)?,
            token: String::new(),
            placeholder: String::new(),
        };
        let provided = ours.provide(authority, origin_ca, credential, durability);
        // Whatever came of it: the first command started a broker.
        let stopped = ours.home.run(&["daemon", "stop"], None);
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
        self.home.run(&["init", "--vault", "file"], None)?;
        self.home.run(&["set", NAME, "--stdin"], Some(credential))?;
        let bind = ["bind", NAME, "--host", authority, "--inject", "bearer"];
        self.home
            .run(&[&bind[..], &["--ca", ca, "--private"]].concat(), None)?;
        // `local` may make 60 requests a minute.
        let agent = ["agent", "add", "bench", "--grant", NAME];
        self.home
            .run(&[&agent[..], &["--rate", "4000000000/s"]].concat(), None)?;
        if durability == Durability::Power {
            self.home
                .run(&["config", "audit-durability", "power"], None)?;
        }
        let environment = self
            .home
            .run(&["proxy", "env", "--as", "bench", "--shell", "sh"], None)?;
        self.token = variable(&environment, "WITHHELD_SESSION")?;
        self.placeholder = variable(&environment, NAME)?;
        Ok(())
    }

    /// The certificate of the authority that its leaves come from.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn ca_pem(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.home.path().join("ca/ca.pem"))?)
    }

    /// Starts the broker. It is locked.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(&self) -> Outcome<Started> {
        Process::start(self.home.command().arg("daemon"))
    }

    /// Opens the vault of the running broker.
    ///
    /// # Errors
    /// What the program said.
    pub(crate) fn unlock(&self) -> Outcome {
        self.home.run(&["unlock"], None).map(drop)
    }

    /// Ends the running broker as a person would.
    ///
    /// # Errors
    /// What the program said, or that the broker is still there.
    pub(crate) fn stop(&self, process: &mut Process) -> Outcome {
        self.home.run(&["daemon", "stop"], None)?;
        if process.ended_within(END) {
            Ok(())
        } else {
            Err("the broker did not end when it was asked to".into())
        }
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
