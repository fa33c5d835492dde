//! How much each has at once of what there is little of: so that nobody alone keeps everybody else out.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Everybody who has some of it.
#[derive(Clone)]
pub(crate) struct Crowd<K: Eq + Hash> {
    of_one: usize,
    all: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of what somebody may have, until it is dropped.
pub(crate) struct Share<K: Eq + Hash> {
    crowd: Crowd<K>,
    of: K,
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// So many for each.
    pub(crate) fn new(of_one: usize) -> Self {
        Self {
            of_one,
            all: Arc::default(),
        }
    }

    /// None where somebody has all that one may have.
    pub(crate) fn enter(&self, who: K) -> Option<Share<K>> {
        let mut all = self.lock();
        let count = all.entry(who.clone()).or_default();
        if *count >= self.of_one {
            return None;
        }
        *count += 1;
        Some(Share {
            crowd: self.clone(),
            of: who,
        })
    }
}

impl<K: Eq + Hash> Crowd<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut all = self.crowd.lock();
        if let Some(count) = all.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_leaves_room_for_the_others() {
        let crowd = Crowd::new(3);
        let enter = |who| crowd.enter(who);
        let mut shares: Vec<_> = std::iter::from_fn(|| enter("a")).collect();
        assert_eq!(shares.len(), 3);
        assert!(enter("b").is_some(), "another");
        shares.pop();
        shares.push(enter("a").unwrap());
        assert!(enter("a").is_none());
        drop(shares);
        assert!(crowd.lock().is_empty(), "whoever left is forgotten");
    }
}
