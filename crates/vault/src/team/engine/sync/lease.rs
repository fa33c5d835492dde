//! The lease of a workspace: one device appends alone for some seconds.

use std::time::Duration;

use withheld_core::{Moment, Refusal};
use withheld_team::api::{Lease, ProblemCode};
use withheld_team::links::Role;

use crate::team::engine::Team;
use crate::team::engine::talk::problem;
use crate::team::post::{Answer, Asker, Noted, Outgoing, Post};

impl Team {
    /// Asks to append alone for some seconds; whether the server lets it.
    pub(super) fn take_lease(&self, post: &mut dyn Post, now: Moment) -> bool {
        let path = format!("/v1/ws/{}/lease", self.state().file.ws);
        let mut line = self.line(post, now);
        line.ask::<Lease>(&path, &serde_json::Map::new()).is_ok()
    }

    fn is_owners(&self) -> bool {
        let state = self.state();
        let me = state.chain.member(&state.me());
        me.is_some_and(|me| me.role == Role::Owner)
    }
}

/// The post of somebody who cuts another one off. Where a device appends alone, an owner does not wait for
/// it: the lease is taken over, and what it kept out goes once more, byte for byte.
pub(super) struct OverLease<'a> {
    pub(super) team: &'a Team,
    pub(super) post: &'a mut dyn Post,
    pub(super) now: Moment,
}

impl Post for OverLease<'_> {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        let answer = self.post.carry(request.clone())?;
        let is_leased = problem(&answer) == Some(ProblemCode::Leased);
        if is_leased && self.team.is_owners() && self.team.take_lease(self.post, self.now) {
            return self.post.carry(request);
        }
        Ok(answer)
    }

    fn patience(&self) -> Option<Duration> {
        self.post.patience()
    }

    fn asker(&self) -> Option<Asker> {
        self.post.asker()
    }

    fn note(&mut self, noted: Noted) -> Result<(), Refusal> {
        self.post.note(noted)
    }
}
