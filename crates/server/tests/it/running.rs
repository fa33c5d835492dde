//! A server of a test's own: its folder, its clock, its log.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use withheld_server::{Asked, Config, Facts, Note, Server, verify};
use withheld_team::api::{Bundle, Heads};
use withheld_testkit::Temp;

use crate::client::{Client, Reply};
use crate::team::{Device, NOW, Team};

/// A folder with a database, a clock and a log, which a server can be started over again and again.
pub(crate) struct Ground {
    pub(crate) folder: Temp,
    now: Arc<AtomicU64>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self {
            folder: Temp::new(),
            now: Arc::new(AtomicU64::new(NOW)),
            log: Arc::default(),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("withheld.db")
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder.path().join("bootstrap-token")
    }

    pub(crate) fn token(&self) -> String {
        let text = std::fs::read_to_string(self.token_file()).unwrap();
        text.trim_end().to_owned()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Sets the server's clock, in milliseconds.
    pub(crate) fn set_clock(&self, now: u64) {
        self.now.store(now, Ordering::SeqCst);
    }

    pub(crate) fn start(&self) -> Running {
        self.start_with(|_| ())
    }

    pub(crate) fn start_with(&self, edit: impl FnOnce(&mut Config)) -> Running {
        let mut config = Config::read(&Asked {
            listen: Some("127.0.0.1:0".to_owned()),
            health: Some("127.0.0.1:0".to_owned()),
            database: Some(format!("sqlite:{}", self.database().display())),
            ..Asked::default()
        })
        .unwrap();
        edit(&mut config);
        let (now, log) = (Arc::clone(&self.now), Arc::clone(&self.log));
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let clock = Arc::new(move || now.load(Ordering::SeqCst));
                let log = Arc::new(move |note: &Note<'_>| {
                    log.lock().unwrap().push(note.to_string());
                });
                let server = Server::open(&config, clock, log).await.unwrap();
                tell.send(server.facts().clone()).unwrap();
                server
                    .run(async {
                        // Dropped without a word it is over, too.
                        let _ = stopped.await;
                    })
                    .await;
            });
        });
        let facts = told.recv().expect("a server");
        Running {
            facts,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A server with a workspace, made by the bootstrap token.
    pub(crate) fn with_team(&self, edit: impl FnOnce(&mut Config)) -> (Running, Team) {
        let running = self.start_with(edit);
        let (team, bundle) = Team::found(Device::new(1));
        let reply = running.client().create(&self.token(), &bundle);
        assert_eq!(reply.status, 201, "{reply:?}");
        (running, team)
    }

    /// Asserts that every chain and everything beside it is as it must be.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let log: withheld_server::Log = Arc::new(|_| ());
        for ws in verify(&self.database(), &log).unwrap() {
            assert_eq!(ws.differences, Vec::<String>::new());
        }
    }
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) facts: Facts,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn client(&self) -> Client {
        Client::new(self.facts.api)
    }

    pub(crate) fn health(&self) -> SocketAddr {
        self.facts.health.unwrap()
    }

    /// Tells it to stop, and does not wait.
    pub(crate) fn tell_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops it and waits until it has.
    pub(crate) fn stop(mut self) {
        self.tell_to_stop();
        self.thread.take().unwrap().join().unwrap();
    }

    /// Appends a bundle as a device, and asserts that it is stored.
    #[track_caller]
    pub(crate) fn append(&self, team: &Team, by: &Device, bundle: &Bundle) -> Heads {
        let reply = self.try_append(team, by, bundle);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    pub(crate) fn try_append(&self, team: &Team, by: &Device, bundle: &Bundle) -> Reply {
        let body = serde_json::to_vec(bundle).unwrap();
        let path = team.path("/links");
        self.client().signed(by, "POST", &path, &body)
    }

    #[track_caller]
    pub(crate) fn heads(&self, team: &Team, by: &Device) -> Heads {
        let reply = self.client().signed(by, "GET", &team.path("/heads"), b"");
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tell_to_stop();
        if let Some(thread) = self.thread.take() {
            // Its own panic is reported by the thread; a second one would hide it.
            drop(thread.join());
        }
    }
}
