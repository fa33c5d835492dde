//! Slowing down who guesses. Nobody who shows the right thing waits.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tokens that are answered at once.
const FREE_TOKENS: u32 = 10;
/// What each further wrong token waits for its answer.
const TOKEN_DELAY: Duration = Duration::from_secs(1);
/// After this long without a wrong token the count begins again.
const TOKEN_MEMORY: Duration = Duration::from_secs(60);
/// Wrong passphrases after which the next is tried at once: a person mistypes.
const FREE_PASSPHRASES: u32 = 2;
/// The longest wait between two passphrases, in seconds.
const LONGEST_WAIT_S: u64 = 60;

/// Wrong session tokens, over all connections.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Option<(u32, Instant)>>);

impl Tokens {
    /// Notes a wrong token. Returns how long its answer has to wait.
    pub(crate) fn wrong(&self, now: Instant) -> Duration {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match *seen {
            Some((count, last)) if now.duration_since(last) < TOKEN_MEMORY => count,
            _ => 0,
        };
        let count = before.saturating_add(1);
        *seen = Some((count, now));
        if count > FREE_TOKENS {
            TOKEN_DELAY
        } else {
            Duration::ZERO
        }
    }
}

/// Wrong passphrases: two are free, each further one doubles the wait, up to a minute; a right one ends it.
#[derive(Default)]
pub(crate) struct Passphrases(Mutex<Wrong>);

#[derive(Default)]
struct Wrong {
    count: u32,
    until: Option<Instant>,
}

impl Passphrases {
    /// Whether a passphrase may be tried now.
    ///
    /// # Errors
    /// The whole seconds until the next try.
    pub(crate) fn may_try(&self, now: Instant) -> Result<(), u64> {
        match self.lock().until {
            Some(until) if until > now => {
                Err(until.duration_since(now).as_millis().div_ceil(1000) as u64)
            }
            _ => Ok(()),
        }
    }

    /// Notes a wrong passphrase. Returns the seconds until the next try, none for the first ones.
    pub(crate) fn wrong(&self, now: Instant) -> u64 {
        let mut wrong = self.lock();
        wrong.count = wrong.count.saturating_add(1);
        let wait = match wrong.count.saturating_sub(FREE_PASSPHRASES) {
            0 => 0,
            count => 1_u64
                .checked_shl(count)
                .map_or(LONGEST_WAIT_S, |wait| wait.min(LONGEST_WAIT_S)),
        };
        wrong.until = now.checked_add(Duration::from_secs(wait));
        wait
    }

    /// Notes a right one.
    pub(crate) fn right(&self) {
        *self.lock() = Wrong::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wrong> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x16_the_eleventh_wrong_token_waits_a_second() {
        let tokens = Tokens::default();
        let start = Instant::now();
        for _ in 0..10 {
            assert_eq!(tokens.wrong(start), Duration::ZERO);
        }
        assert_eq!(tokens.wrong(start), Duration::from_secs(1));
        let later = start + Duration::from_secs(59);
        assert_eq!(tokens.wrong(later), Duration::from_secs(1));
        assert_eq!(
            tokens.wrong(later + Duration::from_secs(60)),
            Duration::ZERO
        );
    }

    #[test]
    fn after_two_each_wrong_passphrase_doubles_the_wait_up_to_a_minute() {
        let passphrases = Passphrases::default();
        let now = Instant::now();
        for _ in 0..2 {
            assert_eq!(passphrases.wrong(now), 0);
            assert_eq!(passphrases.may_try(now), Ok(()));
        }
        let waits: Vec<u64> = (0..70).map(|_| passphrases.wrong(now)).collect();
        assert_eq!(waits.get(..7), Some(&[2, 4, 8, 16, 32, 60, 60][..]));
        assert!(waits.iter().skip(7).all(|wait| *wait == 60));
        assert_eq!(passphrases.may_try(now), Err(60));
        assert_eq!(
            passphrases.may_try(now + Duration::from_millis(58_500)),
            Err(2)
        );
        assert_eq!(passphrases.may_try(now + Duration::from_secs(60)), Ok(()));
        passphrases.right();
        assert_eq!([0; 3].map(|_| passphrases.wrong(now)), [0, 0, 2]);
    }
}
