//! A program that is killed at a system call of its own, exactly there: so that a test can go through them one
//! by one. The program knows nothing of it, and nothing is built into it for this.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use crate::team_server::TeamServer;
use crate::world::World;

const PROGRAM: &str = include_str!("stepper.py");

/// At which calls a program can be killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Calls {
    /// Every one that makes, writes, renames, removes or syncs a file: what the long stage goes through.
    All,
    /// Those that sync a file or a folder. A write to the disk is: make a file, write it, sync it, rename it,
    /// sync the folder. A kill takes no page from the system, so the file is whole at its sync and the rename
    /// is there at the folder's: between two syncs a kill leaves no more than a piece of a file that nobody
    /// reads yet, or one more line of the log.
    Syncs,
}

/// How a watched stretch ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stepped {
    /// It was killed as it entered this call.
    Killed(String),
    /// It lives, and made so many calls.
    Passed(u32),
}

/// A running broker that can be told when to die.
pub struct Stepper {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// What starts a program so that it can be killed at one of these calls, those that write a file below the
/// folder among them.
pub(crate) fn starter(folder: &Path, calls: Calls) -> [String; 5] {
    let calls = match calls {
        Calls::All => "all",
        Calls::Syncs => "fsync,fdatasync",
    };
    let folder = folder.canonicalize().expect("a folder");
    let folder = folder.to_str().expect("a path of text");
    ["python3", "-c", PROGRAM, folder, calls].map(ToOwned::to_owned)
}

/// Whether the first line of a [`starter`] says that it could start the program.
///
/// # Errors
/// What this machine lacks.
pub(crate) fn is_started(line: &str) -> Result<(), String> {
    match line.strip_prefix("cannot ") {
        _ if line == "started" => Ok(()),
        Some(why) => Err(format!("no kill at a system call: {why}")),
        None => Err("no kill at a system call: python3 does not start".to_owned()),
    }
}

impl World {
    /// Starts the broker of this world so that it can be killed at one of these calls.
    ///
    /// # Errors
    /// What this machine lacks.
    ///
    /// # Panics
    /// When the broker does not start.
    pub fn stepper(&self, calls: Calls) -> Result<Stepper, String> {
        let mut child = self
            .broker_under(&starter(&self.home(), calls))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare does not start: {error}"))?;
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stepper = Stepper { child, lines };
        is_started(&stepper.line())?;
        let listens = stepper.line();
        assert!(listens.contains("\"listen\""), "the broker said: {listens}");
        Ok(stepper)
    }
}

impl TeamServer {
    /// As [`TeamServer::again`], to be killed as it enters its call of this number that changes a file of its
    /// own, counted from when it is ready.
    ///
    /// # Errors
    /// What this machine lacks.
    ///
    /// # Panics
    /// As [`TeamServer::again`].
    pub fn again_until(&mut self, call: u64) -> Result<(), String> {
        let mut starter = starter(&self.data(), Calls::All).to_vec();
        if !rustix::process::getuid().is_root() {
            // Whoever counts looks at what the server writes to, which takes a namespace of their own.
            let namespace = ["unshare", "-c", "--keep-caps"].map(ToOwned::to_owned);
            starter.splice(0..0, namespace);
        }
        self.run(&starter)?;
        let order = format!("{call}\n");
        self.stdin().write_all(order.as_bytes()).expect("it runs");
        while self.line() != "armed" {}
        Ok(())
    }

    /// Waits until it was killed.
    ///
    /// # Panics
    /// When it is not to be.
    pub fn was_killed(&mut self) {
        while !self.line().starts_with("killed ") {}
        self.wait();
    }
}

impl Stepper {
    /// From here on its calls are counted, and at this one it is killed.
    ///
    /// # Panics
    /// When it does not run.
    pub fn arm(&mut self, at: u32) {
        self.tell(&at.to_string()).expect("it runs");
        assert_eq!(self.line(), "armed");
    }

    /// Ends that; where it was not killed by now it goes on.
    ///
    /// # Panics
    /// When it ended in another way.
    pub fn disarm(&mut self) -> Stepped {
        // Who was killed hears nothing.
        drop(self.tell("off"));
        let line = self.line();
        match line.split_once(' ') {
            Some(("killed", at)) => {
                self.child.wait().expect("it ends");
                Stepped::Killed(at.to_owned())
            }
            Some(("passed", count)) => Stepped::Passed(count.parse().expect("a number")),
            _ => panic!("it ended: {line}"),
        }
    }

    fn tell(&mut self, line: &str) -> std::io::Result<()> {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(format!("{line}\n").as_bytes())
    }

    /// What is said next, by it or about it; nothing where it has ended.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

impl Drop for Stepper {
    fn drop(&mut self) {
        // A broker that still runs ends with it.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
