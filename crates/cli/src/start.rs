//! Starting the broker: from this very executable, with nothing of our environment but where the
//! session bus is that a keychain answers on, away from the terminal.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use withheld_core::Code;
use withheld_system::process;
use withheld_vault::home::Home;

use crate::environment::Variables;
use crate::failure::{Failure, Refused};
use crate::output::Outcome;

/// How long a broker may take until it says where it listens.
const READY: Duration = Duration::from_secs(5);

/// Where a broker is to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// Where the owner set it, else at the default or the next free one.
    AsSet,
    /// At any free one.
    Any,
}

/// Starts a broker for the home and waits until it listens.
///
/// Returns where. An agent's verb never calls this: who starts the broker owns its environment.
///
/// # Errors
/// What the broker refused at its start (`conflict` where another one was faster); `broker_down`
/// where it said nothing within 5 s.
pub(crate) fn broker(home: &Home, variables: &Variables, port: Port) -> Outcome<String> {
    let mut command = Command::new(process::executable().map_err(|_| unstarted())?);
    process::alone(&mut command).map_err(|_| unstarted())?;
    let mut child = command
        .arg("daemon")
        .arg("--detached")
        .args((port == Port::Any).then_some("--any-port"))
        .arg("--json")
        .arg("--home")
        .arg(home.path())
        .envs(variables.bus.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| unstarted())?;
    let stdout = child.stdout.take().ok_or_else(unstarted)?;
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // The one who waits may have gone: then nobody wants to know.
        let _ = said.send(read.map(|_| line));
    });
    match heard.recv_timeout(READY) {
        Ok(Ok(line)) => announced(&line),
        Ok(Err(_)) => Err(unstarted()),
        Err(_) => {
            // Half started it would hold the lock of the home.
            let _ = child.kill().and_then(|()| child.wait());
            Err(Failure::refuse(
                Code::BrokerDown,
                "the broker did not start within 5 s",
                "see what it waits for: withheld daemon",
            ))
        }
    }
}

/// What the first line of a broker says: where it listens, or why it does not.
fn announced(line: &str) -> Outcome<String> {
    let document: Value = serde_json::from_str(line).map_err(|_| unstarted())?;
    if let Some(refused) = Refused::read(&document) {
        return Err(refused.into());
    }
    document
        .pointer("/data/listen")
        .and_then(Value::as_str)
        .map(ToOwned::to_owned)
        .ok_or_else(unstarted)
}

fn unstarted() -> Failure {
    Failure::refuse(
        Code::BrokerDown,
        "the broker could not be started",
        "see what it says: withheld daemon",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_where_or_why_not() {
        let listens =
            "{\"schema\":\"withheld.daemon/1\",\"data\":{\"listen\":\"127.0.0.1:7717\"}}\n";
        assert_eq!(announced(listens).ok().as_deref(), Some("127.0.0.1:7717"));
        let taken = "{\"schema\":\"withheld.error/1\",\"error\":{\"code\":\"config_invalid\",\"message\":\"m\",\"hint\":\"h\",\"retry\":\"after_owner\"}}\n";
        assert_eq!(
            announced(taken).err().and_then(|failure| failure.code()),
            Some(Code::ConfigInvalid)
        );
        for line in ["", "ready 127.0.0.1:7717", "{}", "null"] {
            assert_eq!(
                announced(line).err().and_then(|failure| failure.code()),
                Some(Code::BrokerDown),
                "{line}"
            );
        }
    }
}
