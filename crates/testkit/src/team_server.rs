//! The built `withheld server` as a real process, with a database of its own: it can be killed and started
//! again on the same database, and its files and its log can be looked at.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};

use crate::ran::{Command, Notes, Ran};
use crate::stepper::is_started;
use crate::temp::Temp;
use crate::upstream::Authority;

/// A server.
pub struct TeamServer {
    temp: Temp,
    binary: PathBuf,
    tls: bool,
    running: Option<Running>,
    /// What earlier runs printed.
    printed: Vec<u8>,
}

struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where it answers, once it has said so.
    address: Option<SocketAddr>,
}

/// The files of a database, as they were.
pub struct Copied(Vec<(String, Vec<u8>)>);

impl TeamServer {
    /// One that speaks plain HTTP on loopback, ready to answer.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(binary: &str) -> Self {
        Self::new(binary, None)
    }

    /// One with a certificate of `authority` for `name`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn with_tls(binary: &str, authority: &Authority, name: &str) -> Self {
        Self::new(binary, Some((authority, name)))
    }

    fn new(binary: &str, tls: Option<(&Authority, &str)>) -> Self {
        let mut server = Self {
            temp: Temp::new(),
            binary: PathBuf::from(binary),
            tls: tls.is_some(),
            running: None,
            printed: Vec::new(),
        };
        fs::create_dir(server.data()).expect("a folder for the database");
        if let Some((authority, name)) = tls {
            let (certificate, key) = authority.pem_for(name);
            fs::write(server.file("tls.pem"), certificate).expect("a certificate");
            fs::write(server.file("tls.key"), key).expect("a key");
        }
        server.again();
        server
    }

    /// Starts it on its database, at a new port.
    ///
    /// # Panics
    /// When it runs already, or does not start.
    pub fn again(&mut self) {
        self.run(&[]).expect("the server starts");
    }

    /// Starts it by what this starter is, or by itself.
    ///
    /// # Errors
    /// What this machine lacks.
    pub(crate) fn run(&mut self, starter: &[String]) -> Result<(), String> {
        assert!(self.running.is_none(), "it runs already");
        let log = fs::File::options()
            .append(true)
            .create(true)
            .open(self.file("log"))
            .expect("a log");
        let binary = self.binary.to_str().expect("a path of text");
        let mut words = starter.iter().map(String::as_str).chain([binary]);
        let mut command = std::process::Command::new(words.next().expect("a program"));
        command
            .args(words)
            .args(["server", "--listen", "127.0.0.1:0", "--database"])
            .arg(self.database())
            .env_clear()
            .current_dir(self.temp.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        if self.tls {
            command.args(["--tls-cert", "tls.pem", "--tls-key", "tls.key"]);
        }
        let mut child = command
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        self.running = Some(Running {
            child,
            stdout,
            address: None,
        });
        if !starter.is_empty() {
            let first = self.line();
            is_started(&first).inspect_err(|_| self.running = None)?;
        }
        loop {
            let line = self.line();
            if let Some(rest) = line.trim_start().strip_prefix("api ") {
                let url = rest.split_whitespace().next().unwrap_or_default();
                let at = url.split("://").nth(1).and_then(|text| text.parse().ok());
                self.running().address = at;
            }
            if line == "ready" {
                return Ok(());
            }
        }
    }

    /// Its standard input.
    pub(crate) fn stdin(&mut self) -> &mut ChildStdin {
        self.running().child.stdin.as_mut().expect("a pipe")
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("a running server")
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let count = self
            .running()
            .stdout
            .read_line(&mut line)
            .expect("its output");
        assert!(count > 0, "the server ended: {}", self.log());
        self.printed.extend_from_slice(line.as_bytes());
        line.trim_end().to_owned()
    }

    /// Where it answers.
    ///
    /// # Panics
    /// When it does not run.
    pub fn address(&self) -> SocketAddr {
        let running = self.running.as_ref().expect("a running server");
        running.address.expect("it says where it answers")
    }

    /// The file with the bootstrap token.
    pub fn token_file(&self) -> PathBuf {
        self.data().join("bootstrap-token")
    }

    /// Ends it as a crash would.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut running = self.running.take().expect("a running server");
        running.child.kill().expect("a kill");
        self.ended(running);
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Panics
    /// When it does not run, or ends otherwise than asked.
    pub fn stop(&mut self) {
        let running = self.running.take().expect("a running server");
        kill_process(Pid::from_child(&running.child), Signal::TERM).expect("a signal");
        assert!(self.ended(running), "it did not stop as asked");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) {
        let running = self.running.take().expect("a running server");
        self.ended(running);
    }

    /// Reaps it; whether it ended well.
    fn ended(&mut self, mut running: Running) -> bool {
        running
            .stdout
            .read_to_end(&mut self.printed)
            .expect("its output");
        running.child.wait().expect("it ends").success()
    }

    /// What `server verify` says of the database, running or not.
    pub fn verify(&self) -> Ran {
        let mut command = std::process::Command::new(&self.binary);
        command
            .args(["server", "verify", "--json", "--database"])
            .arg(self.database())
            .env_clear()
            .current_dir(self.temp.path());
        Command::new(
            command,
            "withheld server verify".to_owned(),
            Arc::new(Notes::default()),
        )
        .run()
    }

    /// The files of the database, of a server that does not run.
    ///
    /// # Panics
    /// When it runs.
    pub fn copied(&self) -> Copied {
        assert!(self.running.is_none(), "its files are being written");
        Copied(files(&self.data()))
    }

    /// Puts files of the database back in place of those that are there.
    ///
    /// # Panics
    /// When it runs.
    pub fn put_back(&self, copied: &Copied) {
        assert!(self.running.is_none(), "its files are being written");
        for (name, _) in files(&self.data()) {
            fs::remove_file(self.data().join(name)).expect("a file goes");
        }
        for (name, bytes) in &copied.0 {
            fs::write(self.data().join(name), bytes).expect("a file comes");
        }
    }

    /// Everything that it wrote, by its place: the files of its database, its log, what it printed.
    pub fn wrote(&self) -> Vec<(String, Vec<u8>)> {
        let mut wrote: Vec<_> = files(&self.data())
            .into_iter()
            .map(|(name, bytes)| (format!("the server's file {name}"), bytes))
            .collect();
        wrote.push(("the server's log".to_owned(), self.log().into_bytes()));
        wrote.push(("the server's output".to_owned(), self.printed.clone()));
        wrote
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.file("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn database(&self) -> String {
        format!("sqlite:{}", self.data().join("withheld.db").display())
    }
}

impl Drop for TeamServer {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It may have gone by itself; what matters is that it is gone.
            drop(running.child.kill());
            drop(running.child.wait());
        }
    }
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("a file"))
        })
        .collect();
    files.sort();
    files
}
