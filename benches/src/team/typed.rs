//! Many values at once, as a person gives them: `set` with many names asks for each at a hidden prompt,
//! and for one proof. So there is a terminal, by `script`, and somebody who types.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::home::Home;
use crate::{Outcome, tls};

/// Terminals at once: each prompt waits a tenth of a second for the rest of a paste.
const TERMINALS: usize = 20;
/// Names that are typed at one of them before the next begins: a broker answers within a minute.
const NAMES: usize = 25;
/// Enter.
const ENTER: &[u8] = b"\r";

/// Stores a random value of 43 letters under each name.
///
/// # Errors
/// What the program said, or that there is no `script`.
pub(super) fn set(home: &Home, environment: &str, names: &[String]) -> Outcome {
    let left = Mutex::new(names.chunks(NAMES));
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let types = || {
        while let Some(names) = next() {
            set_at_a_terminal(home, environment, names)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let typists: Vec<_> = (0..TERMINALS).map(|_| scope.spawn(types)).collect();
        typists.into_iter().try_for_each(|typist| {
            let panicked = |_| Err("a typist panicked".into());
            typist.join().unwrap_or_else(panicked)
        })
    })
}

fn set_at_a_terminal(home: &Home, environment: &str, names: &[String]) -> Outcome {
    let mut terminal = start(home, environment, names)?;
    let mut typed = terminal.stdin.take().ok_or("no pipe to the terminal")?;
    let mut shown = terminal.stdout.take().ok_or("no pipe from the terminal")?;
    let (mut screen, mut chunk) = (Vec::new(), [0; 4096]);
    for label in labels(names) {
        // What is typed before the question is thrown away.
        while !contains(&screen, label.as_bytes()) {
            let read = shown.read(&mut chunk)?;
            if read == 0 {
                let screen = String::from_utf8_lossy(&screen);
                return Err(format!("`withheld set` did not ask for all: {screen}").into());
            }
            screen.extend_from_slice(&chunk[..read]);
        }
        screen.clear();
        typed.write_all(&[tls::random_text()?.as_bytes(), ENTER].concat())?;
    }
    shown.read_to_end(&mut screen)?;
    drop(typed);
    if terminal.wait()?.success() {
        return Ok(());
    }
    let screen = String::from_utf8_lossy(&screen);
    Err(format!("`withheld set` failed: {screen}").into())
}

fn start(home: &Home, environment: &str, names: &[String]) -> Outcome<Child> {
    let mut line = format!("{} set -e '{environment}'", home.shell_words());
    for name in names {
        write!(line, " {name}")?;
    }
    let mut command = Command::new("script");
    home.place(&mut command);
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("PATH", "/usr/bin:/bin")
        .env("SHELL", "/bin/sh")
        .env("WITHHELD_PASSPHRASE_FILE", home.passphrase())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let child = command.spawn();
    child.map_err(|error| format!("`script` of util-linux does not start: {error}").into())
}

/// What stands before each answer.
fn labels(names: &[String]) -> Vec<String> {
    match names {
        [_] => vec!["Value (hidden): ".to_owned()],
        many => many
            .iter()
            .map(|name| format!("Value of {name} (hidden): "))
            .collect(),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
