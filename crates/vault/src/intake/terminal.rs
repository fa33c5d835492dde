//! Hidden prompts on the terminal itself, never on standard input or output.
//!
//! Without echo and without the line discipline: its lines end at 4095 bytes, and a paste of many
//! lines would leave all but the first to the shell. Ctrl-C comes as a byte, so the terminal is
//! put back before anything else happens.

mod line;

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use withheld_core::{Code, Refusal};
use withheld_secret::{Expose as _, SecretValue};

use super::{
    How, Invitation, MAX_VALUE, Passphrase, PublicKey, Taken, take_invitation, take_passphrase,
    take_value, too_large,
};
use crate::keeper::MIN_PASSPHRASE;
use crate::{fault, words};
use line::{Event, Line};

const ROOM: usize = MAX_VALUE + 2;
/// Bytes read at once.
const CHUNK: usize = 4096;
/// Tenths of a second in which the rest of a paste follows its newline.
const SOON: u8 = 1;
/// How often a new passphrase may be typed differently the second time.
const TRIES: usize = 3;
const PASTE_ON: &[u8] = b"\x1b[?2004h";
const PASTE_OFF: &[u8] = b"\x1b[?2004l";

/// Asks for a value. What is pasted may have many lines; Enter ends what is typed.
///
/// # Errors
/// `owner_needed` without a terminal or after Ctrl-C, `usage` under 8 bytes, `too_large` over 64 KiB.
pub fn prompt(label: &str, to: &PublicKey, how: How<'_>) -> Result<Taken, Refusal> {
    take_value(ask(&open()?, label)?, to, how)
}

/// Asks for an invitation.
///
/// # Errors
/// `owner_needed` without a terminal or after Ctrl-C, `usage` for what is none.
pub fn prompt_invitation(label: &str) -> Result<Invitation, Refusal> {
    take_invitation(ask(&open()?, label)?)
}

/// Asks for the owner's passphrase.
///
/// # Errors
/// `owner_needed` without a terminal, after Ctrl-C, or when nothing was typed.
pub fn prompt_passphrase(label: &str) -> Result<Passphrase, Refusal> {
    take_passphrase(ask(&open()?, label)?)
}

/// Asks for a new passphrase, twice; Enter alone makes one, which is shown once on the terminal and
/// nowhere else, and has to be typed from there.
///
/// # Errors
/// As [`prompt_passphrase`]; `usage` when it is short or was typed differently three times.
pub fn prompt_new_passphrase(label: &str) -> Result<Passphrase, Refusal> {
    new_passphrase(&open()?, label)
}

fn new_passphrase(tty: &OwnedFd, label: &str) -> Result<Passphrase, Refusal> {
    let typed = ask(tty, label)?;
    let chosen = if typed.is_empty() {
        let made = words::passphrase()?;
        show(tty, &made)?;
        made
    } else {
        typed
    };
    if chosen.len() < MIN_PASSPHRASE {
        return Err(Refusal::new(
            Code::Usage,
            "the owner passphrase is shorter than 8 characters",
            "choose a longer one, or press Enter and have one made",
        ));
    }
    for _ in 0..TRIES {
        if same(&ask(tty, "Again:")?, &chosen) {
            return take_passphrase(chosen);
        }
        say(tty, b"That is not the same.\n")?;
    }
    Err(Refusal::new(
        Code::Usage,
        "the passphrase was typed differently each time",
        "start again, and write it down first",
    ))
}

/// Whether two values are the same bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "compares what was typed with what was typed again, in constant time"
)]
fn same(one: &SecretValue, other: &SecretValue) -> bool {
    use subtle::ConstantTimeEq as _;
    one.expose(|one| other.expose(|other| one.ct_eq(other).into()))
}

/// The made passphrase, for the owner's eyes.
#[expect(
    clippy::disallowed_methods,
    reason = "a passphrase that was made here is shown once, on the owner's own terminal"
)]
fn show(tty: &OwnedFd, made: &SecretValue) -> Result<(), Refusal> {
    say(
        tty,
        b"Your passphrase, shown this once. Write it down:\n\n    ",
    )?;
    made.expose(|words| say(tty, words))?;
    say(tty, b"\n\n")
}

fn open() -> Result<OwnedFd, Refusal> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open("/dev/tty", flags, Mode::empty()).map_err(|_| no_terminal())
}

fn ask(tty: &OwnedFd, label: &str) -> Result<SecretValue, Refusal> {
    let hidden = Hidden::start(tty)?;
    // The mode is set first: what is typed after the label is seen is never echoed.
    say(tty, label.as_bytes())?;
    say(tty, b" ")?;
    let answer = hidden.read();
    drop(hidden);
    say(tty, b"\n")?;
    answer
}

/// A terminal that does not echo; put back when this is dropped.
struct Hidden<'a> {
    tty: &'a OwnedFd,
    before: Termios,
    during: Termios,
}

impl<'a> Hidden<'a> {
    fn start(tty: &'a OwnedFd) -> Result<Self, Refusal> {
        let before = tcgetattr(tty).map_err(|_| no_terminal())?;
        let mut during = before.clone();
        during.local_modes -= LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN;
        during.input_modes -= InputModes::ICRNL | InputModes::INLCR | InputModes::IXON;
        during.special_codes[SpecialCodeIndex::VMIN] = 1;
        during.special_codes[SpecialCodeIndex::VTIME] = 0;
        let hidden = Self {
            tty,
            before,
            during,
        };
        // What was typed before the question is no answer to it.
        tcsetattr(tty, OptionalActions::Flush, &hidden.during).map_err(|_| no_terminal())?;
        say(tty, PASTE_ON)?;
        Ok(hidden)
    }

    fn read(&self) -> Result<SecretValue, Refusal> {
        SecretValue::with_len(ROOM, |room| {
            let mut line = Line::new(room);
            // What was read and is not yet part of the line lies in locked memory as well.
            SecretValue::with_len(CHUNK, |chunk| self.read_line(&mut line, chunk).map(|()| 0))
                .map_err(fault::unfilled)?;
            Ok(line.len())
        })
        .map_err(fault::unfilled)
    }

    fn read_line(&self, line: &mut Line<'_>, chunk: &mut [u8]) -> Result<(), Refusal> {
        let mut read = self.wait(chunk)?;
        loop {
            let mut at = 0;
            while at < read {
                let event = line.feed(chunk[at]);
                at += 1;
                match event {
                    Event::None => {}
                    Event::Cancel => return Err(cancelled()),
                    Event::Full => return Err(too_large()),
                    Event::Enter if at < read => line.newline(),
                    Event::Enter => {
                        read = self.soon(chunk)?;
                        if read == 0 {
                            return Ok(());
                        }
                        // A terminal that does not bracket its pastes: more lines follow.
                        line.newline();
                        at = 0;
                    }
                }
            }
            read = self.wait(chunk)?;
        }
    }

    /// At least one byte.
    fn wait(&self, chunk: &mut [u8]) -> Result<usize, Refusal> {
        loop {
            match rustix::io::read(self.tty, &mut *chunk) {
                Ok(0) => return Err(cancelled()),
                Ok(read) => return Ok(read),
                Err(Errno::INTR) => {}
                Err(_) => return Err(no_terminal()),
            }
        }
    }

    /// What follows at once; 0 where nothing does.
    fn soon(&self, chunk: &mut [u8]) -> Result<usize, Refusal> {
        let mut brief = self.during.clone();
        brief.special_codes[SpecialCodeIndex::VMIN] = 0;
        brief.special_codes[SpecialCodeIndex::VTIME] = SOON;
        let set = |mode: &Termios| tcsetattr(self.tty, OptionalActions::Now, mode);
        set(&brief).map_err(|_| no_terminal())?;
        let read = rustix::io::read(self.tty, chunk);
        set(&self.during).map_err(|_| no_terminal())?;
        match read {
            Ok(read) => Ok(read),
            Err(Errno::INTR) => Ok(0),
            Err(_) => Err(no_terminal()),
        }
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Nothing can be done where the terminal is gone. What is left of a paste is thrown away:
        // the next reader of this terminal may be a shell.
        let _ = say(self.tty, PASTE_OFF);
        let _ = tcsetattr(self.tty, OptionalActions::Flush, &self.before);
    }
}

fn say(tty: impl AsFd, bytes: &[u8]) -> Result<(), Refusal> {
    let mut left = bytes;
    while !left.is_empty() {
        match rustix::io::write(&tty, left) {
            Ok(written) => left = &left[written..],
            Err(Errno::INTR) => {}
            Err(_) => return Err(no_terminal()),
        }
    }
    Ok(())
}

fn no_terminal() -> Refusal {
    Refusal::new(
        Code::OwnerNeeded,
        "there is no terminal to ask on",
        "run it in a terminal, or name a source: --stdin or --from-file FILE for a value, WITHHELD_PASSPHRASE_FILE for the passphrase",
    )
}

fn cancelled() -> Refusal {
    Refusal::new(
        Code::OwnerNeeded,
        "the prompt was left without an answer",
        "run the command again",
    )
}

#[cfg(test)]
mod tests;
