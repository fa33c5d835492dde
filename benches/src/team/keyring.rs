//! A Secret Service of one run: gnome-keyring under a session bus of its own.

use std::fs::{self, DirBuilder};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::PATIENCE;
use crate::Outcome;

/// A bus that starts nothing by itself.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=FOLDER</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// The running bus and the open keyring on it. Both end when this is dropped.
pub(super) struct Keyring {
    folder: PathBuf,
    address: String,
    children: Vec<Child>,
}

impl Keyring {
    /// Starts both, in this folder, which must not be there yet.
    ///
    /// # Errors
    /// What this machine lacks.
    pub(super) fn start(folder: &Path) -> Outcome<Self> {
        DirBuilder::new().mode(0o700).create(folder)?;
        let shown = folder.to_str().ok_or("a folder with an odd name")?;
        let config = folder.join("bus.conf");
        fs::write(&config, BUS.replace("FOLDER", shown))?;
        let mut bus = Command::new("dbus-daemon")
            .arg("--config-file")
            .arg(config)
            .args(["--nofork", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("`dbus-daemon` does not start: {error}"))?;
        let said = bus.stdout.take().ok_or("no pipe for its address")?;
        let mut keyring = Self {
            folder: folder.to_owned(),
            address: String::new(),
            children: vec![bus],
        };
        BufReader::new(said).read_line(&mut keyring.address)?;
        keyring.address.truncate(keyring.address.trim_end().len());
        keyring.unlock()?;
        Ok(keyring)
    }

    /// The variables by which a program finds it.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let runtime = self.folder.display().to_string();
        vec![
            ("DBUS_SESSION_BUS_ADDRESS", self.address.clone()),
            ("XDG_RUNTIME_DIR", runtime),
        ]
    }

    /// Makes the login collection, open, with a password that nobody types again.
    fn unlock(&mut self) -> Outcome {
        let mut daemon = self
            .program("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets", "--unlock"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("`gnome-keyring-daemon` does not start: {error}"))?;
        let password = daemon.stdin.take();
        self.children.push(daemon);
        password
            .ok_or("no pipe for its password")?
            .write_all(b"of the bench")?;
        let began = Instant::now();
        while !self.is_there()? {
            if began.elapsed() > PATIENCE {
                return Err("gnome-keyring does not come up on its bus".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Whether somebody has the service's name on the bus.
    fn is_there(&self) -> Outcome<bool> {
        let asked = self
            .program("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus"])
            .args(["/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner"])
            .arg("string:org.freedesktop.secrets")
            .output()
            .map_err(|error| format!("`dbus-send` does not start: {error}"))?;
        Ok(String::from_utf8_lossy(&asked.stdout).contains("boolean true"))
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.folder)
            .envs(self.variables());
        command
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        // The keyring before its bus. What has ended by itself needs no kill.
        while let Some(mut child) = self.children.pop() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
