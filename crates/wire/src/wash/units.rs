//! The units of the views: what one escape stands for, and how many bytes it takes.

use super::entities::NAMED;
use super::views::LONGEST_UNIT;

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

    /// The same, without a line break.
    pub(super) fn shown(&self) -> &[u8] {
        match self.bytes() {
            [byte] if !is_shown(*byte) => &[],
            bytes => bytes,
        }
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

/// A view never shows line breaks: a value and its echo may be broken at different places.
pub(super) fn is_shown(byte: u8) -> bool {
    !matches!(byte, b'\r' | b'\n')
}

pub(super) fn percent(text: &[u8]) -> Option<Unit> {
    if let Some(byte) = pair(text.get(1..3)?) {
        return Some(Unit::byte(byte, 3));
    }
    // What `escape` of JavaScript writes.
    if !matches!(text.get(1)?, b'u' | b'U') {
        return None;
    }
    let char = char::from_u32(number(text.get(2..6)?, 16)?)?;
    Some(Unit::char(char, 6))
}

pub(super) fn backslash(text: &[u8]) -> Option<Unit> {
    let byte = match text.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        quoted @ (b'"' | b'\\' | b'/' | b'\'' | b'`') => *quoted,
        b'x' => pair(text.get(2..4)?)?,
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

pub(super) fn reference(text: &[u8]) -> Option<Unit> {
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

pub(super) fn quoted(text: &[u8]) -> Option<Unit> {
    match text.get(1)? {
        b'\n' => Some(Unit::nothing(2)),
        b'\r' => (text.get(2)? == &b'\n').then_some(Unit::nothing(3)),
        _ => Some(Unit::byte(pair(text.get(1..3)?)?, 3)),
    }
}

/// A line break, with the name of the field that goes on behind it in an event stream.
pub(super) fn line_break(text: &[u8]) -> Option<Unit> {
    let is_pair = text[0] == b'\r' && text.get(1) == Some(&b'\n');
    let end = if is_pair { 2 } else { 1 };
    let used = match text.get(end..end + 5) {
        Some(b"data:") => end + 5 + usize::from(text.get(end + 5) == Some(&b' ')),
        _ => end,
    };
    Some(Unit::nothing(used))
}

/// Two hexadecimal digits.
fn pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
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
