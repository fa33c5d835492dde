//! The team's server of the demo: `withheld server`, run from this very executable, and what lies on its
//! disk.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use withheld_system::process;

use super::files::make_folder;
use super::stage::unrun;
use crate::output::Outcome;

/// Its folder, in the demo's.
const FOLDER: &str = "server";
/// How it is run there. It takes a port that is free.
pub(super) const WORDS: [&str; 5] = [
    "server",
    "--listen",
    "127.0.0.1:0",
    "--database",
    "sqlite:server/withheld.db",
];
/// The file with its bootstrap token, in the demo's folder.
pub(super) const TOKEN: &str = "server/bootstrap-token";
/// What an SQLite file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// How long it may take to end as asked, and how long between two looks.
const ENDING: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// The running server.
pub(super) struct Server {
    child: Child,
    folder: PathBuf,
    /// Held open: what the server writes must arrive somewhere.
    _stdout: BufReader<ChildStdout>,
    /// What it said at its start; nothing where it did not start.
    said: Value,
}

/// What a search of its files found.
pub(super) struct Found {
    /// The names of the files.
    pub(super) files: Vec<String>,
    /// How much was looked at.
    pub(super) bytes: usize,
    /// How often one of the words is there.
    pub(super) hits: usize,
    /// Whether a database was among the files.
    pub(super) is_database: bool,
}

impl Server {
    /// Starts it, and waits until it says where it answers.
    pub(super) fn start(demo: &Path) -> Outcome<Self> {
        let folder = demo.join(FOLDER);
        make_folder(&folder)?;
        let mut child = Command::new(process::executable().map_err(|_| unrun())?)
            .args(WORDS)
            .arg("--json")
            .env_clear()
            .current_dir(demo)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| unrun())?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(unrun)?);
        let mut line = String::new();
        // One that does not start closes its stdout.
        let _ = stdout.read_line(&mut line);
        Ok(Self {
            child,
            folder,
            _stdout: stdout,
            said: serde_json::from_str(&line).unwrap_or(Value::Null),
        })
    }

    /// Where it answers, if it started.
    pub(super) fn answers(&self) -> Option<String> {
        self.said["data"]["api"].as_str().map(ToOwned::to_owned)
    }

    /// Looks for words in every byte of its files.
    pub(super) fn search(&self, words: &[&str]) -> std::io::Result<Found> {
        search(&self.folder, words)
    }

    /// Asks it to end, and waits. Whether it ended well.
    pub(super) fn stop(mut self) -> bool {
        let asked = process::ask_to_end(&self.child);
        let until = Instant::now() + ENDING;
        while asked.is_ok() && Instant::now() < until {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => std::thread::sleep(LOOK),
                Err(_) => break,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        false
    }
}

fn search(folder: &Path, words: &[&str]) -> std::io::Result<Found> {
    let mut found = Found {
        files: Vec::new(),
        bytes: 0,
        hits: 0,
        is_database: false,
    };
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let content = std::fs::read(entry.path())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.files.push(name);
        found.bytes += content.len();
        found.is_database |= content.starts_with(SQLITE);
        found.hits += words
            .iter()
            .map(|word| count(&content, word))
            .sum::<usize>();
    }
    found.files.sort();
    Ok(found)
}

fn count(content: &[u8], word: &str) -> usize {
    let word = word.as_bytes();
    content.windows(word.len()).filter(|at| *at == word).count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::folder_for_tests::Folder;

    #[test]
    fn a_search_sees_every_byte() {
        let folder = Folder::new();
        let write = |name: &str, content: &[u8]| {
            std::fs::write(folder.path().join(name), content).unwrap();
        };
        write("b", b"SQLite format 3\0\xff\xfekey_1");
        let found = search(folder.path(), &["key_1", "key_2"]).unwrap();
        assert_eq!((found.hits, found.bytes), (1, 23));
        write("a", b"key_2key_1");
        let found = search(folder.path(), &["key_1", "key_2"]).unwrap();
        assert_eq!((found.hits, found.bytes), (3, 33));
        assert_eq!(found.files, ["a", "b"]);
        assert!(found.is_database);
        let found = search(folder.path(), &["key_3"]).unwrap();
        assert_eq!(found.hits, 0);
    }
}
