//! SQLite: one file, one writer, a few readers.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, SqlSafeStr as _};
use withheld_system::private;
use withheld_team::api::{Heads, Limits, Part, Usage};
use withheld_team::id::{DeviceId, EnvId, RecordId, WorkspaceId};

use super::{
    Append, Appended, Caches, DeviceRow, Envelopes, Failure, Page, Snapshot, Store, StoredRecord,
};

mod append;
pub(crate) mod look;
mod pages;
mod read;
mod row;
mod upkeep;

use look::Table;

/// A database in one file. A process that is killed leaves no half of an append in it.
#[derive(Clone, Debug)]
pub struct Sqlite {
    /// One connection: writers queue here instead of failing as busy.
    writer: SqlitePool,
    readers: SqlitePool,
}

const READERS: u32 = 4;

/// Of the tables.
const VERSION: i64 = 1;

/// How long to wait for another process that has the file, a backup for one.
const BUSY: Duration = Duration::from_secs(5);

impl Sqlite {
    /// Opens the file, or makes it, for this account only, and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be opened, or was written by a newer version.
    pub async fn open(file: &Path) -> Result<Self, Failure> {
        Self::open_waiting(file, BUSY).await
    }

    /// The same, with another time to wait for other processes that have the file.
    ///
    /// # Errors
    /// As of [`Sqlite::open`].
    pub async fn open_waiting(file: &Path, busy: Duration) -> Result<Self, Failure> {
        make_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .foreign_keys(true)
            .busy_timeout(busy)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // A connection whose transaction could not be ended, on a full disk for one, is closed: within
        // that transaction every later write would fail, too.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .before_acquire(|db, _| Box::pin(async move { Ok(!db.is_in_transaction()) }))
            .connect_with(options.clone())
            .await?;
        migrations().run(&writer).await.map_err(Failure::of)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { writer, readers })
    }

    /// Opens a file that is there, to look only: nothing in it is made or changed.
    ///
    /// # Errors
    /// When it cannot be opened, or is not a database of a server of this version.
    pub(crate) async fn open_to_look(file: &Path) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(BUSY)
            .read_only(true);
        let pool = SqlitePoolOptions::new();
        let readers = pool.max_connections(READERS).connect_with(options).await?;
        let version = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
        let version: Option<i64> = version.fetch_one(&readers).await?;
        if version != Some(VERSION) {
            return Err(Failure::of("its tables are not those of this version"));
        }
        Ok(Self {
            writer: readers.clone(),
            readers,
        })
    }

    /// Whether the file is whole, as SQLite itself sees it.
    pub(crate) async fn is_whole(&self) -> Result<bool, Failure> {
        look::is_whole(&mut *self.readers.acquire().await?).await
    }

    /// How many rows of a table are stored for a workspace.
    pub(crate) async fn count(&self, ws: &WorkspaceId, table: Table) -> Result<u64, Failure> {
        look::count(&mut *self.readers.acquire().await?, ws, table).await
    }

    /// Some rows of a table after this one.
    pub(crate) async fn rows(
        &self,
        ws: &WorkspaceId,
        table: Table,
        after: i64,
    ) -> Result<Vec<look::Row>, Failure> {
        look::rows(&mut *self.readers.acquire().await?, ws, table, after).await
    }

    /// Some envelopes after this one, of all devices.
    pub(crate) async fn all_envelopes(
        &self,
        ws: &WorkspaceId,
        after: i64,
    ) -> Result<Vec<look::EnvelopeRow>, Failure> {
        look::envelopes(&mut *self.readers.acquire().await?, ws, after).await
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// SQLite gives the files that it makes beside this one the same mode.
fn make_private(file: &Path) -> Result<(), Failure> {
    match private::create_new(file) {
        Err(why) if why.kind() != ErrorKind::AlreadyExists => Err(Failure::of(why)),
        _ => Ok(()),
    }
}

/// Takes a database that is there away from other accounts. Gives whether any could have read it.
///
/// # Errors
/// When its mode can be neither read nor changed.
pub(crate) fn shut_others_out(file: &Path) -> Result<bool, Failure> {
    let mut was_open = false;
    for ending in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        match private::shut_others_out(Path::new(&name)) {
            Err(why) if why.kind() == ErrorKind::NotFound => {}
            was => was_open |= was.map_err(Failure::of)?,
        }
    }
    Ok(was_open)
}

fn migrations() -> Migrator {
    let chains = include_str!("../../migrations/sqlite/0001_chains.sql");
    Migrator::with_migrations(vec![Migration::new(
        VERSION,
        "chains".into(),
        MigrationType::Simple,
        chains.into_sql_str(),
        false,
    )])
}

impl Store for Sqlite {
    async fn create(&self, append: &Append, limits: &Limits) -> Result<Appended, Failure> {
        append::create(self, append, limits).await
    }

    async fn append(&self, append: &Append, limits: &Limits) -> Result<Appended, Failure> {
        append::append(self, append, limits).await
    }

    async fn heads(&self, ws: &WorkspaceId) -> Result<Option<Heads>, Failure> {
        read::heads(&mut *self.readers.begin().await?, ws).await
    }

    async fn device(
        &self,
        ws: &WorkspaceId,
        device: &DeviceId,
    ) -> Result<Option<DeviceRow>, Failure> {
        read::device(&self.readers, ws, device).await
    }

    async fn links(&self, ws: &WorkspaceId, from: u64, limit: u32) -> Result<Page, Failure> {
        pages::links(&self.readers, ws, from, limit).await
    }

    async fn commits(
        &self,
        ws: &WorkspaceId,
        env: &EnvId,
        from: u64,
        limit: u32,
    ) -> Result<Page, Failure> {
        pages::commits(&self.readers, ws, env, from, limit).await
    }

    async fn snapshot(
        &self,
        ws: &WorkspaceId,
        env: &EnvId,
        after: Option<&RecordId>,
        limit: u32,
    ) -> Result<Option<Snapshot>, Failure> {
        pages::snapshot(&mut *self.readers.begin().await?, ws, env, after, limit).await
    }

    async fn records(
        &self,
        ws: &WorkspaceId,
        env: &EnvId,
        ids: &[(RecordId, u64)],
        parts: &[Part],
    ) -> Result<Vec<StoredRecord>, Failure> {
        pages::records(&mut *self.readers.begin().await?, ws, env, ids, parts).await
    }

    async fn envelopes(
        &self,
        ws: &WorkspaceId,
        device: &DeviceId,
        since: u64,
    ) -> Result<Envelopes, Failure> {
        pages::envelopes(&mut *self.readers.begin().await?, ws, device, since).await
    }

    async fn lease(
        &self,
        ws: &WorkspaceId,
        device: &DeviceId,
        takes_over: bool,
        now: u64,
    ) -> Result<Option<u64>, Failure> {
        upkeep::lease(&self.writer, ws, device, takes_over, now).await
    }

    async fn drop_old_slots(&self, now: u64) -> Result<u64, Failure> {
        upkeep::drop_old_slots(&self.writer, now).await
    }

    async fn usage(&self, ws: &WorkspaceId) -> Result<Option<Usage>, Failure> {
        read::usage(&mut *self.readers.begin().await?, ws).await
    }

    async fn workspaces(
        &self,
        after: Option<&WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<WorkspaceId>, Failure> {
        read::workspaces(&self.readers, after, limit).await
    }

    async fn caches(&self, ws: &WorkspaceId) -> Result<Caches, Failure> {
        read::caches(&mut *self.readers.begin().await?, ws).await
    }

    async fn health(&self) -> Result<(), Failure> {
        self.readers.begin().await?.rollback().await?;
        self.writer
            .begin_with(BEGIN_WRITING)
            .await?
            .rollback()
            .await?;
        Ok(())
    }
}

/// Takes the write lock at once: one that is taken later can fail as busy in the middle.
const BEGIN_WRITING: &str = "BEGIN IMMEDIATE";

#[cfg(test)]
mod tests;
