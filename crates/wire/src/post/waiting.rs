//! The connection that waits for the next request to the same server.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::TeamServer;
use crate::connection::Connection;

/// One connection a server that waits for the next request.
#[derive(Default)]
pub(crate) struct Waiting {
    idle: Mutex<HashMap<TeamServer, (Connection, Instant)>>,
}

impl Waiting {
    pub(super) fn take(&self, server: &TeamServer, limit: Duration) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, since) = idle.remove(server)?;
        (since.elapsed() < limit && !connection.is_closed()).then_some(connection)
    }

    /// One that waits already is dropped, as are those of servers that nobody has asked for long.
    pub(super) fn put(&self, server: &TeamServer, connection: Connection, limit: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, (_, since)| since.elapsed() < limit);
        idle.insert(server.clone(), (connection, Instant::now()));
    }
}
