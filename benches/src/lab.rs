//! The stand: the origin, and every subject set up before it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hyper::header::HeaderValue;

use crate::child::{Process, Started};
use crate::figures::{Figures, Measure, Who, mib};
use crate::load::{self, Route, Tally, Work};
use crate::ours::{Durability, Ours};
use crate::tls::{self, Authority, HOST, Resume};
use crate::upstream::Upstream;
use crate::{Options, Outcome, connect, floor, procstat, shuffle};

/// What a client of a proxy that injects sends where the proxy knows no placeholder of its own.
const STAND_IN: &str = "stands-for-the-credential-of-the-bench";

/// A subject that runs.
pub(crate) struct Subject {
    /// Which one it is.
    pub(crate) who: Who,
    route: Route,
    /// None of the direct way.
    process: Option<Process>,
}

impl Subject {
    /// The process to look at.
    pub(crate) fn watched(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }
}

/// What every subject has in common.
pub(crate) struct Lab {
    folder: PathBuf,
    upstream: Upstream,
    authority: String,
    credential: String,
    origin_ca: String,
    floor_ca: String,
    brokers: BTreeMap<Who, Ours>,
}

impl Lab {
    /// Starts the origin, and sets up what the subjects read at their start.
    ///
    /// # Errors
    /// When a command of the program fails, or the system gives no port or file.
    pub(crate) fn new(folder: &Path, options: &Options) -> Outcome<Self> {
        let credential = tls::random_text()?;
        let (origin, floor) = (
            Authority::new("bench origin")?,
            Authority::new("bench floor")?,
        );
        let upstream = Upstream::start(&origin.leaf()?, &credential)?;
        let authority = format!("{HOST}:{}", upstream.address().port());
        floor::save(folder, &floor.leaf()?, origin.pem(), &credential)?;
        let origin_pem = folder.join("origin-ca.pem");
        let mut brokers = BTreeMap::new();
        if let Some(program) = &options.withheld {
            for (who, durability) in durabilities(options.quick) {
                let home = folder.join(who.name());
                let broker = Ours::set_up(
                    program,
                    &home,
                    &authority,
                    &origin_pem,
                    &credential,
                    durability,
                )?;
                brokers.insert(who, broker);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            upstream,
            authority,
            credential,
            origin_ca: origin.pem().to_owned(),
            floor_ca: floor.pem().to_owned(),
            brokers,
        })
    }

    /// Who can be measured.
    pub(crate) fn present(&self) -> impl Iterator<Item = Who> {
        Who::ALL
            .into_iter()
            .filter(|who| Who::YARDSTICKS.contains(who) || self.brokers.contains_key(who))
    }

    /// Starts a subject again and again, and leaves the last one running.
    ///
    /// # Errors
    /// When it does not start, or gives no first answer.
    pub(crate) fn start_often(
        &self,
        who: Who,
        starts: usize,
        figures: &mut Figures,
    ) -> Outcome<Subject> {
        let mut subject = self.start(who, figures)?;
        if who != Who::Direct {
            for _ in 1..starts {
                self.stop(subject)?;
                subject = self.start(who, figures)?;
            }
        }
        Ok(subject)
    }

    /// From its start to its first answer, less what the owner's passphrase takes to check.
    fn start(&self, who: Who, figures: &mut Figures) -> Outcome<Subject> {
        let started = match who {
            Who::Direct => None,
            Who::Tunnel => Some(yardstick(&["tunnel".as_ref()])?),
            Who::Floor => Some(yardstick(&["floor".as_ref(), self.folder.as_ref()])?),
            Who::Ours | Who::Power => {
                let broker = self.broker(who)?;
                let started = broker.start()?;
                broker.unlock()?;
                Some(started)
            }
        };
        let until_ready = started.as_ref().map(|started| started.took);
        let subject = self.subject(who, started)?;
        let first = load::first(&subject.route)?;
        let start = until_ready.map(|ready| (ready + first).as_secs_f64() * 1e3);
        figures.take(who, Measure::Start, start);
        let idle = subject.watched().and_then(procstat::rss_kib);
        figures.take(who, Measure::RssIdle, idle.map(mib));
        Ok(subject)
    }

    fn broker(&self, who: Who) -> Outcome<&Ours> {
        let broker = self.brokers.get(&who);
        broker.ok_or_else(|| "no program to measure was named".into())
    }

    fn subject(&self, who: Who, started: Option<Started>) -> Outcome<Subject> {
        let (roots, bearer) = match who {
            Who::Direct | Who::Tunnel => (self.origin_ca.clone(), self.credential.as_str()),
            Who::Floor => (self.floor_ca.clone(), STAND_IN),
            Who::Ours | Who::Power => {
                let broker = self.broker(who)?;
                (broker.ca_pem()?, broker.placeholder.as_str())
            }
        };
        let token = self.brokers.get(&who).map(|broker| broker.token.as_str());
        let connect = started
            .as_ref()
            .map(|_| connect::head(&self.authority, token));
        let route = Route {
            address: started
                .as_ref()
                .map_or(self.upstream.address(), |started| started.address),
            connect,
            authority: self.authority.clone(),
            tls: tls::client(&roots, Resume::No)?,
            authorization: HeaderValue::from_str(&format!("Bearer {bearer}"))?,
        };
        Ok(Subject {
            who,
            route,
            process: started.map(|started| started.process),
        })
    }

    /// Runs a load and proves it: the origin must have seen the credential with every answer.
    ///
    /// # Errors
    /// When it has not.
    pub(crate) fn load(
        &self,
        subject: &Subject,
        work: Work,
        figures: &mut Figures,
    ) -> Outcome<Tally> {
        let before = self.upstream.counts().proven();
        let tally = load::run(&subject.route, work, subject.watched());
        figures.take_errors(subject.who, &tally);
        let proven = self.upstream.counts().proven() - before;
        if proven < tally.answers {
            let who = subject.who.name();
            return Err(format!("{who}: {} answers, {proven} at the origin", tally.answers).into());
        }
        Ok(tally)
    }

    /// Handshakes that the origin has seen so far.
    pub(crate) fn handshakes(&self) -> u64 {
        self.upstream.counts().handshakes()
    }

    fn stop(&self, mut subject: Subject) -> Outcome {
        match (self.brokers.get(&subject.who), &mut subject.process) {
            (Some(broker), Some(process)) => broker.stop(process),
            _ => Ok(()),
        }
    }

    /// Ends every subject as a person would.
    ///
    /// # Errors
    /// When one does not end.
    pub(crate) fn end(&self, subjects: Vec<Subject>) -> Outcome {
        subjects
            .into_iter()
            .try_for_each(|subject| self.stop(subject))
    }
}

/// Which brokers are measured. Waiting for the disk says more of the disk than of us: not when quick.
fn durabilities(quick: bool) -> Vec<(Who, Durability)> {
    let mut brokers = vec![(Who::Ours, Durability::Process)];
    if !quick {
        brokers.push((Who::Power, Durability::Power));
    }
    brokers
}

fn yardstick(role: &[&OsStr]) -> Outcome<Started> {
    Process::start(Command::new(std::env::current_exe()?).args(role))
}

/// A folder that only this user can read. It goes when this is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one.
    ///
    /// # Errors
    /// When there is no place for it.
    pub(crate) fn new() -> Outcome<Self> {
        let name = format!("withheld-bench-{:x}", shuffle::seed());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in the folder for temporary files, where a person would look.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
