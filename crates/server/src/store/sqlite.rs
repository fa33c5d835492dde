//! SQLite: one file, one writer, a few readers.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use withheld_team::api::{Heads, Limits, Part, Usage};
use withheld_team::id::{DeviceId, EnvId, RecordId, WorkspaceId};

use super::{
    Append, Appended, Caches, DeviceRow, Envelopes, Failure, Page, Snapshot, Store, StoredRecord,
};

mod append;
mod pages;
mod read;
mod row;
mod upkeep;

/// A database in one file. A process that is killed leaves no half of an append in it.
#[derive(Clone, Debug)]
pub struct Sqlite {
    /// One connection: writers queue here instead of failing as busy.
    writer: SqlitePool,
    readers: SqlitePool,
}

const READERS: u32 = 4;

/// How long to wait for another process that has the file, a backup for one.
const BUSY: Duration = Duration::from_secs(5);

impl Sqlite {
    /// Opens the file, or makes it, for this account only, and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be opened, or was written by a newer version.
    pub async fn open(file: &Path) -> Result<Self, Failure> {
        make_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new();
        let writer = pool
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        migrations().run(&writer).await.map_err(Failure::of)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { writer, readers })
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// SQLite gives the files that it makes beside this one the same mode.
fn make_private(file: &Path) -> Result<(), Failure> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Err(why) if why.kind() != ErrorKind::AlreadyExists => Err(Failure::of(why)),
        _ => Ok(()),
    }
}

fn migrations() -> Migrator {
    let chains = include_str!("../../migrations/sqlite/0001_chains.sql");
    Migrator::with_migrations(vec![Migration::new(
        1,
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
        now: u64,
    ) -> Result<Option<u64>, Failure> {
        upkeep::lease(&self.writer, ws, device, now).await
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
