//! What goes to and fro: looks, pushes, pulls.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::figures::{Act, Figures, Measure, Side, Size, ms};
use super::people::{FIRST, Member, SHARED};
use super::server::Server;
use super::{PATIENCE, crypto::Crypto, disk, typed};
use crate::home::Home;
use crate::{Outcome, shuffle, tls};

/// Between two looks: the server lets a device ask 20 times a second.
const PACE: Duration = Duration::from_millis(50);

/// Looks again and again, with nothing changed.
///
/// # Errors
/// What the program said.
pub(super) fn looks(member: &Member, size: Size, figures: &mut Figures) -> Outcome {
    member.does(&["status"])?;
    for _ in 0..figures.plan.looks {
        thread::sleep(PACE);
        let began = Instant::now();
        member.home.run(&["status"], None)?;
        figures.take(Measure::Status(size), ms(began.elapsed()));
    }
    Ok(())
}

/// Starts the program and nothing else: what every command has in it.
///
/// # Errors
/// When it does not start.
pub(super) fn starts(member: &Member, figures: &mut Figures) -> Outcome {
    for _ in 0..figures.plan.looks {
        let began = Instant::now();
        member.home.command().arg("--version").output()?;
        figures.take(Measure::Start, ms(began.elapsed()));
    }
    Ok(())
}

/// A new version by one member, until another sees it.
///
/// # Errors
/// What the program said, or that it was never seen.
pub(super) fn shows(
    by: &Member,
    to: &Member,
    size: Size,
    seed: &mut u64,
    figures: &mut Figures,
) -> Outcome {
    let follower = Follower::start(&to.home)?;
    for _ in 0..figures.plan.shows {
        // Who follows looks once a second: at another point of it each time.
        *seed = shuffle::step(*seed);
        thread::sleep(Duration::from_millis(*seed % 1000));
        let value = tls::random_text()?;
        let began = Instant::now();
        by.home.run(&["set", FIRST, "--stdin"], Some(&value))?;
        let pushed = by.home.asks(&["push"])?;
        figures.take(Measure::PushOne(size), ms(pushed.took));
        let version = pushed.data["pushed"][0]["version"].as_u64();
        let seen = follower.sees(version.ok_or("a push of a new version pushed nothing")?)?;
        figures.take(Measure::Visible(size), ms(seen.duration_since(began)));
    }
    to.does(&["pull"]).map(drop)
}

/// New secrets, all at once: to the team, and to a colleague. Beside them what the cryptography alone
/// takes, and as many files.
///
/// # Errors
/// What the program said, or that not all of them came.
pub(super) fn batch(
    number: usize,
    by: &Member,
    to: &Member,
    server: &Server,
    figures: &mut Figures,
) -> Outcome {
    let count = figures.plan.batch;
    let names: Vec<String> = (0..count)
        .map(|at| format!("BENCH_{number:02}_{at:05}"))
        .collect();
    typed::set(&by.home, SHARED, &names)?;
    let pushed = by.acts(Act::Push, &["push"], server, figures)?;
    has_all(&pushed["pushed"], count)?;
    let pulled = to.acts(Act::Pull, &["pull"], server, figures)?;
    has_all(&pulled["pulled"], count)?;
    let crypto = Crypto::new()?;
    let (records, sealing) = crypto.seal(count)?;
    figures.take(Measure::Of(Act::Push, Side::Floor), ms(sealing));
    let opening = crypto.open(&records)?;
    figures.take(Measure::Of(Act::Pull, Side::Floor), ms(opening));
    let written = disk::durable_files(&to.home.beside("files"), count)?;
    figures.take(Measure::Files, ms(written));
    Ok(())
}

/// Whether as many went or came as were meant to.
///
/// # Errors
/// When there were fewer or more.
pub(super) fn has_all(list: &Value, count: usize) -> Outcome {
    match list.as_array().map(Vec::len) {
        Some(there) if there == count => Ok(()),
        there => Err(format!("{there:?} secrets went, of {count}").into()),
    }
}

/// `status --follow`, and when it showed which version of the first secret.
struct Follower {
    child: Child,
    shown: Receiver<(Instant, u64)>,
}

impl Follower {
    fn start(home: &Home) -> Outcome<Self> {
        let mut child = home
            .command()
            .args(["status", "--follow", "--json", "--no-input"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no pipe for its output")?;
        let (tell, shown) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let at = Instant::now();
                let version = line.ok().and_then(|line| version_of_first(&line));
                // Nobody listens any more once the last one was seen.
                if version.is_none_or(|version| tell.send((at, version)).is_err()) {
                    break;
                }
            }
        });
        let follower = Self { child, shown };
        follower.shown.recv_timeout(PATIENCE)?;
        Ok(follower)
    }

    fn sees(&self, version: u64) -> Outcome<Instant> {
        loop {
            let (at, shown) = self.shown.recv_timeout(PATIENCE)?;
            if shown >= version {
                return Ok(at);
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended by itself: then there is only to wait for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which version the team has, by a document of `status`.
pub(super) fn version_of_first(line: &str) -> Option<u64> {
    let document: Value = serde_json::from_str(line).ok()?;
    let secrets = document["data"]["secrets"].as_array()?;
    let first = secrets.iter().find(|one| one["name"] == FIRST)?;
    first["remote_version"].as_u64()
}
