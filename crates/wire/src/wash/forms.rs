//! The uniform spellings of a part of a value: what an encoder makes of it when it treats every
//! character alike. What escapes single characters is undone by the views instead.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Characters in a row, in the encoded form, that do not pass.
pub(super) const IN_A_ROW: usize = 15;
/// Values longer than this are indexed at every eighth place only.
pub(super) const LONG: usize = 4096;
/// Characters in a row of a long value that do not pass.
pub(super) const IN_A_ROW_LONG: usize = 71;
/// Escaped characters of a value in a row that do not pass, in a view.
const ESCAPED_IN_A_ROW: usize = 8;
/// The shortest form that is looked for, ...
pub(super) const SHORTEST: usize = super::parts::SHORTEST;
/// ... and in a view, where a part that holds escapes by chance reads shorter than it is.
const SHORTEST_READING: usize = super::needles::SHORT_STEP;
/// Of a value that must be met whole, as much as the wash can wait for.
const WHOLE_AT_MOST: usize = 200;

/// A piece of a value that is looked for on its own.
pub(super) struct Part {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// How many bytes at the start are public (a prefix that tells the kind of a key).
    pub(super) public: usize,
}

/// One spelling.
pub(super) struct Form {
    pub(super) secret: usize,
    /// Without what [`fold`] leaves out.
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// What a run needs in the bytes as they come, ...
    pub(super) in_bytes: Limits,
    /// ... and in a view, where what stood between the characters is gone.
    pub(super) in_view: Limits,
    /// Bytes of a text that a run in a view must take, so that few, long escapes are no oracle, and
    /// a part that reads as next to nothing is met only where it was escaped.
    pub(super) written: u64,
    pub(super) long: bool,
}

/// Which runs of a form may not pass.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The first byte that is not of the public prefix alone.
    pub(super) from: usize,
    /// A run must begin here or before to hold the whole value, ...
    pub(super) whole_from: usize,
    /// ... and end here or behind.
    pub(super) whole_to: usize,
    /// Bytes behind `from` that make a run; `None`: only the whole.
    least: Option<usize>,
}

impl Limits {
    /// Whether the run of bytes `start..end` may not pass.
    pub(super) fn counts(&self, start: usize, end: usize) -> bool {
        match self.least {
            Some(least) => end.saturating_sub(start.max(self.from)) >= least,
            None => start <= self.whole_from && end >= self.whole_to,
        }
    }

    /// How long the run is that is met whole or not at all; `None` where a piece is enough.
    pub(super) fn met_whole(&self) -> Option<usize> {
        let whole = self.whole_to.saturating_sub(self.whole_from);
        self.least.is_none().then_some(whole)
    }
}

/// Letter case and the two spellings of a space in a form are one to the wash.
pub(super) fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b' ',
        _ => byte.to_ascii_lowercase(),
    }
}

/// What an encoder made, before its limits are known.
struct Spelled {
    bytes: Zeroizing<Vec<u8>>,
    from: usize,
    to: usize,
    /// Bytes in a row that do not pass, as they come and in a view.
    unit: usize,
    unit_in_view: usize,
}

/// Every form of a part that is looked for.
pub(super) fn of(secret: usize, part: &Part) -> Vec<Form> {
    let mut spelled = Vec::new();
    let narrow = latin1(&part.bytes);
    for bytes in std::iter::once(&part.bytes).chain(&narrow) {
        spelled.push(plain(bytes.clone(), part.public));
        let readings = super::readings::readings(bytes).into_iter();
        spelled.extend(readings.map(|reading| plain(reading, part.public)));
    }
    spelled.extend(utf16(part));
    spelled.push(hex(part));
    spelled.extend(base64(part));
    spelled.extend(base32(part));
    let mut forms: Vec<Form> = Vec::new();
    for one in spelled {
        let form = form(secret, part, one);
        let whole = form.in_view.whole_to - form.in_view.whole_from;
        if whole >= SHORTEST_READING && !forms.iter().any(|known| known.bytes == form.bytes) {
            forms.push(form);
        }
    }
    forms
}

fn form(secret: usize, part: &Part, mut one: Spelled) -> Form {
    for byte in one.bytes.iter_mut() {
        *byte = fold(*byte);
    }
    let in_view = limits(part, &one, one.unit_in_view);
    let written = match (in_view.least, one.bytes.len() < SHORTEST) {
        (Some(_), _) => IN_A_ROW,
        (None, true) => part.bytes.len(),
        (None, false) => 0,
    };
    Form {
        secret,
        in_bytes: limits(part, &one, one.unit),
        in_view,
        bytes: one.bytes,
        written: written as u64,
        long: part.bytes.len() > LONG,
    }
}

fn limits(part: &Part, one: &Spelled, unit: usize) -> Limits {
    let long = part.bytes.len() > LONG;
    let least = if long { IN_A_ROW_LONG } else { unit };
    let enough = part.bytes.len().saturating_sub(part.public) >= IN_A_ROW;
    let windows = enough && one.bytes.len().saturating_sub(one.from) >= least;
    Limits {
        from: if windows { one.from } else { 0 },
        whole_from: if windows {
            one.from
        } else {
            one.to.saturating_sub(WHOLE_AT_MOST)
        },
        whole_to: one.to,
        least: windows.then_some(least),
    }
}

/// A spelling of which in a view fewer characters do not pass.
fn plain(bytes: Zeroizing<Vec<u8>>, public: usize) -> Spelled {
    Spelled {
        unit_in_view: ESCAPED_IN_A_ROW,
        ..uniform(bytes, public, IN_A_ROW)
    }
}

fn uniform(bytes: Zeroizing<Vec<u8>>, from: usize, unit: usize) -> Spelled {
    Spelled {
        from: from.min(bytes.len()),
        to: bytes.len(),
        bytes,
        unit,
        unit_in_view: unit,
    }
}

/// The value as a service that speaks ISO 8859-1 writes it, where that differs.
fn latin1(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.is_ascii() {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let narrow = text.chars().map(|char| u8::try_from(char).ok());
    narrow.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

fn utf16(part: &Part) -> Vec<Spelled> {
    let units: Zeroizing<Vec<u16>> = Zeroizing::new(match std::str::from_utf8(&part.bytes) {
        Ok(text) => text.encode_utf16().collect(),
        Err(_) => part.bytes.iter().map(|byte| u16::from(*byte)).collect(),
    });
    let little = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let from = 2 * part.public;
    [little, big]
        .map(|bytes| uniform(Zeroizing::new(bytes), from, 2 * IN_A_ROW))
        .into()
}

fn hex(part: &Part) -> Spelled {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = part
        .bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| DIGITS[usize::from(digit)])
        .collect();
    uniform(Zeroizing::new(bytes), 2 * part.public, IN_A_ROW)
}

/// Three alignments in two alphabets. A character at an end that also holds bits of a neighbour
/// is left out, except where the value ends the text: then it and the padding are known.
fn base64(part: &Part) -> Vec<Spelled> {
    let mut all = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3 {
            all.push(shifted(part, before, 6, 4, |bytes| {
                engine.encode(bytes).into_bytes()
            }));
        }
    }
    all
}

fn base32(part: &Part) -> Vec<Spelled> {
    (0..5)
        .map(|before| shifted(part, before, 5, 8, encode_base32))
        .collect()
}

fn shifted(
    part: &Part,
    before: usize,
    bits: usize,
    group: usize,
    encode: impl Fn(&[u8]) -> Vec<u8>,
) -> Spelled {
    let mut padded = Zeroizing::new(vec![0; before]);
    padded.extend_from_slice(&part.bytes);
    let whole = Zeroizing::new(encode(&padded));
    let start = (before * 8).div_ceil(bits);
    let from = ((before + part.public) * 8).div_ceil(bits) - start;
    let to = padded.len() * 8 / bits - start;
    let mut bytes = Zeroizing::new(whole[start..].to_vec());
    bytes.resize(whole.len().next_multiple_of(group) - start, b'=');
    Spelled {
        bytes,
        from,
        to,
        unit: IN_A_ROW,
        unit_in_view: IN_A_ROW,
    }
}

fn encode_base32(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Vec::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(ALPHABET[(held >> bits & 31) as usize]);
        }
    }
    if bits > 0 {
        text.push(ALPHABET[(held << (5 - bits) & 31) as usize]);
    }
    text
}
