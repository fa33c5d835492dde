//! A client that writes its requests by hand: one connection each, read to its end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::de::DeserializeOwned;
use withheld_team::api::{Bundle, Problem};
use withheld_team::http_signature::{Request, Stamp, base, content_digest, fields};

use crate::team::{Device, NOW, Signer};

/// The longest that a test waits for bytes. Nothing is asserted of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to ask.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    /// What stands in `Host`, which signatures cover.
    pub(crate) authority: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

/// What a signed request is made of. A test spoils one part.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) authority: String,
    pub(crate) created: u64,
    pub(crate) digest: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            authority: address.to_string(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the server under test is asked")]
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A request as it is.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut stream = self.connect();
        exchange(&mut stream, &self.authority, method, target, headers, body)
    }

    /// `POST /v1/ws` with a bootstrap token.
    pub(crate) fn create(&self, token: &str, bundle: &Bundle) -> Reply {
        let bearer = format!("Bearer {token}");
        let body = serde_json::to_vec(bundle).unwrap();
        self.send("POST", "/v1/ws", &[("Authorization", &bearer)], &body)
    }

    /// A request that is signed as it must be.
    pub(crate) fn signed(
        &self,
        by: &impl Signer,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> Reply {
        let draft = self.draft(method, target, body);
        self.send_draft(by, &draft, method, target, &[], body)
    }

    /// The same, with more fields.
    pub(crate) fn signed_with(
        &self,
        by: &Device,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let draft = self.draft(method, target, b"");
        self.send_draft(by, &draft, method, target, headers, b"")
    }

    /// What is to be signed of a request.
    pub(crate) fn draft(&self, method: &str, target: &str, body: &[u8]) -> Draft {
        Draft {
            method: method.to_owned(),
            target: target.to_owned(),
            authority: self.authority.clone(),
            created: NOW / 1000,
            digest: content_digest(body),
        }
    }

    /// Signs the draft, and sends what is said, which may be another thing.
    pub(crate) fn send_draft(
        &self,
        by: &impl Signer,
        draft: &Draft,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let signed = draft.sign(by);
        let mut all: Vec<(&str, &str)> = signed
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        all.extend_from_slice(headers);
        self.send(method, target, &all, body)
    }
}

impl Draft {
    /// The three fields of a request like this.
    pub(crate) fn sign(&self, by: &impl Signer) -> [(&'static str, String); 3] {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let request = Request {
            method: &self.method,
            authority: &self.authority,
            path,
            query,
            digest: &self.digest,
        };
        let stamp = Stamp {
            created: self.created,
            key: by.key_id(),
        };
        let signature = by.sign_request(base(&request, &stamp).as_bytes());
        let fields = fields(&request, &stamp, &signature);
        [
            ("Content-Digest", fields.content_digest),
            ("Signature-Input", fields.signature_input),
            ("Signature", fields.signature),
        ]
    }
}

/// Sends one request and reads the reply to the end of the connection.
pub(crate) fn exchange(
    stream: &mut (impl Read + Write),
    authority: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut head =
        format!("{method} {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    // A server that refuses early may close before it has read all.
    let sent = stream.write_all(&[head.as_bytes(), body].concat());
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    Reply::read(&bytes).unwrap_or_else(|| panic!("no reply: {sent:?} {read:?}"))
}

impl Reply {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let status = head.get(9..12)?.parse().ok()?;
        Some(Self {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// Asserts that it is a refusal with this status and code, in the form of RFC 9457.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Problem {
        let problem: Problem = self.json();
        assert_eq!(
            (self.status, problem.code.as_str()),
            (status, code),
            "{self:?}"
        );
        assert_eq!(problem.status, status);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        problem
    }
}
