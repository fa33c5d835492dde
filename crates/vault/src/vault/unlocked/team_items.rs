//! What the vault keeps for a team: the seed of this device, and how far the local copy was, so that
//! files of it that were put back or taken away are seen.

use withheld_core::Refusal;
use withheld_core::name::Environment;

use super::Unlocked;
use crate::envelope;
use crate::fault;
use crate::home::Home;
use crate::index::DeviceItem;
use crate::key::Key;
use crate::team::keys::DeviceSeed;

/// The name under which the heads rest.
pub(super) const TEAM_HEADS: &str = "team-heads";
/// What the seed is sealed as.
const DEVICE: &str = "team-device";

impl Unlocked {
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// The environments that hold a secret.
    pub(crate) fn environments(&self) -> Vec<Environment> {
        self.index().environments().cloned().collect()
    }

    /// The device that this installation is in a team; `None` before there was one.
    ///
    /// # Errors
    /// `store_corrupt`, `keychain_unavailable`, `store_unavailable`.
    pub(crate) fn device_seed(&self) -> Result<Option<DeviceSeed>, Refusal> {
        const WHAT: &str = "the key of this device";
        let Some(item) = self.index().device.clone() else {
            return Ok(None);
        };
        let sealed = self
            .rest
            .get(&item.address)?
            .ok_or_else(|| fault::corrupt(WHAT))?;
        envelope::open_value(&self.key, &self.house(DEVICE, 0), &sealed)?
            .ok()
            .and_then(Key::of_value)
            .map(|seed| Some(DeviceSeed::of(seed)))
            .ok_or_else(|| fault::corrupt(WHAT))
    }

    /// The same, made where there was none.
    ///
    /// # Errors
    /// As [`Unlocked::device_seed`].
    pub(crate) fn device_seed_or_new(&self) -> Result<DeviceSeed, Refusal> {
        let _writing = self.writing()?;
        match self.device_seed()? {
            Some(seed) => Ok(seed),
            None => self.keep_new_seed(),
        }
    }

    /// Another device in its place: of one that was removed a team takes nothing any more.
    ///
    /// # Errors
    /// As [`Unlocked::device_seed`].
    pub(crate) fn new_device_seed(&self) -> Result<DeviceSeed, Refusal> {
        let _writing = self.writing()?;
        let before = self.index().device.clone();
        let seed = self.keep_new_seed()?;
        let now = self.index().device.clone();
        if let (Some(before), Some(now)) = (before, now)
            && before.address != now.address
        {
            self.rest.delete(&before.address)?;
        }
        Ok(seed)
    }

    fn keep_new_seed(&self) -> Result<DeviceSeed, Refusal> {
        let seed = DeviceSeed::random()?;
        let item = DeviceItem {
            address: self.rest.address("team/device")?,
        };
        let sealed = seed
            .key()
            .look(|seed| envelope::seal_bytes(&self.key, &self.house(DEVICE, 0), seed))?;
        self.rest.put(&item.address, &sealed)?;
        self.change(|index| index.device = Some(item))?;
        Ok(seed)
    }

    /// How far the local copy of the team was, beside the envelopes.
    ///
    /// # Errors
    /// `store_corrupt`, `keychain_unavailable`, `store_unavailable`.
    pub(crate) fn team_heads(&self) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(sealed) = self.rest.get(&self.rest.fixed(TEAM_HEADS))? else {
            return Ok(None);
        };
        envelope::open_bytes(&self.key, &self.house(TEAM_HEADS, 0), &sealed)?
            .map(Some)
            .map_err(|_| fault::corrupt("the heads of the team"))
    }

    /// Replaces that; `None` takes it away.
    ///
    /// # Errors
    /// `keychain_unavailable`, `store_unavailable`; `vault_locked` once the vault was closed.
    pub(crate) fn keep_team_heads(&self, heads: Option<&[u8]>) -> Result<(), Refusal> {
        self.keep_team(heads, || Ok(()))
    }

    /// Writes files of the team, then replaces that: a vault that is closed meanwhile writes both first, so
    /// that no file of its comes over one that another one wrote.
    ///
    /// # Errors
    /// As [`Unlocked::keep_team_heads`], and what `files` refuses.
    pub(crate) fn keep_team(
        &self,
        heads: Option<&[u8]>,
        files: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let _writing = self.writing()?;
        files()?;
        let address = self.rest.fixed(TEAM_HEADS);
        let Some(heads) = heads else {
            return self.rest.delete(&address);
        };
        let sealed = envelope::seal_bytes(&self.key, &self.house(TEAM_HEADS, 0), heads)?;
        self.rest.put(&address, &sealed)
    }
}
