//! The far side of a conversation: a shelf that keeps bytes and hands them out. It judges nothing; only
//! what does not go on from what it has is turned away, as any server must.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, from_slice, to_value, to_vec};
use withheld_core::{Code, Refusal};
use withheld_team::api::{
    Blob, Bundle, CommitParts, Commits, EntryJson, EnvHead, Envelopes, Get, Got, GotRecord, Heads,
    Links, Part, Position, Problem, ProblemCode, Snapshot,
};
use withheld_team::cbor;
use withheld_team::commit::{Changes, Commit};
use withheld_team::envelope::Envelope;
use withheld_team::id::{DeviceId, EnvId, Hash, RecordId, WorkspaceId};
use withheld_team::links::{Body, Link, Op, env_genesis};
use withheld_team::record::Record;
use withheld_team::signed::Signed;
use withheld_team::slot::Slot;

use crate::team::post::{Answer, Outgoing, Post};

/// What a shelf has.
#[derive(Clone, Default)]
pub(super) struct Shelf {
    pub(super) ws: Option<WorkspaceId>,
    pub(super) links: Vec<Vec<u8>>,
    pub(super) envs: BTreeMap<EnvId, Env>,
    pub(super) envelopes: Vec<(u64, DeviceId, Vec<u8>)>,
    pub(super) rev: u64,
}

#[derive(Clone, Default)]
pub(super) struct Env {
    pub(super) commits: Vec<Vec<u8>>,
    pub(super) records: BTreeMap<(RecordId, u64), GotRecord>,
    pub(super) entries: BTreeMap<RecordId, EntryJson>,
}

/// Carries to a shelf, and back what it says, changed where a test says so.
pub(super) struct Carrier {
    pub(super) shelf: Arc<Mutex<Shelf>>,
    /// What was carried: method and path.
    pub(super) seen: Vec<Outgoing>,
    pub(super) trouble: Trouble,
    /// Most things in one answer.
    pub(super) page: usize,
    #[allow(clippy::type_complexity, reason = "a test's own hook")]
    pub(super) change: Option<Box<dyn FnMut(&Outgoing, &mut Answer)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// Nothing gets through.
    Down,
    /// What is sent gets through, the answer does not.
    Deaf,
    /// The same, for what is stored only.
    DeafToStores,
    /// Nothing that is stored gets through.
    NoStores,
}

impl Carrier {
    pub(super) fn to(shelf: &Arc<Mutex<Shelf>>) -> Self {
        Self {
            shelf: Arc::clone(shelf),
            seen: Vec::new(),
            trouble: Trouble::None,
            page: 500,
            change: None,
        }
    }

    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap()
    }

    /// What was carried since the last time, as `METHOD last-part`.
    pub(super) fn taken(&mut self) -> Vec<String> {
        let seen = std::mem::take(&mut self.seen);
        let short = |request: &Outgoing| {
            let path = request.path.split('?').next().unwrap();
            format!("{} {}", request.method, path.rsplit('/').next().unwrap())
        };
        seen.iter().map(short).collect()
    }
}

impl Post for Carrier {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        self.seen.push(request.clone());
        let stores = request.method == "POST" && !request.path.ends_with(":get");
        match self.trouble {
            Trouble::Down => return Err(unreachable()),
            Trouble::NoStores if stores => return Err(unreachable()),
            _ => {}
        }
        let mut answer = self.shelf().answer(&request, self.page);
        match self.trouble {
            Trouble::Deaf => return Err(unreachable()),
            Trouble::DeafToStores if stores => return Err(unreachable()),
            _ => {}
        }
        if let Some(change) = &mut self.change {
            change(&request, &mut answer);
        }
        Ok(answer)
    }
}

fn unreachable() -> Refusal {
    Refusal::new(Code::ServerUnreachable, "no answer", "try again")
}

impl Shelf {
    fn answer(&mut self, request: &Outgoing, page: usize) -> Answer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let query: BTreeMap<&str, &str> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        let body = &request.body;
        let number = |name: &str| query.get(name).map_or(0, |text| text.parse().unwrap());
        if request.method == "POST" && parts == ["ws"] {
            let bundle: Bundle = from_slice(body).unwrap();
            let link = Link::read(&bundle.links[0].0).unwrap();
            if self.ws.is_none() {
                self.ws = Some(link.hash().into());
            }
            return self.append(&bundle);
        }
        if parts.first() != Some(&"ws") || Some(parts[1].parse().unwrap()) != self.ws {
            return problem(ProblemCode::NotFound);
        }
        match (request.method, &parts[2..]) {
            ("GET", ["heads"]) => self.heads_unless(request),
            ("GET", ["links"]) => json(&self.links(number("from"), page)),
            ("POST", ["links" | "join"]) => self.append(&from_slice(body).unwrap()),
            ("GET", ["envelopes"]) => {
                json(&self.envelopes(caller(request), number("since") as u64))
            }
            ("POST", ["envelopes"]) => {
                let bundle: Bundle = from_slice(body).unwrap();
                self.keep_envelopes(&bundle.envelopes);
                json(&self.heads())
            }
            ("POST", ["envs", _, "commits"]) => self.append_commit(&from_slice(body).unwrap()),
            ("GET", ["envs", env, "commits"]) => {
                json(&self.envs[&env.parse().unwrap()].commits(number("from"), page))
            }
            ("GET", ["envs", env, "snapshot"]) => {
                let after = query.get("after").map(|rid| rid.parse().unwrap());
                json(&self.envs[&env.parse().unwrap()].snapshot(after, page))
            }
            ("POST", ["envs", env, "records:get"]) => {
                let question: Get = from_slice(body).unwrap();
                json(&self.envs[&env.parse().unwrap()].got(&question, page))
            }
            _ => problem(ProblemCode::NotFound),
        }
    }

    fn heads_unless(&self, request: &Outgoing) -> Answer {
        let tag = format!("\"{}\"", self.rev);
        let known = request
            .headers
            .iter()
            .find(|(name, _)| *name == "if-none-match");
        if known.is_some_and(|(_, known)| *known == tag) {
            return Answer {
                status: 304,
                etag: Some(tag),
                body: Vec::new(),
            };
        }
        Answer {
            etag: Some(tag),
            ..json(&self.heads())
        }
    }

    fn heads(&self) -> Heads {
        let ws = self.ws.unwrap();
        Heads {
            w: Position {
                seq: self.links.len() as u64,
                hash: hash_of(self.links.last().unwrap()),
            },
            envs: self
                .envs
                .iter()
                .map(|(env, kept)| EnvHead {
                    env: *env,
                    seq: kept.commits.len() as u64,
                    hash: kept.commits.last().map_or(env_genesis(&ws, env), |commit| {
                        Commit::read(commit).unwrap().hash
                    }),
                })
                .collect(),
            rev: self.rev,
        }
    }

    fn links(&self, from: usize, page: usize) -> Links {
        let all = self.links.iter().skip(from - 1);
        let links: Vec<Blob> = all.take(page).map(|link| Blob(link.clone())).collect();
        let next = from + links.len();
        Links {
            links,
            next: (next <= self.links.len()).then_some(next as u64),
        }
    }

    fn append(&mut self, bundle: &Bundle) -> Answer {
        let known = |link: &Blob| self.links.contains(&link.0);
        if !bundle.links.is_empty() && bundle.links.iter().all(known) {
            return json(&self.heads());
        }
        let kept = |parts: &CommitParts| {
            let env = self.envs.get(&parts.env);
            env.is_some_and(|env| env.commits.contains(&parts.commit.0))
        };
        if !bundle.commits.is_empty() && bundle.links.is_empty() && bundle.commits.iter().all(kept)
        {
            return json(&self.heads());
        }
        let mut next = self.clone();
        for link in &bundle.links {
            if !next.take_link(&link.0) {
                return problem(ProblemCode::Conflict);
            }
        }
        for parts in &bundle.commits {
            next.rev += 1;
            if !next.envs.entry(parts.env).or_default().take(parts) {
                return problem(ProblemCode::Conflict);
            }
        }
        next.keep_envelopes(&bundle.envelopes);
        *self = next;
        json(&self.heads())
    }

    fn append_commit(&mut self, parts: &CommitParts) -> Answer {
        let env = self.envs.get_mut(&parts.env).unwrap();
        let known = env.commits.contains(&parts.commit.0);
        if !known && !env.take(parts) {
            return problem(ProblemCode::Conflict);
        }
        self.rev += u64::from(!known);
        json(&self.heads())
    }

    fn take_link(&mut self, link: &[u8]) -> bool {
        let body = Body::read(&Link::read(link).unwrap().body).unwrap();
        let head = self.links.last().map_or(Hash::ZERO, |link| hash_of(link));
        if body.seq != self.links.len() as u64 + 1 || body.prev != head {
            return false;
        }
        match body.op {
            Op::Genesis { .. } => drop(self.envs.insert(EnvId::DIRECTORY, Env::default())),
            Op::EnvCreate { env } => drop(self.envs.insert(env, Env::default())),
            _ => {}
        }
        self.links.push(link.to_vec());
        self.rev += 1;
        true
    }

    pub(super) fn keep_envelopes(&mut self, envelopes: &[Blob]) {
        for Blob(bytes) in envelopes {
            let signed: Signed = cbor::decode(bytes).unwrap();
            let read: Envelope = cbor::decode(&signed.body).unwrap();
            self.rev += 1;
            self.envelopes.push((self.rev, read.device, bytes.clone()));
        }
    }

    fn envelopes(&self, caller: Option<DeviceId>, since: u64) -> Envelopes {
        let mine = self
            .envelopes
            .iter()
            .filter(|(rev, device, _)| *rev > since && Some(*device) == caller);
        Envelopes {
            envelopes: mine.map(|(_, _, bytes)| Blob(bytes.clone())).collect(),
            rev: self.rev,
        }
    }
}

impl Env {
    fn take(&mut self, parts: &CommitParts) -> bool {
        let commit = Commit::read(&parts.commit.0).unwrap();
        if commit.body.seq != self.commits.len() as u64 + 1 {
            return false;
        }
        match &commit.body.changes {
            Changes::Records(entries) => {
                for (entry, parts) in entries.iter().zip(&parts.records) {
                    let header = Record::read(&parts.record.0).unwrap().header;
                    self.records.insert(
                        (header.rid, header.ver),
                        GotRecord {
                            rid: header.rid,
                            ver: header.ver,
                            record: parts.record.clone(),
                            meta: parts.meta.clone(),
                            value: parts.value.clone(),
                            slot: None,
                        },
                    );
                    let entry = EntryJson {
                        rid: entry.rid,
                        ver: entry.ver,
                        record: entry.record,
                        slot: entry.slot,
                    };
                    self.entries.insert(entry.rid, entry);
                }
            }
            Changes::Rewrap(slots) => {
                for (rid, slot) in slots {
                    self.entries.get_mut(rid).unwrap().slot = Some(*slot);
                }
            }
        }
        for slot in &parts.slots {
            let read = Slot::read(&slot.0).unwrap();
            self.records.get_mut(&(read.rid, read.ver)).unwrap().slot = Some(slot.clone());
        }
        self.commits.push(parts.commit.0.clone());
        true
    }

    fn commits(&self, from: usize, page: usize) -> Commits {
        let all = self.commits.iter().skip(from - 1);
        let commits: Vec<Blob> = all.take(page).map(|commit| Blob(commit.clone())).collect();
        let next = from + commits.len();
        Commits {
            commits,
            next: (next <= self.commits.len()).then_some(next as u64),
        }
    }

    fn snapshot(&self, after: Option<RecordId>, page: usize) -> Snapshot {
        let rest = self
            .entries
            .values()
            .filter(|entry| Some(entry.rid) > after);
        let entries: Vec<EntryJson> = rest.clone().take(page).copied().collect();
        let more = rest.count() > entries.len();
        Snapshot {
            commit: self.commits.last().map(|commit| Blob(commit.clone())),
            next: entries.last().filter(|_| more).map(|entry| entry.rid),
            entries,
        }
    }

    fn got(&self, question: &Get, page: usize) -> Got {
        let asked = question.ids.iter().take(page);
        let found = asked.filter_map(|id| self.records.get(id).cloned());
        let only = |mut record: GotRecord| {
            let wants = |part| question.parts.contains(&part);
            record.meta = record.meta.filter(|_| wants(Part::Meta));
            record.value = record.value.filter(|_| wants(Part::Value));
            record.slot = record.slot.filter(|_| wants(Part::Slot));
            record
        };
        Got {
            records: found.map(only).collect(),
        }
    }
}

/// The device in the signature.
fn caller(request: &Outgoing) -> Option<DeviceId> {
    let input = request
        .headers
        .iter()
        .find(|(name, _)| *name == "signature-input")?;
    let (_, rest) = input.1.split_once("keyid=\"d:")?;
    rest.split('"').next()?.parse().ok()
}

fn hash_of(link: &[u8]) -> Hash {
    Link::read(link).unwrap().hash()
}

fn json(thing: &impl serde::Serialize) -> Answer {
    Answer {
        status: 200,
        etag: None,
        body: to_vec(&to_value(thing).unwrap()).unwrap(),
    }
}

pub(super) fn problem(code: ProblemCode) -> Answer {
    let problem = Problem {
        kind: "about:blank".into(),
        title: "a problem".into(),
        status: code.status(),
        code,
        detail: "as it says".into(),
        heads: None,
        seq: None,
    };
    Answer {
        status: code.status(),
        etag: None,
        body: to_vec(&problem).unwrap(),
    }
}

/// The answer as JSON, to be changed.
pub(super) fn edit(answer: &mut Answer, edit: impl FnOnce(&mut Value)) {
    let mut value: Value = from_slice(&answer.body).unwrap();
    edit(&mut value);
    answer.body = to_vec(&value).unwrap();
}
