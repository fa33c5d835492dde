//! For the tests of this crate: a team's server, as far as one founder without secrets needs it, and a
//! house whose team is there. It can be told to take requests and to answer none.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use withheld_core::Refusal;
use withheld_core::api::AgentRequest;
use withheld_core::name::Environment;
use withheld_team::api::{Bundle, CommitParts, EnvHead, Heads, Position};
use withheld_team::commit::Commit;
use withheld_team::id::Hash;
use withheld_team::links::{Body, Link};

use crate::session::Caller;
use crate::test_house::Case;

/// A house with an open vault, and a server.
pub(crate) struct Founder {
    pub(crate) case: Case,
    pub(crate) server: Server,
    runtime: Runtime,
}

impl Founder {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        Self {
            case: Case::open(),
            server: Server::start(),
            runtime: runtime.unwrap(),
        }
    }

    /// The same, and the team is founded.
    pub(crate) fn with_team() -> Self {
        let founder = Self::new();
        founder.found().unwrap();
        founder.server.asked();
        founder
    }

    pub(crate) fn found(&self) -> Result<Value, Refusal> {
        self.act(json!({
            "act": "create", "name": "acme", "server": self.server.url(), "token": null,
            "founder": "anna",
        }))
    }

    pub(crate) fn share(&self, environment: &str) -> Result<Value, Refusal> {
        self.act(json!({"act": "share", "environment": environment}))
    }

    pub(crate) fn push(&self) -> Result<Value, Refusal> {
        self.inside(|| self.case.agent(push()))
    }

    /// The same by an agent.
    pub(crate) fn push_as(&self, agent: &Caller) -> Result<Value, Refusal> {
        self.inside(|| self.case.agent_as(agent, push()))
    }

    pub(crate) fn act(&self, act: Value) -> Result<Value, Refusal> {
        let request = json!({"do": "team", "ask": act, "proof": null});
        self.inside(|| self.case.ask(request, "proof"))
    }

    pub(crate) fn pull(&self) -> Result<Value, Refusal> {
        let pull = AgentRequest::Pull {
            environment: Some(Environment::dev()),
            names: Vec::new(),
            take: None,
        };
        self.inside(|| self.case.agent(pull))
    }

    /// Does this as a thread of the broker does.
    pub(crate) fn inside<T>(&self, work: impl FnOnce() -> T) -> T {
        let _inside = self.runtime.enter();
        work()
    }
}

fn push() -> AgentRequest {
    AgentRequest::Push {
        environment: Some(Environment::dev()),
        names: Vec::new(),
        take: None,
    }
}

/// The server.
pub(crate) struct Server {
    address: SocketAddr,
    desk: Arc<Desk>,
    asked: Mutex<mpsc::Receiver<String>>,
}

struct Desk {
    /// Takes requests and answers none.
    hangs: AtomicBool,
    /// Takes what is sent and says nothing of it.
    is_deaf: AtomicBool,
    heads: Mutex<Option<Heads>>,
    tell: mpsc::Sender<String>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::channel();
        let desk = Arc::new(Desk {
            hangs: AtomicBool::new(false),
            is_deaf: AtomicBool::new(false),
            heads: Mutex::default(),
            tell,
        });
        let serving = Arc::clone(&desk);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let desk = Arc::clone(&serving);
                thread::spawn(move || desk.serve(&stream.unwrap()));
            }
        });
        Self {
            address,
            desk,
            asked: Mutex::new(asked),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn hang(&self, hangs: bool) {
        self.desk.hangs.store(hangs, Ordering::SeqCst);
    }

    pub(crate) fn be_deaf(&self, is_deaf: bool) {
        self.desk.is_deaf.store(is_deaf, Ordering::SeqCst);
    }

    /// Waits for the next request: its method and path.
    pub(crate) fn asked(&self) -> String {
        self.asked.lock().unwrap().recv().unwrap()
    }

    /// Whether there was one that nobody waited for.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.lock().unwrap().try_recv().is_ok()
    }
}

impl Desk {
    fn serve(&self, stream: &TcpStream) {
        let mut lines = BufReader::new(stream);
        while let Some((line, body)) = request(&mut lines) {
            self.tell.send(line.clone()).unwrap();
            if self.hangs.load(Ordering::SeqCst) {
                // Until whoever asked has gone.
                let _ = lines.read(&mut [0]);
                return;
            }
            let reply = self.reply(&line, &body);
            if line.starts_with("POST") && self.is_deaf.load(Ordering::SeqCst) {
                return;
            }
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length";
            let mut out = stream;
            if write!(out, "{head}: {}\r\n\r\n{reply}", reply.len()).is_err() {
                return;
            }
        }
    }

    fn reply(&self, line: &str, body: &[u8]) -> String {
        let mut heads = self.heads.lock().unwrap();
        if line == "POST /v1/ws" {
            *heads = Some(Heads {
                w: Position {
                    seq: 0,
                    hash: Hash::ZERO,
                },
                envs: Vec::new(),
                rev: 0,
            });
        }
        if let Some(heads) = heads.as_mut() {
            if line.ends_with("/commits") {
                commit(heads, &serde_json::from_slice(body).unwrap());
            } else if line.starts_with("POST") {
                append(heads, &serde_json::from_slice(body).unwrap());
            }
        }
        serde_json::to_string(&*heads).unwrap()
    }
}

/// The line and the body of a request; `None` at the end.
fn request(lines: &mut BufReader<&TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut length = 0;
    let mut first = None;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if first.is_none() {
            let (said, _) = line.rsplit_once(' ')?;
            first = Some(said.to_owned());
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    Some((first?, body))
}

/// How far everything is once this is stored.
fn append(heads: &mut Heads, bundle: &Bundle) {
    if let Some(last) = bundle.links.last() {
        let link = Link::read(&last.0).unwrap();
        heads.w = Position {
            seq: Body::read(&link.body).unwrap().seq,
            hash: link.hash(),
        };
    }
    bundle.commits.iter().for_each(|parts| commit(heads, parts));
    heads.rev += 1;
}

fn commit(heads: &mut Heads, parts: &CommitParts) {
    let commit = Commit::read(&parts.commit.0).unwrap();
    heads.envs.retain(|head| head.env != parts.env);
    heads.envs.push(EnvHead {
        env: parts.env,
        seq: commit.body.seq,
        hash: commit.hash,
    });
    heads.rev += 1;
}
