//! The members: each a home of its own with a broker of its own, set up by the public commands.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::figures::{Act, Figures, Measure, Side, ms};
use super::server::Server;
use crate::home::Home;
use crate::{Outcome, procstat};

/// The environment that everybody shares.
pub(super) const SHARED: &str = "default/dev";
/// The secret that is there first.
pub(super) const FIRST: &str = "BENCH_FIRST";

/// Where a member's values rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vault {
    File,
    Keychain,
}

/// A member, or somebody who becomes one. Its broker ends when this is dropped.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) home: Home,
    runs: bool,
}

impl Member {
    /// Makes a vault, which stays open.
    ///
    /// # Errors
    /// What the program said.
    pub(super) fn new(home: Home, name: &str, vault: Vault) -> Outcome<Self> {
        let member = Self {
            name: name.to_owned(),
            home,
            runs: true,
        };
        let kind = match vault {
            Vault::File => "file",
            Vault::Keychain => "keychain",
        };
        member.home.run(&["init", "--vault", kind], None)?;
        Ok(member)
    }

    /// One with its values in files, in a folder named after it.
    ///
    /// # Errors
    /// What the program said.
    pub(super) fn with_files(program: &Path, folder: &Path, name: &str) -> Outcome<Self> {
        Self::new(Home::new(program, &folder.join(name))?, name, Vault::File)
    }

    /// Runs a command and reads what it said.
    ///
    /// # Errors
    /// What it said when it failed.
    pub(super) fn does(&self, arguments: &[&str]) -> Outcome<Value> {
        Ok(self.home.asks(arguments)?.data)
    }

    /// Founds the team.
    ///
    /// # Errors
    /// What the program said.
    pub(super) fn found(&self, server: &Server) -> Outcome {
        let token = server.token();
        let words = ["team", "create", "bench", "--as", &self.name];
        let rest = ["--server", &server.url(), "--token-file", path(&token)?];
        self.does(&[&words[..], &rest].concat()).map(drop)
    }

    /// Lets somebody in and waits until they are. In milliseconds, what the one who joins waits for.
    ///
    /// # Errors
    /// What the program said.
    pub(super) fn lets_in(&self, other: &Self) -> Outcome<f64> {
        let to = format!("{SHARED}:write");
        let said = self.does(&["team", "invite", &other.name, "--to", &to])?;
        let line = said["invitation"].as_str().ok_or("no invitation")?;
        let file = other.home.beside("invitation");
        fs::write(&file, format!("{line}\n"))?;
        let began = Instant::now();
        let mut pulls = other.does(&["team", "join", "--from-file", path(&file)?])?["pulls"].take();
        // The keys are handed over by who is online; until they are, a pull says that they are missing.
        while !brings_first(&pulls) {
            let pulled = other.does(&["pull"]);
            pulls = Value::Array(vec![pulled.unwrap_or_default()]);
            if began.elapsed() > super::PATIENCE {
                return Err(format!("{} was let in and got no value", other.name).into());
            }
        }
        Ok(ms(began.elapsed()))
    }

    /// Ends the broker as a person would.
    ///
    /// # Errors
    /// What the program said.
    pub(super) fn stop(&mut self) -> Outcome {
        self.runs = false;
        self.home.run(&["daemon", "stop"], None).map(drop)
    }

    /// Starts it and opens the vault. In milliseconds, what a person waits for.
    ///
    /// # Errors
    /// What the program said.
    pub(super) fn unlock(&mut self) -> Outcome<f64> {
        self.runs = true;
        Ok(ms(self.home.asks(&["unlock"])?.took))
    }

    /// Runs a command that is one of the acts, and looks at it from all sides.
    ///
    /// # Errors
    /// What the program said.
    pub(super) fn acts(
        &self,
        act: Act,
        arguments: &[&str],
        server: &Server,
        figures: &mut Figures,
    ) -> Outcome<Value> {
        let status = self.does(&["status"])?;
        let broker = status["broker"]["pid"].as_u64().map(u32::try_from);
        let broker = broker.ok_or("no broker runs")??;
        let watched = [(Side::Broker, broker), (Side::Server, server.id())];
        let before = watched.map(|(_, process)| procstat::cpu(process));
        let said = self.home.asks(arguments)?;
        figures.take(Measure::Of(act, Side::Wait), ms(said.took));
        for ((side, process), before) in watched.into_iter().zip(before) {
            if let Some((after, before)) = procstat::cpu(process).zip(before) {
                figures.take(Measure::Of(act, side), ms(after.saturating_sub(before)));
            }
        }
        Ok(said.data)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.runs {
            // It may have ended by itself.
            let _ = self.stop();
        }
    }
}

/// Whether one of these pulls brought the secret that is there first.
fn brings_first(pulls: &Value) -> bool {
    let pulls = pulls.as_array().into_iter().flatten();
    pulls
        .filter_map(|pull| pull["pulled"].as_array())
        .flatten()
        .any(|one| one["name"] == FIRST)
}

/// A path as an argument.
fn path(path: &Path) -> Outcome<&str> {
    let text = path.to_str();
    text.ok_or_else(|| "the folder for temporary files has an odd name".into())
}
