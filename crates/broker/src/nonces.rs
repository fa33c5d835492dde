//! What each proof of the owner is made with, once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use withheld_core::Refusal;
use withheld_core::api::Nonce;

use crate::session::random;

/// Given out and not used yet, at most; the oldest ones are forgotten.
const KEPT: usize = 64;

/// The nonces that were given out. Made anew with the broker, as the key is that proofs are sealed to.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<VecDeque<Nonce>>);

impl Nonces {
    /// A nonce for one proof.
    ///
    /// # Errors
    /// `internal` without randomness.
    pub(crate) fn give(&self) -> Result<Nonce, Refusal> {
        let nonce = Nonce::from_bytes(&random()?);
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= KEPT {
            given.pop_front();
        }
        given.push_back(nonce.clone());
        Ok(nonce)
    }

    /// Whether this one was given out and not used before. It is used now.
    pub(crate) fn take(&self, nonce: &Nonce) -> bool {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = given.iter().position(|one| one == nonce);
        at.and_then(|at| given.remove(at)).is_some()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once() {
        let nonces = Nonces::default();
        let (one, other) = (nonces.give().unwrap(), nonces.give().unwrap());
        assert_ne!(one, other);
        assert!(nonces.take(&one));
        assert!(!nonces.take(&one));
        assert!(nonces.take(&other));
        assert!(!nonces.take(&Nonce::from_bytes(&[7; 16])));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let nonces = Nonces::default();
        let given: Vec<Nonce> = (0..66).map(|_| nonces.give().unwrap()).collect();
        assert!(!nonces.take(&given[0]) && !nonces.take(&given[1]));
        assert!(given[2..].iter().all(|nonce| nonces.take(nonce)));
    }
}
