//! Idle connections, kept for the next request of the same session, binding, host, port, reach
//! and roots.
//!
//! Nobody else's login is ever on a connection that is handed out (P14), and a connection that is
//! not known to be between two messages is never kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use withheld_core::destination::Host;
use withheld_core::name::{BindingId, SessionId};

use crate::address::Reach;
use crate::connection::Connection;
use crate::upload::Progress;

/// Connections of one key that wait; as many as a busy agent has requests at once.
const PER_KEY: usize = 128;
/// All that wait, so that idle connections never use up the descriptors.
const IN_ALL: usize = 1024;

/// What a connection may be used for again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) session: SessionId,
    /// The bindings whose credentials it has carried; none for a pass.
    pub(crate) bindings: Vec<BindingId>,
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// How far it was allowed to go: what leads to a private address never serves a request that may
    /// not reach one.
    pub(crate) reach: Reach,
    /// The number of the roots that verified it; `None` for clear text.
    pub(crate) trust: Option<usize>,
}

/// The connections that wait.
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    /// How long one may wait.
    limit: Duration,
}

struct Idle {
    waiting: HashMap<Arc<Key>, Vec<Waiting>>,
    count: usize,
    swept: Instant,
}

struct Waiting {
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(limit: Duration) -> Self {
        let idle = Idle {
            waiting: HashMap::new(),
            count: 0,
            swept: Instant::now(),
        };
        Self {
            idle: Mutex::new(idle),
            limit,
        }
    }

    /// The connection that was used last: the others may grow old.
    pub(crate) fn take(&self, key: &Key) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let last = idle.waiting.get_mut(key)?.pop()?;
            idle.count -= 1;
            if last.since.elapsed() < self.limit && !last.connection.is_closed() {
                return Some(last.connection);
            }
        }
    }

    fn put(&self, key: Arc<Key>, connection: Connection) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.sweep(self.limit);
        if idle.count >= IN_ALL {
            return;
        }
        let waiting = match idle.waiting.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Vec::new()),
        };
        if waiting.len() < PER_KEY {
            waiting.push(Waiting {
                connection,
                since: Instant::now(),
            });
            idle.count += 1;
        }
    }

    /// Closes what waits for sessions that have ended.
    pub(crate) fn retain(&self, keep: impl Fn(&SessionId) -> bool) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.waiting.retain(|key, _| keep(&key.session));
        idle.recount();
    }
}

impl Idle {
    /// Closes what has waited too long, once in that time.
    fn sweep(&mut self, limit: Duration) {
        if self.swept.elapsed() < limit {
            return;
        }
        self.swept = Instant::now();
        self.waiting.retain(|_, waiting| {
            waiting.retain(|one| one.since.elapsed() < limit && !one.connection.is_closed());
            !waiting.is_empty()
        });
        self.recount();
    }

    fn recount(&mut self) {
        self.count = self.waiting.values().map(Vec::len).sum();
    }
}

/// A connection in use. It goes back to the pool by [`Lease::finish`] only; dropped before that it is
/// cut at once, so that an upload or a reply that nobody reads does not go on.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    key: Arc<Key>,
    connection: Option<Connection>,
    progress: Arc<Progress>,
    keep: bool,
}

impl Lease {
    /// `keep`: both heads allow another exchange on it.
    pub(crate) fn new(
        pool: &Arc<Pool>,
        key: &Arc<Key>,
        connection: Connection,
        progress: Arc<Progress>,
        keep: bool,
    ) -> Self {
        Self {
            pool: Arc::clone(pool),
            key: Arc::clone(key),
            connection: Some(connection),
            progress,
            keep,
        }
    }

    /// The host at the other end.
    pub(crate) fn host(&self) -> &Host {
        &self.key.host
    }

    /// The reply was read to its end. A connection whose upload has not ended by now is cut: what is
    /// left of it would be read as the next request (P03).
    pub(crate) fn finish(mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !self.progress.ended.load(Relaxed) {
            connection.cut();
        } else if self.keep {
            self.pool.put(Arc::clone(&self.key), connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.cut();
        }
    }
}
