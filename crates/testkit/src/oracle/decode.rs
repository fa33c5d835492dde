//! The encodings, each taken off without asking whether it was meant: a reading that makes no sense is
//! searched all the same, and holds nothing.

use std::io::Read as _;

use super::GRAM;

/// Gets each reading of some bytes.
pub(super) type Found<'a> = &'a mut dyn FnMut(Vec<u8>);

/// One encoding.
pub(super) struct Decoder {
    pub(super) name: &'static str,
    /// So many bytes of the value hold, however they lie, 15 characters of the encoded text.
    pub(super) enough: usize,
    pub(super) read: fn(&[u8], Found<'_>),
}

/// All encodings that the oracle takes off.
pub(super) const DECODERS: &[Decoder] = &[
    Decoder {
        name: "base64",
        enough: 13,
        read: base64,
    },
    Decoder {
        name: "base32",
        enough: 11,
        read: base32,
    },
    Decoder {
        name: "hex",
        enough: 8,
        read: hex,
    },
    Decoder {
        name: "percent",
        enough: 15,
        read: percent,
    },
    Decoder {
        name: "escape",
        enough: 15,
        read: escape,
    },
    Decoder {
        name: "entity",
        enough: 15,
        read: entity,
    },
    Decoder {
        name: "quoted-printable",
        enough: 15,
        read: quoted_printable,
    },
    Decoder {
        name: "utf-16",
        enough: 15,
        read: utf16,
    },
    Decoder {
        name: "gzip",
        enough: 15,
        read: gzip,
    },
    Decoder {
        name: "zlib",
        enough: 15,
        read: zlib,
    },
    Decoder {
        name: "deflate",
        enough: 15,
        read: deflate,
    },
    Decoder {
        name: "chunked",
        enough: 15,
        read: chunked,
    },
];

/// The most that a compressed stream may become.
const INFLATED: u64 = 64 << 20;
/// So many bytes around a change are read with it: more than a run in four encodings takes.
const AROUND: usize = 512;
/// Stands between stretches that were not beside each other; no text holds it.
const NO_TEXT: u8 = 0xFF;
/// A run of digits shorter than this holds no 8 bytes in any of the bases.
const SHORTEST: usize = 10;

/// Standard and URL alphabet, padded or not, in lines or not, wherever in a run it begins.
fn base64(bytes: &[u8], found: Found<'_>) {
    digits(bytes, 6, 4, found, |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    });
}

fn base32(bytes: &[u8], found: Found<'_>) {
    digits(bytes, 5, 8, found, |byte| match byte.to_ascii_uppercase() {
        upper @ b'A'..=b'Z' => Some(upper - b'A'),
        digit @ b'2'..=b'7' => Some(digit - b'2' + 26),
        _ => None,
    });
}

fn hex(bytes: &[u8], found: Found<'_>) {
    digits(bytes, 4, 2, found, nibble);
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Every run of digits of a base, white space left out, from each place in its group where it may begin.
fn digits(
    bytes: &[u8],
    width: u32,
    group: usize,
    found: Found<'_>,
    value: impl Fn(u8) -> Option<u8>,
) {
    let mut runs = vec![Vec::new()];
    for byte in bytes
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
    {
        match value(byte) {
            Some(digit) => runs.last_mut().expect("never empty").push(digit),
            None if runs.last().is_some_and(Vec::is_empty) => {}
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| run.len() >= SHORTEST);
    if runs.is_empty() {
        return;
    }
    for start in 0..group {
        let mut reading = Vec::new();
        for run in &runs {
            let (mut bits, mut held) = (0_u32, 0_u32);
            for digit in run.iter().skip(start) {
                bits = bits << width | u32::from(*digit);
                held += width;
                if held >= 8 {
                    held -= 8;
                    reading.push(u8::try_from(bits >> held & 0xFF).expect("8 bits"));
                }
            }
            reading.push(NO_TEXT);
        }
        found(reading);
    }
}

/// `%XX`, mixed with characters as they are; once with `+` as a space and once without.
fn percent(bytes: &[u8], found: Found<'_>) {
    if !bytes.contains(&b'%') && !bytes.contains(&b'+') {
        return;
    }
    for plus in [b'+', b' '] {
        replaced(bytes, found, |rest| match rest {
            [b'%', high, low, ..] => Some((vec![pair(*high, *low)?], 3)),
            [b'+', ..] if plus == b' ' => Some((vec![plus], 1)),
            _ => None,
        });
    }
}

fn pair(high: u8, low: u8) -> Option<u8> {
    Some(nibble(high)? << 4 | nibble(low)?)
}

/// Backslash escapes of JSON, JavaScript and C.
fn escape(bytes: &[u8], found: Found<'_>) {
    if !bytes.contains(&b'\\') {
        return;
    }
    replaced(bytes, found, |rest| match rest {
        [b'\\', b'u', b'{', ..] => {
            let end = rest.iter().take(12).position(|byte| *byte == b'}')?;
            Some((character(number(rest.get(3..end)?, 16)?)?, end + 1))
        }
        [b'\\', b'u', ..] => {
            let unit = number(rest.get(2..6)?, 16)?;
            match rest.get(6..12) {
                Some([b'\\', b'u', low @ ..]) if (0xD800..0xDC00).contains(&unit) => {
                    let low = number(low, 16)?.checked_sub(0xDC00)?;
                    Some((character(0x1_0000 + ((unit - 0xD800) << 10) + low)?, 12))
                }
                _ => Some((character(unit)?, 6)),
            }
        }
        [b'\\', b'x', high, low, ..] => Some((vec![pair(*high, *low)?], 4)),
        [b'\\', escaped, ..] => {
            let byte = match escaped {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 8,
                b'f' => 12,
                b'0' => 0,
                b'"' | b'\'' | b'/' | b'\\' => *escaped,
                _ => return None,
            };
            Some((vec![byte], 2))
        }
        _ => None,
    });
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

fn character(code: u32) -> Option<Vec<u8>> {
    char::from_u32(code).map(|character| character.to_string().into_bytes())
}

/// Character references of HTML and XML: named, decimal, hexadecimal.
fn entity(bytes: &[u8], found: Found<'_>) {
    if !bytes.contains(&b'&') {
        return;
    }
    replaced(bytes, found, |rest| {
        let body = rest.strip_prefix(b"&")?;
        let end = body
            .iter()
            .take(16)
            .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#')
            .unwrap_or(body.len().min(16));
        let name = std::str::from_utf8(body.get(..end)?).ok()?;
        let text = match name.strip_prefix('#') {
            Some(code) => match code.strip_prefix(['x', 'X']) {
                Some(code) => character(number(code.as_bytes(), 16)?)?,
                None => character(number(code.as_bytes(), 10)?)?,
            },
            None => named(name)?.as_bytes().to_vec(),
        };
        let closed = usize::from(body.get(end) == Some(&b';'));
        Some((text, 1 + end + closed))
    });
}

fn named(name: &str) -> Option<&'static str> {
    const NAMED: &[(&str, &str)] = &[
        ("amp", "&"),
        ("AMP", "&"),
        ("lt", "<"),
        ("LT", "<"),
        ("gt", ">"),
        ("GT", ">"),
        ("quot", "\""),
        ("QUOT", "\""),
        ("apos", "'"),
        ("Tab", "\t"),
        ("NewLine", "\n"),
        ("nbsp", "\u{a0}"),
        ("excl", "!"),
        ("num", "#"),
        ("dollar", "$"),
        ("percnt", "%"),
        ("lpar", "("),
        ("rpar", ")"),
        ("ast", "*"),
        ("plus", "+"),
        ("comma", ","),
        ("period", "."),
        ("sol", "/"),
        ("colon", ":"),
        ("semi", ";"),
        ("equals", "="),
        ("quest", "?"),
        ("commat", "@"),
        ("lsqb", "["),
        ("lbrack", "["),
        ("bsol", "\\"),
        ("rsqb", "]"),
        ("rbrack", "]"),
        ("Hat", "^"),
        ("lowbar", "_"),
        ("grave", "`"),
        ("lcub", "{"),
        ("lbrace", "{"),
        ("verbar", "|"),
        ("vert", "|"),
        ("rcub", "}"),
        ("rbrace", "}"),
        ("eacute", "é"),
        ("egrave", "è"),
        ("auml", "ä"),
        ("ouml", "ö"),
        ("uuml", "ü"),
        ("szlig", "ß"),
    ];
    NAMED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// `=XX` and soft line breaks.
fn quoted_printable(bytes: &[u8], found: Found<'_>) {
    if !bytes.contains(&b'=') {
        return;
    }
    replaced(bytes, found, |rest| match rest {
        [b'=', b'\r', b'\n', ..] => Some((Vec::new(), 3)),
        [b'=', b'\n', ..] => Some((Vec::new(), 2)),
        [b'=', high, low, ..] => Some((vec![pair(*high, *low)?], 3)),
        _ => None,
    });
}

/// Both byte orders: every stretch of units of which one byte is nothing, which are those below U+0100.
fn utf16(bytes: &[u8], found: Found<'_>) {
    for low in 0..2 {
        let mut reading = Vec::new();
        let mut at = 0;
        while at + 2 <= bytes.len() {
            let stretch = bytes[at..]
                .chunks_exact(2)
                .take_while(|unit| unit[low] != 0 && unit[1 - low] == 0);
            let units: Vec<u16> = stretch.map(|unit| u16::from(unit[low])).collect();
            if units.len() < GRAM {
                at += 1;
                continue;
            }
            at += units.len() * 2;
            reading.extend_from_slice(String::from_utf16_lossy(&units).as_bytes());
            reading.push(NO_TEXT);
        }
        if !reading.is_empty() {
            found(reading);
        }
    }
}

fn gzip(bytes: &[u8], found: Found<'_>) {
    for (at, _) in magic(bytes, |start| matches!(start, [0x1F, 0x8B, 8, ..])) {
        inflated(flate2::read::MultiGzDecoder::new(&bytes[at..]), found);
    }
}

fn zlib(bytes: &[u8], found: Found<'_>) {
    let head = |start: &[u8]| matches!(start, [0x78, flags, ..] if flags & 0x20 == 0 && (0x7800 + u16::from(*flags)).is_multiple_of(31));
    for (at, _) in magic(bytes, head) {
        inflated(flate2::read::ZlibDecoder::new(&bytes[at..]), found);
    }
}

/// Without a head to know it by: at the start, and where a body begins.
fn deflate(bytes: &[u8], found: Found<'_>) {
    for at in bodies(bytes) {
        inflated(flate2::read::DeflateDecoder::new(&bytes[at..]), found);
    }
}

/// Where a stream may begin.
fn magic(bytes: &[u8], head: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = (usize, &u8)> {
    bytes
        .iter()
        .enumerate()
        .filter(move |(at, _)| head(&bytes[*at..]))
}

/// What could be taken off before the stream broke counts as seen.
fn inflated(source: impl std::io::Read, found: Found<'_>) {
    let mut reading = Vec::new();
    let mut source = source.take(INFLATED);
    let mut piece = vec![0; 64 << 10];
    while let Ok(count @ 1..) = source.read(&mut piece) {
        reading.extend_from_slice(&piece[..count]);
    }
    if !reading.is_empty() {
        found(reading);
    }
}

/// Bodies of HTTP/1.1 in chunks, joined again.
fn chunked(bytes: &[u8], found: Found<'_>) {
    for at in bodies(bytes) {
        let joined = joined(&bytes[at..]);
        if !joined.is_empty() {
            found(joined);
        }
    }
}

/// The start of the bytes, and each place after an empty line.
fn bodies(bytes: &[u8]) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(
        memchr::memmem::find_iter(bytes, b"\r\n\r\n")
            .map(|at| at + 4)
            .filter(|at| *at < bytes.len()),
    )
}

/// As many chunks as are well-formed.
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.iter().take(4096).position(|byte| *byte == b'\n') {
        let line = rest[..end].trim_ascii();
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let Some(size) =
            number(digits.trim_ascii(), 16).and_then(|size| usize::try_from(size).ok())
        else {
            break;
        };
        let data = &rest[end + 1..];
        whole.extend_from_slice(&data[..size.min(data.len())]);
        match data.get(size..) {
            Some([b'\r', b'\n', next @ ..]) if size > 0 => rest = next,
            _ => break,
        }
    }
    whole
}

/// Hands on what stands around each stretch that `change` knows, that stretch replaced by what `change` says,
/// which also says how long it is. What is far from any of them was read already, as it is.
fn replaced(bytes: &[u8], found: Found<'_>, change: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) {
    let mut reading = Vec::new();
    let mut changed = None;
    let mut at = 0;
    while at < bytes.len() {
        let Some((text, used)) = change(&bytes[at..]) else {
            at += 1;
            continue;
        };
        match changed {
            Some(end) if at - end <= 2 * AROUND => reading.extend_from_slice(&bytes[end..at]),
            Some(end) => {
                reading.extend_from_slice(&bytes[end..end + AROUND]);
                reading.push(NO_TEXT);
                reading.extend_from_slice(&bytes[at - AROUND..at]);
            }
            None => reading.extend_from_slice(&bytes[at.saturating_sub(AROUND)..at]),
        }
        reading.extend_from_slice(&text);
        at += used;
        changed = Some(at);
    }
    if let Some(end) = changed {
        let end = end.min(bytes.len());
        reading.extend_from_slice(&bytes[end..bytes.len().min(end + AROUND)]);
        found(reading);
    }
}
