//! Whether a value here is one that a record was made of: told by its tag, without showing either.

use std::collections::BTreeMap;
use std::sync::Arc;

use withheld_core::name::Environment;
use withheld_core::{Code, Refusal};
use withheld_team::chain::Chain;
use withheld_team::drift::Local;
use withheld_team::id::RecordId;

use super::env_state::EnvState;
use super::sides::Sides;
use crate::team::epoch::EpochKey;
use crate::vault::Unlocked;

/// Tells whether a value is one that a record was made of: opens keys of earlier epochs as they are
/// needed.
pub(super) struct Tags<'a> {
    env: &'a EnvState,
    chain: &'a Chain,
    keys: BTreeMap<u64, Option<Arc<EpochKey>>>,
}

impl<'a> Tags<'a> {
    pub(super) fn new(env: &'a EnvState, chain: &'a Chain) -> Self {
        Self {
            env,
            chain,
            keys: BTreeMap::new(),
        }
    }

    /// The key of an epoch; `None` where no key that is here leads to it.
    ///
    /// # Errors
    /// `store_unavailable` without locked memory.
    pub(super) fn key(&mut self, n: u64) -> Result<Option<Arc<EpochKey>>, Refusal> {
        if let Some(known) = self.keys.get(&n) {
            return Ok(known.clone());
        }
        let newer = self.env.keys.range(n..).next();
        let mut next = newer.map(|(_, key)| Arc::clone(key));
        while let Some(key) = next.take_if(|key| key.id().n > n) {
            next = match key.unwrap_prev(self.chain) {
                Ok(key) => key.map(Arc::new),
                Err(refusal) if refusal.code == Code::SignatureInvalid => None,
                Err(refusal) => return Err(refusal),
            };
        }
        let found = next.filter(|key| key.id().n == n);
        self.keys.insert(n, found.clone());
        Ok(found)
    }

    /// What is here, told by opening the value where that makes a difference.
    ///
    /// # Errors
    /// What opening the value refuses.
    pub(super) fn local(
        &mut self,
        vault: &Unlocked,
        environment: &Environment,
        sides: &Sides<'_>,
    ) -> Result<Local, Refusal> {
        let local = sides.local();
        if local != Local::Changed(None) {
            return Ok(local);
        }
        let theirs = sides.theirs.as_ref().and_then(|theirs| {
            let meta = theirs.meta()?;
            Some((theirs.entry.rid, meta.epoch, meta.tag))
        });
        let base = (sides.base).and_then(|base| Some((base.rid, base.epoch, base.tag?)));
        if theirs.is_none() && base.is_none() {
            return Ok(local);
        }
        let value = vault.value(environment, &sides.name)?;
        let mut tag = |rid: &RecordId, epoch: u64| {
            let key = self.key(epoch)?;
            key.map(|key| key.value_tag(rid, &value)).transpose()
        };
        if let Some((rid, epoch, known)) = base
            && tag(&rid, epoch)? == Some(known)
        {
            return Ok(Local::Unchanged);
        }
        match theirs {
            Some((rid, epoch, _)) => Ok(Local::Changed(tag(&rid, epoch)?)),
            None => Ok(local),
        }
    }
}
