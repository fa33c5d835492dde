//! The log: what is written before a credential leaves, and how it gets to the disk.
//!
//! A record is written by whoever has it, with one write(2) under a short lock: it survives any death
//! of the process at once. The disk follows within 100 ms ([`Durability::Process`]), or is waited for
//! ([`Durability::Power`], and whatever the owner does).

mod closing;
mod copy;
mod groups;
mod open;
mod rescue;
mod reserve;
mod segment;
mod start;
mod sync;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use withheld_core::destination::Host;
use withheld_core::name::{Environment, RequestId, SecretName};
use withheld_core::policy::Refused;
use withheld_core::{Code, Moment, Refusal};

use self::copy::Copier;
use self::open::Open;
use self::writer::{Class, Setting, Writer};
use crate::anchor::{Anchor, Anchored};
use crate::key::Sealer;
use crate::paper::{self, Paper};
use crate::record::{
    Kind, OwnerAct, RequestRecord, SessionAct, SessionRecord, SyncAct, SyncRecord, TunnelRecord,
    Who,
};

pub use self::closing::{Closing, Receipt};

/// Whoever knows the time.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Puts a file's records on disk; another one in tests.
type SyncFile = Arc<dyn Fn(&File) -> io::Result<()> + Send + Sync>;

/// How long a log that could not be brought back rests before the next attempt.
const REST: Duration = Duration::from_secs(1);

/// What a record of a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is in the file: it survives any death of the process. The disk is at most 100 ms behind.
    Process,
    /// It is on disk: an intent survives a power cut.
    Power,
}

/// The log of one home. Clones are the same log; the last one to go closes it.
#[derive(Clone)]
pub struct Log(Arc<Open>);

impl Log {
    /// Opens the log of a folder, which is made if it is not there, and goes on in a new segment.
    /// Verifies what was written since the anchor, cuts off what a crash left of the last record, and
    /// writes `resumed` and the outcomes that nobody knows. One process at a time: the caller holds
    /// the lock of the home. Blocks until the disk has it all.
    ///
    /// # Errors
    /// `log_broken` and `rollback_detected` name the file and the first record that cannot be
    /// trusted; `store_unavailable`: the disk is full or may not be written.
    pub fn open(
        folder: &Path,
        sealer: Arc<dyn Sealer>,
        durability: Durability,
        clock: Clock,
        audit_key: Option<&[u8; 32]>,
        copy: Option<Arc<dyn Anchor>>,
    ) -> Result<Self, Refusal> {
        let setting = Setting {
            folder: folder.to_owned(),
            sealer,
            clock,
            sync: Arc::new(File::sync_data),
            rest: REST,
        };
        Self::open_with(setting, durability, audit_key, copy)
    }

    /// Writes the intent of a request. With [`Durability::Power`] it blocks until that is on disk;
    /// in a task, use [`Log::intend_async`]. `versions` are those of the values, in the order of the
    /// permit's uses.
    ///
    /// # Errors
    /// `audit_unavailable`: nothing may be sent.
    pub fn intend(
        &self,
        who: &Who,
        paper: Paper<'_>,
        versions: &[u64],
    ) -> Result<(Receipt, Closing), Refusal> {
        let (seq, papers) = self.note(who, paper, versions)?;
        if self.0.power.load(Ordering::Relaxed) {
            self.settled(seq)?;
        }
        Ok(papers)
    }

    /// As [`Log::intend`]; what waits for the disk is the task and not its thread.
    ///
    /// # Errors
    /// `audit_unavailable`: nothing may be sent.
    pub async fn intend_async(
        &self,
        who: &Who,
        paper: Paper<'_>,
        versions: &[u64],
    ) -> Result<(Receipt, Closing), Refusal> {
        let (seq, papers) = self.note(who, paper, versions)?;
        if self.0.power.load(Ordering::Relaxed) {
            self.settled_async(seq).await?;
        }
        Ok(papers)
    }

    fn note(
        &self,
        who: &Who,
        paper: Paper<'_>,
        versions: &[u64],
    ) -> Result<(u64, (Receipt, Closing)), Refusal> {
        let mut intent = paper.intent(who, versions);
        let seq = self.0.shared.with(|writer| writer.intend(&mut intent))?;
        Ok((seq, closing::papers(self.clone(), intent)))
    }

    /// Records a refusal; those of one session and rule within a minute are one record.
    ///
    /// # Errors
    /// `audit_unavailable`. The request stays refused.
    pub fn refused(&self, who: &Who, refused: &Refused) -> Result<(), Refusal> {
        self.count(paper::refused(who, refused))
    }

    /// Records the refusal of a request that was never read as an `Ask`: a head with two readings, a
    /// tunnel to elsewhere. `to` is where it was going, as far as that is known.
    ///
    /// # Errors
    /// `audit_unavailable`. The request stays refused.
    pub fn refused_unread(
        &self,
        who: &Who,
        request: RequestId,
        code: Code,
        to: Option<(&Host, u16)>,
    ) -> Result<(), Refusal> {
        let mut record = RequestRecord::unread(who, request, code);
        record.host = to.map(|(host, _)| host.clone());
        record.port = to.map(|(_, port)| port);
        self.count(record)
    }

    fn count(&self, record: RequestRecord) -> Result<(), Refusal> {
        self.0.shared.with(|writer| {
            let now = writer.now();
            writer.end_minutes(now);
            if !writer.groups.count(&record, now) {
                return Ok(());
            }
            let dated = |at| RequestRecord {
                at,
                ..record.clone()
            };
            let written = writer.write(Class::New, dated).map(|_| ());
            if written.is_err() {
                writer.groups.forget(&record);
            }
            written
        })
    }

    /// Writes the counts of refusals so far, for somebody who is about to read.
    pub fn settle(&self) {
        self.0.shared.with(Writer::settle);
    }

    /// Records a tunnel that a client asked for, and why it was refused, if it was.
    ///
    /// # Errors
    /// `audit_unavailable`.
    pub fn tunnel(
        &self,
        who: &Who,
        host: &Host,
        port: u16,
        refusal: Option<Code>,
    ) -> Result<(), Refusal> {
        let record = |at| TunnelRecord {
            at,
            kind: Kind::Tunnel,
            agent: who.agent.clone(),
            session: who.session,
            environment: who.environment.clone(),
            host: host.clone(),
            port,
            refusal,
        };
        let written = self
            .0
            .shared
            .with(|writer| writer.write(Class::New, record));
        written.map(|_| ())
    }

    /// Records what became of a session. Blocks until that is on disk.
    ///
    /// # Errors
    /// `audit_unavailable`: a session must not start.
    pub fn session(&self, who: &Who, act: SessionAct) -> Result<(), Refusal> {
        let record = |at| SessionRecord {
            at,
            kind: Kind::Session,
            agent: who.agent.clone(),
            session: who.session,
            environment: who.environment.clone(),
            act,
        };
        let seq = self
            .0
            .shared
            .with(|writer| writer.write(Class::Due, record))?;
        self.settled(seq)
    }

    /// Records that versions came from the team or went to it. Blocks until that is on disk.
    ///
    /// # Errors
    /// `audit_unavailable`.
    pub fn sync(
        &self,
        who: &Who,
        environment: &Environment,
        act: SyncAct,
        versions: &[(SecretName, u64)],
    ) -> Result<(), Refusal> {
        let mut versions = versions.to_vec();
        versions.sort();
        let (secrets, versions): (Vec<_>, Vec<_>) = versions.into_iter().unzip();
        let record = |at| SyncRecord {
            at,
            kind: Kind::Sync,
            agent: who.agent.clone(),
            session: who.session,
            environment: environment.clone(),
            act,
            secrets,
            versions,
        };
        let seq = self
            .0
            .shared
            .with(|writer| writer.write(Class::Due, record))?;
        self.settled(seq)
    }

    /// Records what the owner is about to do. Blocks until that is on disk: a few milliseconds.
    ///
    /// # Errors
    /// `audit_unavailable`: it must not be done.
    pub fn owner(&self, act: OwnerAct) -> Result<(), Refusal> {
        let seq = self.0.shared.with(|writer| {
            writer.hurry_copy();
            writer.write(Class::Due, |at| act.record(at))
        })?;
        self.settled(seq)
    }

    /// The vault was unlocked: it vouches for the segments that have no certificate yet, and the
    /// copy of the anchor, if only now it can be had, is compared with the log. Blocks until the
    /// certificates are on disk.
    ///
    /// # Errors
    /// `log_broken`, `rollback_detected`: the log is not the one that the copy saw. Then nothing is
    /// certified. `audit_unavailable` when the certificates could not be written.
    pub fn certify(&self) -> Result<(), Refusal> {
        let shared = &self.0.shared;
        let folder = shared.lock().setting.folder.clone();
        if let Some(copy) = shared.copier.as_ref().and_then(Copier::load)
            && copy.head.seq > 0
        {
            start::holds(&folder, &copy)?;
        }
        let seq = shared.with(|writer| {
            writer.certify();
            writer.hurry_copy();
            writer.head.seq
        });
        self.settled(seq)
    }

    /// Whether the log is the one that a copy of its anchor saw.
    ///
    /// # Errors
    /// `log_broken`, `rollback_detected`: it is not.
    pub fn holds(&self, copy: &Anchored) -> Result<(), Refusal> {
        let folder = self.0.shared.lock().setting.folder.clone();
        if copy.head.seq > 0 {
            start::holds(&folder, copy)?;
        }
        Ok(())
    }

    /// The counter of the newest policy document that the anchor knows; 0 before the first.
    #[must_use]
    pub fn policy_counter(&self) -> u64 {
        self.0.shared.lock().policy
    }

    /// Notes in the anchor that a policy document is in force. To be called once it is on disk: from
    /// then on an older one is a rollback. Blocks until the anchor is on disk.
    ///
    /// # Errors
    /// `audit_unavailable` when the anchor could not be written.
    pub fn raise_policy_counter(&self, counter: u64) -> Result<(), Refusal> {
        let shared = &self.0.shared;
        let tried = shared.with(|writer| {
            writer.policy = writer.policy.max(counter);
            writer.hurry_copy();
            writer.anchor_attempts()
        });
        shared.wait(|writer| writer.anchor_settled(counter, tried))
    }

    /// Where the log is on disk.
    #[must_use]
    pub fn anchor(&self) -> Option<Anchored> {
        self.0.shared.lock().anchor()
    }

    /// From now on intents wait for this.
    pub fn set_durability(&self, durability: Durability) {
        self.0
            .power
            .store(durability == Durability::Power, Ordering::Relaxed);
    }

    /// Writes what is left, seals, syncs, anchors, and drops the key. Later records are refused.
    /// Requests that are still open get their outcome at the next start, so drain them before.
    pub fn shutdown(&self) {
        self.0.shutdown();
    }

    fn settled(&self, seq: u64) -> Result<(), Refusal> {
        self.0.shared.wait(|writer| writer.settled(seq))
    }

    async fn settled_async(&self, seq: u64) -> Result<(), Refusal> {
        poll_fn(|task| {
            self.0.shared.with(|writer| match writer.settled(seq) {
                Some(settled) => Poll::Ready(settled),
                None => {
                    writer.urgent = true;
                    writer.wakers.push(task.waker().clone());
                    Poll::Pending
                }
            })
        })
        .await
    }
}

fn unavailable() -> Refusal {
    Refusal::new(
        Code::AuditUnavailable,
        "the audit log cannot be written, so nothing is sent",
        "free some space on the disk, or see what is wrong: withheld doctor",
    )
}

fn ended() -> Refusal {
    Refusal::new(
        Code::AuditUnavailable,
        "the audit log is closed: the broker is ending",
        "start it again: withheld daemon start",
    )
}
