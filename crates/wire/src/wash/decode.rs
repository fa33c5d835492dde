//! Undoes the content codings of a reply, so that it can be searched: a little at a time, as it is
//! asked for, so that no chunk can fill the memory.
//!
//! What cannot be undone, or grows beyond its budget, is not handed on.

use bytes::{Buf as _, Bytes};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use http::header::{CONTENT_ENCODING, HeaderMap};
use withheld_core::{Code, Refusal};

use super::gzip_head::Head;

/// Codings that may be stacked.
const MOST_CODINGS: usize = 3;
/// Bytes a reply, or a chunk of it, may always grow to, however small it came, ...
const ALWAYS: u64 = 1024 * 1024;
/// ... bytes it may become for each byte that came beyond that, ...
const RATIO: u64 = 200;
/// ... and the most it may become at all.
const AT_MOST: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes decoded at a time.
const ROOM: usize = 32 * 1024;

/// A reply that could not be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecodable;

impl From<Undecodable> for Refusal {
    fn from(_: Undecodable) -> Self {
        Self::new(
            Code::ReplyUndecodable,
            "The reply came in a coding that Withheld cannot search for values, so it is not handed on.",
            "ask the service for another form of the reply: it was asked for `Accept-Encoding: identity`",
        )
    }
}

/// The codings of one reply, the outermost first.
pub(crate) struct Decoder {
    stages: Vec<Stage>,
    /// What came and has no stage to go through.
    plain: Bytes,
    came: u64,
    became: u64,
    /// Bytes that may still come out of any stage for the chunk that came last.
    left: u64,
}

struct Stage {
    coding: Coding,
    input: Bytes,
    /// Whether the last step filled its room, so that more may come out without more input.
    full: bool,
    inflate: Decompress,
    state: State,
    crc: Crc,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
}

enum State {
    /// Of `deflate` the first two bytes tell whether the zlib format is around it.
    Sniff(Vec<u8>),
    Head(Head),
    Data,
    Tail(Vec<u8>),
    Done,
}

impl Decoder {
    /// The decoder of a reply with these fields.
    ///
    /// # Errors
    /// A coding that cannot be undone, or too many.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Undecodable> {
        let mut stages = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for coding in value.as_bytes().split(|byte| *byte == b',') {
                let coding = coding.trim_ascii().to_ascii_lowercase();
                match coding.as_slice() {
                    // The last three are no codings, but services write them.
                    b"" | b"identity" | b"utf-8" | b"none" | b"binary" => {}
                    b"gzip" | b"x-gzip" => stages.push(Stage::new(Coding::Gzip)),
                    b"deflate" => stages.push(Stage::new(Coding::Deflate)),
                    _ => return Err(Undecodable),
                }
            }
        }
        if stages.len() > MOST_CODINGS {
            return Err(Undecodable);
        }
        stages.reverse();
        Ok(Self {
            stages,
            plain: Bytes::new(),
            came: 0,
            became: 0,
            left: 0,
        })
    }

    /// Whether bytes are handed on as they come.
    pub(crate) fn is_identity(&self) -> bool {
        self.stages.is_empty()
    }

    /// Takes the next chunk. The one before has been read to its end.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        let came = chunk.len() as u64;
        self.came = self.came.saturating_add(came);
        self.left = allowed(came).min(allowed(self.came).saturating_sub(self.became));
        match self.stages.first_mut() {
            Some(outermost) => outermost.input = chunk,
            None => self.plain = chunk,
        }
    }

    /// Does one step, and returns what came out of it in the end: at most [`ROOM`] bytes of a coded
    /// reply, often none. `None` when nothing of the chunk is left.
    ///
    /// # Errors
    /// Broken data, data behind the end, or more than the budget.
    pub(crate) fn read(&mut self) -> Result<Option<Bytes>, Undecodable> {
        if !self.plain.is_empty() {
            return Ok(Some(std::mem::take(&mut self.plain)));
        }
        // The innermost first: so between two stages there is never more than one step made.
        let Some(at) = self.stages.iter().rposition(Stage::has_work) else {
            return Ok(None);
        };
        let made = self.stages[at].step()?;
        self.left = self
            .left
            .checked_sub(made.len() as u64)
            .ok_or(Undecodable)?;
        self.became = self.became.saturating_add(made.len() as u64);
        let Some(next) = self.stages.get_mut(at + 1) else {
            return Ok(Some(made));
        };
        next.input = made;
        Ok(Some(Bytes::new()))
    }

    /// Bytes between the stages, and of the chunk.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let waiting = self.stages.iter().map(|stage| stage.input.len());
        waiting.sum::<usize>() + self.plain.len()
    }

    /// The reply is at its end.
    ///
    /// # Errors
    /// Its coding is not. A reply without a byte is whole in any coding.
    pub(crate) fn finish(&self) -> Result<(), Undecodable> {
        let whole = self.came == 0 || self.stages.iter().all(Stage::is_whole);
        if whole { Ok(()) } else { Err(Undecodable) }
    }
}

/// What so many bytes may become.
fn allowed(came: u64) -> u64 {
    came.saturating_mul(RATIO)
        .saturating_add(ALWAYS)
        .min(AT_MOST)
}

impl Stage {
    fn new(coding: Coding) -> Self {
        Self {
            coding,
            input: Bytes::new(),
            full: false,
            inflate: Decompress::new(false),
            state: match coding {
                Coding::Gzip => State::Head(Head::default()),
                Coding::Deflate => State::Sniff(Vec::new()),
            },
            crc: Crc::new(),
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self.state, State::Done) && !self.has_work()
    }

    fn has_work(&self) -> bool {
        self.full || !self.input.is_empty()
    }

    /// Takes in what is there until something comes out.
    fn step(&mut self) -> Result<Bytes, Undecodable> {
        while self.has_work() {
            match &mut self.state {
                State::Sniff(first) => {
                    first.extend_from_slice(&self.input);
                    if first.len() < 2 {
                        self.input = Bytes::new();
                        continue;
                    }
                    self.input = std::mem::take(first).into();
                    self.inflate = Decompress::new(is_zlib(&self.input[..2]));
                    self.state = State::Data;
                }
                State::Head(head) => {
                    if head.push(self.input.get_u8())? {
                        self.inflate = Decompress::new(false);
                        self.crc = Crc::new();
                        self.state = State::Data;
                    }
                }
                State::Data => {
                    let made = self.inflate()?;
                    if !made.is_empty() {
                        return Ok(made);
                    }
                }
                State::Tail(tail) => {
                    tail.push(self.input.get_u8());
                    if tail.len() == 8 {
                        self.check_tail()?;
                        self.state = State::Done;
                    }
                }
                // Another member may follow; anything else may not.
                State::Done if self.coding == Coding::Gzip => {
                    self.state = State::Head(Head::default());
                }
                State::Done => return Err(Undecodable),
            }
        }
        Ok(Bytes::new())
    }

    fn inflate(&mut self) -> Result<Bytes, Undecodable> {
        let mut room = vec![0; ROOM];
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(&self.input, &mut room, FlushDecompress::None)
            .map_err(|_| Undecodable)?;
        let read = usize::try_from(self.inflate.total_in() - before_in).map_err(|_| Undecodable)?;
        let made =
            usize::try_from(self.inflate.total_out() - before_out).map_err(|_| Undecodable)?;
        self.input.advance(read);
        self.full = made == room.len();
        room.truncate(made);
        self.crc.update(&room);
        if status == Status::StreamEnd {
            self.full = false;
            self.state = match self.coding {
                Coding::Gzip => State::Tail(Vec::with_capacity(8)),
                Coding::Deflate => State::Done,
            };
        } else if read == 0 && made == 0 && !self.input.is_empty() {
            return Err(Undecodable);
        }
        Ok(room.into())
    }

    /// The tail of a gzip member: checksum and length of what it decoded to.
    fn check_tail(&self) -> Result<(), Undecodable> {
        let State::Tail(tail) = &self.state else {
            return Err(Undecodable);
        };
        let said = [
            self.crc.sum().to_le_bytes(),
            self.crc.amount().to_le_bytes(),
        ]
        .concat();
        if *tail == said {
            Ok(())
        } else {
            Err(Undecodable)
        }
    }
}

fn is_zlib(first: &[u8]) -> bool {
    matches!(first, [method, flags] if method & 15 == 8
        && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}
