//! A man in the middle between a team's clients and its server: plain HTTP/1.1 on loopback. It keeps every
//! byte of both directions, and answers otherwise than the server did where a script says so.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::http::{Otherwise, Reading, Reply, parse_head};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request, and what the server said to it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// What stands behind the `?`.
    pub query: String,
    /// The request's body.
    pub body: Vec<u8>,
    /// Every byte of the request.
    pub raw: Vec<u8>,
    /// The server's own answer, whatever the client was given; none where it gave none.
    pub answer: Option<Reply>,
}

impl Exchange {
    /// Whether it is this method on a path that ends like this.
    pub fn is(&self, method: &str, end: &str) -> bool {
        self.method == method && self.path.ends_with(end)
    }

    /// The status of the server's answer.
    pub fn status(&self) -> Option<u16> {
        self.answer.as_ref().map(|answer| answer.status)
    }

    /// The server's answer as JSON.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        self.answer.as_ref().expect("an answer").json()
    }

    /// The server's answer with another body.
    ///
    /// # Panics
    /// When the server gave none.
    #[track_caller]
    pub fn with(&self, body: &serde_json::Value) -> Changed {
        let answer = self.answer.as_ref().expect("an answer");
        Changed {
            status: answer.status,
            fields: answer.headers.clone(),
            body: body.to_string().into_bytes(),
        }
    }
}

/// What the client is given in place of the server's answer.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The status.
    pub status: u16,
    /// The fields; its length is added.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Changed {
    /// An answer of these bytes.
    pub fn bytes(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            fields: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.into(),
        }
    }

    /// An answer that another server gave.
    pub fn of(reply: &Reply) -> Self {
        Self {
            status: reply.status,
            fields: reply.headers.clone(),
            body: reply.body.clone(),
        }
    }

    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Changed\r\n", self.status);
        for (name, value) in &self.fields {
            if name != "content-length" && name != "transfer-encoding" {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        // A status without a body has no length either.
        if self.status != 304 {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(&[head.as_bytes(), &self.body].concat())
    }
}

type Script = dyn Fn(&Exchange) -> Option<Changed> + Send + Sync;

struct Shared {
    server: Mutex<SocketAddr>,
    script: Mutex<Option<Arc<Script>>>,
    seen: Mutex<Vec<Exchange>>,
    stopped: AtomicBool,
}

/// The running tap. Its address is the one that clients are told: a server that is started anew may take
/// another port. Dropped, it takes no further connection.
pub struct Tap {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Tap {
    /// One in front of this server.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            script: Mutex::default(),
            seen: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if served.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&served);
                // A client that breaks off ends its own connection and nothing else.
                thread::spawn(move || drop(connection(&shared, stream)));
            }
        });
        Self { address, shared }
    }

    /// The URL that clients are told.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the server is from now on.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.shared.server.lock().unwrap() = server;
    }

    /// Gives clients what this gives, from now on; the server's own answer where it gives nothing.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn script(&self, script: impl Fn(&Exchange) -> Option<Changed> + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Some(Arc::new(script));
    }

    /// The server is honest again.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn honest(&self) {
        *self.shared.script.lock().unwrap() = None;
    }

    /// What was asked and answered so far, oldest first.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn seen(&self) -> Vec<Exchange> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The same, and forgets it.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }

    /// Sends exactly these bytes to the server; its answer is none of a client's.
    ///
    /// # Panics
    /// When none comes.
    pub fn send(&self, raw: &[u8]) -> Reply {
        let method = raw.split(|byte| *byte == b' ').next().unwrap_or_default();
        let method = String::from_utf8_lossy(method).into_owned();
        let server = *self.shared.server.lock().unwrap();
        forward(server, &method, raw).expect("an answer of the server")
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes our own listener, so that it sees that it is over.
        drop(dial(self.address));
    }
}

/// Hands on one request after the other.
fn connection(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reading = Reading::new(stream);
    while let Some(head) = reading.head()? {
        let (first, fields) = parse_head(&head);
        let body = reading.body(&fields, Otherwise::Empty)?;
        let mut words = first.split(' ').map(str::to_owned);
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut exchange = Exchange {
            path: path.to_owned(),
            query: query.to_owned(),
            body: body.bytes,
            raw: reading.raw.clone(),
            answer: None,
            method,
        };
        let server = *shared.server.lock().unwrap();
        if body.whole {
            exchange.answer = forward(server, &exchange.method, &exchange.raw).ok();
        }
        shared.seen.lock().unwrap().push(exchange.clone());
        // A server that died meanwhile: its client sees just that.
        let Some(answer) = &exchange.answer else {
            return Ok(());
        };
        let script = shared.script.lock().unwrap().clone();
        match script.and_then(|script| script(&exchange)) {
            Some(changed) => changed.write(&mut reading.stream)?,
            None => reading.stream.write_all(&answer.raw)?,
        }
        reading.next();
    }
    Ok(())
}

/// One request on a connection of its own, so that none is lost to one that the server had closed.
pub(crate) fn forward(server: SocketAddr, method: &str, raw: &[u8]) -> std::io::Result<Reply> {
    let mut reading = Reading::new(dial(server)?);
    reading.stream.write_all(raw)?;
    let reply = reading.reply(method)?;
    if reply.whole {
        Ok(reply)
    } else {
        Err(std::io::Error::other("an answer that was cut"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "stands between a client under test and its server"
)]
fn dial(to: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

#[cfg(test)]
mod tests;
