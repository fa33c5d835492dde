//! Upstreams on loopback that tests own: real TLS, scripted bytes, everything recorded.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority that a test trusts, and what it signs.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate"),
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A configuration for a server of this name; `shape` may spoil the certificate.
    pub(crate) fn server(
        &self,
        name: &str,
        shape: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        shape(&mut params);
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.issuer).expect("signed");
        let chain: Vec<CertificateDer<'static>> = vec![leaf.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
        Arc::new(config)
    }
}

/// What an upstream does with one request.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// Whether it hangs up behind the bytes.
    pub(crate) close: bool,
    /// Whether it answers as soon as it has the head, the body unread.
    pub(crate) early: bool,
}

impl Answer {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            close: false,
            early: false,
        }
    }

    /// 200 with a body of known length.
    pub(crate) fn ok(body: &str) -> Self {
        Self::new(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    pub(crate) fn then_close(mut self) -> Self {
        self.close = true;
        self
    }

    pub(crate) fn early(mut self) -> Self {
        self.early = true;
        self
    }
}

/// One request as it arrived, with the number of the connection that it came by.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> Vec<&str> {
        let line = |line: &'_ str| {
            line.split_once(": ")
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        self.head
            .lines()
            .filter(|one| line(one))
            .filter_map(|one| one.split_once(": ").map(|(_, value)| value))
            .collect()
    }
}

#[derive(Default)]
pub(crate) struct Record {
    pub(crate) seen: Vec<Seen>,
    /// TCP connections accepted.
    pub(crate) accepted: usize,
    /// TLS handshakes that ended well.
    pub(crate) handshakes: usize,
    /// Those of them that went on with an earlier session.
    pub(crate) resumed: usize,
    /// Connections that ended in the middle of a request.
    pub(crate) cut: usize,
}

/// A running upstream.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) record: Arc<Mutex<Record>>,
    /// Told whenever a connection has ended.
    pub(crate) ended: Arc<tokio::sync::Notify>,
}

type Script = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

impl Upstream {
    /// Answers each request by the script; in clear text without a configuration.
    pub(crate) async fn start(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let upstream = Self {
            address: listener.local_addr().expect("an address"),
            record: Arc::default(),
            ended: Arc::default(),
        };
        let script: Script = Arc::new(script);
        let handle = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut record = handle.record.lock().expect("a lock");
                    record.accepted += 1;
                    record.accepted
                };
                stream.set_nodelay(true).expect("a socket");
                let (handle, script, tls) = (handle.clone(), Arc::clone(&script), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => handle.serve(stream, number, &script).await,
                        Some(config) => {
                            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                                handle.note_handshake(stream.get_ref().1.handshake_kind());
                                handle.serve(stream, number, &script).await;
                            }
                        }
                    }
                    handle.ended.notify_one();
                });
            }
        });
        upstream
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        connection: usize,
        script: &Script,
    ) {
        let mut buffer = Vec::new();
        loop {
            let Some(head) = read_head(&mut stream, &mut buffer).await else {
                return self.note_cut(&buffer);
            };
            let mut seen = Seen {
                connection,
                head,
                body: Vec::new(),
            };
            let peek = script(&seen);
            if !peek.early && !read_body(&mut stream, &mut buffer, &mut seen).await {
                return self.note_cut(b"x");
            }
            let answer = if peek.early { peek } else { script(&seen) };
            self.record.lock().expect("a lock").seen.push(seen);
            if stream.write_all(&answer.bytes).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            if answer.early {
                // The rest of the body comes, or the connection is cut.
                let mut sink = [0; 4096];
                while matches!(stream.read(&mut sink).await, Ok(1..)) {}
                return self.note_cut(b"x");
            }
            if answer.close {
                let _ = stream.shutdown().await;
                return;
            }
        }
    }

    fn note_handshake(&self, kind: Option<HandshakeKind>) {
        let mut record = self.record.lock().expect("a lock");
        record.handshakes += 1;
        record.resumed += usize::from(kind == Some(HandshakeKind::Resumed));
    }

    fn note_cut(&self, left: &[u8]) {
        if !left.is_empty() {
            self.record.lock().expect("a lock").cut += 1;
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.record.lock().expect("a lock").seen.clone()
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.record.lock().expect("a lock").handshakes
    }

    pub(crate) fn cut(&self) -> usize {
        self.record.lock().expect("a lock").cut
    }
}

async fn more<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> bool {
    matches!(stream.read_buf(buffer).await, Ok(1..))
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = buffer.drain(..end + 4).collect();
            return String::from_utf8(head).ok();
        }
        if !more(stream, buffer).await {
            return None;
        }
    }
}

async fn read_body<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    seen: &mut Seen,
) -> bool {
    let chunked = seen.field("transfer-encoding") == ["chunked"];
    let length: usize = seen
        .field("content-length")
        .first()
        .map_or(0, |length| length.parse().expect("a length"));
    let is_whole = |buffer: &[u8]| {
        if chunked {
            buffer.ends_with(b"0\r\n\r\n")
        } else {
            buffer.len() >= length
        }
    };
    while !is_whole(buffer) {
        if !more(stream, buffer).await {
            return false;
        }
    }
    seen.body = if chunked {
        std::mem::take(buffer)
    } else {
        buffer.drain(..length).collect()
    };
    true
}
