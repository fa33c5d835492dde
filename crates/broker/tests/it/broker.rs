//! A broker in this process, and who asks it: over its real doors, with code that is not the broker's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use withheld_core::Refusal;
use withheld_core::api::{IntakePublic, Nonce, OwnerRequest};
use withheld_testkit::{Authority, Temp, Upstream};
use withheld_vault::Home;
use withheld_vault::intake::{How, PublicKey, from_file, passphrase_file};

pub(crate) const CANARY: &str = "whCANARY7Qm2xV9tLk4RzP8sWn3B";

/// A running broker, and what the owner has at hand.
pub(crate) struct Broker {
    temp: Temp,
    pub(crate) address: SocketAddr,
    thread: JoinHandle<Result<(), Refusal>>,
}

impl Broker {
    pub(crate) fn start(temp: Temp) -> Self {
        let home = Home::at(&temp.path().join("home")).unwrap();
        home.create().unwrap();
        home.write(&home.config(), b"listen = \"127.0.0.1:0\"\n")
            .unwrap();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            withheld_broker::serve(home, false, move |address| tell.send(address).unwrap())
        });
        let Ok(address) = told.recv() else {
            panic!("{:?}", thread.join());
        };
        Self {
            temp,
            address,
            thread,
        }
    }

    pub(crate) fn home(&self) -> Home {
        Home::at(&self.temp.path().join("home")).unwrap()
    }

    pub(crate) fn stop(self) -> Temp {
        self.owner(&json!({"do": "stop"}));
        self.ended()
    }

    /// Waits for the end of a broker that was told to stop.
    pub(crate) fn ended(self) -> Temp {
        self.thread.join().unwrap().unwrap();
        self.temp
    }

    /// The whole answer of the owner's socket.
    pub(crate) fn asked(&self, request: &Value) -> Value {
        self.sent(&self.sealed_call(request))
    }

    /// The whole answer to a call as it stands.
    pub(crate) fn sent(&self, call: &Value) -> Value {
        let reply = over(&self.home().owner_sock(), &api(call, ""));
        serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// The call for a request, with the passphrases sealed for it.
    pub(crate) fn sealed_call(&self, request: &Value) -> Value {
        let mut request = request.clone();
        let mut typed = Vec::new();
        for place in ["proof", "passphrase", "new"] {
            if let Some(passphrase) = request[place]["typed"].as_str() {
                typed.push((place, passphrase.to_owned()));
                request[place] = json!("AAAA");
            }
        }
        if typed.is_empty() {
            return json!({ "request": request });
        }
        let hello = self.owner(&json!({"do": "hello"}));
        let nonce: Nonce = serde_json::from_value(hello["nonce"].clone()).unwrap();
        let asked: OwnerRequest = serde_json::from_value(request.clone()).unwrap();
        let context = asked.proof_context(&nonce).unwrap();
        let key = key(&hello["proof_key"]);
        for (place, passphrase) in typed {
            let passphrase = passphrase_file(&self.file(&passphrase)).unwrap();
            request[place] = json!(passphrase.seal(&key, &context).unwrap());
        }
        json!({ "nonce": nonce, "request": request })
    }

    pub(crate) fn owner(&self, request: &Value) -> Value {
        let answer = self.asked(request);
        assert!(answer.get("data").is_some(), "{request}: {answer}");
        answer["data"].clone()
    }

    pub(crate) fn agent(&self, request: &Value, fields: &str) -> Value {
        let answer = self.agent_answer(request, fields);
        assert!(answer.get("data").is_some(), "{request}: {answer}");
        answer["data"].clone()
    }

    /// The whole answer of the agents' socket.
    pub(crate) fn agent_answer(&self, request: &Value, fields: &str) -> Value {
        let reply = over(&self.home().agent_sock(), &api(request, fields));
        serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// A passphrase at its place in a request; it is sealed when it is asked.
    pub(crate) fn sealed(&self, passphrase: &str) -> Value {
        json!({ "typed": passphrase })
    }

    pub(crate) fn proof(&self) -> Value {
        self.sealed("correct horse battery")
    }

    pub(crate) fn value(&self, value: &str) -> Value {
        let hello = self.owner(&json!({"do": "hello"}));
        let how = How {
            raw: false,
            shapes: &[],
        };
        let taken = from_file(&self.file(value), &key(&hello["intake_key"]), how);
        json!(taken.unwrap().deposit)
    }

    fn file(&self, text: &str) -> std::path::PathBuf {
        let file = self.temp.path().join("typed");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    pub(crate) fn init(&self) {
        self.owner(&json!({
            "do": "init", "vault": "file", "auto_unlock": false, "passphrase": self.proof(),
        }));
    }

    pub(crate) fn store(&self, bindings: &Value) -> Value {
        self.owner(&json!({
            "do": "store", "environment": "dev", "proof": self.proof(),
            "items": [{"name": "API_KEY", "value": self.value(CANARY), "bindings": bindings}],
        }))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a client under test dials the broker"
    )]
    pub(crate) fn dial(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    pub(crate) fn port(&self, bytes: &str) -> String {
        exchange(self.dial(), bytes)
    }

    /// One request inside a tunnel of its own.
    pub(crate) fn tunnelled(&self, token: &str, to: &str, bytes: &str) -> String {
        let name = to.split(':').next().unwrap();
        let tls = self.tls(self.tunnel(token, to, "HTTP/1.1"), name);
        exchange(tls.unwrap(), bytes)
    }

    /// A tunnel with nothing in it yet.
    pub(crate) fn tunnel(&self, token: &str, to: &str, version: &str) -> TcpStream {
        let mut stream = self.dial();
        let host = match version {
            "HTTP/1.0" => String::new(),
            _ => format!("Host: {to}\r\n"),
        };
        let authorization = STANDARD.encode(format!("withheld:{token}"));
        write!(
            stream,
            "CONNECT {to} {version}\r\n{host}Proxy-Authorization: Basic {authorization}\r\n\r\n"
        )
        .unwrap();
        let head = head(&mut stream);
        assert!(head.contains(" 200 "), "{head}");
        stream
    }

    /// TLS in a tunnel, for this name.
    pub(crate) fn tls(
        &self,
        mut stream: TcpStream,
        name: &str,
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(self.home().ca_pem()).unwrap();
        roots
            .add(CertificateDer::from_pem_slice(&pem).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(tls, stream))
    }
}

fn key(written: &Value) -> PublicKey {
    let written = IntakePublic::parse(written.as_str().unwrap()).unwrap();
    PublicKey::read(&written).unwrap()
}

fn api(request: &Value, fields: &str) -> String {
    let body = request.to_string();
    format!(
        "POST /api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn over(socket: &Path, bytes: &str) -> String {
    exchange(UnixStream::connect(socket).unwrap(), bytes)
}

pub(crate) fn exchange(mut stream: impl std::io::Read + std::io::Write, bytes: &str) -> String {
    stream.write_all(bytes.as_bytes()).unwrap();
    stream.flush().unwrap();
    let mut reply = Vec::new();
    // TLS without a goodbye at the end is for the client to judge; here the bytes are.
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}

pub(crate) fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// The name under which the upstream is reached; the system resolves it to loopback.
pub(crate) fn bindings(upstream: &Upstream, authority: &Authority) -> Value {
    json!([{
        "host": "localhost", "port": upstream.port(), "paths": ["/v1"], "methods": ["GET"],
        "place": "bearer", "private": true, "ca": authority.pem(),
    }])
}
