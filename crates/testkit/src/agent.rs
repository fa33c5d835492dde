//! The agent's side: what a program with a session can do, and everything that comes back to it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use crate::encode::base64;
use crate::http::{Reading, Reply};
use crate::ran::Command;
use crate::tls::client;
use crate::world::Inner;

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program in a session.
pub struct Agent {
    inner: Arc<Inner>,
    /// What `proxy env` gave it.
    pub env: BTreeMap<String, String>,
    /// Its session token.
    pub token: String,
    /// The broker's address, `HOST:PORT`.
    pub broker: String,
}

impl Agent {
    pub(crate) fn new(
        inner: Arc<Inner>,
        env: BTreeMap<String, String>,
        token: String,
        broker: String,
    ) -> Self {
        Self {
            inner,
            env,
            token,
            broker,
        }
    }

    /// The placeholder that stands in this variable.
    ///
    /// # Panics
    /// When there is no such variable.
    #[track_caller]
    pub fn placeholder(&self, variable: &str) -> &str {
        self.env
            .get(variable)
            .unwrap_or_else(|| panic!("no {variable} in {:?}", self.env.keys()))
    }

    /// Any program, with the variables that `proxy env` printed.
    pub fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.inner.namespace.command(program);
        command.args(arguments);
        self.inner.clear(&mut command);
        command.envs(&self.env);
        let shown = format!("{program} {}", arguments.join(" "));
        Command::new(command, shown, Arc::clone(&self.inner.notes))
    }

    /// The real curl, silent but for errors.
    pub fn curl(&self, arguments: &[&str]) -> Command {
        self.program("curl", &[&["-sS", "--max-time", "20"], arguments].concat())
    }

    /// The command line, in this session.
    pub fn withheld(&self, arguments: &[&str]) -> Command {
        let command = self.inner.withheld(arguments);
        command.env("WITHHELD_SESSION", &self.token)
    }

    /// The field that names this session to the proxy.
    pub fn authorization(&self) -> String {
        format!(
            "Proxy-Authorization: Basic {}\r\n",
            base64(format!("withheld:{}", self.token).as_bytes())
        )
    }

    /// `GET` through the proxy, in a tunnel of its own.
    ///
    /// # Panics
    /// When no reply comes.
    #[track_caller]
    pub fn get(&self, url: &str, fields: &[(&str, &str)]) -> Reply {
        self.send("GET", url, fields, b"")
    }

    /// Any request through the proxy, in a tunnel of its own.
    ///
    /// # Panics
    /// When no reply comes.
    #[track_caller]
    pub fn send(&self, method: &str, url: &str, fields: &[(&str, &str)], body: &[u8]) -> Reply {
        let rest = url.strip_prefix("https://").expect("an https URL");
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        self.tunnel(authority).request(method, path, fields, body)
    }

    /// A tunnel to `HOST:PORT`, TLS inside it.
    ///
    /// # Panics
    /// When the broker refuses it.
    #[track_caller]
    pub fn tunnel(&self, authority: &str) -> Tunnel {
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        let target = if authority.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:443")
        };
        let stream = self.connect(&target);
        self.tls(stream, authority, host)
            .expect("TLS inside the tunnel")
    }

    /// A tunnel without TLS in it.
    ///
    /// # Panics
    /// When the broker refuses it.
    #[track_caller]
    pub fn connect(&self, target: &str) -> TcpStream {
        match self.try_connect(target) {
            Ok(stream) => stream,
            Err(reply) => panic!("CONNECT {target}: {}", reply.shown()),
        }
    }

    /// A tunnel without TLS in it, or what the broker said instead.
    ///
    /// # Errors
    /// The refusal.
    ///
    /// # Panics
    /// When no reply comes.
    pub fn try_connect(&self, target: &str) -> Result<TcpStream, Box<Reply>> {
        let head = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n",
            self.authorization()
        );
        let mut reading = Reading::new(self.stream());
        reading
            .stream
            .write_all(head.as_bytes())
            .expect("a head goes out");
        let reply = reading.reply("CONNECT");
        self.inner
            .notes
            .saw(format!("CONNECT {target}"), reading.seen());
        let reply = reply.expect("a reply to CONNECT");
        if reply.status == 200 {
            Ok(reading.into_stream())
        } else {
            Err(Box::new(reply))
        }
    }

    /// TLS for `name` on a connection; `authority` is what its requests name as Host.
    ///
    /// # Errors
    /// Why the handshake failed.
    ///
    /// # Panics
    /// When the home has no certificate, or `name` is none.
    pub fn tls(&self, stream: TcpStream, authority: &str, name: &str) -> std::io::Result<Tunnel> {
        let pem = std::fs::read(self.inner.home().join("ca/ca.pem")).expect("the CA's certificate");
        let stream = client(&pem, stream, name)?;
        Ok(Tunnel {
            reading: Reading::new(stream),
            authority: authority.to_owned(),
            inner: Arc::clone(&self.inner),
        })
    }

    /// Exactly these bytes to the broker's port, and the reply, if one comes.
    ///
    /// # Panics
    /// When the port does not answer.
    pub fn raw(&self, bytes: &[u8]) -> Option<Reply> {
        let mut reading = Reading::new(self.stream());
        // A broker that refuses early may close before all of it is out.
        drop(reading.stream.write_all(bytes));
        let method =
            String::from_utf8_lossy(bytes.split(|byte| *byte == b' ').next().unwrap_or_default())
                .into_owned();
        let reply = reading.reply(&method).ok();
        self.inner.notes.saw("the broker's port", reading.seen());
        reply
    }

    /// A request to `/call`.
    pub fn call(&self, method: &str, url: &str) -> Call<'_> {
        Call {
            agent: self,
            path: "/call".to_owned(),
            method: method.to_owned(),
            fields: vec![
                ("Host".to_owned(), self.broker.clone()),
                ("Withheld-Url".to_owned(), url.to_owned()),
                ("Withheld-Session".to_owned(), self.token.clone()),
            ],
            body: Vec::new(),
        }
    }

    /// A connection to the broker's port.
    ///
    /// # Panics
    /// When the port does not answer.
    pub fn stream(&self) -> TcpStream {
        self.try_stream().expect("the broker's port")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a client under test dials the broker"
    )]
    fn try_stream(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.broker)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

/// A request to `/call` or its alias, not sent yet.
pub struct Call<'a> {
    agent: &'a Agent,
    path: String,
    method: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call<'_> {
    /// Names a secret.
    #[must_use]
    pub fn secret(self, name: &str) -> Self {
        self.field("Withheld-Secret", name)
    }

    /// Names a secret and its place.
    #[must_use]
    pub fn inject(self, place: &str) -> Self {
        self.field("Withheld-Inject", place)
    }

    /// One more field.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One field less.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Another path of the broker.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// A body, with its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it.
    ///
    /// # Panics
    /// When no reply comes.
    #[track_caller]
    pub fn send(self) -> Reply {
        self.try_send().expect("a reply to the call")
    }

    /// Sends it, to a broker that may be gone.
    ///
    /// # Errors
    /// When no reply comes.
    pub fn try_send(self) -> std::io::Result<Reply> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.fields {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !self.body.is_empty() {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        let mut reading = Reading::new(self.agent.try_stream()?);
        reading.stream.write_all(&bytes)?;
        let reply = reading.reply(&self.method);
        let place = format!("{} {}", self.method, self.path);
        self.agent.inner.notes.saw(place, reading.seen());
        reply
    }
}

/// TLS with the broker, inside a tunnel.
pub struct Tunnel {
    reading: Reading<StreamOwned<ClientConnection, TcpStream>>,
    authority: String,
    inner: Arc<Inner>,
}

impl Tunnel {
    /// One request with Host, and with a length where there is a body.
    ///
    /// # Panics
    /// When no reply comes.
    #[track_caller]
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut bytes =
            format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.authority).into_bytes();
        for (name, value) in fields {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.raw(&bytes).expect("a reply in the tunnel")
    }

    /// Exactly these bytes, and the reply, if one comes.
    pub fn raw(&mut self, bytes: &[u8]) -> Option<Reply> {
        self.write(bytes);
        let method =
            String::from_utf8_lossy(bytes.split(|byte| *byte == b' ').next().unwrap_or_default())
                .into_owned();
        self.reply(&method)
    }

    /// Exactly these bytes, and no wait for a reply.
    pub fn write(&mut self, bytes: &[u8]) {
        // A broker that refuses early may close before all of it is out.
        drop(self.reading.stream.write_all(bytes));
        drop(self.reading.stream.flush());
    }

    /// The next reply, if one comes.
    pub fn reply(&mut self, method: &str) -> Option<Reply> {
        let reply = self.reading.reply(method).ok();
        self.inner.notes.saw(
            format!("the tunnel to {}", self.authority),
            self.reading.seen(),
        );
        reply
    }

    /// The next bytes as they come, in one piece of the broker's making; nothing at the end.
    pub fn piece(&mut self) -> Vec<u8> {
        let mut piece = vec![0; 64 << 10];
        let count = self.reading.stream.read(&mut piece).unwrap_or(0);
        piece.truncate(count);
        self.inner
            .notes
            .saw(format!("the tunnel to {}", self.authority), piece.clone());
        piece
    }

    /// Everything to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let rest = self.reading.rest();
        self.inner
            .notes
            .saw(format!("the tunnel to {}", self.authority), rest.clone());
        rest
    }

    /// What the broker's certificate names, as DER.
    pub fn certificate(&self) -> Vec<u8> {
        self.reading
            .stream
            .conn
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|leaf| leaf.to_vec())
            .unwrap_or_default()
    }
}
