//! What goes into a store and what comes out: bytes, ids and numbers.

use withheld_team::api::{EnvHead, Heads, Position};
use withheld_team::id::{DeviceId, EnvId, Hash, RecordId, VerifyKey, WorkspaceId};

/// What is stored at once.
#[derive(Clone, Debug)]
pub struct Append {
    /// The workspace.
    pub ws: WorkspaceId,
    /// Who appends; another device's lease keeps it out.
    pub by: DeviceId,
    /// When, by the server's clock.
    pub at: u64,
    /// The head of the membership chain that everything here was judged against. When it has moved
    /// the answer is a conflict, even if only commits are appended: the new link may be the removal
    /// of their author. Judge again against the new links, and append again.
    pub after: Position,
    /// Links that follow it.
    pub links: Vec<NewLink>,
    /// Environments that the links create, and what the first commit of each names as the one before.
    pub begun: Vec<(EnvId, Hash)>,
    /// Environments that the links give a new epoch, and its number.
    pub epochs: Vec<(EnvId, u64)>,
    /// Devices as they are after the links, where those changed them.
    pub devices: Vec<DeviceRow>,
    /// Heads that the links say environments have. When one has moved the answer is a conflict.
    pub cuts: Vec<EnvHead>,
    /// Commits, in order within an environment.
    pub commits: Vec<NewCommit>,
    /// Envelopes.
    pub envelopes: Vec<NewEnvelope>,
}

/// A link.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// Its hash.
    pub hash: Hash,
    /// The link.
    pub signed: Vec<u8>,
}

/// A commit and what it brings along.
#[derive(Clone, Debug)]
pub struct NewCommit {
    /// The environment.
    pub env: EnvId,
    /// What it follows, and what it was judged against.
    pub after: Position,
    /// Its hash.
    pub hash: Hash,
    /// The commit.
    pub signed: Vec<u8>,
    /// Its epoch, which is also that of its slots.
    pub epoch: u64,
    /// The entries that it changes, as they are after it.
    pub entries: Vec<EntryRow>,
    /// Its records.
    pub records: Vec<NewRecord>,
    /// Its slots.
    pub slots: Vec<NewSlot>,
}

/// An entry of an environment's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// The secret.
    pub rid: RecordId,
    /// Its version.
    pub ver: u64,
    /// Hash of its record.
    pub record: Hash,
    /// Hash of its slot; none when it is deleted.
    pub slot: Option<Hash>,
}

/// A record and its sealed parts.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// The secret.
    pub rid: RecordId,
    /// Its version.
    pub ver: u64,
    /// The record's hash.
    pub hash: Hash,
    /// The record.
    pub signed: Vec<u8>,
    /// The sealed name.
    pub meta: Option<Vec<u8>>,
    /// The sealed value.
    pub value: Option<Vec<u8>>,
}

/// The wrapped keys of a record.
#[derive(Clone, Debug)]
pub struct NewSlot {
    /// The secret.
    pub rid: RecordId,
    /// Its version.
    pub ver: u64,
    /// The slot.
    pub body: Vec<u8>,
}

/// An epoch key, sealed to a device.
#[derive(Clone, Debug)]
pub struct NewEnvelope {
    /// The environment.
    pub env: EnvId,
    /// The epoch.
    pub epoch: u64,
    /// Whom it is for.
    pub device: DeviceId,
    /// Who sealed it. Each has a place of its own, so that a bad one never blocks a good one.
    pub by: DeviceId,
    /// The envelope.
    pub signed: Vec<u8>,
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is stored, now or already before. How far everything is now.
    Done(Heads),
    /// Nothing was stored: what it was judged against is not the newest. How far everything is.
    Conflict(Heads),
    /// Nothing was stored: another device may append alone for some seconds.
    Leased,
    /// Nothing was stored: the workspace holds as much as it may of this.
    Quota(Quota),
    /// There is no such workspace.
    NoWorkspace,
}

/// What there is enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// [`Limits::bytes`](withheld_team::api::Limits::bytes)
    Bytes,
    /// [`Limits::environments`](withheld_team::api::Limits::environments)
    Environments,
    /// [`Limits::devices`](withheld_team::api::Limits::devices)
    Devices,
    /// [`Limits::secrets`](withheld_team::api::Limits::secrets)
    Secrets,
    /// [`Limits::entries`](withheld_team::api::Limits::entries)
    Entries,
}

/// Things of a chain, in order, without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The signed bytes.
    pub items: Vec<Vec<u8>>,
    /// Where the next page begins; none after the last thing.
    pub next: Option<u64>,
}

/// A page of an environment's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which state it is.
    pub head: Position,
    /// The last commit; none where nothing was committed.
    pub commit: Option<Vec<u8>>,
    /// In the order of their ids.
    pub entries: Vec<EntryRow>,
    /// The next page begins after this one; none after the last entry.
    pub next: Option<RecordId>,
}

/// A record, and what was asked for of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// The secret.
    pub rid: RecordId,
    /// Its version.
    pub ver: u64,
    /// The record.
    pub signed: Vec<u8>,
    /// The sealed name.
    pub meta: Option<Vec<u8>>,
    /// The sealed value.
    pub value: Option<Vec<u8>>,
    /// The slot of the newest epoch.
    pub slot: Option<Vec<u8>>,
}

/// Envelopes of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelopes {
    /// In the order in which they were stored.
    pub envelopes: Vec<Vec<u8>>,
    /// What to ask from next. An answer without envelopes means that these were all.
    pub rev: u64,
}

/// A device as the membership chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// The device.
    pub device: DeviceId,
    /// Its ops key, which signs requests.
    pub ops: VerifyKey,
    /// Whether it is still one.
    pub live: bool,
}

/// What could be computed from the chains.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Caches {
    /// The epoch in force in each environment, 0 before the first, in the order of their ids.
    pub epochs: Vec<(EnvId, u64)>,
    /// The devices, in the order of their ids.
    pub devices: Vec<DeviceRow>,
}
