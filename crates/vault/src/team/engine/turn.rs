//! One conversation with the server at a time. Whoever talks has the turn for as long as it takes; who
//! asks for it says how long to wait.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use withheld_core::{Code, Refusal};

use super::lock;

/// The turn, which one has at a time.
#[derive(Default)]
pub(super) struct Turn {
    is_taken: Mutex<bool>,
    free: Condvar,
}

/// Whoever has the turn, until it is dropped.
pub(super) struct Talking<'a>(&'a Turn);

impl Turn {
    /// Waits for the turn; without an end where no patience is said.
    ///
    /// # Errors
    /// `conflict` where it did not come in time.
    pub(super) fn wait(&self, patience: Option<Duration>) -> Result<Talking<'_>, Refusal> {
        let is_taken = lock(&self.is_taken);
        let mut is_taken = match patience {
            None => self
                .free
                .wait_while(is_taken, |is_taken| *is_taken)
                .unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                let waited = self
                    .free
                    .wait_timeout_while(is_taken, patience, |is_taken| *is_taken);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if *is_taken {
            return Err(others_talk());
        }
        *is_taken = true;
        Ok(Talking(self))
    }
}

impl Drop for Talking<'_> {
    fn drop(&mut self) {
        *lock(&self.0.is_taken) = false;
        self.0.free.notify_one();
    }
}

fn others_talk() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "somebody else here is talking to the team's server",
        "what is here stays in use; run the command again in a minute",
    )
}
