//! What this machine has verified of the team, in memory: the chains, one record a secret, the keys of
//! epochs, and what was last applied. It is read from the files of `team/` with everything in them
//! verified anew, and never changed in place: an operation works on a copy that replaces it when all of
//! it is on the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use withheld_core::name::Environment;
use withheld_core::{Code, Refusal};
use withheld_team::chain::Chain;
use withheld_team::id::{EnvId, Hash, MemberId};
use withheld_team::links::{Position, Right};
use withheld_team::{Verdict, cbor};

use super::env_state::EnvState;
use super::files::{FileOf, Files, corrupt, corrupt_heads, older};
use super::formats::{EnvFile, EnvHead, Heads, KeptBindings, SeenFile, WorkspaceFile};
use crate::home::Home;
use crate::team::keys::DeviceSeed;
use crate::vault::Unlocked;

/// Everything.
#[derive(Clone)]
pub(super) struct State {
    pub(super) file: WorkspaceFile,
    pub(super) chain: Arc<Chain>,
    pub(super) envs: BTreeMap<EnvId, Arc<EnvState>>,
    pub(super) seen: SeenFile,
}

impl State {
    /// Of a workspace of which no environment is here yet.
    pub(super) fn with(file: WorkspaceFile, chain: Chain) -> Self {
        Self {
            file,
            chain: Arc::new(chain),
            envs: BTreeMap::new(),
            seen: SeenFile::default(),
        }
    }

    /// Who this device's owner is in the team.
    pub(super) fn me(&self) -> MemberId {
        self.file.member
    }

    /// Whether the owner of this device is in the team.
    ///
    /// # Errors
    /// `unknown_caller` where not any more.
    pub(super) fn is_in_it(&self) -> Result<(), Refusal> {
        let me = self.chain.member(&self.file.member);
        if me.is_some_and(|me| me.removed.is_some()) {
            return Err(not_any_more());
        }
        Ok(())
    }

    /// Whether it was begun and not answered yet, so that there is no team so far.
    pub(super) fn is_begun(&self) -> bool {
        self.file.is_begun()
    }

    /// What the owner of this device may do with an environment now.
    pub(super) fn my_right(&self, env: &EnvId) -> Right {
        self.chain.right(&self.file.member, env)
    }

    /// The environment of this name.
    pub(super) fn env_named(&self, name: &Environment) -> Option<EnvId> {
        let named = self.file.names.iter().find(|row| row.name == *name);
        named.map(|row| row.env)
    }

    /// The name of an environment.
    pub(super) fn name_of(&self, env: &EnvId) -> Option<&Environment> {
        let named = self.file.names.iter().find(|row| row.env == *env);
        named.map(|row| &row.name)
    }

    /// An environment, to be changed; begun where it was not here.
    pub(super) fn env_mut(&mut self, env: &EnvId) -> &mut EnvState {
        let ws = self.file.ws;
        let here = self.envs.entry(*env);
        Arc::make_mut(here.or_insert_with(|| Arc::new(EnvState::begin(&ws, env))))
    }

    /// Keys that were sealed to newcomers may be gone: they are sealed anew.
    pub(super) fn forget_sealed(&mut self) {
        let sealed = self
            .envs
            .values()
            .filter(|here| !here.file.wrapped.is_empty());
        let sealed: Vec<EnvId> = sealed.map(|here| here.file.env).collect();
        for env in sealed {
            self.env_mut(&env).file.wrapped.clear();
        }
    }

    /// How far the local copy is.
    fn heads(&self) -> Heads {
        let head = self.chain.head();
        let envs = self.envs.values().map(|env| {
            let head = env.chain.head();
            EnvHead {
                env: env.file.env,
                n: env.file.n,
                head: position(head.seq, head.hash),
            }
        });
        Heads {
            ws: self.file.ws,
            n: self.file.n,
            w: position(head.seq, head.hash),
            envs: envs.collect(),
        }
    }

    /// Reads and verifies what is on the disk; `None` where there is no team.
    ///
    /// # Errors
    /// `store_corrupt` and `rollback_detected`, naming the file.
    pub(super) fn load(vault: &Unlocked, seed: &DeviceSeed) -> Result<Option<Self>, Refusal> {
        let home = vault.home();
        let files = Files { home, seed };
        let workspace = FileOf::workspace();
        let heads = vault
            .team_heads()?
            .map(|bytes| cbor::decode::<Heads>(&bytes).map_err(|_| corrupt_heads(home)));
        let heads = heads.transpose()?;
        let Some(file) = files.read::<WorkspaceFile>(&workspace)? else {
            return match heads {
                Some(_) => Err(older(home, &workspace)),
                None => Ok(None),
            };
        };
        let chain = replay(&file).map_err(|_| corrupt(home, &workspace))?;
        is_latest(&file, &chain, heads.as_ref(), home)?;
        if file.is_over {
            return Ok(None);
        }
        let mut state = Self {
            file,
            chain: Arc::new(chain),
            envs: BTreeMap::new(),
            // An older one, or none, only makes this machine ask again.
            seen: files
                .read(&FileOf::seen())
                .ok()
                .flatten()
                .unwrap_or_default(),
        };
        for env in state.chain.envs().collect::<Vec<_>>() {
            let of = FileOf::env(&env, state.name_of(&env));
            let known = heads.iter().flat_map(|heads| &heads.envs);
            let known = known.clone().find(|head| head.env == env);
            match files.read::<EnvFile>(&of)? {
                Some(file) => {
                    let read = EnvState::read(file, &env, &state.chain, seed, (home, &of))?;
                    read.is_latest(known, (home, &of))?;
                    state.envs.insert(env, Arc::new(read));
                }
                None if known.is_some() => return Err(older(home, &of)),
                None => {}
            }
        }
        // Killed between the two: from here on the older files are old ones.
        if heads.as_ref() != Some(&state.heads()) {
            vault.keep_team_heads(Some(&cbor::encode(&state.heads())))?;
        }
        Ok(Some(state))
    }

    /// Makes this the state on the disk: the files that changed since `before`, then what rests beside
    /// the envelopes. Killed in between, the files are newer than that, which is good.
    ///
    /// # Errors
    /// `store_unavailable`, `keychain_unavailable`.
    pub(super) fn keep(
        mut self,
        before: Option<&Self>,
        vault: &Unlocked,
        seed: &DeviceSeed,
    ) -> Result<Self, Refusal> {
        let files = Files {
            home: vault.home(),
            seed,
        };
        let is_new = before.is_none_or(|before| before.file != self.file);
        if is_new {
            self.file.n = self.file.n.saturating_add(1);
        }
        let mut changed = Vec::new();
        for (id, env) in &mut self.envs {
            let same = before.and_then(|before| before.envs.get(id));
            let is_same =
                |same: &Arc<EnvState>| Arc::ptr_eq(same, env) || same.to_file() == env.to_file();
            if same.is_some_and(is_same) {
                continue;
            }
            let env = Arc::make_mut(env);
            env.file.n = env.file.n.saturating_add(1);
            changed.push((FileOf::env(id, None), env.to_file()));
        }
        if is_new || !changed.is_empty() {
            let heads = cbor::encode(&self.heads());
            vault.keep_team(Some(&heads), || {
                if is_new {
                    files.write(&FileOf::workspace(), &self.file)?;
                }
                changed
                    .iter()
                    .try_for_each(|(of, file)| files.write(of, file))
            })?;
        }
        vault.still_open()?;
        if before.is_none_or(|before| before.seen != self.seen) {
            files.write(&FileOf::seen(), &self.seen)?;
        }
        Ok(self)
    }

    /// What a conversation came to, after a state that may be newer than the one that it began with: what
    /// the owner has said meanwhile stands. A conversation only notes of bindings that the team has them.
    pub(super) fn after(mut self, newest: &Self) -> Self {
        self.file.n = newest.file.n;
        let conversed = std::mem::replace(&mut self.file.bindings, newest.file.bindings.clone());
        for row in &mut self.file.bindings {
            let is_this = |other: &&KeptBindings| other.signed == row.signed;
            row.pushed |= conversed.iter().find(is_this).is_some_and(|row| row.pushed);
        }
        for (id, here) in &newest.envs {
            let file = &here.file;
            let same = |env: &Arc<EnvState>| env.file.n == file.n && env.file.denied == file.denied;
            if !self.envs.get(id).is_some_and(same) {
                let next = &mut self.env_mut(id).file;
                next.n = file.n;
                next.denied.clone_from(&file.denied);
            }
        }
        self
    }

    /// Says that it is over, before it is taken away: interrupted, nothing of it is missed.
    ///
    /// # Errors
    /// As [`State::keep`].
    pub(super) fn end(&self, vault: &Unlocked, seed: &DeviceSeed) -> Result<(), Refusal> {
        let mut last = self.clone();
        last.file.is_over = true;
        last.keep(Some(self), vault, seed).map(drop)
    }

    /// Takes all that is there away: of a team that never came to be, or is over.
    ///
    /// # Errors
    /// As [`State::keep`].
    pub(super) fn clear(vault: &Unlocked, seed: &DeviceSeed) -> Result<(), Refusal> {
        let files = Files {
            home: vault.home(),
            seed,
        };
        // First what would miss the files.
        vault.keep_team_heads(None)?;
        files.remove_all()
    }
}

/// The membership chain, from its links.
fn replay(file: &WorkspaceFile) -> Result<Chain, Verdict> {
    let (genesis, links) = file.links.split_first().ok_or(Verdict::Rollback)?;
    let mut chain = Chain::begin(file.ws, genesis)?;
    links.iter().try_for_each(|link| chain.apply(link))?;
    Ok(chain)
}

fn is_latest(
    file: &WorkspaceFile,
    chain: &Chain,
    heads: Option<&Heads>,
    home: &Home,
) -> Result<(), Refusal> {
    let latest = match heads {
        // Killed between the first file and the heads,
        // between the two, or while it was taken away: of one that is only begun, nothing is lost.
        None => file.n <= 1 || file.is_begun() || file.is_over,
        Some(heads) => {
            heads.ws == file.ws
                && heads.n <= file.n
                && chain.hash_at(heads.w.seq) == Some(heads.w.hash)
        }
    };
    if latest {
        Ok(())
    } else {
        Err(older(home, &FileOf::workspace()))
    }
}

pub(super) fn position(seq: u64, hash: Hash) -> Position {
    Position { seq, hash }
}

/// The owner of this device was removed.
pub(super) fn not_any_more() -> Refusal {
    Refusal::new(
        Code::UnknownCaller,
        "the owner of this device was removed from the team",
        "what is here stays in use; see who can invite you again: withheld team members",
    )
}
