//! Questions to the person at the terminal. What is asked here may be seen; values and passphrases
//! are asked by the vault's intake alone.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};

use withheld_core::Code;

use crate::failure::Failure;
use crate::output::{Outcome, clean};

/// The longest answer, in bytes: what a terminal hands over as one line.
const MAX_ANSWER: usize = 4096;

/// The controlling terminal, whatever stdin and stdout are.
pub(crate) struct Terminal(File);

/// What a person said to a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Accept,
    Edit,
}

impl Terminal {
    /// The terminal; `None` where there is none, and on Windows, where the hidden prompts that go with these
    /// questions are missing.
    pub(crate) fn open() -> Option<Self> {
        if cfg!(windows) {
            return None;
        }
        OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()
            .map(Self)
    }

    /// Shows lines, each cleaned.
    pub(crate) fn say(&mut self, text: &str) -> Outcome {
        for line in text.lines() {
            writeln!(self.0, "{}", clean(line)).map_err(|_| gone())?;
        }
        Ok(())
    }

    /// Asks for one line; blanks round it are dropped.
    pub(crate) fn ask(&mut self, question: &str) -> Outcome<String> {
        write!(self.0, "{} ", clean(question)).map_err(|_| gone())?;
        // One read is one line here: what is typed behind it waits for the next question, which
        // may be a hidden one.
        let mut answer = vec![0; MAX_ANSWER];
        let read = self.0.read(&mut answer).map_err(|_| gone())?;
        if read == 0 {
            return Err(stopped());
        }
        answer.truncate(read);
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    /// Asks for one line; an empty answer keeps what is there.
    pub(crate) fn ask_with_default(&mut self, question: &str, default: &str) -> Outcome<String> {
        let answer = self.ask(&format!("{question} [{default}]:"))?;
        Ok(if answer.is_empty() {
            default.to_owned()
        } else {
            answer
        })
    }

    /// `Enter to accept, e to edit, q to stop:`.
    pub(crate) fn choose(&mut self) -> Outcome<Choice> {
        loop {
            match self.ask("Enter to accept, e to edit, q to stop:")?.as_str() {
                "" => return Ok(Choice::Accept),
                "e" => return Ok(Choice::Edit),
                "q" => return Err(stopped()),
                _ => {}
            }
        }
    }
}

/// The person stopped.
pub(crate) fn stopped() -> Failure {
    Failure::refuse(
        Code::OwnerNeeded,
        "stopped by the owner; nothing has changed",
        "run the command again",
    )
}

fn gone() -> Failure {
    Failure::refuse(
        Code::OwnerNeeded,
        "the terminal is gone",
        "run the command in a terminal, or with --no-input",
    )
}
