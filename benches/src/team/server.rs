//! The server of the team, and what asking it costs who does nothing else.

use std::fs::{DirBuilder, File};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::figures::{Figures, Measure, ms};
use crate::child::{self, Process, Started};
use crate::{Outcome, connect};

/// What anybody may ask, unsigned.
const OPEN: &str = "/v1/server";

/// The running server. It ends when this is dropped.
pub(super) struct Server {
    process: Process,
    address: SocketAddr,
    program: PathBuf,
    data: PathBuf,
}

impl Server {
    /// Starts it on a database of its own in this folder, plain on loopback.
    ///
    /// # Errors
    /// When it does not start; what it said is in the folder.
    pub(super) fn start(program: &Path, folder: &Path) -> Outcome<Self> {
        let data = folder.join("data");
        DirBuilder::new().mode(0o700).create(&data)?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir(folder)
            .args(["server", "--listen", "127.0.0.1:0", "--database"])
            .arg(database(&data))
            .stderr(File::create(folder.join("server-log"))?);
        let Started {
            process, address, ..
        } = Process::start(&mut command)?;
        Ok(Self {
            process,
            address,
            program: program.to_owned(),
            data,
        })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// As members write it.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The file with the token that founds a team.
    pub(super) fn token(&self) -> PathBuf {
        self.data.join("bootstrap-token")
    }

    /// Has the database judged from its first byte: figures of a broken team say nothing.
    ///
    /// # Errors
    /// When it is not what its chains say.
    pub(super) fn verify(&self) -> Outcome {
        let verified = Command::new(&self.program)
            .env_clear()
            .args(["server", "verify", "--database"])
            .arg(database(&self.data))
            .output()?;
        if verified.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&verified.stderr);
        Err(format!("the server's database does not verify: {said}").into())
    }

    /// Asks it again and again, on one connection and each time on a new one.
    ///
    /// # Errors
    /// When an answer is not 200.
    pub(super) fn ask(&self, times: usize, figures: &mut Figures) -> Outcome {
        child::runtime()?.block_on(async {
            let mut kept = self.dial().await?;
            for _ in 0..times {
                let began = Instant::now();
                self.get(&mut kept).await?;
                figures.take(Measure::Get, ms(began.elapsed()));
                let began = Instant::now();
                self.get(&mut self.dial().await?).await?;
                figures.take(Measure::GetFresh, ms(began.elapsed()));
            }
            Ok(())
        })
    }

    async fn dial(&self) -> Outcome<SendRequest<Empty<Bytes>>> {
        let stream = connect::dial(self.address).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end is told to whoever sends.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn get(&self, sender: &mut SendRequest<Empty<Bytes>>) -> Outcome {
        sender.ready().await?;
        let request = Request::get(OPEN)
            .header("host", self.address.to_string())
            .body(Empty::new())?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        if status == StatusCode::OK {
            Ok(())
        } else {
            Err(format!("the server answered {status}").into())
        }
    }
}

fn database(data: &Path) -> String {
    format!("sqlite:{}", data.join("withheld.db").display())
}
