//! Environments that the owner of this device may not read, where somebody is cut off: who signs a cut
//! vouches for the commits before it. Commits say no name and no value, so they are verified like any
//! others; what the server says of them without showing them counts for nothing.

use withheld_core::{Code, Moment, Refusal, text};
use withheld_team::Verdict;
use withheld_team::api::Commits;
use withheld_team::chain::Head;
use withheld_team::commit::EnvChain;
use withheld_team::id::EnvId;
use withheld_team::links::Right;

use super::Team;
use super::links::Stop;
use super::round::{PAGE, Round};
use super::state::{State, position};
use crate::team::post::Post;

impl Team {
    /// Verifies where these environments are, as far as this device does not read them anyway. The
    /// caller has the turn.
    ///
    /// # Errors
    /// `unverified` where the server does not show their commits; `signature_invalid`,
    /// `rollback_detected`, `fork_detected` where these do not verify; as [`Team::sync`].
    pub(super) fn look_elsewhere(
        &self,
        post: &mut dyn Post,
        closing: &[EnvId],
        now: Moment,
    ) -> Result<(), Refusal> {
        for env in closing {
            let before = self.state();
            if before.my_right(env) >= Right::Read {
                continue;
            }
            let mut found = self.elsewhere(post, env, now);
            if matches!(found, Err(Stop::Proof(_))) {
                // An honest server may have moved on between two answers: asked once more.
                found = self.elsewhere(post, env, now);
            }
            match found {
                Ok(()) => {}
                Err(Stop::Refused(refusal)) => return Err(not_shown(&before, env, refusal)),
                Err(Stop::Proof(proof)) => {
                    self.convict(&before, &proof)?;
                    return Err(not_shown(&before, env, proof.verdict.into()));
                }
            }
        }
        Ok(())
    }

    fn elsewhere(&self, post: &mut dyn Post, env: &EnvId, now: Moment) -> Result<(), Stop> {
        let mut line = self.line(post, now);
        let mut round = Round {
            line: &mut line,
            seed: &self.seed,
            next: State::clone(&self.state()),
        };
        round.elsewhere(env)?;
        self.keep(round.next)?;
        Ok(())
    }
}

impl Round<'_, '_> {
    /// Every commit of one environment, on top of what was verified of it before.
    fn elsewhere(&mut self, env: &EnvId) -> Result<(), Stop> {
        let ws = self.next.file.ws;
        let here = self.next.envs.get(env).map(|here| here.chain.clone());
        let mut chain = here.unwrap_or_else(|| EnvChain::begin(&ws, env));
        loop {
            let from = chain.head().seq.saturating_add(1);
            let path = format!("/v1/ws/{ws}/envs/{env}/commits?from={from}&limit={PAGE}");
            let page: Commits = self.line.get(&path)?;
            if page.commits.len() > PAGE {
                return Err(self.proof(Some(*env), Verdict::Rollback));
            }
            for commit in &page.commits {
                self.anchor(env, &commit.0)?;
                let taken = chain.apply(&self.next.chain, &commit.0);
                taken.map_err(|verdict| self.proof(Some(*env), verdict))?;
            }
            if page.commits.is_empty() || page.next.is_none() {
                break;
            }
        }
        self.goes_on(env, &chain)
            .map_err(|verdict| self.proof(Some(*env), verdict))?;
        let head = chain.head();
        let rows = &mut self.next.file.elsewhere;
        rows.retain(|(other, _)| other != env);
        rows.push((*env, position(head.seq, head.hash)));
        Ok(())
    }

    /// Whether it stands beside the removals, and goes on from what was verified at an earlier one.
    fn goes_on(&self, env: &EnvId, chain: &EnvChain) -> Result<(), Verdict> {
        chain.holds_cuts(&self.next.chain)?;
        chain.reaches_cuts(&self.next.chain)?;
        let mut rows = self.next.file.elsewhere.iter();
        let Some((_, known)) = rows.find(|(other, _)| other == env) else {
            return Ok(());
        };
        chain.extends(&Head {
            seq: known.seq,
            hash: known.hash,
        })
    }
}

/// Nobody is cut off where that is not known.
fn not_shown(state: &State, env: &EnvId, refusal: Refusal) -> Refusal {
    let code = match refusal.code {
        Code::NotFound | Code::NoGrant | Code::Unverified => Code::Unverified,
        code @ (Code::SignatureInvalid | Code::RollbackDetected | Code::ForkDetected) => code,
        _ => return refusal,
    };
    let name = state
        .name_of(env)
        .map_or_else(|| text!("an environment"), |name| text!("`{}`", *name));
    Refusal::new(
        code,
        text!(
            "what the server shows of {}, which you may not read, does not verify; nothing was changed",
            name
        ),
        "an admin who may read it does this; see who: withheld team members",
    )
}
