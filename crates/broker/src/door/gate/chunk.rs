//! A chunked body, followed only to find its end. Lines go on whole or not at all; the last chunk
//! goes on together with its trailers, so that a body with a fault is never completed.

use super::head;

const TRAILER_LIMIT: usize = 8 * 1024;
const TRAILER_FIELDS: usize = 32;

/// Fields that decide framing, routing, authentication or how the message is handled. In a trailer
/// a reader behind us might merge them into the head.
const FORBIDDEN: &[&str] = &[
    "age",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "forwarded",
    "host",
    "keep-alive",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "warning",
    "www-authenticate",
];
const FORBIDDEN_PREFIXES: &[&str] = &[
    "if-",
    "proxy-",
    "x-forwarded-",
    "x-api-key",
    "withheld-",
    "x-http-method",
];

pub(super) enum Step {
    More,
    End,
    Fault(&'static str),
}

#[derive(Default)]
enum At {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
}

#[derive(Default)]
pub(super) struct Chunked {
    at: At,
    held: Vec<u8>,
    line: usize,
    fields: usize,
}

impl Chunked {
    /// How much of `input` was taken in (at least one byte), and what that came to.
    pub(super) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, Step) {
        if let At::Data(left) = self.at {
            let count = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
            out.extend_from_slice(input.get(..count).unwrap_or_default());
            self.at = match left.saturating_sub(count as u64) {
                0 => At::DataEnd,
                left => At::Data(left),
            };
            return (count, Step::More);
        }
        let Some(&byte) = input.first() else {
            return (0, Step::More);
        };
        self.held.push(byte);
        (1, self.byte(byte, out))
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) -> Step {
        let line = self.held.get(self.line..).unwrap_or_default();
        match line {
            [.., b'\r', b'\n'] => return self.line_end(out),
            [.., b'\n'] => return Step::Fault("a chunk line ends in a bare line feed"),
            [.., b'\r', _] => return Step::Fault("a carriage return stands alone in a chunk line"),
            _ => {}
        }
        match self.at {
            At::Size if byte == b'\r' && line.len() > 1 => Step::More,
            At::Size if !byte.is_ascii_hexdigit() => {
                Step::Fault("a chunk size is not plain hexadecimal")
            }
            At::Size if line.len() > 16 => Step::Fault("a chunk size is too long"),
            At::DataEnd if byte != b'\r' => Step::Fault("a chunk is longer than its size"),
            At::Trailers if self.held.len() > TRAILER_LIMIT => {
                Step::Fault("the trailers are too large")
            }
            _ => Step::More,
        }
    }

    fn line_end(&mut self, out: &mut Vec<u8>) -> Step {
        let line = self
            .held
            .get(self.line..self.held.len() - 2)
            .unwrap_or_default();
        match self.at {
            At::Size => match size(line) {
                Some(0) => {
                    self.at = At::Trailers;
                    self.line = self.held.len();
                }
                Some(size) => {
                    self.at = At::Data(size);
                    self.release(out);
                }
                None => return Step::Fault("a chunk size is out of range"),
            },
            At::Trailers if line.is_empty() => {
                self.release(out);
                return Step::End;
            }
            At::Trailers => {
                self.fields += 1;
                if self.fields > TRAILER_FIELDS {
                    return Step::Fault("there are too many trailers");
                }
                match head::field(line) {
                    Ok((name, _)) if is_forbidden(name) => {
                        return Step::Fault("a field stands in the trailers that may not");
                    }
                    Ok(_) => self.line = self.held.len(),
                    Err(why) => return Step::Fault(why),
                }
            }
            At::Data(_) | At::DataEnd => {
                self.at = At::Size;
                self.release(out);
            }
        }
        Step::More
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
        self.line = 0;
    }
}

fn size(line: &[u8]) -> Option<u64> {
    let size = u64::from_str_radix(std::str::from_utf8(line).ok()?, 16).ok()?;
    i64::try_from(size).is_ok().then_some(size)
}

fn is_forbidden(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    FORBIDDEN.contains(&name.as_str()) || FORBIDDEN_PREFIXES.iter().any(|p| name.starts_with(p))
}
