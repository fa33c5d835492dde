//! What the vault keeps of its own beside the values: the counter that shows an index that was put
//! back, the policy's floor, the audit anchor's copy, the certificate authority.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use withheld_core::{Code, Moment, Refusal};

use super::team_items::TEAM_HEADS;
use super::{Unlocked, lock};
use crate::ca::Authority;
use crate::envelope;
use crate::fault;
use crate::index::{AuthorityItem, Index};

/// What rests beside the envelopes, so that an index that was put back is seen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    counter: u64,
    policy_floor: u64,
}

impl State {
    fn of(index: &Index) -> Self {
        Self {
            counter: index.counter,
            policy_floor: index.policy_floor,
        }
    }
}

impl Unlocked {
    /// The highest counter of a policy document that was in force here.
    #[must_use]
    pub fn policy_floor(&self) -> u64 {
        self.index().policy_floor
    }

    /// Raises it; to be called once the document with this counter is on the disk. A lower number
    /// changes nothing.
    ///
    /// # Errors
    /// `store_unavailable`, `keychain_unavailable`; `vault_locked` once the vault was closed.
    pub fn raise_policy_floor(&self, counter: u64) -> Result<(), Refusal> {
        let _writing = self.writing()?;
        if self.policy_floor() >= counter {
            return Ok(());
        }
        self.change(|index| index.policy_floor = counter)
    }

    /// The copy of the audit log's anchor that rests beside the envelopes.
    ///
    /// # Errors
    /// `store_corrupt`, `keychain_unavailable`, `store_unavailable`.
    pub fn anchor(&self) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(sealed) = self.rest.get(&self.rest.fixed("anchor"))? else {
            return Ok(None);
        };
        let opened = envelope::open_bytes(&self.key, &self.house("anchor", 0), &sealed)?;
        opened
            .map(Some)
            .map_err(|_| fault::corrupt("the copy of the audit anchor"))
    }

    /// Replaces that copy.
    ///
    /// # Errors
    /// `keychain_unavailable`, `store_unavailable`; `vault_locked` once the vault was closed.
    pub fn keep_anchor(&self, anchor: &[u8]) -> Result<(), Refusal> {
        let sealed = envelope::seal_bytes(&self.key, &self.house("anchor", 0), anchor)?;
        let _writing = self.writing()?;
        self.rest.put(&self.rest.fixed("anchor"), &sealed)
    }

    /// What makes these bytes, as `what` they are, known again as this vault's: for files that hold no
    /// secret and give authority.
    ///
    /// # Errors
    /// `internal` without randomness.
    pub fn vouch(&self, what: &'static str, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        envelope::seal_bytes(&self.key, &self.house(what, 0), &Sha256::digest(bytes))
    }

    /// Whether this vault vouched for exactly these bytes as `what`.
    ///
    /// # Errors
    /// `internal` where no locked memory is left.
    pub fn vouches(
        &self,
        what: &'static str,
        bytes: &[u8],
        vouched: &[u8],
    ) -> Result<bool, Refusal> {
        let opened = envelope::open_bytes(&self.key, &self.house(what, 0), vouched)?;
        Ok(opened.is_ok_and(|digest| digest[..] == Sha256::digest(bytes)[..]))
    }

    /// The certificate authority, opened on first use; made anew, and its files written anew, in the
    /// last 30 days of its life.
    ///
    /// # Errors
    /// `store_corrupt`, `store_unavailable`, `keychain_unavailable`, `internal`.
    pub fn authority(&self, now: Moment) -> Result<Arc<Authority>, Refusal> {
        let mut open = lock(&self.authority);
        if let Some(authority) = &*open
            && !Authority::is_old(authority.ends(), now)
        {
            return Ok(Arc::clone(authority));
        }
        let item = self.index().authority.clone();
        let authority = match item.filter(|item| !Authority::is_old(item.ends, now)) {
            Some(item) => self.stored_authority(&item)?,
            None => {
                let fresh = Authority::generate(now)?;
                let _writing = self.writing()?;
                self.keep_authority(&fresh)?;
                fresh
            }
        };
        authority.publish(&self.home)?;
        Ok(Arc::clone(open.insert(Arc::new(authority))))
    }

    fn stored_authority(&self, item: &AuthorityItem) -> Result<Authority, Refusal> {
        const WHAT: &str = "the key of the certificate authority";
        let envelope = self
            .rest
            .get(&item.address)?
            .ok_or_else(|| fault::corrupt(WHAT))?;
        let seal = self.house("authority", item.version);
        let packed =
            envelope::open_value(&self.key, &seal, &envelope)?.map_err(|_| fault::corrupt(WHAT))?;
        Authority::unpack(&packed, item.ends)
    }

    fn keep_authority(&self, authority: &Authority) -> Result<(), Refusal> {
        let old = self.index().authority.clone();
        let version = old
            .as_ref()
            .map_or(0, |item| item.version)
            .saturating_add(1);
        let item = AuthorityItem {
            version,
            address: self.rest.address(&format!("authority/{version}"))?,
            ends: authority.ends(),
        };
        let seal = self.house("authority", version);
        let envelope = envelope::seal_value(&self.key, &seal, &authority.pack()?)?;
        self.rest.put(&item.address, &envelope)?;
        self.change(|index| index.authority = Some(item))?;
        self.forget(old.iter().map(|item| item.address.as_str()));
        Ok(())
    }

    /// The first writes of a new vault; the key file is the last of them.
    pub(in crate::vault) fn begin(&self, authority: Authority) -> Result<(), Refusal> {
        let _writing = self.writing()?;
        self.keep_authority(&authority)?;
        authority.publish(&self.home)?;
        *lock(&self.authority) = Some(Arc::new(authority));
        let bytes = lock(&self.file).to_bytes()?;
        self.home.write(&self.home.vault_key(), &bytes)
    }

    /// Puts the counter beside the envelopes.
    pub(super) fn keep_state(&self, index: &Index) -> Result<(), Refusal> {
        let bytes = serde_json::to_vec(&State::of(index))
            .map_err(|_| fault::internal("the vault's counter cannot be written"))?;
        let sealed = envelope::seal_bytes(&self.key, &self.house("state", 0), &bytes)?;
        self.rest.put(&self.rest.fixed("state"), &sealed)
    }

    /// Compares the index with the counter beside the envelopes, and clears away what a killed
    /// process left behind.
    pub(in crate::vault) fn resume(&self) -> Result<(), Refusal> {
        let sealed = self
            .rest
            .get(&self.rest.fixed("state"))?
            .ok_or_else(|| fault::corrupt("the vault's counter"))?;
        let state: State = envelope::open_bytes(&self.key, &self.house("state", 0), &sealed)?
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| fault::corrupt("the vault's counter"))?;
        let index = self.index();
        if index.counter < state.counter || index.policy_floor < state.policy_floor {
            return Err(Refusal::new(
                Code::RollbackDetected,
                "the file `vault/index` is an older one than the last that Withheld wrote",
                "put back the latest copy; see what was done since: withheld audit",
            ));
        }
        // Killed between the two writes: from here on the older index is an old one.
        if index.counter > state.counter || index.policy_floor > state.policy_floor {
            self.keep_state(&index)?;
        }
        // Best effort: what stays is sealed, named by nothing, and met again at the next unlock.
        let used: HashSet<&str> = index.addresses().collect();
        let fixed = ["state", "anchor", TEAM_HEADS].map(|name| self.rest.fixed(name));
        if let Ok(found) = self.rest.list() {
            let orphans = found
                .iter()
                .filter(|address| !fixed.contains(address) && !used.contains(address.as_str()));
            self.forget(orphans.map(String::as_str));
        }
        Ok(())
    }
}
