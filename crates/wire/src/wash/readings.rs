//! A value as the views may show it. What it holds by chance is undone as well, except what its
//! encoder escaped.

use zeroize::Zeroizing;

use super::units::{Unit, is_shown};
use super::views::Kind;

type Text = Zeroizing<Vec<u8>>;

/// All the readings of a value that are not the same.
pub(super) fn readings(value: &[u8]) -> Vec<Text> {
    let mut readings = vec![
        Zeroizing::new(value.to_vec()),
        undo(Kind::Lines, None, value),
    ];
    if Kind::Escapes.lead(value).is_some() {
        readings.extend(through_encoders(value));
        readings.extend(but_for_one(value));
    }
    let mut distinct: Vec<Text> = Vec::new();
    for mut reading in readings {
        reading.retain(|byte| is_shown(*byte));
        if !distinct.contains(&reading) {
            distinct.push(reading);
        }
    }
    distinct
}

/// What the two levels make of it when it went through up to two encoders. They also part what was
/// an escape by chance: `\'` is none as `\&#39;`.
fn through_encoders(value: &[u8]) -> Vec<Text> {
    let encoders = [plain, html, json, json_for_html, percent];
    let all = |text: &[u8]| undo(Kind::Escapes, None, text);
    let mut readings = Vec::new();
    for inner in encoders {
        let once = inner(value);
        readings.extend(encoders.map(|outer| all(&all(&outer(&once)))));
    }
    readings
}

/// The same for encoders that leave most characters alone: for each kind of escape, what is shown
/// when it was the encoder's, once or twice.
fn but_for_one(value: &[u8]) -> Vec<Text> {
    let mut readings = vec![undo(Kind::Escapes, None, value)];
    for encoder in [b'%', b'\\', b'&'] {
        let others = undo(Kind::Escapes, Some(encoder), value);
        readings.push(undo(Kind::Escapes, None, &others));
        readings.push(undo(Kind::Escapes, Some(encoder), &others));
    }
    readings
}

fn plain(text: &[u8]) -> Text {
    Zeroizing::new(text.to_vec())
}

fn html(text: &[u8]) -> Text {
    each(text, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        _ => None,
    })
}

fn json(text: &[u8]) -> Text {
    each(text, |byte| match byte {
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        b'\n' => Some("\\n"),
        b'\r' => Some("\\r"),
        b'\t' => Some("\\t"),
        _ => None,
    })
}

/// What HTML would read as its own is escaped as well.
fn json_for_html(text: &[u8]) -> Text {
    each(&json(text), |byte| match byte {
        b'&' => Some("\\u0026"),
        b'<' => Some("\\u003c"),
        b'>' => Some("\\u003e"),
        b'\'' => Some("\\u0027"),
        _ => None,
    })
}

fn each(text: &[u8], escape: impl Fn(u8) -> Option<&'static str>) -> Text {
    let mut written = Zeroizing::new(Vec::with_capacity(6 * text.len()));
    for byte in text {
        match escape(*byte) {
            Some(escape) => written.extend_from_slice(escape.as_bytes()),
            None => written.push(*byte),
        }
    }
    written
}

fn percent(text: &[u8]) -> Text {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut written = Zeroizing::new(Vec::with_capacity(3 * text.len()));
    for byte in text {
        if byte.is_ascii_alphanumeric() {
            written.push(*byte);
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            written.extend_from_slice(&[b'%', digits[0], digits[1]]);
        }
    }
    written
}

/// Undoes one level, but for the escapes with this lead.
pub(super) fn undo(kind: Kind, but: Option<u8>, text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut read = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while !rest.is_empty() {
        let unit = if but.is_some() && rest.first() == but.as_ref() {
            Unit::literal(rest)
        } else {
            kind.unit(rest)
        };
        read.extend_from_slice(unit.bytes());
        rest = &rest[unit.used..];
    }
    read
}
