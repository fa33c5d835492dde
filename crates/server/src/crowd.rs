//! How many connections each stranger has at once: so that nobody alone, with connections that say
//! nothing, keeps everybody else out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::stranger;

/// Connections of one stranger. An office behind one address fits.
const OF_ONE: usize = 128;

/// Everybody who is connected.
#[derive(Clone, Default)]
pub(crate) struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of a stranger's, until it is dropped.
pub(crate) struct Place {
    crowd: Crowd,
    stranger: IpAddr,
}

impl Crowd {
    /// None where the stranger has all that one may have.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Place> {
        let stranger = stranger(address);
        let mut all = self.lock();
        let count = all.entry(stranger).or_default();
        if *count >= OF_ONE {
            return None;
        }
        *count += 1;
        Some(Place {
            crowd: self.clone(),
            stranger,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.crowd.lock();
        if let Some(count) = all.get_mut(&self.stranger) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.stranger);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stranger_leaves_room_for_the_others() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let crowd = Crowd::default();
        let enter = |at| crowd.enter(address(at));
        let mut places: Vec<_> = std::iter::from_fn(|| enter("2001:db8::1")).collect();
        assert_eq!(places.len(), 128);
        assert!(enter("2001:db8::2").is_none(), "the same network");
        assert!(enter("2001:db8:0:1::1").is_some(), "another");
        places.pop();
        places.push(enter("2001:db8::2").unwrap());
        assert!(enter("2001:db8::1").is_none());
        drop(places);
        assert!(crowd.lock().is_empty(), "whoever left is forgotten");
    }
}
