//! A log comes up and goes down: what was found is mended and told, the threads start and end.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use withheld_core::Refusal;

use super::copy::Copier;
use super::start::{self, Start, store_unavailable};
use super::sync::Shared;
use super::writer::{Class, Setting, Writer};
use super::{Durability, Log, unavailable};
use crate::anchor::Anchor;
use crate::record::{Kind, Outcome, ResumedRecord};

/// What the clones of a [`Log`] share. The last one to go ends the threads.
pub(super) struct Open {
    pub(super) shared: Arc<Shared>,
    pub(super) power: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Log {
    pub(super) fn open_with(
        setting: Setting,
        durability: Durability,
        audit_key: Option<&[u8; 32]>,
        copy: Option<Arc<dyn Anchor>>,
    ) -> Result<Self, Refusal> {
        let copier = copy.map(Copier::new);
        let kept = copier.as_ref().and_then(Copier::load);
        let start = start::of(&setting.folder, audit_key, kept)?;
        let shared = Arc::new(Shared::new(resume(setting, start)?, copier));
        let log = Self(Arc::new(Open {
            shared: Arc::clone(&shared),
            power: AtomicBool::new(durability == Durability::Power),
            threads: Mutex::default(),
        }));
        log.0.spawn("withheld-audit", Shared::run)?;
        if shared.copier.is_some() {
            log.0.spawn("withheld-anchor", |shared| {
                shared.copier.iter().for_each(Copier::run);
            })?;
        }
        let head = shared.lock().head;
        log.settled(head.seq)?;
        Ok(log)
    }
}

impl Open {
    fn spawn(&self, name: &str, run: impl FnOnce(&Shared) + Send + 'static) -> Result<(), Refusal> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&shared))
            .map_err(|_| unavailable())?;
        self.threads().push(thread);
        Ok(())
    }

    pub(super) fn shutdown(&self) {
        self.shared.with(|writer| {
            if !writer.stop {
                writer.settle();
            }
            writer.stop = true;
            writer.hurry_copy();
            writer.urgent = !writer.done;
        });
        let mut threads = std::mem::take(&mut *self.threads()).into_iter();
        // The copy is last: it waits for the last anchor.
        if let Some(sync) = threads.next() {
            let _ = sync.join();
        }
        if let Some(copier) = &self.shared.copier {
            copier.stop();
        }
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Goes on where the log was found to end.
fn resume(setting: Setting, start: Start) -> Result<Writer, Refusal> {
    let Start {
        head,
        last,
        policy,
        uncertified,
        cut_bytes,
        orphans,
    } = start;
    let mut writer = Writer::new(Arc::new(setting), head, last, policy, uncertified)
        .map_err(|_| store_unavailable())?;
    if let Some(cut_bytes) = cut_bytes {
        writer.write(Class::Due, |at| ResumedRecord {
            at,
            kind: Kind::Resumed,
            after: head.seq,
            cut_bytes,
        })?;
    }
    for intent in orphans {
        writer.write(Class::Due, |at| {
            intent.abandoned(Outcome::UnknownOutcome, at)
        })?;
    }
    Ok(writer)
}
