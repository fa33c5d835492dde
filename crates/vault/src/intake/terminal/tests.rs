#![allow(clippy::unwrap_used, reason = "tests")]

use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;
use crate::intake::{IntakeKey, Purpose};
use crate::test_values::bytes;

/// What the bytes make of a line: the line, and what the last byte did.
fn typed(input: &[u8]) -> (Vec<u8>, Event) {
    let mut room = [0; 64];
    let mut line = Line::new(&mut room);
    let mut last = Event::None;
    for byte in input {
        last = line.feed(*byte);
    }
    let len = line.len();
    (room[..len].to_vec(), last)
}

#[test]
fn typing_erasing_and_ending() {
    assert_eq!(typed(b"secret\r"), (b"secret".to_vec(), Event::Enter));
    assert_eq!(typed(b"secret\n"), (b"secret".to_vec(), Event::Enter));
    assert_eq!(typed(b"secrex\x7Ft\r").0, b"secret");
    assert_eq!(typed("säu\x7F\x7Fo\r".as_bytes()).0, b"so");
    assert_eq!(typed(b"\x7F\x7Fa\r").0, b"a");
    assert_eq!(typed(b"wrong\x15right\r").0, b"right");
    assert_eq!(typed(b"a\tb\r").0, b"a\tb");
    assert_eq!(typed(b"a\x01\x0Bb\r").0, b"ab");
    assert_eq!(typed(b"secret\x04"), (b"secret".to_vec(), Event::Enter));
    for leave in [&b"sec\x03"[..], b"sec\x1C", b"\x04"] {
        assert_eq!(typed(leave).1, Event::Cancel);
    }
}

#[test]
fn keys_that_are_no_text_leave_none() {
    assert_eq!(
        typed(b"a\x1b[Ab\x1bOPc\x1b[1;5Cd\x1b[3~e\x1bxf\r").0,
        b"abcdef"
    );
}

#[test]
fn a_bracketed_paste_keeps_its_lines_and_its_control_characters() {
    let pasted = b"\x1b[200~line 1\rline 2\r\nline 3\n\x03\x15\x7F\x1b[201~\r";
    let (line, last) = typed(pasted);
    assert_eq!(line, b"line 1\nline 2\nline 3\n\x03\x15\x7F");
    assert_eq!(last, Event::Enter);
}

#[test]
fn a_line_that_does_not_fit_says_so() {
    assert_eq!(typed(&[b'a'; 65]).1, Event::Full);
    assert_eq!(typed(&[b'a'; 64]).1, Event::None);
}

/// A terminal, seen from the keyboard and from the program.
struct Pty {
    keyboard: OwnedFd,
    program: OwnedFd,
}

impl Pty {
    fn new() -> Self {
        let keyboard =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
        let program = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
        Self { keyboard, program }
    }

    /// Reads what the screen shows until it ends so.
    fn wait_for(&self, end: &str) -> String {
        let mut screen = Vec::new();
        let mut byte = [0];
        while !screen.ends_with(end.as_bytes()) {
            assert_eq!(rustix::io::read(&self.keyboard, &mut byte).unwrap(), 1);
            screen.push(byte[0]);
        }
        String::from_utf8(screen).unwrap()
    }

    fn press(&self, keys: &[u8]) {
        assert_eq!(rustix::io::write(&self.keyboard, keys).unwrap(), keys.len());
    }

    fn echoes(&self) -> bool {
        let mode = tcgetattr(&self.program).unwrap();
        mode.local_modes
            .contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }
}

/// Asks on a terminal of its own while `person` sits at its keyboard.
fn at<T: Send>(ask: impl FnOnce(&OwnedFd) -> T + Send, person: impl FnOnce(&Pty)) -> (T, Pty) {
    let pty = Pty::new();
    let answer = thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&pty.program));
        person(&pty);
        asking.join().unwrap()
    });
    (answer, pty)
}

#[test]
fn c07_nothing_is_echoed_and_the_terminal_is_put_back() {
    let (answer, pty) = at(
        |tty| ask(tty, "Value (hidden):").map(|value| bytes(&value)),
        |pty| {
            assert!(pty.wait_for("Value (hidden): ").contains("\u{1b}[?2004h"));
            assert!(!pty.echoes());
            pty.press(b"whCANARYtyped\r");
            let after = pty.wait_for("\u{1b}[?2004l");
            assert!(!after.contains("whCANARY"), "{after}");
        },
    );
    assert_eq!(answer.unwrap(), b"whCANARYtyped");
    assert!(pty.echoes());
}

#[test]
fn c07_the_terminal_is_put_back_after_control_c() {
    let (answer, pty) = at(
        |tty| {
            ask(tty, "Value (hidden):")
                .err()
                .map(|refusal| refusal.code)
        },
        |pty| {
            pty.wait_for("hidden): ");
            pty.press(b"whCANARYha\x03");
        },
    );
    assert_eq!(answer, Some(Code::OwnerNeeded));
    assert!(pty.echoes());
}

/// Characters of a line of the paste below, its end included.
const LINE: usize = 33;

#[test]
fn a_paste_longer_than_a_line_of_the_terminal_comes_whole() {
    let mut key = b"-----BEGIN KEY-----\r".to_vec();
    (0..300).for_each(|_| key.extend_from_slice(b"0123456789abcdef0123456789abcdef\r"));
    let expected = String::from_utf8(key.clone()).unwrap().replace('\r', "\n");
    for bracketed in [true, false] {
        let mut keys = key.clone();
        if bracketed {
            keys = [b"\x1b[200~", &keys[..], b"\x1b[201~\r"].concat();
        } else {
            keys.extend_from_slice(b"end\r");
        }
        let (answer, _) = at(
            |tty| ask(tty, "Value (hidden):").map(|value| bytes(&value)),
            |pty| {
                pty.wait_for("hidden): ");
                // Never cut after a newline: what follows one there has to come at once.
                keys.chunks(15 * LINE).for_each(|chunk| pty.press(chunk));
            },
        );
        let end = if bracketed { "" } else { "end" };
        assert_eq!(
            String::from_utf8(answer.unwrap()).unwrap(),
            format!("{expected}{end}")
        );
    }
}

#[test]
fn enter_makes_a_passphrase_that_has_to_be_typed_once() {
    let key = IntakeKey::generate().unwrap();
    let mut shown = String::new();
    let (taken, _) = at(
        |tty| new_passphrase(tty, "Choose:"),
        |pty| {
            pty.wait_for("Choose: ");
            pty.press(b"\r");
            let screen = pty.wait_for("Again: ");
            let words = screen
                .split_whitespace()
                .find(|word| word.matches('-').count() == 5);
            shown = words.unwrap().to_owned();
            pty.press(b"not it\r");
            pty.wait_for("Again: ");
            pty.press(format!("{shown}\r").as_bytes());
        },
    );
    let sealed = taken.unwrap().seal(key.public(), b"call").unwrap();
    let passphrase = key.open(&sealed, Purpose::Passphrase(b"call")).unwrap();
    assert_eq!(bytes(&passphrase), shown.as_bytes());
}

#[test]
fn a_chosen_passphrase_is_asked_for_twice_and_has_to_be_the_same() {
    let (taken, _) = at(
        |tty| new_passphrase(tty, "Choose:"),
        |pty| {
            pty.wait_for("Choose: ");
            pty.press(b"my own words\r");
            for _ in 0..3 {
                assert!(!pty.wait_for("Again: ").contains("my own"));
                pty.press(b"my other words\r");
            }
        },
    );
    assert_eq!(taken.err().map(|refusal| refusal.code), Some(Code::Usage));
    let (short, _) = at(
        |tty| new_passphrase(tty, "Choose:"),
        |pty| {
            pty.wait_for("Choose: ");
            pty.press(b"7 chars\r");
        },
    );
    assert_eq!(short.err().map(|refusal| refusal.code), Some(Code::Usage));
}
