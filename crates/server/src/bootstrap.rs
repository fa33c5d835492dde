//! The bootstrap token: lets whoever reads a file beside the database make the first workspace, once,
//! for 24 hours. Only the file holds it; this process keeps its digest.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use withheld_core::{Code, Refusal};
use withheld_system::private;

/// The file, in the database's folder.
const FILE: &str = "bootstrap-token";
/// What a token begins with, so that a scanner of secrets knows it.
const PREFIX: &str = "whb_";
/// The prefix, 32 random bytes in base64, and the end of the line.
const FILE_BYTES: u64 = 4 + 43 + 1;
/// How far the clock of the files may be ahead of ours, in milliseconds.
const AHEAD_MS: u64 = 60_000;
/// How long a token can be used, in milliseconds: 24 hours.
const LIFE_MS: u64 = 24 * 60 * 60 * 1000;

/// The token, while there is one.
pub(crate) struct Bootstrap {
    file: PathBuf,
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    digest: [u8; 32],
    written: u64,
}

impl Bootstrap {
    /// For a server with no workspace yet: keeps a token that can still be used, else writes a new one.
    ///
    /// # Errors
    /// `store_unavailable`; `internal` where the system has no random bytes.
    pub(crate) fn needed(database: &Path, now: u64) -> Result<Self, Refusal> {
        let file = beside(database);
        let kept = read(&file, now).filter(|it| is_fresh(it, now));
        let waiting = kept.map_or_else(|| write(&file, now), Ok)?;
        Ok(Self {
            file,
            waiting: Mutex::new(Some(waiting)),
        })
    }

    /// For a server that has a workspace: no token, and no file of one.
    pub(crate) fn over(database: &Path) -> Self {
        let file = beside(database);
        remove(&file);
        Self {
            file,
            waiting: Mutex::new(None),
        }
    }

    /// Where the token is; none when there is none.
    pub(crate) fn file(&self) -> Option<&Path> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.as_ref().map(|_| self.file.as_path())
    }

    /// Takes the token out of use, if this is it; a [`Claim`] that is dropped puts it back.
    pub(crate) fn claim(&self, token: &str, now: u64) -> Option<Claim<'_>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.as_ref().is_some_and(|it| !is_fresh(it, now)) {
            *waiting = None;
            remove(&self.file);
        }
        let digest = digest(token);
        let taken = waiting.take_if(|it| it.digest == digest)?;
        Some(Claim {
            of: self,
            taken: Some(taken),
        })
    }
}

/// A token that nobody else can use now. Dropped unspent, it can be used again: a request that ends
/// half way takes nobody's token away.
pub(crate) struct Claim<'a> {
    of: &'a Bootstrap,
    taken: Option<Waiting>,
}

impl Claim<'_> {
    /// It was used: its file is gone.
    pub(crate) fn spend(mut self) {
        self.taken = None;
        remove(&self.of.file);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            let mut waiting = self
                .of
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *waiting = Some(taken);
        }
    }
}

fn beside(database: &Path) -> PathBuf {
    database.with_file_name(FILE)
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn is_fresh(waiting: &Waiting, now: u64) -> bool {
    now.saturating_sub(waiting.written) < LIFE_MS
}

/// A token that this server wrote, as far as can be told: nobody else could read it or put it there.
fn read(file: &Path, now: u64) -> Option<Waiting> {
    let found = std::fs::symlink_metadata(file).ok()?;
    if !found.is_file() || found.len() != FILE_BYTES {
        return None;
    }
    let mut opened = private::options().read(true).open(file).ok()?;
    if !private::is_private(&opened).ok()? {
        return None;
    }
    let age = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let written = u64::try_from(age.as_millis()).ok()?;
    let mut text = String::new();
    opened.read_to_string(&mut text).ok()?;
    let token = text.trim_end();
    let is_past = written <= now.saturating_add(AHEAD_MS);
    (is_past && token.starts_with(PREFIX)).then(|| Waiting {
        digest: digest(token),
        written,
    })
}

fn write(file: &Path, now: u64) -> Result<Waiting, Refusal> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| {
        Refusal::new(
            Code::Internal,
            "the system gave no random bytes",
            "try again; see what this machine offers: withheld doctor",
        )
    })?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    put(file, &token).map_err(|_| {
        Refusal::new(
            Code::StoreUnavailable,
            "the bootstrap token could not be written beside the database",
            "make the database's folder writable for this user",
        )
    })?;
    Ok(Waiting {
        digest: digest(&token),
        written: now,
    })
}

/// A new file that only this user may read, in the place of the old one.
fn put(file: &Path, token: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    remove(&new);
    let mut opened = private::create_new(&new)?;
    opened.write_all(format!("{token}\n").as_bytes())?;
    opened.sync_all()?;
    std::fs::rename(&new, file)
}

fn remove(file: &Path) {
    // What is not there, or cannot be removed, holds no token that this process accepts.
    let _ = std::fs::remove_file(file);
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use withheld_testkit::Temp;

    use super::*;

    const HOUR: u64 = 60 * 60 * 1000;

    fn now_of(file: &Path) -> u64 {
        let at = std::fs::metadata(file).unwrap().modified().unwrap();
        u64::try_from(at.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }

    fn token_in(folder: &Temp) -> String {
        let text = std::fs::read_to_string(folder.path().join("bootstrap-token")).unwrap();
        text.trim_end().to_owned()
    }

    #[test]
    fn a_token_is_for_its_reader_alone_and_for_once() {
        let folder = Temp::new();
        let database = folder.path().join("withheld.db");
        let bootstrap = Bootstrap::needed(&database, 0).unwrap();
        let file = bootstrap.file().unwrap().to_owned();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let token = token_in(&folder);
        assert_eq!(token.len(), "whb_".len() + 43);

        assert!(bootstrap.claim("whb_other", HOUR).is_none());
        let claim = bootstrap.claim(&token, HOUR).unwrap();
        assert!(bootstrap.claim(&token, HOUR).is_none(), "claimed already");
        drop(claim);
        bootstrap.claim(&token, HOUR).unwrap().spend();
        assert!(bootstrap.claim(&token, HOUR).is_none(), "spent");
        assert!(bootstrap.file().is_none() && !file.exists());
    }

    #[test]
    fn a_token_ends_after_a_day() {
        let folder = Temp::new();
        let bootstrap = Bootstrap::needed(&folder.path().join("withheld.db"), 5).unwrap();
        let token = token_in(&folder);
        assert!(bootstrap.claim(&token, 5 + 24 * HOUR - 1).is_some());
        assert!(bootstrap.claim(&token, 5 + 24 * HOUR).is_none());
        assert!(bootstrap.file().is_none());
        assert!(!folder.path().join("bootstrap-token").exists());
    }

    #[test]
    fn a_second_start_keeps_a_fresh_token_and_replaces_an_old_one() {
        let folder = Temp::new();
        let database = folder.path().join("withheld.db");
        drop(Bootstrap::needed(&database, 0).unwrap());
        let first = token_in(&folder);
        let now = now_of(&folder.path().join("bootstrap-token"));
        let again = Bootstrap::needed(&database, now + HOUR).unwrap();
        assert_eq!(token_in(&folder), first);
        assert!(again.claim(&first, now + HOUR).is_some());
        let later = Bootstrap::needed(&database, now + 25 * HOUR).unwrap();
        assert_ne!(token_in(&folder), first);
        assert!(later.claim(&first, now + 25 * HOUR).is_none());
        drop(Bootstrap::over(&database));
        assert!(!folder.path().join("bootstrap-token").exists());
    }

    #[test]
    fn a_file_that_others_could_have_written_or_read_is_replaced() {
        for spoil in [
            |file: &Path| std::fs::set_permissions(file, Permissions::from_mode(0o640)).unwrap(),
            |file: &Path| {
                let other = file.with_file_name("other");
                std::fs::rename(file, &other).unwrap();
                std::os::unix::fs::symlink(&other, file).unwrap();
            },
            |file: &Path| {
                let mut longer = std::fs::read(file).unwrap();
                longer.insert(4, b'x');
                std::fs::write(file, longer).unwrap();
            },
            |file: &Path| {
                let opened = std::fs::OpenOptions::new().write(true).open(file).unwrap();
                let at = opened.metadata().unwrap().modified().unwrap();
                opened
                    .set_modified(at + Duration::from_secs(3 * 3600))
                    .unwrap();
            },
        ] {
            let folder = Temp::new();
            let database = folder.path().join("withheld.db");
            let file = folder.path().join("bootstrap-token");
            drop(Bootstrap::needed(&database, 0).unwrap());
            let now = now_of(&file) + HOUR;
            spoil(&file);
            let spoilt = token_in(&folder);
            let again = Bootstrap::needed(&database, now).unwrap();
            assert_ne!(token_in(&folder), spoilt);
            assert!(again.claim(&spoilt, now).is_none());
            assert!(std::fs::symlink_metadata(&file).unwrap().is_file());
        }
    }
}
