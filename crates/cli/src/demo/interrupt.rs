//! Ctrl-C during the demo: noted, so that what was made is cleaned up before the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use withheld_system::ending;

/// Whether somebody asked for the end.
#[derive(Clone, Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for SIGINT, SIGTERM and SIGHUP from now on. Where they cannot be watched, they end
    /// the demo as they end any program.
    pub(super) fn watch() -> Self {
        let interrupt = Self::default();
        let noted = interrupt.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(noted.note());
            }
        });
        interrupt
    }

    async fn note(&self) {
        let Ok(ended) = ending::asked_or_left() else {
            return;
        };
        ended.await;
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it came.
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
