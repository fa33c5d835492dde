//! A bundle against the public rules: pure, and on a thread of its own, because a large one takes
//! thousands of signatures. What comes out is what to store.

use std::collections::BTreeMap;
use std::sync::Arc;

use withheld_team::api::{Blob, Bundle, CommitParts, EnvHead, Limits, Position, ProblemCode};
use withheld_team::commit::EnvChain;
use withheld_team::envelope::Envelope;
use withheld_team::id::{DeviceId, EnvId, Hash, WorkspaceId};
use withheld_team::links::{Body, Link, Op, env_genesis};

use super::content::{self, Fits};
use super::ws::Ws;
use crate::problem::{Answer, Refused};
use crate::store::{Append, DeviceRow, NewEnvelope, NewLink};

/// How far a link may be dated after the server's clock, in milliseconds. A later one would keep its
/// readers waiting.
const AHEAD_MS: u64 = 60_000;

/// What is to be judged.
pub(super) struct Case {
    pub(super) ws: WorkspaceId,
    /// Who asks; without one, the author of the first link.
    pub(super) by: Option<DeviceId>,
    pub(super) bundle: Bundle,
    /// None for a new workspace.
    pub(super) before: Option<Arc<Ws>>,
    /// The environments that the commits change and that are there already.
    pub(super) envs: Vec<Arc<EnvChain>>,
    pub(super) now: u64,
    pub(super) limits: Limits,
}

/// What to store, and the chains when it is stored.
pub(super) struct Judged {
    pub(super) append: Append,
    pub(super) ws: Arc<Ws>,
    pub(super) envs: Vec<EnvChain>,
}

impl Case {
    /// Judges all of it.
    ///
    /// # Errors
    /// `invalid` or `unknown` with the number of the link or commit; `clock`, `too_large`, `quota`.
    pub(super) fn judge(mut self) -> Answer<Judged> {
        let bundle = std::mem::take(&mut self.bundle);
        let mut append = self.nothing_yet();
        let ws = self.links(&mut append, bundle.links)?;
        let envs = self.commits(&mut append, &ws, bundle.commits)?;
        for envelope in bundle.envelopes {
            append.envelopes.push(judged_envelope(&ws, envelope)?);
        }
        Ok(Judged { append, ws, envs })
    }

    fn nothing_yet(&self) -> Append {
        let head = self.before.as_ref().map(|ws| ws.chain.head());
        Append {
            ws: self.ws,
            by: self.by.unwrap_or(DeviceId::of([0; 16])),
            at: self.now,
            after: Position {
                seq: head.map_or(0, |head| head.seq),
                hash: head.map_or(Hash::ZERO, |head| head.hash),
            },
            links: Vec::new(),
            begun: Vec::new(),
            epochs: Vec::new(),
            devices: Vec::new(),
            cuts: Vec::new(),
            commits: Vec::new(),
            envelopes: Vec::new(),
        }
    }

    fn links(&self, append: &mut Append, links: Vec<Blob>) -> Answer<Arc<Ws>> {
        let Some(first) = links.first() else {
            let none = || Refused::of(ProblemCode::Malformed);
            return self.before.clone().ok_or_else(none);
        };
        if self.by.is_none() {
            append.by = body_of(&first.0)?.1.author;
        }
        let mut now: Option<Ws> = self.before.as_deref().cloned();
        for Blob(signed) in links {
            let (hash, body) = body_of(&signed)?;
            self.is_acceptable(&signed, &body, now.as_ref())?;
            let applied = match &mut now {
                None => Ws::begin(self.ws, &signed).map(|begun| now = Some(begun)),
                Some(now) => now.apply(&signed),
            };
            applied.map_err(|it| Refused::verdict(it, Some(body.seq)))?;
            note_effects(append, &self.ws, &body.op);
            append.links.push(NewLink { hash, signed });
        }
        let now = now.ok_or_else(|| Refused::of(ProblemCode::Malformed))?;
        append.devices = changed_devices(self.before.as_deref(), &now);
        Ok(Arc::new(now))
    }

    /// The rules of this server: sizes, clocks, how many invitations.
    fn is_acceptable(&self, signed: &[u8], body: &Body, ws: Option<&Ws>) -> Answer<()> {
        if signed.len() as u64 > self.limits.link {
            return Err(Refused::of(ProblemCode::TooLarge));
        }
        if body.ts > self.now.saturating_add(AHEAD_MS) {
            return Err(Refused::clock(self.now));
        }
        let Some(ws) = ws else { return Ok(()) };
        match &body.op {
            Op::Invite { .. } if ws.open_invites(self.now) as u64 >= self.limits.invites => {
                Err(Refused::invites())
            }
            // By the chain's rules only the link's own date counts, and a thief could date it back.
            Op::Join { invite, .. } => match ws.chain.invite(invite) {
                Some(known) if self.now > known.expires => Err(Refused::invalid(
                    "a join after the invitation ended",
                    Some(body.seq),
                )),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn commits(
        &self,
        append: &mut Append,
        ws: &Ws,
        commits: Vec<CommitParts>,
    ) -> Answer<Vec<EnvChain>> {
        let known = self.envs.iter();
        let mut envs: BTreeMap<EnvId, EnvChain> =
            known.map(|env| (env.env(), EnvChain::clone(env))).collect();
        for parts in commits {
            if ws.chain.env(&parts.env).is_none() {
                return Err(Refused::invalid(
                    "a commit of an environment that nobody made",
                    None,
                ));
            }
            let env = envs
                .entry(parts.env)
                .or_insert_with(|| EnvChain::begin(&self.ws, &parts.env));
            let fits = Fits {
                ws: &ws.chain,
                limits: &self.limits,
            };
            append.commits.push(content::judge(&fits, env, parts)?);
        }
        Ok(envs.into_values().collect())
    }
}

fn body_of(signed: &[u8]) -> Answer<(Hash, Body)> {
    let read = Link::read(signed).and_then(|link| Ok((link.hash(), Body::read(&link.body)?)));
    read.map_err(|it| Refused::verdict(it, None))
}

/// What a link says of environments, for the database.
fn note_effects(append: &mut Append, ws: &WorkspaceId, op: &Op) {
    let begin = |env: EnvId| (env, env_genesis(ws, &env));
    let cut = |env: EnvId, seq, hash| EnvHead { env, seq, hash };
    match op {
        Op::Genesis { .. } => append.begun.push(begin(EnvId::DIRECTORY)),
        Op::EnvCreate { env } => append.begun.push(begin(*env)),
        Op::Epoch { env, n, .. } => {
            append.epochs.retain(|(known, _)| known != env);
            append.epochs.push((*env, *n));
        }
        Op::Grant { env, cut: at, .. } => {
            let cuts = at.iter().map(|at| cut(*env, at.seq, at.hash));
            append.cuts.extend(cuts);
        }
        Op::RoleSet { cut: at, .. } => {
            let cuts = at.iter().map(|at| cut(EnvId::DIRECTORY, at.seq, at.hash));
            append.cuts.extend(cuts);
        }
        Op::MemberRemove { cuts, .. } => {
            let cuts = cuts.iter().map(|it| cut(it.env, it.seq, it.hash));
            append.cuts.extend(cuts);
        }
        Op::Invite { .. } | Op::Join { .. } | Op::DeviceAdd { .. } => {}
    }
}

fn changed_devices(before: Option<&Ws>, now: &Ws) -> Vec<DeviceRow> {
    let changed = now.chain.devices().filter(|device| {
        let known = before.and_then(|before| before.chain.device(&device.id));
        known.is_none_or(|known| known.until.is_none() != device.until.is_none())
    });
    changed
        .map(|device| DeviceRow {
            device: device.id,
            ops: device.public.ops,
            live: device.until.is_none(),
        })
        .collect()
}

/// An envelope with the newest key of its environment, for a device that may have it.
fn judged_envelope(ws: &Ws, Blob(signed): Blob) -> Answer<NewEnvelope> {
    let read = Envelope::read(&signed, &ws.chain).map_err(|it| Refused::verdict(it, None))?;
    let env = ws.chain.env(&read.env);
    let newest = env.and_then(|env| env.epochs.last()).map(|last| last.n);
    if newest != Some(read.epoch) {
        // Somebody began a new epoch meanwhile.
        return Err(Refused::of(ProblemCode::Conflict));
    }
    if !ws.is_live(&read.by) {
        return Err(Refused::invalid(
            "an envelope by a device that was removed",
            None,
        ));
    }
    if !ws.chain.recipients(&read.env).contains(&read.device) {
        return Err(Refused::invalid(
            "an envelope to a device that may not read the environment",
            None,
        ));
    }
    Ok(NewEnvelope {
        env: read.env,
        epoch: read.epoch,
        device: read.device,
        by: read.by,
        signed,
    })
}
