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
const SHORTEST: usize = super::parts::SHORTEST;
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

/// Where a form is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// In the bytes as they come.
    Bytes,
    /// In a view, where what stood between the characters is gone.
    View,
}

/// One spelling. All bytes are in lower case.
pub(super) struct Form {
    pub(super) secret: usize,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The first byte that is not of the public prefix alone.
    pub(super) from: usize,
    /// A run must begin here or before to hold the whole value, ...
    pub(super) whole_from: usize,
    /// ... and end here or behind.
    pub(super) whole_to: usize,
    /// Bytes behind `from` that make a run; `None`: only the whole.
    pub(super) least: Option<usize>,
    /// Bytes of a text that a run in a view must take, so that few, long escapes are no oracle, and
    /// a part that reads as next to nothing is met only where it was escaped.
    pub(super) written: u64,
    pub(super) long: bool,
}

impl Form {
    /// Whether the run of bytes `start..end` of this form may not pass.
    pub(super) fn counts(&self, start: usize, end: usize) -> bool {
        match self.least {
            Some(least) => end.saturating_sub(start.max(self.from)) >= least,
            None => start <= self.whole_from && end >= self.whole_to,
        }
    }
}

/// What an encoder made, before its limits are known.
struct Spelled {
    bytes: Zeroizing<Vec<u8>>,
    from: usize,
    to: usize,
    unit: usize,
}

/// Every form of a part that is looked for on `ground`.
pub(super) fn of(secret: usize, part: &Part, ground: Ground) -> Vec<Form> {
    let mut spelled = Vec::new();
    match ground {
        Ground::Bytes => {
            let narrow = latin1(&part.bytes);
            for bytes in std::iter::once(&part.bytes).chain(&narrow) {
                let readings = spaced(bytes).into_iter();
                spelled.extend(readings.map(|bytes| plain(bytes, part.public, IN_A_ROW)));
            }
            spelled.extend(utf16(part));
        }
        Ground::View => {
            let narrow = latin1(&part.bytes);
            for bytes in std::iter::once(&part.bytes).chain(&narrow) {
                let readings = super::readings::readings(bytes).into_iter();
                spelled.extend(readings.map(|bytes| plain(bytes, part.public, ESCAPED_IN_A_ROW)));
            }
        }
    }
    spelled.push(hex(part));
    spelled.extend(base64(part));
    spelled.extend(base32(part));
    let shortest = match ground {
        Ground::Bytes => SHORTEST,
        Ground::View => SHORTEST_READING,
    };
    let mut forms: Vec<Form> = Vec::new();
    for one in spelled {
        let form = limits(secret, part, one, ground);
        if form.whole_to.saturating_sub(form.whole_from) >= shortest
            && !forms.iter().any(|known| known.bytes == form.bytes)
        {
            forms.push(form);
        }
    }
    forms
}

fn limits(secret: usize, part: &Part, one: Spelled, ground: Ground) -> Form {
    let Spelled {
        mut bytes,
        from,
        to,
        unit,
    } = one;
    for byte in bytes.iter_mut() {
        *byte = match ground {
            Ground::Bytes => byte.to_ascii_lowercase(),
            Ground::View => super::views::fold(*byte),
        };
    }
    let long = part.bytes.len() > LONG;
    let least = if long { IN_A_ROW_LONG } else { unit };
    let enough = part.bytes.len().saturating_sub(part.public) >= IN_A_ROW;
    let windows = enough && bytes.len().saturating_sub(from) >= least;
    let begin = if windows { from } else { 0 };
    let written = match (windows, bytes.len() < SHORTEST) {
        (true, _) => IN_A_ROW,
        (false, true) => part.bytes.len(),
        (false, false) => 0,
    };
    Form {
        secret,
        bytes,
        from: begin,
        whole_from: if windows {
            from
        } else {
            to.saturating_sub(WHOLE_AT_MOST)
        },
        whole_to: to,
        least: windows.then_some(least),
        written: written as u64,
        long,
    }
}

fn plain(bytes: Zeroizing<Vec<u8>>, from: usize, unit: usize) -> Spelled {
    Spelled {
        from: from.min(bytes.len()),
        to: bytes.len(),
        bytes,
        unit,
    }
}

/// The value, and as it is where a form writes a space as a plus, or a plus is read as a space.
fn spaced(bytes: &[u8]) -> [Zeroizing<Vec<u8>>; 3] {
    let with = |from, to| {
        let swap = |byte: &u8| if *byte == from { to } else { *byte };
        Zeroizing::new(bytes.iter().map(swap).collect())
    };
    [with(0, 0), with(b' ', b'+'), with(b'+', b' ')]
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
        .map(|bytes| plain(Zeroizing::new(bytes), from, 2 * IN_A_ROW))
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
    plain(Zeroizing::new(bytes), 2 * part.public, IN_A_ROW)
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
