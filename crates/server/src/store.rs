//! Where the chains rest. In bytes and ids only: the rules are judged above, against what was read
//! here, and an append says what it was judged against.

use std::error::Error;
use std::fmt;
use std::future::Future;

use withheld_team::api::{Heads, Limits, Part, Usage};
use withheld_team::id::{DeviceId, EnvId, RecordId, WorkspaceId};

mod rows;
pub(crate) mod sqlite;

pub use rows::*;
pub use sqlite::Sqlite;

/// How long a lease lasts, in milliseconds.
pub const LEASE_MS: u64 = 10_000;

/// How long the slots of an epoch stay after a newer one replaced them, in milliseconds: 30 days.
pub const OLD_SLOT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A page that has this many bytes ends, whatever was asked for. It has at least one thing.
pub const PAGE_BYTES: usize = 4 << 20;

/// A database of workspaces. Every method is one transaction. Times are milliseconds since 1970 and
/// come in as arguments.
pub trait Store: Send + Sync + 'static {
    /// Creates the workspace and appends, in one transaction. What to append is judged against
    /// nothing: `after` is `seq` 0 and [`Hash::ZERO`](withheld_team::id::Hash::ZERO).
    fn create(&self, append: &Append, limits: &Limits) -> impl Answer<Appended>;

    /// Appends everything or nothing.
    fn append(&self, append: &Append, limits: &Limits) -> impl Answer<Appended>;

    /// How far everything is; none for a workspace that is not here.
    fn heads(&self, ws: &WorkspaceId) -> impl Answer<Option<Heads>>;

    /// A device of the chain, live or not: enough to judge who signed a request.
    fn device(&self, ws: &WorkspaceId, device: &DeviceId) -> impl Answer<Option<DeviceRow>>;

    /// Links from this number on.
    fn links(&self, ws: &WorkspaceId, from: u64, limit: u32) -> impl Answer<Page>;

    /// Commits of an environment from this number on.
    fn commits(&self, ws: &WorkspaceId, env: &EnvId, from: u64, limit: u32) -> impl Answer<Page>;

    /// Entries of an environment's state after this one, and the commit whose state it is; none for
    /// an environment that is not here. All pages have one `head`, or the reader begins again.
    fn snapshot(
        &self,
        ws: &WorkspaceId,
        env: &EnvId,
        after: Option<&RecordId>,
        limit: u32,
    ) -> impl Answer<Option<Snapshot>>;

    /// Records in the order of `ids`, without those that are not here, and no more than fit a page.
    fn records(
        &self,
        ws: &WorkspaceId,
        env: &EnvId,
        ids: &[(RecordId, u64)],
        parts: &[Part],
    ) -> impl Answer<Vec<StoredRecord>>;

    /// Envelopes for this device that were stored after `since`, as many as fit a page.
    fn envelopes(&self, ws: &WorkspaceId, device: &DeviceId, since: u64) -> impl Answer<Envelopes>;

    /// Lets one device append alone for [`LEASE_MS`]: until when, or none while another has the lease.
    /// Who has it may take it again; with `takes_over` so may anybody.
    fn lease(
        &self,
        ws: &WorkspaceId,
        device: &DeviceId,
        takes_over: bool,
        now: u64,
    ) -> impl Answer<Option<u64>>;

    /// Drops the slots of older epochs whose time has come, and gives how many there were: a key that
    /// a leaver kept then opens nothing in a stolen database. To be called from time to time.
    fn drop_old_slots(&self, now: u64) -> impl Answer<u64>;

    /// How much a workspace holds; none for one that is not here.
    fn usage(&self, ws: &WorkspaceId) -> impl Answer<Option<Usage>>;

    /// Workspaces after this one, in the order of their ids.
    fn workspaces(&self, after: Option<&WorkspaceId>, limit: u32) -> impl Answer<Vec<WorkspaceId>>;

    /// What is kept beside the chains and could be computed from them: epochs and devices.
    fn caches(&self, ws: &WorkspaceId) -> impl Answer<Caches>;

    /// Whether the database can be read and written.
    fn health(&self) -> impl Answer<()>;
}

/// What every method of a store gives.
pub trait Answer<T>: Future<Output = Result<T, Failure>> + Send {}

impl<T, F: Future<Output = Result<T, Failure>> + Send> Answer<T> for F {}

/// The database did not do it. For the server's own log: its text never goes to a client.
#[derive(Debug)]
pub struct Failure(Box<dyn Error + Send + Sync>);

impl Failure {
    /// Of what the database or its library says.
    pub fn of(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database: {}", self.0)
    }
}

impl Error for Failure {}
