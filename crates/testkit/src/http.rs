//! As much of HTTP/1.1 as a harness reads: heads, and bodies of a length, in chunks, or to the end.

use std::io::{self, Read};

/// The most that is read of one head.
const HEAD: usize = 1 << 20;
/// How the message of a refusal begins: of what was not sent, and of what was, or may have been.
const BEGINNINGS: [&str; 3] = [
    "Withheld did not send this request:",
    "Withheld sent this request, and did not hand on its whole reply",
    "Withheld may have sent this request, and has no reply to hand on:",
];

/// What came back to a client.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status of the last head.
    pub status: u16,
    /// The reason phrase, as it came.
    pub reason: String,
    /// Names in lower case, values as they came; the bytes beyond ASCII read as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks joined.
    pub body: Vec<u8>,
    /// Fields after a chunked body.
    pub trailers: Vec<(String, String)>,
    /// Whether the body came to the end that its framing promised.
    pub whole: bool,
    /// Every byte that came for this reply.
    pub raw: Vec<u8>,
}

impl Reply {
    /// The value of the first field of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// The code of a refusal in house form, or nothing where the upstream speaks.
    pub fn code(&self) -> Option<&str> {
        self.header("withheld-error")
    }

    /// Asserts that this is a refusal with `code`, in the form that every refusal has.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn is_refused(&self, code: &str) -> &Self {
        assert_eq!(self.code(), Some(code), "{}", self.shown());
        assert_eq!(self.reason, format!("Withheld {code}"), "{}", self.shown());
        let document = self.json();
        let error = &document["error"];
        assert_eq!(document["schema"], "withheld.error/1", "{}", self.shown());
        assert_eq!(error["type"], "withheld_refusal", "{}", self.shown());
        assert_eq!(error["code"], code, "{}", self.shown());
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            BEGINNINGS.iter().any(|begin| message.starts_with(begin)),
            "{}",
            self.shown()
        );
        assert!(error["hint"].is_string(), "{}", self.shown());
        self
    }

    /// Asserts the status of an answer of the upstream.
    ///
    /// # Panics
    /// When it is another, or a refusal.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.code(), None, "{}", self.shown());
        assert_eq!(self.status, status, "{}", self.shown());
        self
    }

    /// The whole reply, for a failed assertion.
    pub fn shown(&self) -> String {
        let end = self.raw.len().min(4096);
        String::from_utf8_lossy(&self.raw[..end]).into_owned()
    }
}

/// The value of the first field of this name.
pub(crate) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// Bytes as text, one character each.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// First line and fields of a head, which ends with its empty line.
pub(crate) fn parse_head(head: &[u8]) -> (String, Vec<(String, String)>) {
    let text = latin1(head);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let fields = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    (first, fields)
}

/// A connection, and what was read beyond the message in hand.
pub(crate) struct Reading<S> {
    pub(crate) stream: S,
    ahead: Vec<u8>,
    /// Every byte of the message in hand.
    pub(crate) raw: Vec<u8>,
    /// Whether the stream ended otherwise than by its peer's goodbye.
    broken: bool,
}

impl<S: Read> Reading<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
            raw: Vec::new(),
            broken: false,
        }
    }

    /// Forgets the message that was in hand.
    pub(crate) fn next(&mut self) {
        self.raw.clear();
    }

    /// Every byte of the message in hand, and what came after it.
    pub(crate) fn seen(&self) -> Vec<u8> {
        [self.raw.as_slice(), &self.ahead].concat()
    }

    /// The stream, where nothing was read ahead.
    pub(crate) fn into_stream(self) -> S {
        assert!(self.ahead.is_empty(), "bytes before they were asked for");
        self.stream
    }

    /// Everything up to an empty line; nothing at the end of the stream.
    pub(crate) fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.until(b"\r\n\r\n")
    }

    fn until(&mut self, mark: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.ahead, mark) {
                return Ok(Some(self.take(at + mark.len())));
            }
            if self.ahead.len() > HEAD {
                return Err(io::Error::other("a head without an end"));
            }
            if !self.more() {
                return Ok(None);
            }
        }
    }

    /// Exactly so many bytes, or what there was before the end.
    fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < count && self.more() {}
        Ok(self.take(count.min(self.ahead.len())))
    }

    /// Everything to the end of the stream.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        self.take(self.ahead.len())
    }

    /// Reads more; a peer that breaks off has ended, and what came before is what counts.
    fn more(&mut self) -> bool {
        let mut piece = vec![0; 64 << 10];
        match self.stream.read(&mut piece) {
            Ok(count) => {
                self.ahead.extend_from_slice(&piece[..count]);
                count > 0
            }
            Err(_) => {
                self.broken = true;
                false
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let taken: Vec<u8> = self.ahead.drain(..count).collect();
        self.raw.extend_from_slice(&taken);
        taken
    }

    /// A body framed as these fields say, its trailers, and whether it came to its end.
    pub(crate) fn body(
        &mut self,
        fields: &[(String, String)],
        otherwise: Otherwise,
    ) -> io::Result<Body> {
        if field(fields, "transfer-encoding").is_some() {
            return self.chunks();
        }
        if let Some(length) = field(fields, "content-length") {
            let length = length.parse().unwrap_or(0);
            let body = self.exactly(length)?;
            let whole = body.len() == length;
            return Ok(Body::new(body, whole));
        }
        match otherwise {
            Otherwise::Empty => Ok(Body::new(Vec::new(), true)),
            Otherwise::ToTheEnd => {
                let rest = self.rest();
                Ok(Body::new(rest, !self.broken))
            }
        }
    }

    fn chunks(&mut self) -> io::Result<Body> {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.until(b"\r\n")? else {
                return Ok(Body::new(body, false));
            };
            let text = latin1(&line);
            let digits = text.split([';', '\r']).next().unwrap_or_default().trim();
            let Ok(size) = usize::from_str_radix(digits, 16) else {
                return Ok(Body::new(body, false));
            };
            if size == 0 {
                return self.trailers(body);
            }
            let data = self.exactly(size)?;
            let cut = data.len() < size;
            body.extend_from_slice(&data);
            if cut || self.exactly(2)? != b"\r\n" {
                return Ok(Body::new(body, false));
            }
        }
    }

    fn trailers(&mut self, body: Vec<u8>) -> io::Result<Body> {
        let mut lines = Vec::new();
        loop {
            match self.until(b"\r\n")? {
                None => return Ok(Body::new(body, false)),
                Some(line) if line == b"\r\n" => {
                    let text = [b"\r\n".as_slice(), &lines].concat();
                    let trailers = parse_head(&text).1;
                    return Ok(Body {
                        trailers,
                        ..Body::new(body, true)
                    });
                }
                Some(line) => lines.extend_from_slice(&line),
            }
        }
    }

    /// The next reply on this connection; interim ones are passed over, but stay in `raw`.
    ///
    /// # Errors
    /// When the connection ended before a head was whole.
    pub(crate) fn reply(&mut self, method: &str) -> io::Result<Reply> {
        self.next();
        loop {
            let Some(head) = self.head()? else {
                let seen = String::from_utf8_lossy(&self.ahead).into_owned();
                return Err(io::Error::other(format!("no reply: [{seen}]")));
            };
            let (first, headers) = parse_head(&head);
            let mut words = first.splitn(3, ' ').skip(1);
            let status = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            let reason = words.next().unwrap_or_default().to_owned();
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let bodyless = method == "HEAD"
                || matches!(status, 101 | 204 | 304)
                || (method == "CONNECT" && (200..300).contains(&status));
            let body = if bodyless {
                Body::new(Vec::new(), true)
            } else {
                self.body(&headers, Otherwise::ToTheEnd)?
            };
            return Ok(Reply {
                status,
                reason,
                headers,
                body: body.bytes,
                trailers: body.trailers,
                whole: body.whole,
                raw: self.raw.clone(),
            });
        }
    }
}

/// A body as it was read.
pub(crate) struct Body {
    /// Its chunks joined.
    pub(crate) bytes: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
    /// Whether it came to its end.
    pub(crate) whole: bool,
}

impl Body {
    fn new(bytes: Vec<u8>, whole: bool) -> Self {
        Self {
            bytes,
            trailers: Vec::new(),
            whole,
        }
    }
}

/// What a message without framing has for a body.
#[derive(Clone, Copy)]
pub(crate) enum Otherwise {
    /// A request: none.
    Empty,
    /// A reply: all that comes.
    ToTheEnd,
}
