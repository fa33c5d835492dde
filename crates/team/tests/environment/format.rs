//! The vectors' form, and how one is played.

use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use withheld_team::Verdict;
use withheld_team::chain::{Chain, Head};
use withheld_team::commit::{Entry, EnvChain};
use withheld_team::envelope::Envelope;
use withheld_team::id::{EnvId, Hash, RecordId, WorkspaceId};
use withheld_team::record::Record;
use withheld_team::slot::Slot;

/// What the cases have in common: one honest workspace.
#[derive(Serialize, Deserialize, PartialEq)]
pub(crate) struct World {
    pub(crate) ws: WorkspaceId,
    pub(crate) env: EnvId,
    pub(crate) links: Vec<Hex>,
    pub(crate) commits: Vec<Hex>,
}

/// An attack and its honest twin, on a client that has verified so many links and commits.
#[derive(Clone, Serialize, Deserialize, PartialEq)]
pub(crate) struct Case {
    /// The attack's number in the design.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) links: usize,
    pub(crate) commits: usize,
    pub(crate) attack: Step,
    pub(crate) expected: String,
    /// Accepted.
    pub(crate) honest: Step,
}

/// What the server shows next.
#[derive(Clone, Serialize, Deserialize, PartialEq)]
#[serde(tag = "shows", rename_all = "kebab-case")]
pub(crate) enum Step {
    /// The next commit.
    Commit { commit: Hex },
    /// A state, to a client that has none of the environment.
    Snapshot { commit: Hex, entries: Vec<Row> },
    /// A secret of the state; of the state after `commit`, where there is one.
    Secret {
        commit: Option<Hex>,
        rid: RecordId,
        record: Hex,
        meta: Option<Hex>,
        value: Option<Hex>,
        slot: Option<Hex>,
    },
    /// An envelope.
    Envelope { envelope: Hex },
    /// Nothing more than the client has, to somebody who saw this commit elsewhere.
    Nothing { seq: u64, hash: Hash },
    /// All links and commits that it has.
    All { links: Vec<Hex>, commits: Vec<Hex> },
}

/// An entry: secret, version, record, slot.
pub(crate) type Row = (RecordId, u64, Hash, Option<Hash>);

pub(crate) fn row(entry: &Entry) -> Row {
    (entry.rid, entry.ver, entry.record, entry.slot)
}

#[derive(Clone, PartialEq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        for byte in &self.0 {
            write!(text, "{byte:02x}").map_err(serde::ser::Error::custom)?;
        }
        to.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).map_err(serde::de::Error::custom);
        (0..text.len())
            .step_by(2)
            .map(pair)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// The membership chain after so many links.
pub(crate) fn chain(world: &World, links: usize) -> Chain {
    let mut chain = Chain::begin(world.ws, &world.links[0].0).unwrap();
    for link in &world.links[1..links] {
        chain.apply(&link.0).unwrap();
    }
    chain
}

/// The environment after so many commits.
pub(crate) fn history(world: &World, w: &Chain, commits: usize) -> EnvChain {
    let mut e = EnvChain::begin(&world.ws, &world.env);
    for commit in &world.commits[..commits] {
        e.apply(w, &commit.0).unwrap();
    }
    e
}

/// What becomes of the step.
pub(crate) fn play(world: &World, case: &Case, step: &Step) -> String {
    let w = chain(world, case.links);
    let e = history(world, &w, case.commits);
    shown(judge(w, e, step))
}

/// A verdict in words.
pub(crate) fn shown(verdict: Result<(), Verdict>) -> String {
    match verdict {
        Ok(()) => "accepted".to_owned(),
        Err(Verdict::Invalid(rule)) => format!("invalid: {rule}"),
        Err(Verdict::Unknown(what)) => format!("unknown: {what}"),
        Err(Verdict::Unverified(what)) => format!("unverified: {what}"),
        Err(Verdict::Rollback) => "rollback".to_owned(),
        Err(Verdict::Fork) => "fork".to_owned(),
    }
}

pub(crate) fn judge(mut w: Chain, mut e: EnvChain, step: &Step) -> Result<(), Verdict> {
    match step {
        Step::Commit { commit } => e.apply(&w, &commit.0).map(drop),
        Step::Snapshot { commit, entries } => {
            let entries: Vec<Entry> = entries.iter().map(entry).collect();
            let e = EnvChain::from_snapshot(&w, &e.env(), &commit.0, &entries)?;
            e.holds_cuts(&w)?;
            e.reaches_cuts(&w)
        }
        Step::Secret { .. } => secret(&w, e, step),
        Step::Envelope { envelope } => Envelope::read(&envelope.0, &w).map(drop),
        Step::Nothing { seq, hash } => e.extends(&Head {
            seq: *seq,
            hash: *hash,
        }),
        Step::All { links, commits } => {
            for link in links {
                w.apply(&link.0)?;
            }
            e.holds_cuts(&w)?;
            for commit in commits {
                e.apply(&w, &commit.0)?;
            }
            e.reaches_cuts(&w)
        }
    }
}

fn secret(w: &Chain, mut e: EnvChain, step: &Step) -> Result<(), Verdict> {
    let Step::Secret {
        commit,
        rid,
        record,
        meta,
        value,
        slot,
    } = step
    else {
        unreachable!("asked for a secret only");
    };
    let before = e.entry(rid).copied();
    if let Some(commit) = commit {
        e.apply(w, &commit.0)?;
    }
    let now = e.entry(rid).unwrap();
    let record = Record::read(&record.0)?;
    record.stands(w, &e.env(), now)?;
    if commit.is_some() {
        record.follows(before.as_ref())?;
    }
    let bytes = |part: &'_ Option<Hex>| part.as_ref().map(|part| part.0.clone());
    record.parts(bytes(meta).as_deref(), bytes(value).as_deref())?;
    match slot {
        Some(slot) => Slot::read(&slot.0)?.stands(now, &e.env(), e.epoch()),
        None => Ok(()),
    }
}

fn entry(row: &Row) -> Entry {
    let (rid, ver, record, slot) = *row;
    Entry {
        rid,
        ver,
        record,
        slot,
    }
}
