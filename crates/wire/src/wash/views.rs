//! Views: a text as it reads when escapes are undone, unit by unit.
//!
//! A unit is one escape, at most [`LONGEST_UNIT`] bytes. The two views differ in what they undo,
//! because `=` begins an escape in one and ends a name in the other.

use super::units::{self, Unit, is_shown};

/// Bytes of the longest unit; longer ones (entities padded with zeros) are not undone.
pub(super) const LONGEST_UNIT: usize = 14;
/// How often escapes may be nested: a percent sign written as `%25`, a backslash as `\\`.
pub(super) const LEVELS: usize = 2;

/// What is undone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `%XX`, JSON and JavaScript escapes, character references; any mix of them.
    Escapes,
    /// Quoted-printable and the line breaks of MIME and of event streams.
    Lines,
}

impl Kind {
    /// Where the next byte is that can begin a unit.
    pub(super) fn lead(self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Escapes => memchr::memchr3(b'%', b'\\', b'&', text),
            Self::Lines => memchr::memchr3(b'=', b'\n', b'\r', text),
        }
    }

    /// Whether a byte can begin a unit.
    pub(super) fn is_lead(self, byte: u8) -> bool {
        match self {
            Self::Escapes => matches!(byte, b'%' | b'\\' | b'&'),
            Self::Lines => matches!(byte, b'=' | b'\n' | b'\r'),
        }
    }

    /// How many bytes stand for themselves before the next unit, at most `most` of them; `None` where
    /// that cannot be told.
    pub(super) fn plain_before_unit(self, text: &[u8], most: usize) -> Option<usize> {
        let near = &text[..text.len().min(most)];
        for (at, byte) in near.iter().enumerate() {
            if self.is_lead(*byte) && self.unit(&text[at..]).escape {
                return Some(at);
            }
            if self == Self::Escapes && (self.is_lead(*byte) || !is_shown(*byte)) {
                return None;
            }
        }
        Some(near.len())
    }

    /// What becomes of what a unit stands for on the second level, `behind` being the text behind it.
    pub(super) fn second_level(self, unit: &Unit, behind: &[u8]) -> Second {
        let lead = unit
            .bytes()
            .iter()
            .copied()
            .find(|byte| self.is_lead(*byte));
        let (Self::Escapes, Some(lead)) = (self, lead) else {
            return Second::Same;
        };
        let near = &behind[..behind.len().min(LONGEST_UNIT - 1)];
        let plain = self.lead(near).unwrap_or(near.len());
        let mut text = [lead; LONGEST_UNIT];
        text[1..=plain].copy_from_slice(&near[..plain]);
        let second = self.unit(&text[..=plain]);
        let is_told = plain == LONGEST_UNIT - 1
            || match (second.escape, lead) {
                (true, _) => second.used <= plain,
                (false, b'&') => near[..plain]
                    .iter()
                    .any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#'),
                (false, _) => near[..plain]
                    .first()
                    .is_some_and(|byte| !byte.is_ascii_hexdigit() && !b"uUx".contains(byte)),
            };
        if unit.bytes().len() == 1 && is_told {
            Second::Unit(second)
        } else {
            Second::Unknown
        }
    }

    /// How many of these bytes cannot begin a unit.
    #[inline]
    pub(super) fn plain_bytes(self, text: &[u8; 8]) -> usize {
        let leads = match self {
            Self::Escapes => b"%\\&",
            Self::Lines => b"=\r\n",
        };
        let found = leads
            .iter()
            .fold(0, |found, lead| found | find(text, *lead));
        found.trailing_zeros() as usize / 8
    }

    /// The unit that `text` begins with. For the right answer it needs [`LONGEST_UNIT`] bytes, or
    /// the end of the text.
    pub(super) fn unit(self, text: &[u8]) -> Unit {
        let unit = match (self, text.first()) {
            (Self::Escapes, Some(b'%')) => units::percent(text),
            (Self::Escapes, Some(b'\\')) => units::backslash(text),
            (Self::Escapes, Some(b'&')) => units::reference(text),
            (Self::Lines, Some(b'=')) => units::quoted(text),
            (Self::Lines, Some(b'\r' | b'\n')) => units::line_break(text),
            _ => None,
        };
        unit.unwrap_or_else(|| Unit::literal(text))
    }

    /// How many bytes of `text` stand for themselves, and the unit behind them; at most `limit` bytes
    /// are looked at, and none where the text goes on and the unit could be longer.
    pub(super) fn next_unit(self, text: &[u8], limit: usize) -> (usize, Option<Unit>) {
        let mut at = 0;
        while at < limit {
            if !self.is_lead(text[at]) {
                match self.lead(&text[at..limit]) {
                    Some(lead) => at += lead,
                    None => break,
                }
            }
            let unit = self.unit(&text[at..]);
            // What is no unit may become one on the second level, with what a unit near it stands for.
            let near = &text[at + 1..text.len().min(at + LONGEST_UNIT)];
            let is_plain = !unit.escape && (self == Self::Lines || self.lead(near).is_none());
            if !is_plain {
                return (at, Some(unit));
            }
            at += 1;
        }
        (limit, None)
    }
}

/// The highest bit of the first of these bytes that is this one, and maybe bits of later ones.
#[inline]
fn find(text: &[u8; 8], byte: u8) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let others = u64::from_le_bytes(*text) ^ (ONES * u64::from(byte));
    others.wrapping_sub(ONES) & !others & (ONES << 7)
}

/// What the second level makes of the end of the first.
pub(super) enum Second {
    /// It stays as it is.
    Same,
    /// This one begins with it.
    Unit(Unit),
    /// That takes a closer look.
    Unknown,
}

/// A JSON string without its escapes.
pub(super) fn json_text(written: &[u8]) -> Vec<u8> {
    let mut read = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some(first) = rest.first() {
        let unit = match first {
            b'\\' => Kind::Escapes.unit(rest),
            _ => Unit::literal(rest),
        };
        read.extend_from_slice(unit.bytes());
        rest = &rest[unit.used..];
    }
    read
}
