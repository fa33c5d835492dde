//! Commands in a mount namespace of their own, where `/etc/hosts` is the test's: so that upstreams on
//! loopback bear real names, for the broker as for clients.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Mounts the file named first over `/etc/hosts`, then becomes the rest.
const MOUNTED: &str = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
/// Gives up the capabilities that the mount needed, and becomes the rest.
const WITHOUT: &[&str] = &[
    "setpriv",
    "--ambient-caps",
    "-all",
    "--inh-caps",
    "-all",
    "--",
];

/// The names a test's commands know.
pub(crate) struct Namespace {
    hosts: PathBuf,
    root: bool,
}

impl Namespace {
    /// One with these names at 127.0.0.1, its file in `folder`.
    ///
    /// # Errors
    /// Why this machine has no such namespaces.
    pub(crate) fn new(folder: &Path, names: &[&str]) -> Result<Self, String> {
        let namespace = Self {
            hosts: folder.join("hosts"),
            root: rustix::process::getuid().is_root(),
        };
        let lines: Vec<String> = names
            .iter()
            .map(|name| format!("127.0.0.1 {name}\n"))
            .collect();
        namespace.names(&lines.concat());
        let tried = namespace
            .command("true")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("unshare does not start: {error}"))?;
        if tried.status.success() {
            Ok(namespace)
        } else {
            let why = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
            Err(format!("no mount namespace: {why}"))
        }
    }

    /// Writes the file anew, in place: running commands see it at once.
    pub(crate) fn names(&self, lines: &str) {
        let text = format!("127.0.0.1 localhost\n::1 localhost\n{lines}");
        std::fs::write(&self.hosts, text).expect("a hosts file");
    }

    /// A command inside; its environment and streams are the caller's to set.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.command_under(&[], program)
    }

    /// As [`Namespace::command`], started by another one that keeps the capabilities.
    pub(crate) fn command_under(&self, starter: &[String], program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("unshare");
        command.args(if self.root {
            &["-m"]
        } else {
            &["-cm", "--keep-caps"][..]
        });
        command.args(["sh", "-c", MOUNTED]).arg(&self.hosts);
        command.args(starter);
        if !self.root {
            command.args(WITHOUT);
        }
        command.arg(program);
        command
    }
}
