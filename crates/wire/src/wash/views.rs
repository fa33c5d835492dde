//! Views: a text as it reads when escapes are undone, unit by unit.
//!
//! A unit is one escape, at most [`LONGEST_UNIT`] bytes. The two views differ in what they undo,
//! because `=` begins an escape in one and ends a name in the other.

use super::entities::NAMED;

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

    /// The unit that `text` begins with. For the right answer it needs [`LONGEST_UNIT`] bytes, or
    /// the end of the text.
    pub(super) fn unit(self, text: &[u8]) -> Unit {
        let unit = match (self, text.first()) {
            (Self::Escapes, Some(b'%')) => percent(text),
            (Self::Escapes, Some(b'\\')) => backslash(text),
            (Self::Escapes, Some(b'&')) => reference(text),
            (Self::Lines, Some(b'=')) => quoted(text),
            (Self::Lines, Some(b'\r' | b'\n')) => line_break(text),
            _ => None,
        };
        unit.unwrap_or_else(|| Unit::literal(text))
    }

    /// Whether a view is needed because of the unit at `at`. A line break counts where it parts two
    /// characters of an encoded text, not where prose or indented code goes on.
    pub(super) fn wakes(self, unit: &Unit, text: &[u8], at: usize) -> bool {
        if !unit.escape {
            return false;
        }
        let is_break = self == Self::Lines && text.get(at) != Some(&b'=');
        let encoded = |at: Option<usize>| {
            at.and_then(|at| text.get(at))
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte))
        };
        !is_break || (encoded(at.checked_sub(1)) && encoded(Some(at + unit.used)))
    }
}

/// One step of a view.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    /// Bytes it takes in the text.
    pub(super) used: usize,
    /// Whether it is more than the byte it is written as.
    pub(super) escape: bool,
    bytes: [u8; 4],
    len: usize,
}

impl Unit {
    /// The bytes it stands for.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The first byte as it is.
    pub(super) fn literal(text: &[u8]) -> Self {
        let first = text.first().copied();
        Self {
            used: 1,
            escape: false,
            bytes: [first.unwrap_or(0), 0, 0, 0],
            len: usize::from(first.is_some()),
        }
    }

    fn byte(byte: u8, used: usize) -> Self {
        Self {
            used,
            escape: true,
            bytes: [byte, 0, 0, 0],
            len: 1,
        }
    }

    fn nothing(used: usize) -> Self {
        Self {
            used,
            escape: true,
            bytes: [0; 4],
            len: 0,
        }
    }

    fn char(char: char, used: usize) -> Self {
        let mut bytes = [0; 4];
        let len = char.encode_utf8(&mut bytes).len();
        Self {
            used,
            escape: true,
            bytes,
            len,
        }
    }
}

/// Letter case and the two spellings of a space in a form are one to a view.
pub(super) fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b' ',
        _ => byte.to_ascii_lowercase(),
    }
}

/// A view never shows line breaks: a value and its echo may be broken at different places.
pub(super) fn is_shown(byte: u8) -> bool {
    !matches!(byte, b'\r' | b'\n')
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

fn percent(text: &[u8]) -> Option<Unit> {
    if let Some(byte) = number(text.get(1..3)?, 16) {
        return Some(Unit::byte(u8::try_from(byte).ok()?, 3));
    }
    // What `escape` of JavaScript writes.
    if !matches!(text.get(1)?, b'u' | b'U') {
        return None;
    }
    let char = char::from_u32(number(text.get(2..6)?, 16)?)?;
    Some(Unit::char(char, 6))
}

fn backslash(text: &[u8]) -> Option<Unit> {
    let byte = match text.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        quoted @ (b'"' | b'\\' | b'/' | b'\'' | b'`') => *quoted,
        b'x' => u8::try_from(number(text.get(2..4)?, 16)?).ok()?,
        b'u' => return four_digits(text),
        _ => return None,
    };
    let used = if text[1] == b'x' { 4 } else { 2 };
    Some(Unit::byte(byte, used))
}

fn four_digits(text: &[u8]) -> Option<Unit> {
    let unit = number(text.get(2..6)?, 16)?;
    if let Some(char) = char::from_u32(unit) {
        return Some(Unit::char(char, 6));
    }
    let low = text.get(6..12)?.strip_prefix(b"\\u")?;
    let low = number(low, 16)?;
    if !(0xD800..0xDC00).contains(&unit) || !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    let char = char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))?;
    Some(Unit::char(char, 12))
}

fn reference(text: &[u8]) -> Option<Unit> {
    if text.get(1) == Some(&b'#') {
        return numbered(text);
    }
    let within = &text[1..text.len().min(LONGEST_UNIT)];
    let end = within.iter().position(|byte| *byte == b';')?;
    let at = NAMED
        .binary_search_by(|(known, _)| known.as_bytes().cmp(&within[..end]))
        .ok()?;
    Some(Unit::char(NAMED[at].1, end + 2))
}

/// A browser reads a number without its semicolon as well.
fn numbered(text: &[u8]) -> Option<Unit> {
    let (start, base) = match text.get(2)? {
        b'x' | b'X' => (3, 16),
        _ => (2, 10),
    };
    let digits = text[start..]
        .iter()
        .take_while(|byte| char::from(**byte).is_digit(base))
        .count();
    let end = start + digits;
    if end >= LONGEST_UNIT {
        return None;
    }
    let char = char::from_u32(number(&text[start..end], base)?)?;
    let closed = text.get(end) == Some(&b';');
    Some(Unit::char(char, end + usize::from(closed)))
}

fn quoted(text: &[u8]) -> Option<Unit> {
    match text.get(1)? {
        b'\n' => Some(Unit::nothing(2)),
        b'\r' => (text.get(2)? == &b'\n').then_some(Unit::nothing(3)),
        _ => {
            let byte = number(text.get(1..3)?, 16)?;
            Some(Unit::byte(u8::try_from(byte).ok()?, 3))
        }
    }
}

/// A line break, with the name of the field that goes on behind it in an event stream.
fn line_break(text: &[u8]) -> Option<Unit> {
    let end = if text.starts_with(b"\r\n") { 2 } else { 1 };
    let used = match text[end..].strip_prefix(b"data:") {
        Some(rest) => end + 5 + usize::from(rest.first() == Some(&b' ')),
        None => end,
    };
    Some(Unit::nothing(used))
}

fn number(digits: &[u8], base: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, digit| {
        let digit = char::from(*digit).to_digit(base)?;
        sum.checked_mul(base)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::super::readings::undo;
    use super::*;

    fn escapes(text: &str) -> Vec<u8> {
        undo(Kind::Escapes, None, text.as_bytes()).to_vec()
    }

    #[test]
    fn escapes_are_undone_in_any_mix() {
        for (written, read) in [
            ("%41%2fb", "A/b"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%u00e9", "é"),
            (r#"\"\\\/\u0041\n\x42"#, "\"\\/A\nB"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d", r"\ud83d"),
            (r"\q", r"\q"),
            ("&amp;&#65;&#x41;&eacute;&AMP;", "&AA\u{e9}&"),
            ("&nosuch; &#; &", "&nosuch; &#; &"),
            ("&#119&#104 &#x43&#65", "wh CA"),
            ("&#x0000000041", "A"),
            ("&#x000000000000041;", "&#x000000000000041;"),
            (r"%77\u0068&#67;A", "whCA"),
        ] {
            assert_eq!(escapes(written), read.as_bytes(), "{written}");
        }
    }

    #[test]
    fn the_lines_view_undoes_quoted_printable_and_line_breaks() {
        for (written, read) in [
            ("a=3Db=\r\nc=\nd", "a=bcd"),
            ("a\r\nb\nc\rd", "abcd"),
            ("data: ab\ndata: cd\r\ndata:ef", "data: abcdef"),
            ("x=zz", "x=zz"),
        ] {
            assert_eq!(
                undo(Kind::Lines, None, written.as_bytes()).as_slice(),
                read.as_bytes()
            );
        }
    }

    #[test]
    fn names_are_sorted_for_the_search() {
        assert!(NAMED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(NAMED.iter().all(|(name, _)| name.len() + 2 <= LONGEST_UNIT));
    }

    #[test]
    fn a_line_break_wakes_only_between_encoded_characters() {
        for (text, wakes) in [
            ("A\nB", true),
            ("A\n  x", false),
            (".\nB", false),
            ("A\r\n}", false),
            ("A\r\nB", true),
            ("A\ndata: B", true),
            ("\"=41", true),
            ("A=x", false),
        ] {
            let unit = Kind::Lines.unit(&text.as_bytes()[1..]);
            let woken = Kind::Lines.wakes(&unit, text.as_bytes(), 1);
            assert_eq!(woken, wakes, "{text:?}");
        }
        let unit = Kind::Lines.unit(b"\nB");
        assert!(!Kind::Lines.wakes(&unit, b"\nB", 0), "nothing is parted");
    }
}
