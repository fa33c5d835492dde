//! The blind post office of a team: stores, orders and hands out what clients sealed and signed. It is
//! trusted for availability only; the rules that it checks are hygiene, and no client relies on them.
//!
//! This crate must never know: a key, a value, a name.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answers;
mod auth;
mod bodies;
mod bootstrap;
mod config;
mod crowd;
mod handlers;
mod ledger;
mod limits;
mod listen;
mod note;
mod office;
mod problem;
mod router;
pub mod store;
mod verify;

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use withheld_core::{Code, Refusal};
use withheld_system::ending;

pub use config::{Asked, Config, TlsFiles, database};
pub use note::{Log, Note};
pub use office::Clock;
pub use verify::{Verified, verify};

use answers::Answers;
use bodies::Bodies;
use bootstrap::Bootstrap;
use ledger::Ledger;
use limits::Rates;
use listen::Door;
use office::Office;
use store::sqlite::shut_others_out;
use store::{Sqlite, Store as _};

/// Between two looks for what is kept only for a while.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A server that is ready to answer.
pub struct Server {
    office: Arc<Office>,
    api: TcpListener,
    tls: Option<TlsAcceptor>,
    health: Option<TcpListener>,
    facts: Facts,
}

/// What a server says of itself when it starts.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where the API answers.
    pub api: SocketAddr,
    /// The file of its certificate; without one it speaks plain HTTP.
    pub certificate: Option<PathBuf>,
    /// Where `/healthz` and `/readyz` answer.
    pub health: Option<SocketAddr>,
    /// The file of the database.
    pub database: PathBuf,
    /// The file with the bootstrap token, while there is one.
    pub bootstrap: Option<PathBuf>,
}

/// Runs a server until the process gets SIGTERM or SIGINT. `ready` is called when it answers.
///
/// # Errors
/// `config_invalid` for what it was given, `store_unavailable` for the database.
pub fn serve(
    config: &Config,
    clock: Clock,
    log: Log,
    ready: impl FnOnce(&Facts),
) -> Result<(), Refusal> {
    runtime()?.block_on(async {
        let signalled = ending::asked().map_err(|_| no_runtime())?;
        let server = Server::open(config, clock, log).await?;
        ready(server.facts());
        server.run(signalled).await;
        Ok(())
    })
}

impl Server {
    /// Reads the certificate, takes the addresses, opens the database.
    ///
    /// # Errors
    /// `config_invalid` for what it was given, `store_unavailable` for the database.
    pub async fn open(config: &Config, clock: Clock, log: Log) -> Result<Self, Refusal> {
        let tls = config.tls.as_ref().map(listen::tls).transpose()?;
        let api = listen::bind(config.listen).await?;
        let health = match config.health {
            Some(address) => Some(listen::bind(address).await?),
            None => None,
        };
        let store = open(&config.database, &log).await?;
        let bootstrap = bootstrap(&store, &config.database, clock(), &log).await?;
        let facts = Facts {
            api: api.local_addr().map_err(|_| no_runtime())?,
            certificate: config.tls.as_ref().map(|files| files.cert.clone()),
            health: health.as_ref().and_then(|it| it.local_addr().ok()),
            database: absolute(&config.database),
            bootstrap: bootstrap.file().map(absolute),
        };
        let office = Arc::new(Office {
            ledger: Ledger::new(store, config.limits),
            limits: config.limits,
            rates: Rates::new(),
            bodies: Bodies::new(),
            answers: Answers::new(),
            bootstrap,
            clock,
            log,
            is_behind_proxy: config.tls.is_none(),
        });
        Ok(Self {
            office,
            api,
            tls,
            health,
            facts,
        })
    }

    /// What it says of itself.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Answers until `stop` ends. Then it accepts nothing more, lets running requests end for at most
    /// ten seconds, and closes the database.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let log = Arc::clone(&self.office.log);
        log(&Note::Start);
        let (tell, told) = watch::channel(false);
        let api = Door {
            listener: self.api,
            tls: self.tls,
            router: router::api(Arc::clone(&self.office)),
        };
        let api = listen::serve(api, told.clone(), Arc::clone(&log));
        let health = async {
            if let Some(listener) = self.health {
                let door = Door {
                    listener,
                    tls: None,
                    router: router::health(Arc::clone(&self.office)),
                };
                listen::serve(door, told, Arc::clone(&log)).await;
            }
        };
        let stopping = async {
            stop.await;
            log(&Note::Stop);
            // Fails when nobody listens any more, which is what it is for.
            let _ = tell.send(true);
        };
        tokio::select! {
            _ = async { tokio::join!(api, health, stopping) } => {}
            () = tidy(&self.office) => {}
        }
        self.office.ledger.store().close().await;
        log(&Note::Stopped);
    }
}

/// Drops, now and every hour, what is kept only for a while. Never ends.
async fn tidy(office: &Office) {
    let mut hours = tokio::time::interval(HOUR);
    loop {
        hours.tick().await;
        if let Err(why) = office.ledger.store().drop_old_slots(office.now()).await {
            failed(&office.log, &why);
        }
    }
}

async fn open(database: &Path, log: &Log) -> Result<Sqlite, Refusal> {
    let opened = match shut_others_out(database) {
        Ok(was_open) => {
            if was_open {
                log(&Note::Notice {
                    text: "other accounts could read the database; now this one alone can",
                });
            }
            Sqlite::open(database).await
        }
        Err(why) => Err(why),
    };
    opened.map_err(|why| {
        failed(log, &why);
        Refusal::new(
            Code::StoreUnavailable,
            "the database cannot be opened",
            "check the file behind --database and its folder: this user must be able to write both",
        )
    })
}

async fn bootstrap(
    store: &Sqlite,
    database: &Path,
    now: u64,
    log: &Log,
) -> Result<Bootstrap, Refusal> {
    let any = store.workspaces(None, 1).await.map_err(|why| {
        failed(log, &why);
        unreadable()
    })?;
    if any.is_empty() {
        Bootstrap::needed(database, now)
    } else {
        Ok(Bootstrap::over(database))
    }
}

fn failed(log: &Log, why: &dyn std::fmt::Display) {
    log(&Note::Error {
        text: &why.to_string(),
    });
}

fn unreadable() -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        "the database cannot be read",
        "see what is wrong with it: withheld server verify",
    )
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn runtime() -> Result<tokio::runtime::Runtime, Refusal> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().map_err(|_| no_runtime())
}

fn no_runtime() -> Refusal {
    Refusal::new(
        Code::Internal,
        "the system gave no threads, signals or sockets",
        "raise the limits of this user (ulimit -n, ulimit -u), and start again",
    )
}
