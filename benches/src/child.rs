//! A process that is measured: how one starts, says where it listens, and ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::Outcome;

/// Worker threads of each yardstick and of the origin.
const WORKERS: usize = 2;

/// The runtime that each yardstick runs on.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()?)
}

/// Runs a yardstick: it listens, says where, and ends with its parent.
///
/// # Errors
/// When there is no port.
pub(crate) fn serve<F>(accept: impl FnOnce(TcpListener) -> F) -> Outcome
where
    F: Future<Output = ()>,
{
    runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("ready {}", listener.local_addr()?);
        let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        tokio::select! {
            () = accept(listener) => Ok(()),
            _ = parent => Ok(()),
        }
    })
}

/// A started process. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    /// Open for as long as the process is to run: a yardstick ends when this closes.
    stdin: Option<ChildStdin>,
    /// Open, so that a later line does not break its pipe.
    _stdout: Option<BufReader<ChildStdout>>,
}

/// A process that listens.
pub(crate) struct Started {
    /// It.
    pub(crate) process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start to the line that says so.
    pub(crate) took: Duration,
}

impl Process {
    /// Starts one and waits for the line in which it names its address.
    ///
    /// # Errors
    /// When it does not start, or ends without such a line.
    pub(crate) fn start(command: &mut Command) -> Outcome<Started> {
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("no pipe for its output")?;
        let mut process = Self {
            child,
            stdin,
            _stdout: None,
        };
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if stdout.read_line(&mut line)? == 0 {
                return Err("a process that is measured did not say where it listens".into());
            }
            if let Some(address) = address_in(&line) {
                break address;
            }
        };
        let took = began.elapsed();
        process._stdout = Some(stdout);
        Ok(Started {
            process,
            address,
            took,
        })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for an end that was asked for elsewhere.
    ///
    /// Returns whether it came in time.
    pub(crate) fn ended_within(&mut self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(_)) => return true,
                Ok(None) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(None) | Err(_) => return false,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It may have ended by itself: then there is nothing to kill, only to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first address in a line, whatever stands round it.
pub(crate) fn address_in(line: &str) -> Option<SocketAddr> {
    line.split(|c: char| c.is_whitespace() || c == '"')
        .find_map(|word| word.strip_prefix("http://").unwrap_or(word).parse().ok())
}
