//! How often an agent may ask: so many requests in a window that begins with the first of them.

use std::time::{Duration, Instant};

use withheld_core::record::Rate;

/// What is used of the current window.
#[derive(Default)]
pub(super) struct Budget {
    began: Option<Instant>,
    used: u32,
}

impl Budget {
    /// Takes one request.
    ///
    /// # Errors
    /// The whole seconds until the window ends, where nothing is left in it.
    pub(super) fn spend(&mut self, rate: Rate, now: Instant) -> Result<(), u64> {
        let window = Duration::from_secs(rate.per_s.into());
        let passed = self.began.map(|began| now.duration_since(began));
        match passed {
            Some(passed) if passed < window => {
                if self.used >= rate.count {
                    let left = window.saturating_sub(passed);
                    return Err(left.as_secs() + u64::from(left.subsec_nanos() > 0));
                }
                self.used += 1;
            }
            _ => {
                self.began = Some(now);
                self.used = 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_so_many_requests_and_then_another_begins() {
        let rate = Rate {
            count: 2,
            per_s: 60,
        };
        let start = Instant::now();
        let after = |seconds| start + Duration::from_millis(seconds);
        let mut budget = Budget::default();
        assert_eq!(budget.spend(rate, start), Ok(()));
        assert_eq!(budget.spend(rate, after(10_000)), Ok(()));
        assert_eq!(budget.spend(rate, after(20_500)), Err(40));
        assert_eq!(budget.spend(rate, after(59_999)), Err(1));
        assert_eq!(budget.spend(rate, after(60_000)), Ok(()));
    }
}
