//! The contract for SQLite, and what only a file has.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use withheld_server::Log;
use withheld_server::store::{Sqlite, Store as _};
use withheld_testkit::Temp;

use crate::contract;
use crate::made::{ENV, Place, WS, With, begun, commit, head_of, link, on, put};

contract!(File);

/// How long a test waits for others that write. Nothing is asserted of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A file in a folder of its own.
#[derive(Default)]
struct File(Temp);

impl File {
    fn path(&self) -> PathBuf {
        self.0.path().join("withheld.db")
    }
}

impl Place for File {
    type Store = Sqlite;

    async fn open(&self) -> Sqlite {
        Sqlite::open_waiting(&self.path(), PATIENCE).await.unwrap()
    }

    async fn close(store: Sqlite) {
        store.close().await;
    }

    async fn meddle(&self, sql: &'static str) {
        let options = SqliteConnectOptions::new()
            .filename(self.path())
            .busy_timeout(PATIENCE);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let done = sqlx::query(sql).execute(&pool).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
        pool.close().await;
    }

    async fn verify(&self) -> Vec<String> {
        let path = self.path();
        let log: Log = Arc::new(|_| {});
        let verified = tokio::task::spawn_blocking(move || withheld_server::verify(&path, &log));
        let verified = verified.await.unwrap().unwrap();
        assert_eq!(verified.len(), 1);
        let differences = verified.into_iter().map(|ws| ws.differences);
        differences.flatten().collect()
    }
}

#[tokio::test]
async fn the_files_are_for_this_account_only() {
    let file = File::default();
    let (store, _) = begun(&file).await;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(file.0.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["withheld.db", "withheld.db-shm", "withheld.db-wal"]);
    store.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let file = File::default();
    std::fs::write(file.path(), [b'x'; 4096]).unwrap();
    assert!(Sqlite::open(&file.path()).await.is_err());
    assert_eq!(std::fs::read(file.path()).unwrap(), [b'x'; 4096]);
    let nowhere = file.0.path().join("no folder/withheld.db");
    assert!(Sqlite::open(&nowhere).await.is_err());
}

const FILE: &str = "WITHHELD_TEST_DATABASE";
/// Appends that are seen done before the writer is killed.
const SEEN: usize = 10;

/// What the started process does: it appends until it is killed, and says each time how far it is.
/// Nothing, when the whole file is run.
#[tokio::test]
async fn the_act_of_a_started_process() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let store = Sqlite::open(Path::new(&path)).await.unwrap();
    let mut heads = store.heads(&WS).await.unwrap().unwrap();
    for n in 2.. {
        let mut append = on(&heads);
        append.links = vec![link(n)];
        append.commits = vec![commit(head_of(&heads, ENV), 10_000 + n)];
        heads = put(&store, &append).await;
        writeln!(std::io::stderr(), "at {}", heads.w.seq).unwrap();
    }
}

/// A process that is killed, at the latest when the test ends.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn what_was_done_survives_a_kill_and_nothing_else_does() {
    let file = File::default();
    let (store, _) = begun(&file).await;
    store.close().await;
    let name = "sqlite::the_act_of_a_started_process";
    let writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FILE, file.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = Started(writer);
    let said = BufReader::new(writer.0.stderr.take().unwrap());
    let last = said.lines().nth(SEEN - 1).unwrap().unwrap();
    drop(writer);
    let seen: u64 = last.strip_prefix("at ").unwrap().parse().unwrap();

    let store = file.open().await;
    let heads = store.heads(&WS).await.unwrap().unwrap();
    assert!(heads.w.seq >= seen);
    // Each append had one link and one commit; the first link had none.
    assert_eq!(head_of(&heads, ENV).seq, heads.w.seq - 1);
    let links = store.links(&WS, 1, u32::MAX).await.unwrap();
    let commits = store.commits(&WS, &ENV, 1, u32::MAX).await.unwrap();
    assert_eq!(links.items.len() as u64, heads.w.seq);
    assert_eq!(commits.items.len() as u64, heads.w.seq - 1);

    let mut next = on(&heads);
    next.commits = vec![commit(head_of(&heads, ENV), 9).with(1, 1)];
    put(&store, &next).await;
}
