//! An HTTPS server that records every byte it is sent, and answers as the test says.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::answer::Answer;
use crate::http::{Otherwise, Reading, field, parse_head};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate authority of one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for this name and its key, as the files of a server that is not ours.
    pub(crate) fn pem_for(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.issuer).expect("a leaf");
        (leaf.pem(), key.serialize_pem())
    }

    /// A server's certificate for these names.
    fn leaf(&self, params: CertificateParams) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.issuer).expect("a leaf");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key of PKCS 8");
        (leaf.der().clone(), key)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The head's bytes, with the empty line.
    pub head: Vec<u8>,
    /// The method.
    pub method: String,
    /// The target, as it stood in the head.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks joined.
    pub body: Vec<u8>,
    /// Fields after a chunked body.
    pub trailers: Vec<(String, String)>,
    /// Whether the body came to its end. Never of a request that was answered before its body.
    pub whole: bool,
    /// Which connection it came on, in the order they were accepted.
    pub connection: usize,
    /// The name the client asked for in its handshake.
    pub sni: Option<String>,
}

impl Seen {
    /// The value of the first field of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    /// Every value of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// What the test knows of one connection, whether TLS came about or not.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Why the handshake failed, where it did.
    pub failed: Option<String>,
    /// The name the client asked for.
    pub sni: Option<String>,
    /// How many requests came on it.
    pub requests: usize,
}

type Reply = dyn Fn(&Seen) -> Answer + Send + Sync;
type Early = dyn Fn(&Seen) -> Option<Answer> + Send + Sync;

struct Shared {
    reply: Mutex<Arc<Reply>>,
    early: Mutex<Arc<Early>>,
    seen: Mutex<Vec<Seen>>,
    arrived: Condvar,
    connections: Mutex<Vec<Connection>>,
    handshakes: AtomicUsize,
    stopped: AtomicBool,
}

/// A running server. Dropped, it takes no further connection.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Upstream {
    /// One with a certificate of `authority` for these names.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(authority: &Authority, names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("names");
        Self::with_params(authority, params, rustls::DEFAULT_VERSIONS)
    }

    /// One whose certificate ended before it began.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn expired(authority: &Authority, names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        Self::with_params(authority, params, rustls::DEFAULT_VERSIONS)
    }

    fn with_params(
        authority: &Authority,
        params: CertificateParams,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Self {
        let (leaf, key) = authority.leaf(params);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key)
            .expect("a certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self::serve(Some(Arc::new(config)))
    }

    /// One without TLS.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn clear() -> Self {
        Self::serve(None)
    }

    fn serve(config: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            reply: Mutex::new(Arc::new(|_: &Seen| Answer::ok("{\"ok\":true}"))),
            early: Mutex::new(Arc::new(|_: &Seen| None)),
            seen: Mutex::default(),
            arrived: Condvar::new(),
            connections: Mutex::default(),
            handshakes: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if served.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (shared, config) = (Arc::clone(&served), config.clone());
                // A client that breaks off ends its own connection and nothing else.
                thread::spawn(move || drop(connection(&shared, config, stream)));
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers every request from now on by this.
    ///
    /// # Panics
    /// When an answer panicked before.
    pub fn answer(&self, reply: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        *self.shared.reply.lock().unwrap() = Arc::new(reply);
    }

    /// Answers a request before its body is read, where this gives an answer.
    ///
    /// # Panics
    /// When an answer panicked before.
    pub fn answer_early(&self, early: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static) {
        *self.shared.early.lock().unwrap() = Arc::new(early);
    }

    /// Every request so far.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The last request.
    ///
    /// # Panics
    /// When there was none.
    #[track_caller]
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a request arrived")
    }

    /// Waits until so many requests have arrived.
    ///
    /// # Panics
    /// When they do not within half a minute.
    pub fn wait_for(&self, count: usize) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        let (seen, timeout) = self
            .shared
            .arrived
            .wait_timeout_while(seen, PATIENCE, |seen| seen.len() < count)
            .unwrap();
        assert!(!timeout.timed_out(), "{} of {count} arrived", seen.len());
        seen.clone()
    }

    /// How many connections were accepted, handshake or not.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn connections(&self) -> Vec<Connection> {
        self.shared.connections.lock().unwrap().clone()
    }

    /// How many TLS handshakes came to their end.
    pub fn handshakes(&self) -> usize {
        self.shared.handshakes.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    #[expect(
        clippy::disallowed_methods,
        reason = "wakes our own listener, so that it sees that it is over"
    )]
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// One connection, from its handshake to its end.
fn connection(
    shared: &Shared,
    config: Option<Arc<ServerConfig>>,
    stream: TcpStream,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let number = {
        let mut connections = shared.connections.lock().unwrap();
        connections.push(Connection {
            failed: None,
            sni: None,
            requests: 0,
        });
        connections.len() - 1
    };
    let Some(config) = config else {
        // A TLS client gets what a server of plain HTTP says to it.
        let mut first = [0];
        if stream.peek(&mut first)? == 1 && first[0] == 0x16 {
            let mut stream = stream;
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
        }
        return requests(shared, number, None, stream);
    };
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = stream;
    while tls.is_handshaking() {
        if let Err(error) = tls.complete_io(&mut stream) {
            shared.connections.lock().unwrap()[number].failed = Some(error.to_string());
            return Err(error);
        }
    }
    shared.handshakes.fetch_add(1, Ordering::SeqCst);
    let sni = tls.server_name().map(str::to_owned);
    shared.connections.lock().unwrap()[number]
        .sni
        .clone_from(&sni);
    requests(shared, number, sni, StreamOwned::new(tls, stream))
}

/// Answers one request after the other.
fn requests(
    shared: &Shared,
    number: usize,
    sni: Option<String>,
    stream: impl io::Read + io::Write,
) -> io::Result<()> {
    let mut reading = Reading::new(stream);
    while let Some(head) = reading.head()? {
        let (first, headers) = parse_head(&head);
        let mut words = first.split(' ').map(str::to_owned);
        let mut seen = Seen {
            head,
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            headers,
            body: Vec::new(),
            trailers: Vec::new(),
            whole: false,
            connection: number,
            sni: sni.clone(),
        };
        let early = Arc::clone(&shared.early.lock().unwrap())(&seen);
        if early.is_none() {
            if seen.header("expect").is_some() {
                reading.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let body = reading.body(&seen.headers, Otherwise::Empty)?;
            (seen.body, seen.trailers, seen.whole) = (body.bytes, body.trailers, body.whole);
        }
        shared.connections.lock().unwrap()[number].requests += 1;
        shared.seen.lock().unwrap().push(seen.clone());
        shared.arrived.notify_all();
        let answer = match early {
            Some(answer) => answer,
            None => Arc::clone(&shared.reply.lock().unwrap())(&seen),
        };
        if !answer.write(&mut reading.stream)? {
            return Ok(());
        }
        reading.next();
    }
    Ok(())
}
