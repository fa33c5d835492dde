//! Follows the bytes of a connection: head, body, next head. It knows no sockets, so that a table
//! can feed it cut at every byte.

use super::GateRefusal;
use super::chunk::{Chunked, Step};
use super::head::{self, Framing};

pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// Where in the connection the recogniser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In a head, or before one.
    Head,
    /// In a body of so many bytes more.
    Length(u64),
    /// In a chunked body.
    Chunked,
    /// A CONNECT head went through: what follows is not ours to read.
    Connect,
    /// A head was refused. Final.
    Refused(GateRefusal),
    /// A chunked body was not well formed. Final.
    Broken(&'static str),
}

pub(super) struct Recogniser {
    state: State,
    /// The head so far. hyper sees it whole or not at all.
    held: Vec<u8>,
    chunked: Chunked,
}

impl Default for Recogniser {
    fn default() -> Self {
        Self {
            state: State::Head,
            held: Vec::new(),
            chunked: Chunked::default(),
        }
    }
}

impl Recogniser {
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// After a CONNECT that was refused.
    pub(super) fn next_head(&mut self) {
        self.state = State::Head;
    }

    /// Take in `input`, put what may go on into `out`, and return how much was taken in.
    pub(super) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
            at += match self.state {
                State::Head => self.head(rest, out),
                State::Length(left) => self.length(left, rest, out),
                State::Chunked => self.chunks(rest, out),
                State::Connect | State::Refused(_) | State::Broken(_) => break,
            };
        }
        at
    }

    fn head(&mut self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while at < rest.len() {
            let line = self.line(&rest[at..]);
            self.held.extend_from_slice(&rest[at..at + line]);
            at += line;
            let Some(&byte) = rest.get(at) else { break };
            at += 1;
            if let Some(why) = self.early(byte) {
                self.held = Vec::new();
                self.state = State::Refused(why);
                return at;
            }
            self.held.push(byte);
            if byte == b'\n' && self.held.ends_with(b"\r\n\r\n") {
                self.judge(out);
                return at;
            }
        }
        at
    }

    /// How many bytes go on with a line, so that nothing is to be said of them one by one.
    fn line(&self, rest: &[u8]) -> usize {
        if matches!(self.held.last(), None | Some(b'\r')) {
            return 0;
        }
        let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        end.min(HEAD_LIMIT.saturating_sub(self.held.len()))
    }

    /// What is refused before the end of the head is seen: a head that ends differently for others
    /// has to be caught by the byte that makes it so.
    fn early(&self, byte: u8) -> Option<GateRefusal> {
        let last = self.held.last().copied();
        let why = match (last, byte) {
            (None, b'\r' | b'\n') => "a blank line stands before the request",
            (None, _) if !head::is_token(byte) => "this is not an HTTP request",
            (Some(b'\r'), b'\n') => return self.limit(),
            (Some(b'\r'), _) => "a carriage return stands alone",
            (_, b'\n') => "a line ends in a bare line feed",
            _ => return self.limit(),
        };
        Some(GateRefusal::Ambiguous(why))
    }

    fn limit(&self) -> Option<GateRefusal> {
        if self.held.len() < HEAD_LIMIT {
            return None;
        }
        // Only an endless request line leaves no line end in that much.
        Some(match memchr::memchr(b'\n', &self.held) {
            Some(_) => GateRefusal::HeadTooLarge,
            None => GateRefusal::TargetTooLarge,
        })
    }

    fn judge(&mut self, out: &mut Vec<u8>) {
        self.state = match head::judge(&self.held) {
            Ok(framing) => {
                out.extend_from_slice(&self.held);
                match framing {
                    Framing::None => State::Head,
                    Framing::Length(length) => State::Length(length),
                    Framing::Chunked => {
                        self.chunked = Chunked::default();
                        State::Chunked
                    }
                    Framing::Connect => State::Connect,
                }
            }
            Err(why) => State::Refused(why),
        };
        self.held.clear();
    }

    fn length(&mut self, left: u64, rest: &[u8], out: &mut Vec<u8>) -> usize {
        let count = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
        out.extend_from_slice(rest.get(..count).unwrap_or_default());
        let left = left.saturating_sub(count as u64);
        self.state = match left {
            0 => State::Head,
            left => State::Length(left),
        };
        count
    }

    fn chunks(&mut self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        let (count, step) = self.chunked.feed(rest, out);
        match step {
            Step::More => {}
            Step::End => self.state = State::Head,
            Step::Fault(why) => self.state = State::Broken(why),
        }
        count
    }
}
