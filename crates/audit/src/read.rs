//! Reading the log for people: the two records of a request as one, and filters.
//!
//! Of the records with one `request` id the last counts: the outcome has everything that the intent
//! has. Reading needs no key and no lock, and goes on while a broker writes.

mod follow;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::Path;

use serde::Deserialize;
use withheld_core::destination::Host;
use withheld_core::name::{AgentId, RequestId, SecretName, SessionId};
use withheld_core::{Moment, Refusal, plain};

use crate::chain::Frame;
use crate::folder::{self, Piece};
use crate::record::{
    Kind, Outcome, OwnerRecord, RequestRecord, ResumedRecord, SessionRecord, SyncRecord,
    TunnelRecord,
};

pub use self::follow::Follow;

plain! {
    /// A record of any kind; seals are not shown.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    #[serde(untagged)]
    pub enum Entry {
        /// A request or a tripwire.
        Request(RequestRecord),
        /// A tunnel.
        Tunnel(TunnelRecord),
        /// A session began or ended.
        Session(SessionRecord),
        /// Versions came from the team or went to it.
        Sync(SyncRecord),
        /// Something the owner did.
        Owner(OwnerRecord),
        /// The log went on after a crash.
        Resumed(ResumedRecord),
    }

    /// A record as it is shown.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct Shown {
        /// Its number in the log.
        pub seq: u64,
        /// The record.
        #[serde(flatten)]
        pub entry: Entry,
    }
}

/// Which records are wanted. Every field that is set narrows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this agent.
    pub agent: Option<AgentId>,
    /// Of this session.
    pub session: Option<SessionId>,
    /// Not what the owner did.
    pub without_owner: bool,
    /// About this secret.
    pub secret: Option<SecretName>,
    /// To this host.
    pub host: Option<Host>,
    /// Only what was refused.
    pub denied: bool,
    /// Not dated before this.
    pub since: Option<Moment>,
    /// Not more than so many, the newest.
    pub last: Option<usize>,
}

/// The records of a log's folder that a filter lets through, oldest first.
///
/// Segments are read from the newest back, up to the first that lies before `since` as a whole.
///
/// # Errors
/// `store_unavailable` when the folder cannot be read, `log_broken` when a segment is missing.
pub fn records(folder: &Path, filter: &Filter) -> Result<Vec<Shown>, Refusal> {
    let last = filter.last.unwrap_or(usize::MAX);
    let mut found = VecDeque::new();
    let mut told = HashSet::new();
    for number in folder::segments(folder)?.into_iter().rev() {
        if found.len() >= last {
            break;
        }
        let mut part = Part::new(filter, last - found.len(), &mut told);
        folder::lines(folder, number, |piece| {
            if let Piece::Line(line) = piece {
                part.add(line);
            }
            Ok(())
        })?;
        let (newest, kept) = part.end();
        kept.into_iter()
            .rev()
            .for_each(|shown| found.push_front(shown));
        if newest
            .zip(filter.since)
            .is_some_and(|(newest, since)| newest < since)
        {
            break;
        }
    }
    Ok(found.into())
}

/// What is wanted of one segment, while it is read from its beginning. It never holds more than that.
struct Part<'a> {
    filter: &'a Filter,
    room: usize,
    /// Requests of newer segments.
    told: &'a mut HashSet<RequestId>,
    kept: BTreeMap<u64, Shown>,
    /// Where the newest record of each request stands.
    standing: HashMap<RequestId, u64>,
    newest: Option<Moment>,
}

impl<'a> Part<'a> {
    fn new(filter: &'a Filter, room: usize, told: &'a mut HashSet<RequestId>) -> Self {
        Self {
            filter,
            room,
            told,
            kept: BTreeMap::new(),
            standing: HashMap::new(),
            newest: None,
        }
    }

    fn add(&mut self, line: &[u8]) {
        let Some(shown) = Shown::read(line) else {
            return;
        };
        self.newest = self.newest.max(Some(shown.entry.at()));
        if let Some(request) = shown.entry.request() {
            if self.told.contains(&request) {
                return;
            }
            if let Some(older) = self.standing.insert(request, shown.seq) {
                self.kept.remove(&older);
            }
        }
        if self.filter.admits(&shown.entry) {
            self.kept.insert(shown.seq, shown);
        }
        // A record that is told anew takes its own place only, so the oldest is never needed again.
        if self.kept.len() > self.room {
            self.kept.pop_first();
        }
    }

    fn end(self) -> (Option<Moment>, Vec<Shown>) {
        self.told.extend(self.standing.into_keys());
        (self.newest, self.kept.into_values().collect())
    }
}

impl Shown {
    /// Reads a line. `None`: a seal, or a line that is no record; to say so is `verify`'s business.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        let frame = Frame::read(line)?;
        let kind: Kind = serde_json::from_value(frame.kind.into()).ok()?;
        let entry = match kind {
            Kind::Request | Kind::Tripwire => Entry::Request(fields(line)?),
            Kind::Tunnel => Entry::Tunnel(fields(line)?),
            Kind::Session => Entry::Session(fields(line)?),
            Kind::Sync => Entry::Sync(fields(line)?),
            Kind::Owner => Entry::Owner(fields(line)?),
            Kind::Resumed => Entry::Resumed(fields(line)?),
        };
        Some(Self {
            seq: frame.seq,
            entry,
        })
    }
}

fn fields<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Option<T> {
    serde_json::from_slice(line).ok()
}

impl Entry {
    /// When the record was written.
    #[must_use]
    pub fn at(&self) -> Moment {
        match self {
            Self::Request(record) => record.at,
            Self::Tunnel(record) => record.at,
            Self::Session(record) => record.at,
            Self::Sync(record) => record.at,
            Self::Owner(record) => record.at,
            Self::Resumed(record) => record.at,
        }
    }

    /// The request it belongs to.
    #[must_use]
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Self::Request(record) => Some(record.request),
            _ => None,
        }
    }

    /// Whether this is an intent whose outcome is not there yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Request(record) if record.outcome == Outcome::Intended)
    }

    /// Whether something was refused.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Request(record) => record.outcome == Outcome::Refused,
            Self::Tunnel(record) => record.refusal.is_some(),
            _ => false,
        }
    }

    fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Request(record) => Some(&record.agent),
            Self::Tunnel(record) => Some(&record.agent),
            Self::Session(record) => Some(&record.agent),
            Self::Sync(record) => Some(&record.agent),
            Self::Owner(record) => record.agent.as_ref(),
            Self::Resumed(_) => None,
        }
    }

    fn session(&self) -> Option<SessionId> {
        match self {
            Self::Request(record) => Some(record.session),
            Self::Tunnel(record) => Some(record.session),
            Self::Session(record) => Some(record.session),
            Self::Sync(record) => Some(record.session),
            Self::Owner(_) | Self::Resumed(_) => None,
        }
    }

    fn is_about(&self, secret: &SecretName) -> bool {
        match self {
            Self::Request(record) => record.secrets.contains(secret),
            Self::Owner(record) => record.secrets.contains(secret),
            Self::Sync(record) => record.secrets.contains(secret),
            _ => false,
        }
    }

    fn is_to(&self, host: &Host) -> bool {
        match self {
            Self::Request(record) => record.host.as_ref() == Some(host),
            Self::Tunnel(record) => record.host == *host,
            Self::Owner(record) => record.hosts.iter().any(|pattern| pattern.matches(host)),
            Self::Session(_) | Self::Sync(_) | Self::Resumed(_) => false,
        }
    }
}

impl Filter {
    /// Whether a record is wanted; `last` is not asked.
    #[must_use]
    pub fn admits(&self, entry: &Entry) -> bool {
        self.agent
            .as_ref()
            .is_none_or(|agent| entry.agent() == Some(agent))
            && self
                .session
                .is_none_or(|session| entry.session() == Some(session))
            && self
                .secret
                .as_ref()
                .is_none_or(|secret| entry.is_about(secret))
            && self.host.as_ref().is_none_or(|host| entry.is_to(host))
            && !(self.without_owner && matches!(entry, Entry::Owner(_)))
            && (!self.denied || entry.is_denied())
            && self.since.is_none_or(|since| entry.at() >= since)
    }
}
