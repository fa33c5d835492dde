//! The judgement of one whole head. It refuses; it repairs nothing.

use http::Uri;
use withheld_core::destination::authority;

use super::GateRefusal;

/// Below what `http::Uri` takes, so that hyper never refuses a target by itself.
const TARGET_LIMIT: usize = 32 * 1024;
/// What hyper takes, for the same reason.
const FIELD_LIMIT: usize = 100;

/// How the next head is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
    Connect,
}

/// Judge a head that ends in its blank line and has no bare CR or LF.
pub(super) fn judge(head: &[u8]) -> Result<Framing, GateRefusal> {
    let text = head.strip_suffix(b"\r\n\r\n").unwrap_or(head);
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_connect = request_line(lines.next().unwrap_or_default())?;
    let mut fields = Fields::default();
    for (count, line) in lines.enumerate() {
        if count >= FIELD_LIMIT {
            return Err(GateRefusal::HeadTooLarge);
        }
        let (name, value) = field(line).map_err(GateRefusal::Ambiguous)?;
        fields.note(name, value).map_err(GateRefusal::Ambiguous)?;
    }
    fields.framing(is_connect).map_err(GateRefusal::Ambiguous)
}

/// Whether the request is a CONNECT.
fn request_line(line: &[u8]) -> Result<bool, GateRefusal> {
    let ambiguous = |why| Err(GateRefusal::Ambiguous(why));
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return ambiguous("the request line is not three words with one space between");
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return ambiguous("the method is not a token");
    }
    if target.len() > TARGET_LIMIT {
        return Err(GateRefusal::TargetTooLarge);
    }
    let is_connect = method == b"CONNECT";
    match version {
        b"HTTP/1.1" => {}
        b"HTTP/1.0" if is_connect => {}
        _ => return ambiguous("the version is not HTTP/1.1"),
    }
    if !is_target(target) {
        return ambiguous("the target has bytes that no URI has");
    }
    let text = std::str::from_utf8(target).unwrap_or_default();
    let is_readable = if is_connect {
        matches!(authority(text), Ok((_, Some(_))))
    } else if text == "*" {
        method == b"OPTIONS"
    } else if text.starts_with('/') {
        true
    } else {
        absolute(text)
    };
    if !is_readable || Uri::try_from(text).is_err() {
        return ambiguous("the target has no form that can be read in one way");
    }
    Ok(is_connect)
}

/// An absolute target: one of two schemes, then an authority without user information.
fn absolute(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
    else {
        return false;
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    rest.get(..end).is_some_and(|text| authority(text).is_ok())
}

/// RFC 3986 bytes without `#`, with every `%` followed by two hexadecimal digits.
fn is_target(target: &[u8]) -> bool {
    !target.is_empty()
        && target.iter().enumerate().all(|(at, byte)| match byte {
            b'%' => target
                .get(at + 1..at + 3)
                .is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)),
            byte => byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=".contains(byte),
        })
}

/// One header line as name and value.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err("a header is folded over two lines");
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        return Err("a header line has no colon");
    };
    let (name, rest) = line.split_at(colon);
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err("a header name is not a token");
    }
    let value = rest.get(1..).unwrap_or_default();
    if value
        .iter()
        .any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f)
    {
        return Err("a header value has control bytes");
    }
    Ok((name, trim(value)))
}

/// Spaces and tabs only: `trim_ascii` takes away more.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// RFC 9110 `tchar`.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[derive(Default)]
struct Fields {
    host: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Fields {
    fn note(&mut self, name: &[u8], value: &[u8]) -> Result<(), &'static str> {
        if name.eq_ignore_ascii_case(b"host") {
            if std::mem::replace(&mut self.host, true) {
                return Err("there is more than one Host");
            }
            if !value.is_ascii()
                || !std::str::from_utf8(value).is_ok_and(|text| authority(text).is_ok())
            {
                return Err("the Host cannot be read");
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = length(value).ok_or("the Content-Length is not a plain number")?;
            if self.length.replace(length).is_some() {
                return Err("there is more than one Content-Length");
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err("the Transfer-Encoding is not chunked alone");
            }
            if std::mem::replace(&mut self.chunked, true) {
                return Err("there is more than one Transfer-Encoding");
            }
        }
        Ok(())
    }

    fn framing(&self, is_connect: bool) -> Result<Framing, &'static str> {
        match (is_connect, self.length, self.chunked) {
            (_, Some(_), true) => Err("there are both a Content-Length and a Transfer-Encoding"),
            (true, None, false) => Ok(Framing::Connect),
            (true, ..) => Err("a CONNECT has no body"),
            (false, ..) if !self.host => Err("there is no Host"),
            (false, None | Some(0), false) => Ok(Framing::None),
            (false, Some(length), false) => Ok(Framing::Length(length)),
            (false, None, true) => Ok(Framing::Chunked),
        }
    }
}

/// Digits without a leading zero, within what every reader can count.
fn length(value: &[u8]) -> Option<u64> {
    let is_canonical =
        value.iter().all(u8::is_ascii_digit) && (value == b"0" || value.first() != Some(&b'0'));
    let length = is_canonical.then(|| std::str::from_utf8(value).ok()?.parse::<u64>().ok())??;
    i64::try_from(length).is_ok().then_some(length)
}
