//! Encoders for what an upstream echoes. They are written for tests: the oracle's own vectors come from
//! Python and coreutils, so that these and the decoders cannot share a mistake unseen.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// URL-safe base64 without padding.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Text in lines of so many characters.
pub fn lines(text: &str, width: usize, end: &str) -> String {
    let lines: Vec<String> = text
        .as_bytes()
        .chunks(width)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    lines.join(end)
}

/// Base32 of RFC 4648, padded.
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for group in bytes.chunks(5) {
        let mut bits = [0_u8; 8];
        bits[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(bits);
        for digit in 0..8 {
            if digit * 5 >= group.len() * 8 {
                text.push('=');
            } else {
                let index = bits >> (35 - digit * 5) & 31;
                text.push(char::from(
                    ALPHABET[usize::try_from(index).expect("5 bits")],
                ));
            }
        }
    }
    text
}

/// Each byte as `format` writes it, where `which` says so.
fn escaped(bytes: &[u8], which: impl Fn(u8) -> bool, format: impl Fn(&mut String, u8)) -> String {
    let mut text = String::new();
    for byte in bytes {
        if which(*byte) {
            format(&mut text, *byte);
        } else {
            text.push(char::from(*byte));
        }
    }
    text
}

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    escaped(
        bytes,
        |_| true,
        |text, byte| write!(text, "{byte:02x}").expect("a string"),
    )
}

/// `%XX` for what RFC 3986 does not leave as it is.
pub fn percent(bytes: &[u8]) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    escaped(
        bytes,
        |byte| !kept(byte),
        |text, byte| write!(text, "%{byte:02X}").expect("a string"),
    )
}

/// `%xx` for every byte.
pub fn percent_full(bytes: &[u8]) -> String {
    escaped(
        bytes,
        |_| true,
        |text, byte| write!(text, "%{byte:02x}").expect("a string"),
    )
}

/// `=XX` for what quoted-printable does not leave as it is, in soft lines of 72.
pub fn quoted_printable(bytes: &[u8]) -> String {
    let kept = |byte: u8| byte.is_ascii_graphic() && byte != b'=';
    let mut lines = vec![String::new()];
    for byte in bytes {
        let mut next = String::new();
        if kept(*byte) {
            next.push(char::from(*byte));
        } else {
            write!(next, "={byte:02X}").expect("a string");
        }
        if lines
            .last()
            .is_some_and(|line| line.len() + next.len() > 72)
        {
            lines.push(String::new());
        }
        lines.last_mut().expect("a line").push_str(&next);
    }
    lines.join("=\r\n")
}

/// A JSON string, with its quotes.
pub fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

/// `\uXXXX` for every UTF-16 unit.
pub fn json_full(text: &str) -> String {
    text.encode_utf16()
        .fold(String::new(), |mut escaped, unit| {
            write!(escaped, "\\u{unit:04x}").expect("a string");
            escaped
        })
}

/// The five characters of HTML, by name.
pub fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Every character as a decimal reference.
pub fn html_decimal(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        write!(escaped, "&#{};", u32::from(c)).expect("a string");
        escaped
    })
}

/// Every character as a hexadecimal reference.
pub fn html_hex(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        write!(escaped, "&#x{:X};", u32::from(c)).expect("a string");
        escaped
    })
}

/// UTF-16, little end first.
pub fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// UTF-16, big end first.
pub fn utf16be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// One gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// What HTTP calls deflate.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// What some servers call deflate.
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
