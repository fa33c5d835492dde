//! How much one caller may ask for: token buckets in bounded maps, kept by this process alone.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use withheld_team::id::{DeviceId, WorkspaceId};

/// How many callers one map remembers.
const MOST_CALLERS: usize = 10_000;

/// Every rate of the server.
pub(crate) struct Rates {
    /// Signed requests of one device.
    pub(crate) devices: Buckets<(WorkspaceId, DeviceId)>,
    /// From one address: joins, new workspaces, requests whose signature fails.
    pub(crate) strangers: Buckets<IpAddr>,
    /// Leases of one device.
    pub(crate) leases: Buckets<(WorkspaceId, DeviceId)>,
}

impl Rates {
    pub(crate) fn new() -> Self {
        Self {
            devices: Buckets::new(Duration::from_millis(50), 200),
            strangers: Buckets::new(Duration::from_millis(500), 20),
            leases: Buckets::new(Duration::from_secs(20), 3),
        }
    }
}

/// Token buckets. Each is one moment: when it will be full again.
pub(crate) struct Buckets<K> {
    every: Duration,
    burst: Duration,
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// A token every so often, and at most so many at once.
    fn new(every: Duration, burst: u32) -> Self {
        Self {
            every,
            burst: every * burst,
            full_at: Mutex::default(),
        }
    }

    /// Takes a token; where there is none, how long until there is one.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_CALLERS && !full_at.contains_key(&key) {
            full_at.retain(|_, at| *at > now);
            // So many callers at once cannot be told apart within this memory: all begin again.
            if full_at.len() >= MOST_CALLERS {
                full_at.clear();
            }
        }
        let at = full_at.entry(key).or_insert(now);
        let next = (*at).max(now) + self.every;
        let missing = (next - now).saturating_sub(self.burst);
        if missing.is_zero() {
            *at = next;
            Ok(())
        } else {
            Err(missing)
        }
    }

    /// Whether a token is left, without taking it; where there is none, how long until there is one.
    pub(crate) fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let at = full_at.get(key).copied().unwrap_or(now).max(now);
        let missing = (at + self.every - now).saturating_sub(self.burst);
        if missing.is_zero() {
            Ok(())
        } else {
            Err(missing)
        }
    }
}

/// Who counts as one stranger: an IPv4 address, or the 64 bits of an IPv6 network, which one customer
/// has whole.
pub(crate) fn stranger(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_at_a_time() {
        let buckets = Buckets::new(Duration::from_millis(500), 20);
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(buckets.check(&"a", start), Ok(()));
            assert_eq!(buckets.take("a", start), Ok(()));
        }
        let half = Duration::from_millis(500);
        assert_eq!(buckets.check(&"a", start), Err(half));
        assert_eq!(buckets.take("a", start), Err(half));
        assert_eq!(buckets.take("b", start), Ok(()), "another caller");
        assert_eq!(buckets.take("a", start + half), Ok(()));
        assert_eq!(buckets.take("a", start + half), Err(half));
        let later = start + Duration::from_secs(3600);
        let taken = (0..50).filter(|_| buckets.take("a", later).is_ok()).count();
        assert_eq!(taken, 20, "a bucket never holds more than its burst");
    }

    #[test]
    fn the_map_is_bounded() {
        let buckets = Buckets::new(Duration::from_millis(500), 20);
        let start = Instant::now();
        for caller in 0..3 * MOST_CALLERS {
            assert_eq!(buckets.take(caller, start), Ok(()));
        }
        let held = buckets.full_at.lock().unwrap().len();
        assert!(held <= MOST_CALLERS, "{held}");
    }

    #[test]
    fn a_network_is_one_stranger() {
        let same = |a: &str, b: &str| stranger(a.parse().unwrap()) == stranger(b.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
