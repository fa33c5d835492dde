//! The JSON that clients and server exchange. It only carries: every signed object travels as the exact
//! bytes that were signed, and nothing else in here is believed by a client.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::commit::{MAX_ENTRIES, MAX_LIVE, MAX_RECORDS};
use crate::id::{EnvId, Hash, RecordId};

/// Bytes that travel as they are: base64url without padding.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Blob(pub Vec<u8>);

/// A place in a chain: how far it is, and what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// From 1; 0 where nothing is yet.
    pub seq: u64,
    /// Hash of what stands there, or what the first thing will name as the one before it.
    pub hash: Hash,
}

/// How far an environment's chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvHead {
    /// The environment.
    pub env: EnvId,
    /// Number of its last commit; 0 before the first.
    pub seq: u64,
    /// Hash of its last commit, or what the first will name as the one before it.
    pub hash: Hash,
}

/// How far everything is: the answer to `GET heads`, and to every append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// The membership chain.
    pub w: Position,
    /// Every environment, the directory among them, in the order of their ids.
    pub envs: Vec<EnvHead>,
    /// Rises with everything that is stored: what `GET envelopes?since=` asks from, and the ETag.
    pub rev: u64,
}

/// What is appended at once: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// Links of the membership chain, in order.
    #[serde(default)]
    pub links: Vec<Blob>,
    /// Epoch keys, sealed to devices.
    #[serde(default)]
    pub envelopes: Vec<Blob>,
    /// Commits of environments, in order within each.
    #[serde(default)]
    pub commits: Vec<CommitParts>,
}

/// One commit and what it brings along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitParts {
    /// The environment.
    pub env: EnvId,
    /// The commit.
    pub commit: Blob,
    /// The records that it names, in its order; none in a re-wrap.
    #[serde(default)]
    pub records: Vec<RecordParts>,
    /// The slots that it names, in its order.
    #[serde(default)]
    pub slots: Vec<Blob>,
}

/// A record and its sealed parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordParts {
    /// The record.
    pub record: Blob,
    /// The sealed name; none when the record says that the secret is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Blob>,
    /// The sealed value; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Blob>,
}

/// A page of the membership chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// In order, without a gap.
    pub links: Vec<Blob>,
    /// Where the next page begins; none after the last link.
    pub next: Option<u64>,
}

/// A page of an environment's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// In order, without a gap.
    pub commits: Vec<Blob>,
    /// Where the next page begins; none after the last commit.
    pub next: Option<u64>,
}

/// A page of an environment's state, for who skips its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last commit, whose root the entries make; none where nothing was committed.
    pub commit: Option<Blob>,
    /// In the order of their ids. Those of deleted secrets are among them.
    pub entries: Vec<EntryJson>,
    /// The next page begins after this one; none after the last entry.
    pub next: Option<RecordId>,
}

/// What an environment's state says of one secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryJson {
    /// The secret.
    pub rid: RecordId,
    /// Its version.
    pub ver: u64,
    /// Hash of the record.
    pub record: Hash,
    /// Hash of the slot; none when the secret is deleted.
    pub slot: Option<Hash>,
}

/// The body of `POST records:get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Get {
    /// Which records: a secret and its version, at most [`Limits::changes`] of them.
    pub ids: Vec<(RecordId, u64)>,
    /// Which parts of them, besides the record itself.
    pub parts: Vec<Part>,
}

/// A part of a record that travels only when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The sealed name.
    Meta,
    /// The sealed value.
    Value,
    /// The wrapped keys of both, of the newest epoch.
    Slot,
}

/// The answer. Records that were asked for and are not in it are asked for again; an answer that has
/// none of them means that the server has none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Got {
    /// In the order of the question.
    pub records: Vec<GotRecord>,
}

/// One record, and what was asked for of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GotRecord {
    /// The secret.
    pub rid: RecordId,
    /// Its version.
    pub ver: u64,
    /// The record.
    pub record: Blob,
    /// The sealed name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Blob>,
    /// The sealed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Blob>,
    /// The wrapped keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Blob>,
}

/// The caller's own envelopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelopes {
    /// In the order in which they were stored.
    pub envelopes: Vec<Blob>,
    /// What to ask from next. An answer without envelopes means that these were all.
    pub rev: u64,
}

/// The answer to `POST lease`: nobody else appends until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// When it ends, in milliseconds since 1970 by the server's clock.
    pub until: u64,
}

/// How much a workspace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes of everything that clients stored.
    pub bytes: u64,
    /// Links of the membership chain.
    pub links: u64,
    /// Devices that are live.
    pub devices: u64,
    /// Environments, the directory among them.
    pub environments: u64,
    /// Live secrets of all environments.
    pub secrets: u64,
}

/// The answer to `GET server`. Untrusted, for information.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The version of the formats that it checks.
    pub version: u8,
    /// The suites that it knows.
    pub suites: Vec<u8>,
    /// Which build it is.
    pub build: String,
    /// What it accepts.
    pub limits: Limits,
}

/// What a server accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: u64,
    /// Bytes of a link.
    pub link: u64,
    /// Bytes of a record with its parts.
    pub record: u64,
    /// Changes in a commit that is no re-wrap.
    pub changes: u64,
    /// Live secrets in an environment.
    pub secrets: u64,
    /// Secrets in an environment that are live or were.
    pub entries: u64,
    /// Environments of a workspace, the directory among them.
    pub environments: u64,
    /// Live devices of a workspace.
    pub devices: u64,
    /// Open invitations of a workspace.
    pub invites: u64,
    /// Bytes of a workspace.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 8 << 20,
            link: 64 << 10,
            record: 64 << 10,
            changes: MAX_RECORDS as u64,
            secrets: MAX_LIVE as u64,
            entries: MAX_ENTRIES as u64,
            environments: 500,
            devices: 2_000,
            invites: 20,
            bytes: 1 << 30,
        }
    }
}

/// Why a request was refused (RFC 9457, `application/problem+json`). Fixed texts only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A name for the kind of problem.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The same for people.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// What programs go by.
    pub code: ProblemCode,
    /// What to do.
    pub detail: Cow<'static, str>,
    /// How far everything is, with `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<Heads>,
    /// Which link or commit, with `invalid`: its number in its chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

macro_rules! problems {
    ($( $(#[$meta:meta])* $name:ident $status:literal $text:literal; )*) => {
        /// What programs go by. Each has its one status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum ProblemCode { $( $(#[$meta])* #[serde(rename = $text)] $name, )* }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$( Self::$name, )*];

            /// The code as it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $text, )* }
            }

            /// Its HTTP status.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $( Self::$name => $status, )* }
            }
        }
    };
}

problems! {
    /// A request that is not of this form.
    Malformed 400 "malformed";
    /// No signature, a bad one, or one by a device that is not live here.
    Unsigned 401 "unsigned";
    /// The time in the signature is too far from the server's.
    Clock 401 "clock";
    /// Signed by somebody who may not do this.
    Forbidden 403 "forbidden";
    /// No such workspace, environment or path.
    NotFound 404 "not_found";
    /// The chains have moved on; `heads` says to where. Fetch, judge again, send again.
    Conflict 409 "conflict";
    /// More bytes than the server accepts.
    TooLarge 413 "too_large";
    /// Bytes that break a rule.
    Invalid 422 "invalid";
    /// A format, suite or operation that this server does not know.
    Unknown 422 "unknown";
    /// Another device may append alone for some seconds.
    Leased 423 "leased";
    /// Too many requests.
    Rate 429 "rate";
    /// The server cannot do it now.
    Unavailable 503 "unavailable";
    /// The workspace holds as much as it may.
    Quota 507 "quota";
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        match URL_SAFE_NO_PAD.decode(text.as_bytes()) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(serde::de::Error::custom("not base64url without padding")),
        }
    }
}

#[cfg(test)]
mod tests;
