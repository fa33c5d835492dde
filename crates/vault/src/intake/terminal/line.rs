//! What the bytes of a terminal in raw mode mean for the line that is being typed.

/// What a byte did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The line goes on.
    None,
    /// Enter was pressed, or a newline came in a paste that is not bracketed.
    Enter,
    /// Ctrl-C, Ctrl-\, or Ctrl-D on an empty line.
    Cancel,
    /// There is no room for the byte.
    Full,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    Escape,
    /// In a control sequence, and its number so far.
    Sequence(u16),
    /// The one byte after `ESC O`.
    Key,
}

/// A line in the making, in the caller's locked memory.
pub(super) struct Line<'a> {
    room: &'a mut [u8],
    used: usize,
    state: State,
    pasting: bool,
    after_cr: bool,
}

const ESCAPE: u8 = 0x1B;
const PASTE_BEGINS: u16 = 200;
const PASTE_ENDS: u16 = 201;

impl<'a> Line<'a> {
    pub(super) fn new(room: &'a mut [u8]) -> Self {
        Self {
            room,
            used: 0,
            state: State::Text,
            pasting: false,
            after_cr: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// The newline that an [`Event::Enter`] turned out to be.
    pub(super) fn newline(&mut self) {
        self.push(b'\n');
    }

    pub(super) fn feed(&mut self, byte: u8) -> Event {
        match self.state {
            State::Escape => {
                self.state = match byte {
                    b'[' => State::Sequence(0),
                    b'O' => State::Key,
                    _ => State::Text,
                };
                Event::None
            }
            State::Key => {
                self.state = State::Text;
                Event::None
            }
            State::Sequence(number) => {
                self.sequence(number, byte);
                Event::None
            }
            State::Text if byte == ESCAPE => {
                self.state = State::Escape;
                Event::None
            }
            State::Text if self.pasting => self.pasted(byte),
            State::Text => self.typed(byte),
        }
    }

    fn sequence(&mut self, number: u16, byte: u8) {
        match byte {
            b'0'..=b'9' => {
                let digit = u16::from(byte - b'0');
                self.state = State::Sequence(number.saturating_mul(10).saturating_add(digit));
            }
            0x40..=0x7E => {
                self.state = State::Text;
                if byte == b'~' && (number == PASTE_BEGINS || number == PASTE_ENDS) {
                    self.pasting = number == PASTE_BEGINS;
                    self.after_cr = false;
                }
            }
            _ => self.state = State::Sequence(0),
        }
    }

    /// A paste keeps every byte; its line ends are written as newlines.
    fn pasted(&mut self, byte: u8) -> Event {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' if after_cr => Event::None,
            b'\r' => self.push(b'\n'),
            _ => self.push(byte),
        }
    }

    fn typed(&mut self, byte: u8) -> Event {
        match byte {
            b'\r' | b'\n' => Event::Enter,
            0x03 | 0x1C => Event::Cancel,
            0x04 if self.used == 0 => Event::Cancel,
            0x04 => Event::Enter,
            0x08 | 0x7F => self.erase(),
            0x15 => self.clear(),
            b'\t' => self.push(byte),
            0..0x20 => Event::None,
            _ => self.push(byte),
        }
    }

    fn push(&mut self, byte: u8) -> Event {
        let Some(slot) = self.room.get_mut(self.used) else {
            return Event::Full;
        };
        *slot = byte;
        self.used += 1;
        Event::None
    }

    /// Takes the last character back, all bytes of it.
    fn erase(&mut self) -> Event {
        while let Some(last) = self.used.checked_sub(1) {
            let byte = std::mem::take(&mut self.room[last]);
            self.used = last;
            if byte & 0xC0 != 0x80 {
                break;
            }
        }
        Event::None
    }

    fn clear(&mut self) -> Event {
        self.room[..self.used].fill(0);
        self.used = 0;
        Event::None
    }
}
