//! The chains of every workspace, as far as they were judged, and how something is appended to them.
//!
//! What is kept in memory only saves work: each use begins with the heads that the database has, and
//! what does not match them is read again.

mod content;
mod join;
mod judge;
mod place;
mod stored;
mod ws;

use std::sync::Arc;

use moka::sync::Cache;
use withheld_team::api::{Bundle, EnvHead, Heads, Limits, Position, ProblemCode};
use withheld_team::commit::EnvChain;
use withheld_team::id::{DeviceId, EnvId, WorkspaceId};
use withheld_team::links::Link;

use join::only_link;
use judge::{Case, Judged};
use place::Place;
pub(crate) use stored::{entry, read_ws};
pub(crate) use ws::Ws;

use crate::office::{Fault, Office};
use crate::problem::Refused;
use crate::store::{Appended, Sqlite, Store as _};

/// How much memory membership chains may take, about, in bytes.
const CHAIN_BYTES: u64 = 64 << 20;
/// How much memory the states of environments may take, about, in bytes.
const ENV_BYTES: u64 = 128 << 20;

/// Membership chains that are read at once.
const READING: usize = 16;

/// How often an append is tried while others append in between.
const ATTEMPTS: usize = 5;

/// The chains.
pub(crate) struct Ledger {
    store: Sqlite,
    limits: Limits,
    chains: Cache<WorkspaceId, Arc<Ws>>,
    envs: Cache<(WorkspaceId, EnvId), Arc<EnvChain>>,
    /// Held while a membership chain is read: whoever wants the same one waits, and then finds it kept.
    reading: [tokio::sync::Mutex<()>; READING],
}

impl Ledger {
    pub(crate) fn new(store: Sqlite, limits: Limits) -> Self {
        let chains = Cache::builder()
            .max_capacity(CHAIN_BYTES)
            .weigher(|_, ws: &Arc<Ws>| ws.weight())
            .build();
        let envs = Cache::builder()
            .max_capacity(ENV_BYTES)
            .weigher(|_, env: &Arc<EnvChain>| weight(env))
            .build();
        Self {
            store,
            limits,
            chains,
            envs,
            reading: Default::default(),
        }
    }

    /// The database.
    pub(crate) fn store(&self) -> &Sqlite {
        &self.store
    }

    /// The membership chain up to the newest link.
    ///
    /// # Errors
    /// `not_found`.
    pub(crate) async fn ws(&self, ws: &WorkspaceId) -> Result<Arc<Ws>, Fault> {
        let heads = self.store.heads(ws).await?;
        let heads = heads.ok_or_else(|| Refused::of(ProblemCode::NotFound))?;
        self.ws_at(ws, &heads.w).await
    }

    /// Makes a workspace. One that is here already with this genesis is as good.
    ///
    /// # Errors
    /// The rule that the bundle breaks.
    pub(crate) async fn create(&self, bundle: Bundle, now: u64) -> Result<Heads, Fault> {
        let genesis = bundle.links.first();
        let genesis = genesis.ok_or_else(|| Refused::of(ProblemCode::Malformed))?;
        let link = Link::read(&genesis.0).map_err(|it| Refused::verdict(it, Some(1)))?;
        let ws = WorkspaceId::from(link.hash());
        if self.store.heads(&ws).await?.is_some() {
            return Ok(only_link(1, ws.into()));
        }
        let case = Case {
            ws,
            by: None,
            bundle,
            before: None,
            envs: Vec::new(),
            now,
            limits: self.limits,
        };
        let judged = judge(case).await?;
        let appended = self.store.create(&judged.append, &self.limits).await?;
        self.keep(judged, appended)
    }

    /// For who has no token any more: where the genesis stands, and nothing else, because anybody who was
    /// ever in the workspace can send it.
    ///
    /// # Errors
    /// `unsigned` when there is none.
    pub(crate) async fn created(&self, bundle: &Bundle) -> Result<Heads, Fault> {
        let unsigned = || Refused::of(ProblemCode::Unsigned);
        let genesis = bundle.links.first().ok_or_else(unsigned)?;
        let link = Link::read(&genesis.0).map_err(|_| unsigned())?;
        let ws = WorkspaceId::from(link.hash());
        let heads = self.store.heads(&ws).await?;
        Ok(heads
            .map(|_| only_link(1, ws.into()))
            .ok_or_else(unsigned)?)
    }

    /// Appends all of a bundle, or nothing; what is stored already is answered like the first time.
    ///
    /// # Errors
    /// `conflict` with the heads, or the rule that it breaks.
    pub(crate) async fn append(
        &self,
        ws: &WorkspaceId,
        by: Option<DeviceId>,
        bundle: Bundle,
        now: u64,
    ) -> Result<Heads, Fault> {
        for _ in 0..ATTEMPTS {
            let heads = self.store.heads(ws).await?;
            let heads = heads.ok_or_else(|| Refused::of(ProblemCode::NotFound))?;
            let before = self.ws_at(ws, &heads.w).await?;
            match place::of(&bundle, &before.chain, &heads)? {
                Place::Next => {}
                Place::Before(commits) if self.are_stored(ws, &commits).await? => return Ok(heads),
                Place::Before(_) | Place::Elsewhere => return Err(Refused::conflict(heads).into()),
            }
            let Some(envs) = self.envs_at(ws, &before, &bundle, &heads).await? else {
                continue;
            };
            let case = Case {
                ws: *ws,
                by,
                bundle: bundle.clone(),
                before: Some(before),
                envs,
                now,
                limits: self.limits,
            };
            let judged = judge(case).await.map_err(|fault| match fault {
                Fault::Refused(it) if it.code() == ProblemCode::Conflict => {
                    Refused::conflict(heads.clone()).into()
                }
                other => other,
            })?;
            match self.store.append(&judged.append, &self.limits).await? {
                // Somebody was faster, perhaps elsewhere: then this can still be the next.
                Appended::Conflict(now) if now != heads => {}
                appended => return self.keep(judged, appended),
            }
        }
        let heads = self.store.heads(ws).await?;
        let refused = heads.map_or_else(|| Refused::of(ProblemCode::NotFound), Refused::conflict);
        Err(refused.into())
    }

    /// The environments that a bundle changes and that are there; none when one has moved on.
    async fn envs_at(
        &self,
        ws: &WorkspaceId,
        known: &Arc<Ws>,
        bundle: &Bundle,
        heads: &Heads,
    ) -> Result<Option<Vec<Arc<EnvChain>>>, Fault> {
        let mut envs = Vec::new();
        let touched = place::touched(bundle);
        for head in heads.envs.iter().filter(|head| touched.contains(&head.env)) {
            match self.env_at(ws, known, head).await? {
                Some(env) => envs.push(env),
                None => return Ok(None),
            }
        }
        Ok(Some(envs))
    }

    fn keep(&self, judged: Judged, appended: Appended) -> Result<Heads, Fault> {
        let refused = match appended {
            Appended::Done(heads) => {
                let ws = judged.append.ws;
                for env in judged.envs {
                    self.envs.insert((ws, env.env()), Arc::new(env));
                }
                self.chains.insert(ws, judged.ws);
                return Ok(heads);
            }
            Appended::Conflict(heads) => Refused::conflict(heads),
            Appended::Leased => Office::leased(),
            Appended::Quota(quota) => Refused::quota(quota),
            Appended::NoWorkspace => Refused::of(ProblemCode::NotFound),
        };
        Err(refused.into())
    }

    /// Whether exactly these commits stand at their places.
    async fn are_stored(
        &self,
        ws: &WorkspaceId,
        commits: &[(EnvId, u64, Vec<u8>)],
    ) -> Result<bool, Fault> {
        for (env, seq, bytes) in commits {
            let page = self.store.commits(ws, env, *seq, 1).await?;
            if page.items.first() != Some(bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn ws_at(&self, ws: &WorkspaceId, head: &Position) -> Result<Arc<Ws>, Fault> {
        let kept = || self.chains.get(ws).filter(|kept| kept.is_at(head));
        if let Some(kept) = kept() {
            return Ok(kept);
        }
        let _alone = self.reading[usize::from(ws.as_bytes()[0]) % READING]
            .lock()
            .await;
        if let Some(kept) = kept() {
            return Ok(kept);
        }
        let read = Arc::new(read_ws(&self.store, ws, head.seq).await?);
        self.chains.insert(*ws, Arc::clone(&read));
        Ok(read)
    }

    /// The environment at this head; none when it has moved on.
    async fn env_at(
        &self,
        ws: &WorkspaceId,
        known: &Arc<Ws>,
        head: &EnvHead,
    ) -> Result<Option<Arc<EnvChain>>, Fault> {
        let at = |env: &EnvChain| (env.head().seq, env.head().hash) == (head.seq, head.hash);
        let key = (*ws, head.env);
        if let Some(kept) = self.envs.get(&key).filter(|kept| at(kept)) {
            return Ok(Some(kept));
        }
        let Some((commit, entries)) = stored::state(&self.store, ws, head).await? else {
            return Ok(None);
        };
        let read = match commit {
            Some(commit) => {
                let (known, env) = (Arc::clone(known), head.env);
                let judge = move || EnvChain::from_snapshot(&known.chain, &env, &commit, &entries);
                let judged = tokio::task::spawn_blocking(judge).await;
                let judged =
                    judged.map_err(|_| Fault::ours("a panic over a stored environment"))?;
                judged.map_err(|it| Fault::ours(format!("a stored environment: {it}")))?
            }
            None => EnvChain::begin(ws, &head.env),
        };
        if !at(&read) {
            return Ok(None);
        }
        let read = Arc::new(read);
        self.envs.insert(key, Arc::clone(&read));
        Ok(Some(read))
    }
}

async fn judge(case: Case) -> Result<Judged, Fault> {
    let judged = tokio::task::spawn_blocking(move || case.judge()).await;
    Ok(judged.map_err(|_| Fault::ours("a panic while a bundle was judged"))??)
}

/// About how many bytes an environment takes.
fn weight(env: &EnvChain) -> u32 {
    const ENTRY_BYTES: usize = 160;
    const COMMIT_BYTES: u64 = 40;
    let entries = env.entries().count().saturating_mul(ENTRY_BYTES);
    let commits = env.head().seq.saturating_mul(COMMIT_BYTES);
    u32::try_from(entries)
        .unwrap_or(u32::MAX)
        .saturating_add(u32::try_from(commits).unwrap_or(u32::MAX))
}
