//! A sync: what was written here and not answered is sent again, what is new is fetched and verified,
//! and then this device does its part for the others: it seals keys to newcomers and begins new epochs
//! where somebody lost access.

mod lease;

use std::sync::Arc;

use withheld_core::name::Environment;
use withheld_core::{Code, Moment, Refusal, plain};
use withheld_team::id::EnvId;
use withheld_team::links::Right;

use super::Team;
use super::draft::Draft;
use super::files::Files;
use super::formats::{Fault, Pending, PendingKind};
use super::links::{Proof, Stop};
use super::reached::Reached;
use super::round::Round;
use super::state::State;
use super::talk::{By, Sent};
use crate::team::post::Post;
use lease::OverLease;

/// How often a change is written anew because somebody else was faster.
pub(super) const TRIES: usize = 5;

plain! {
    /// What a sync did.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Synced {
        /// Whether the server had anything that was not here.
        pub changed: bool,
        /// Environments whose key is not here yet: a colleague's next command brings it.
        pub locked: Vec<Environment>,
        /// Keys that were sealed to newcomers.
        pub sealed: u64,
        /// Environments that have a new key because somebody lost access.
        pub rotated: Vec<Environment>,
    }
}

impl Team {
    /// Brings the local copy to where the server is. Nothing is kept unless all of it verifies.
    ///
    /// # Errors
    /// `server_unreachable`: what is here stays in use. `signature_invalid`, `rollback_detected`,
    /// `fork_detected`: what the server shows does not verify; nothing was applied, and the bytes are
    /// kept in the folder `team`. `unverified` where something is missing, `unknown_caller` where the
    /// server does not know this device, `store_unavailable`, `keychain_unavailable`.
    pub fn sync(&self, post: &mut dyn Post, now: Moment) -> Result<Synced, Refusal> {
        let _talking = self.talk(post)?;
        let changed = self.catch_up(post, now)?;
        let (rotated, sealed) = self.serve_others(post, now)?;
        let state = self.state();
        let readable = state.envs.values().filter(|env| {
            env.is_locked(&state.chain) && state.my_right(&env.file.env) >= Right::Read
        });
        let locked = readable.filter_map(|env| state.name_of(&env.file.env).cloned());
        Ok(Synced {
            changed,
            locked: locked.collect(),
            sealed,
            rotated,
        })
    }

    /// The first half of a sync; whether anything changed. The caller has the turn.
    pub(super) fn catch_up(&self, post: &mut dyn Post, now: Moment) -> Result<bool, Refusal> {
        self.send_pending(post, now)?;
        self.send_outboxes(post, now)?;
        let before = self.state();
        let fresh = !before.file.faults.is_empty();
        let mut round = self.round(&before, post, fresh, now);
        if matches!(round, Err(Stop::Proof(_))) {
            // An honest server may have moved on between two answers: asked once more, from the start.
            round = self.round(&before, post, true, now);
        }
        match round {
            Ok(changed) => self.state().is_in_it().map(|()| changed),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Proof(proof)) => {
                self.convict(&before, &proof)?;
                Err(proof.verdict.into())
            }
        }
    }

    fn round(
        &self,
        before: &Arc<State>,
        post: &mut dyn Post,
        fresh: bool,
        now: Moment,
    ) -> Result<bool, Stop> {
        let mut line = self.line(post, now);
        let mut round = Round {
            line: &mut line,
            seed: &self.seed,
            next: State::clone(before),
        };
        let changed = round.run(fresh)?;
        let mut next = round.next;
        if changed {
            next.learn_names();
            next.judge_records();
            next.forget_faults();
        }
        next.seen.at = Some(now.as_ms());
        self.keep(next)?;
        Ok(changed)
    }

    /// Keeps what does not verify, and that it does not.
    pub(super) fn convict(&self, before: &State, proof: &Proof) -> Result<(), Refusal> {
        let files = Files {
            home: self.vault.home(),
            seed: &self.seed,
        };
        files.keep_evidence(&proof.bytes);
        let mut next = before.clone();
        let after = before.reached(proof.env);
        let fault = Fault::new(proof.env, proof.value, proof.verdict.code(), after);
        next.file.faults.retain(|known| !known.is_same(&fault));
        next.file.faults.push(fault);
        self.keep(next).map(drop)
    }

    /// Sends what was written and not answered once more, byte for byte: the server has it already, or
    /// takes it now, or says why not.
    ///
    /// # Errors
    /// As the server refuses what founds or joins a workspace; `server_unreachable`.
    pub(super) fn send_pending(&self, post: &mut dyn Post, now: Moment) -> Result<(), Refusal> {
        let before = self.state();
        let Some(pending) = &before.file.pending else {
            return Ok(());
        };
        if pending.kind == PendingKind::Create {
            return Err(not_yet());
        }
        match (self.resend(post, pending, now)?, pending.kind) {
            (Sent::Stored, _) | (Sent::Moved | Sent::Refused(_), PendingKind::Links) => {
                self.is_answered()
            }
            (Sent::Refused(refusal), _) => Err(refusal),
            (Sent::Moved, _) => Err(Refusal::new(
                Code::Conflict,
                "somebody else changed the team while this device was joining",
                "paste the invitation again: withheld team join",
            )),
        }
    }

    /// The same bytes once more.
    pub(super) fn resend(
        &self,
        post: &mut dyn Post,
        pending: &Pending,
        now: Moment,
    ) -> Result<Sent, Refusal> {
        let by = match pending.kind {
            PendingKind::Create | PendingKind::Join => By::Nobody,
            PendingKind::Links => By::Device(&self.seed, self.state().file.device),
        };
        let mut line = self.line_by(by, post, now);
        let reached = Reached::by_bundle(&pending.body)?;
        line.store(&pending.path, pending.body.to_vec(), &reached)
    }

    /// What was pending is not any more.
    pub(super) fn is_answered(&self) -> Result<(), Refusal> {
        let mut next = State::clone(&self.state());
        next.file.pending = None;
        next.seen.etag = None;
        self.keep(next).map(drop)
    }

    /// Writes a change on top of the newest state and has it stored: written to the disk before it is
    /// sent, written anew where somebody else was faster. What `write` returned is handed on.
    ///
    /// # Errors
    /// What `write` refuses; `conflict` after five tries; as [`Team::sync`].
    pub(super) fn change<'d, T>(
        &'d self,
        post: &mut dyn Post,
        now: Moment,
        write: impl Fn(&State) -> Result<(Draft<'d>, T), Refusal>,
    ) -> Result<T, Refusal> {
        self.change_after(post, now, |_| Ok(Vec::new()), write)
    }

    /// The same, where somebody is cut off in these environments: no admin holds up an owner who does that.
    ///
    /// # Errors
    /// Where an environment cannot be verified: [`Team::look_elsewhere`].
    pub(super) fn change_closing<'d, T>(
        &'d self,
        post: &mut dyn Post,
        now: Moment,
        closing: impl Fn(&State) -> Result<Vec<EnvId>, Refusal>,
        write: impl Fn(&State) -> Result<(Draft<'d>, T), Refusal>,
    ) -> Result<T, Refusal> {
        let team = self;
        let mut post = OverLease { team, post, now };
        self.change_after(&mut post, now, closing, write)
    }

    fn change_after<'d, T>(
        &'d self,
        post: &mut dyn Post,
        now: Moment,
        closing: impl Fn(&State) -> Result<Vec<EnvId>, Refusal>,
        write: impl Fn(&State) -> Result<(Draft<'d>, T), Refusal>,
    ) -> Result<T, Refusal> {
        for attempt in 0..TRIES {
            if attempt > 0 {
                // So that a busy colleague is not faster again. Without it the next try may be too late, too.
                let _ = self.take_lease(post, now);
            }
            self.catch_up(post, now)?;
            let closing = closing(&self.state())?;
            self.look_elsewhere(post, &closing, now)?;
            let before = self.state();
            let (draft, written) = write(&before)?;
            if draft.is_empty() || self.submit(post, now, &before, draft)? {
                return Ok(written);
            }
        }
        Err(busy())
    }

    /// Has a bundle stored; whether it was. If not, the chains have moved on.
    ///
    /// # Errors
    /// `server_unreachable`: the bundle stays on the disk and is sent again. What the server refuses.
    pub(super) fn submit(
        &self,
        post: &mut dyn Post,
        now: Moment,
        before: &State,
        draft: Draft<'_>,
    ) -> Result<bool, Refusal> {
        let path = format!("/v1/ws/{}/links", before.file.ws);
        let body = draft.body()?;
        let reached = Reached::by_bundle(&body)?;
        let mut sending = before.clone();
        sending.file.pending = Some(Pending {
            kind: PendingKind::Links,
            path: path.clone(),
            body: body.clone().into(),
        });
        let sending = self.keep(sending)?;
        let sent = self.line(post, now).store(&path, body, &reached)?;
        let mut next = match sent {
            Sent::Stored => draft.next,
            Sent::Moved | Sent::Refused(_) => State::clone(&sending),
        };
        next.file.pending = None;
        next.seen.etag = None;
        next.learn_names();
        self.keep(next)?;
        match sent {
            Sent::Stored => Ok(true),
            Sent::Moved => Ok(false),
            Sent::Refused(refusal) => Err(refusal),
        }
    }
}

/// What founds a team is sent by the command that founds it: a server may ask for a token that only that
/// has.
fn not_yet() -> Refusal {
    Refusal::new(
        Code::NotFound,
        "the team was begun here, and its server has not answered yet",
        "run the command again that founds it: withheld team create",
    )
}

/// Others are faster again and again.
pub(super) fn busy() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "others change the team at the same moment",
        "run the command again in a few seconds",
    )
}
