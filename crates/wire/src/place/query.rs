//! A query parameter: percent-encoded once, in the place of the client's parameter of that key, else
//! behind the others. Policy has refused a request whose parameter of that key is not ours to replace.

use bytes::Bytes;
use withheld_core::binding::ParamName;
use withheld_secret::{Expose as _, SecretValue};

use super::{Head, Misfit, locked};

/// The longest encoded value: an `http::Uri` ends at 64 KiB, path and all.
const LIMIT: usize = 32 * 1024;

#[expect(
    clippy::disallowed_methods,
    reason = "the last door: the target goes out with the request, from locked memory"
)]
pub(super) fn put(head: &mut Head, key: &ParamName, value: &SecretValue) -> Result<(), Misfit> {
    let target = with_parameter(&head.target, key.as_str(), value)?;
    head.target = Bytes::from_owner(target.into_owner());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "only a length is taken")]
pub(super) fn fits(value: &SecretValue) -> bool {
    !value.is_empty()
        && value.expose(|bytes| bytes.iter().map(|byte| width(*byte)).sum::<usize>()) <= LIMIT
}

#[expect(
    clippy::disallowed_methods,
    reason = "encoded from locked memory into locked memory"
)]
fn with_parameter(target: &[u8], key: &str, value: &SecretValue) -> Result<SecretValue, Misfit> {
    if !fits(value) {
        return Err(Misfit::Value);
    }
    let room = target.len() + key.len() + 2 + 3 * value.len();
    locked(room, |room| {
        value.expose(|bytes| {
            let mut out = Writer { room, at: 0 };
            write(&mut out, target, key, bytes);
            Ok(out.at)
        })
    })
}

/// Every parameter as it was written, but those of the key: ours stands where the first was.
fn write(out: &mut Writer<'_>, target: &[u8], key: &str, value: &[u8]) {
    let split = target.iter().position(|byte| *byte == b'?');
    let (path, query) = split.map_or((target, None), |at| {
        (&target[..at], Some(&target[at + 1..]))
    });
    out.put(path);
    let mut before = b'?';
    let mut done = false;
    for parameter in query
        .into_iter()
        .flat_map(|query| query.split(|byte| *byte == b'&'))
    {
        let its_key = parameter
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default();
        let ours = is_key(its_key, key);
        if ours && done {
            continue;
        }
        out.put(&[before]);
        before = b'&';
        if ours {
            out.put_parameter(key, value);
            done = true;
        } else {
            out.put(parameter);
        }
    }
    if !done {
        out.put(&[before]);
        out.put_parameter(key, value);
    }
}

/// Whether a written key is this one once it is decoded.
fn is_key(mut written: &[u8], key: &str) -> bool {
    for want in key.bytes() {
        let (have, rest) = match written {
            [b'%', high, low, rest @ ..] => (
                hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
                rest,
            ),
            [byte, rest @ ..] => (Some(*byte), rest),
            [] => return false,
        };
        if have != Some(want) {
            return false;
        }
        written = rest;
    }
    written.is_empty()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn width(byte: u8) -> usize {
    if is_unreserved(byte) { 1 } else { 3 }
}

struct Writer<'a> {
    room: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.room[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn put_parameter(&mut self, key: &str, value: &[u8]) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        self.put(key.as_bytes());
        self.put(b"=");
        for byte in value {
            if is_unreserved(*byte) {
                self.put(&[*byte]);
            } else {
                self.put(&[
                    b'%',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ]);
            }
        }
    }
}
