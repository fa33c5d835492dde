//! A Secret Service of one test: gnome-keyring under a session bus of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::home;
use crate::temp::Temp;

/// A keyring that is not there by then will not come.
const PATIENCE: Duration = Duration::from_secs(60);
/// The name under which the Secret Service is found.
const SERVICE: &str = "org.freedesktop.secrets";
/// A bus that starts nothing by itself: a keyring that is missing stays missing.
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

/// How the keyring behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Its collection is open.
    Open,
    /// Its collection is locked, and nobody is there to type the password.
    Locked,
    /// It has the name and does not answer.
    Silent,
    /// There is a bus and no keyring on it.
    Missing,
}

/// The running bus, and the keyring where there is one.
pub struct Keyring {
    temp: Temp,
    bus: Child,
    daemon: Option<Child>,
    address: String,
}

impl Keyring {
    /// Starts one.
    ///
    /// # Errors
    /// What this machine lacks.
    ///
    /// # Panics
    /// When what it has does not work.
    pub fn start(mood: Mood) -> Result<Self, String> {
        let temp = Temp::new();
        let config = temp.path().join("bus.conf");
        let folder = temp.path().to_str().expect("a path of text");
        fs::write(&config, BUS.replace("FOLDER", folder)).expect("a bus configuration");
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("dbus-daemon does not start: {error}"))?;
        let mut address = String::new();
        BufReader::new(bus.stdout.take().expect("a pipe"))
            .read_line(&mut address)
            .expect("the bus's address");
        let mut keyring = Self {
            temp,
            bus,
            daemon: None,
            address: address.trim().to_owned(),
        };
        match mood {
            Mood::Missing => {}
            Mood::Open => keyring.run(true)?,
            // The first run makes the login collection; the second is never given its password.
            Mood::Locked => {
                keyring.run(true)?;
                keyring.end_daemon();
                keyring.run(false)?;
            }
            Mood::Silent => {
                keyring.run(true)?;
                keyring.signal("-STOP");
            }
        }
        Ok(keyring)
    }

    /// The variables by which a program finds it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let runtime = self.temp.path().to_string_lossy().into_owned();
        vec![
            ("DBUS_SESSION_BUS_ADDRESS", self.address.clone()),
            ("XDG_RUNTIME_DIR", runtime),
        ]
    }

    /// What `secret-tool` prints when asked for everything with this attribute.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn secret_tool(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let mut command = Command::new("secret-tool");
        self.place(&mut command);
        let output = command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("secret-tool does not start: {error}"))?;
        Ok([output.stdout, output.stderr].concat())
    }

    fn place(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.temp.path())
            .envs(self.variables());
    }

    fn run(&mut self, unlock: bool) -> Result<(), String> {
        let mut command = Command::new("gnome-keyring-daemon");
        self.place(&mut command);
        command.args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        let mut daemon = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("gnome-keyring-daemon does not start: {error}"))?;
        daemon
            .stdin
            .take()
            .expect("a pipe")
            .write_all(b"test keyring")
            .expect("the keyring takes its password");
        self.daemon = Some(daemon);
        let start = Instant::now();
        while !self.owned() {
            if start.elapsed() > PATIENCE {
                return Err("gnome-keyring does not come up on its bus".to_owned());
            }
            // Asking costs the processor that the keyring needs to come up.
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Hears every call on the bus from now on.
    ///
    /// # Errors
    /// When there is no such program.
    ///
    /// # Panics
    /// When it ends before it hears anything.
    pub fn watch(&self) -> Result<Watch<'_>, String> {
        let mut command = Command::new("dbus-monitor");
        self.place(&mut command);
        let mut monitor = command
            .args(["--session", "type='method_call'"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("dbus-monitor does not start: {error}"))?;
        let mut lines = BufReader::new(monitor.stdout.take().expect("a pipe")).lines();
        // The bus takes its name away when it has made it a monitor.
        let is_monitor = |line: &str| line.contains("member=NameLost");
        assert!(lines.any(|line| is_monitor(&line.expect("a line"))));
        Ok(Watch {
            keyring: self,
            monitor,
            lines,
            looks: 0,
        })
    }

    fn owned(&self) -> bool {
        self.is_owned(SERVICE)
    }

    /// Whether somebody has this name on the bus.
    fn is_owned(&self, name: &str) -> bool {
        let mut command = Command::new("dbus-send");
        self.place(&mut command);
        command
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus.NameHasOwner",
            ])
            .arg(format!("string:{name}"))
            .output()
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("boolean true"))
    }

    fn signal(&self, signal: &str) {
        if let Some(daemon) = &self.daemon {
            // The shell's own: a bare machine has no program of that name.
            Command::new("sh")
                .args(["-c", &format!("kill {signal} {}", daemon.id())])
                .status()
                .expect("kill");
        }
    }

    fn end_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            home::kill(&daemon.id().to_string());
            daemon.wait().expect("the keyring ends");
            while self.owned() {}
        }
    }
}

/// Who hears what is asked on the bus.
pub struct Watch<'a> {
    keyring: &'a Keyring,
    monitor: Child,
    lines: Lines<BufReader<ChildStdout>>,
    looks: u32,
}

impl Watch<'_> {
    /// What was asked of anybody but the bus itself since the last look, in order, as `INTERFACE.METHOD`.
    ///
    /// # Panics
    /// When the monitor ended.
    pub fn asked(&mut self) -> Vec<String> {
        self.looks += 1;
        // A call as well: whatever was said before it was heard when this is heard.
        let mark = format!("withheld.look.number{}", self.looks);
        self.keyring.is_owned(&mark);
        let mark = format!("\"{mark}\"");
        let mut asked = Vec::new();
        loop {
            let line = self.lines.next().expect("the monitor ended");
            let line = line.expect("a line");
            if line.contains(&mark) {
                return asked;
            }
            if line.starts_with("method call ")
                && !line.contains(" destination=org.freedesktop.DBus ")
            {
                let word = |key: &str| {
                    let mut words = line.split([' ', ';']);
                    words.find_map(|word| word.strip_prefix(key).map(ToOwned::to_owned))
                };
                let (interface, member) = (word("interface="), word("member="));
                asked.push([interface, member].map(Option::unwrap_or_default).join("."));
            }
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        home::kill(&self.monitor.id().to_string());
        self.monitor.wait().expect("the monitor ends");
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        self.end_daemon();
        home::kill(&self.bus.id().to_string());
        self.bus.wait().expect("the bus ends");
    }
}
