//! One broker a home: the lock, and sockets that are ours alone.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use withheld_core::{Code, Refusal};
use withheld_system::private;
use withheld_system::socket::{Listener, Unbound};

/// Between two looks whether the lock is free.
const LOOK: Duration = Duration::from_millis(10);

/// Holds the lock of a home. The system gives it back when the process ends, however that happens.
pub(crate) struct Instance(#[expect(dead_code, reason = "held, not read")] File);

impl Instance {
    /// Takes the lock. Where another broker has it, waits so long for that one to end: a broker that
    /// was told to stop holds it a moment longer than it answers.
    ///
    /// # Errors
    /// `conflict` where another broker keeps it; `config_invalid` where the file is not ours alone;
    /// `store_unavailable` where it cannot be opened.
    pub(crate) fn take(lock_file: &Path, patience: Duration) -> Result<Self, Refusal> {
        let deadline = Instant::now() + patience;
        let file = private::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(lock_file)
            .map_err(|_| unavailable())?;
        let found = file.metadata().map_err(|_| unavailable())?;
        let is_private = private::is_private(&file).map_err(|_| unavailable())?;
        if !found.is_file() || !is_private {
            return Err(not_ours());
        }
        while file.try_lock().is_err() {
            if Instant::now() >= deadline {
                return Err(Refusal::new(
                    Code::Conflict,
                    "another broker serves this home",
                    "use that one, or stop it first: withheld daemon stop",
                ));
            }
            std::thread::sleep(LOOK);
        }
        Ok(Self(file))
    }
}

/// Binds one of the two sockets; see [`Listener::bind`]. Call it with the lock held.
///
/// # Errors
/// `config_invalid` where the folder or what stands at the path is not ours alone or no socket;
/// `store_unavailable` where it cannot be bound.
pub(crate) fn bind(path: &Path) -> Result<Listener, Refusal> {
    Listener::bind(path).map_err(|fault| match fault {
        Unbound::NotOurs => not_ours(),
        Unbound::Unavailable => unavailable(),
    })
}

fn not_ours() -> Refusal {
    Refusal::new(
        Code::ConfigInvalid,
        "the folder `run` of the home, or a file in it, is not this user's alone",
        "look at it, then remove it: the folder `run` holds nothing that must stay",
    )
}

fn unavailable() -> Refusal {
    Refusal::new(
        Code::StoreUnavailable,
        "the folder `run` of the home cannot be written",
        "see what is full or read-only: withheld doctor",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
