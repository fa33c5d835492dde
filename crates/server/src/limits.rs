//! How much one caller may ask for: token buckets in bounded maps, kept by this process alone.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use withheld_team::id::{DeviceId, InviteId, WorkspaceId};

/// How long to wait for a place for something large. A client that hears nothing for half a minute is gone.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// How many callers one map remembers.
const MOST_CALLERS: usize = 10_000;

/// Every rate of the server. Times are the server's clock, in milliseconds since 1970.
pub(crate) struct Rates {
    /// Signed requests of one device.
    pub(crate) devices: Buckets<(WorkspaceId, DeviceId)>,
    /// Requests that one open invitation signed.
    pub(crate) invites: Buckets<(WorkspaceId, InviteId)>,
    /// From one address: joins, new workspaces, requests whose signature fails.
    pub(crate) strangers: Buckets<IpAddr>,
    /// Leases of one workspace: of its owners, and of all other admins together. So many admins hold it
    /// no longer than one, and none of them uses up what the owners have.
    pub(crate) leases: Buckets<(WorkspaceId, bool)>,
}

impl Rates {
    pub(crate) fn new() -> Self {
        Self {
            devices: Buckets::new(50, 200),
            invites: Buckets::new(500, 20),
            strangers: Buckets::new(500, 20),
            leases: Buckets::new(20_000, 3),
        }
    }
}

/// Token buckets. Each is one moment: when it will be full again.
pub(crate) struct Buckets<K> {
    every: u64,
    burst: u64,
    full_at: Mutex<HashMap<K, u64>>,
}

impl<K: Eq + Hash + Copy> Buckets<K> {
    /// A token every so many milliseconds, and at most so many at once.
    fn new(every: u64, burst: u64) -> Self {
        Self {
            every,
            burst: every * burst,
            full_at: Mutex::default(),
        }
    }

    /// Takes a token; where there is none, how long until there is one.
    pub(crate) fn take(&self, key: K, now: u64) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_CALLERS && !full_at.contains_key(&key) {
            make_room(&mut full_at, now);
        }
        let at = full_at.entry(key).or_insert(now);
        // A clock that was set back must not keep a caller waiting longer than an empty bucket does.
        let next = (*at).clamp(now, now.saturating_add(self.burst)) + self.every;
        let missing = (next - now).saturating_sub(self.burst);
        if missing == 0 {
            *at = next;
            Ok(())
        } else {
            Err(Duration::from_millis(missing))
        }
    }
}

/// Forgets whose bucket is full; where nobody's is, the one that is nearest to it. So a crowd of new
/// callers never frees one who has asked too much.
fn make_room<K: Eq + Hash + Copy>(full_at: &mut HashMap<K, u64>, now: u64) {
    full_at.retain(|_, at| *at > now);
    if full_at.len() >= MOST_CALLERS {
        let fullest = full_at.iter().min_by_key(|(_, at)| **at);
        if let Some(key) = fullest.map(|(key, _)| *key) {
            full_at.remove(&key);
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

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn a_burst_then_one_at_a_time() {
        let buckets = Buckets::new(500, 20);
        for _ in 0..20 {
            assert_eq!(buckets.take("a", NOW), Ok(()));
        }
        let half = Duration::from_millis(500);
        assert_eq!(buckets.take("a", NOW), Err(half));
        assert_eq!(buckets.take("b", NOW), Ok(()), "another caller");
        assert_eq!(buckets.take("a", NOW + 500), Ok(()));
        assert_eq!(buckets.take("a", NOW + 500), Err(half));
        let later = NOW + 3_600_000;
        let taken = (0..50).filter(|_| buckets.take("a", later).is_ok()).count();
        assert_eq!(taken, 20, "a bucket never holds more than its burst");
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let buckets = Buckets::new(500, 20);
        for _ in 0..20 {
            assert_eq!(buckets.take("a", NOW), Ok(()));
        }
        let before = NOW - 3_600_000;
        let wait = Err(Duration::from_millis(500));
        assert_eq!(buckets.take("a", before), wait, "still empty, and no worse");
    }

    /// Over so many callers that one more does not fit, whoever asked too much stays slowed down.
    #[test]
    fn a_crowd_frees_nobody_and_the_map_is_bounded() {
        let buckets = Buckets::new(500, 20);
        for _ in 0..20 {
            assert_eq!(buckets.take(0, NOW), Ok(()));
        }
        for caller in 1..MOST_CALLERS + 1_000 {
            assert_eq!(buckets.take(caller, NOW), Ok(()));
        }
        assert_eq!(buckets.full_at.lock().unwrap().len(), MOST_CALLERS);
        assert_eq!(buckets.take(0, NOW), Err(Duration::from_millis(500)));
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
