//! Ending in order: what runs is finished, what waits is let go.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

/// How long requests that are under way may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says when to leave, and waits until everybody has.
pub(crate) struct Drain {
    stop: watch::Sender<bool>,
    present: mpsc::Sender<()>,
    absent: mpsc::Receiver<()>,
}

/// Held by each connection.
#[derive(Clone)]
pub(crate) struct Guest {
    stop: watch::Receiver<bool>,
    _present: mpsc::Sender<()>,
}

impl Drain {
    pub(crate) fn new() -> Self {
        let (present, absent) = mpsc::channel(1);
        Self {
            stop: watch::Sender::new(false),
            present,
            absent,
        }
    }

    pub(crate) fn guest(&self) -> Guest {
        Guest {
            stop: self.stop.subscribe(),
            _present: self.present.clone(),
        }
    }

    /// Asks everybody to leave and waits until they have, at most ten seconds.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(true);
        drop(self.present);
        // After that time the rest is cut off with the process; the log says so of each request.
        let _ = tokio::time::timeout(PATIENCE, self.absent.recv()).await;
    }
}

impl Guest {
    /// Returns when the broker stops.
    pub(crate) async fn asked_to_leave(&mut self) {
        // An error means that the house is gone, which says the same.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_the_last_guest() {
        let drain = Drain::new();
        let mut guest = drain.guest();
        let (left, mut seen) = watch::channel(false);
        let task = tokio::spawn(async move {
            guest.asked_to_leave().await;
            left.send_replace(true);
        });
        drain.finish().await;
        assert!(*seen.borrow_and_update());
        task.await.unwrap();
    }
}
