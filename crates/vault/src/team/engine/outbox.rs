//! The outbox: a commit is on the disk before it is sent, and is sent again unchanged until the server has
//! said yes or no; so it is there once, whenever this process is killed.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use withheld_core::name::{Environment, SessionId};
use withheld_core::{Moment, Refusal};
use withheld_team::api::{CommitParts, RecordParts};
use withheld_team::id::EnvId;
use withheld_team::record::{Header, Record};
use withheld_team::slot::Slot;

use super::Team;
use super::batch::Batch;
use super::draft::Draft;
use super::env_state::EnvState;
use super::files::impossible;
use super::formats::{KeptAsker, KeptRecord, Outbox, Row};
use super::reached::Reached;
use super::state::State;
use super::talk::{Sent, json};
use crate::team::post::{Asker, Noted, Post, PushStep};

impl Team {
    /// Writes a commit to the disk, then sends it.
    pub(super) fn commit(
        &self,
        post: &mut dyn Post,
        before: &State,
        env: &EnvId,
        batch: Batch,
        now: Moment,
    ) -> Result<Sent, Refusal> {
        let mut draft = Draft::on(before, &self.seed, None, now);
        draft.records(env, batch.records)?;
        let parts = draft.bundle.commits.pop().ok_or_else(impossible)?;
        let outbox = Outbox {
            body: json(&parts)?.into(),
            rows: batch.rows,
            by: post.asker().map(|asker| KeptAsker {
                agent: asker.agent,
                session: (*asker.session.as_bytes()).into(),
            }),
        };
        // First what is about to be done: whatever becomes of it, the log has it.
        note(before, env, &outbox, post, &[PushStep::Begun])?;
        let mut next = before.clone();
        next.env_mut(env).file.outbox = Some(outbox);
        self.keep(next)?;
        self.send_outbox(post, env, now)
    }

    /// Sends every commit that was written and not answered.
    ///
    /// # Errors
    /// `server_unreachable`: they stay.
    pub(super) fn send_outboxes(&self, post: &mut dyn Post, now: Moment) -> Result<(), Refusal> {
        let state = self.state();
        let full = state
            .envs
            .iter()
            .filter(|(_, here)| here.file.outbox.is_some());
        for (env, _) in full {
            // A no is an answer too: what was not taken is still to be pushed.
            let _: Sent = self.send_outbox(post, env, now)?;
        }
        Ok(())
    }

    fn send_outbox(&self, post: &mut dyn Post, env: &EnvId, now: Moment) -> Result<Sent, Refusal> {
        let before = self.state();
        let outbox = before
            .envs
            .get(env)
            .and_then(|here| here.file.outbox.clone());
        let outbox = outbox.ok_or_else(impossible)?;
        let path = format!("/v1/ws/{}/envs/{env}/commits", before.file.ws);
        let reached = Reached::by_commit(&outbox.body)?;
        let sent = self
            .line(post, now)
            .store(&path, outbox.body.to_vec(), &reached)?;
        let mut next = State::clone(&before);
        next.env_mut(env).file.outbox = None;
        if matches!(sent, Sent::Stored) {
            let steps = [PushStep::Stored, PushStep::Withdrawn];
            note(&before, env, &outbox, post, &steps)?;
            // What the server said last is older than this: it may not say that all is as it was.
            next.seen.etag = None;
            next.take_own(env, outbox)?;
        }
        self.keep(next)?;
        Ok(sent)
    }

    /// Rows of an environment whose commit was not answered yet, of whoever asks now: what others pushed
    /// is theirs to be told.
    pub(super) fn unanswered(&self, post: &dyn Post, environment: &Environment) -> Vec<Row> {
        let state = self.state();
        let here = state
            .env_named(environment)
            .and_then(|env| state.envs.get(&env));
        let outbox = here.and_then(|here| here.file.outbox.as_ref());
        let own = outbox.filter(|outbox| outbox.asker() == post.asker());
        own.map_or_else(Vec::new, |outbox| outbox.rows.clone())
    }

    /// Those of them that the server had, or has taken since.
    pub(super) fn settled_of(&self, environment: &Environment, mut rows: Vec<Row>) -> Vec<Row> {
        let state = self.state();
        let here = state
            .env_named(environment)
            .and_then(|env| state.envs.get(&env));
        rows.retain(|row| {
            let is_there = |here: &Arc<EnvState>| {
                let entry = here.chain.entry(&row.rid);
                entry.is_some_and(|entry| entry.record == row.record)
            };
            here.is_some_and(is_there)
        });
        rows
    }
}

/// Writes these steps of a push down, each with the secrets that it is about.
fn note(
    state: &State,
    env: &EnvId,
    outbox: &Outbox,
    post: &mut dyn Post,
    steps: &[PushStep],
) -> Result<(), Refusal> {
    let (Some(by), Some(environment)) = (outbox.asker(), state.name_of(env)) else {
        return Ok(());
    };
    for step in steps {
        let rows = outbox.rows.iter().filter(|row| match step {
            PushStep::Begun => true,
            PushStep::Stored => row.local != 0,
            PushStep::Withdrawn => row.local == 0,
        });
        let versions = rows.map(|row| {
            let ver = if row.local == 0 { 0 } else { row.ver };
            (row.name.clone(), ver)
        });
        let noted = Noted {
            by: by.clone(),
            environment: environment.clone(),
            step: *step,
            versions: versions.collect(),
        };
        if !noted.versions.is_empty() {
            post.note(noted)?;
        }
    }
    Ok(())
}

impl Outbox {
    fn asker(&self) -> Option<Asker> {
        let KeptAsker { agent, session } = self.by.clone()?;
        Some(Asker {
            agent,
            session: SessionId::from_bytes(*session),
        })
    }
}

impl State {
    /// Takes a commit of this device that the server has, on top of the state that it was written on.
    fn take_own(&mut self, env: &EnvId, outbox: Outbox) -> Result<(), Refusal> {
        let parts: CommitParts = serde_json::from_slice(&outbox.body).map_err(|_| impossible())?;
        let chain = Arc::clone(&self.chain);
        let here = self.env_mut(env);
        here.take(&chain, &parts.commit.0)?;
        let mut slots = BTreeMap::new();
        for slot in parts.slots {
            slots.insert(Slot::read(&slot.0)?.rid, ByteVec::from(slot.0));
        }
        for RecordParts { record, meta, .. } in parts.records {
            let Header { rid, ver, .. } = Record::read(&record.0)?.header;
            let kept = KeptRecord {
                rid,
                ver,
                record: record.0.into(),
                meta: meta.map(|meta| meta.0.into()),
                slot: slots.remove(&rid),
            };
            here.show(&chain, kept)?;
        }
        here.open_names()?;
        here.file.settle(outbox.rows);
        self.note_pushed(env);
        self.judge_records();
        Ok(())
    }
}
