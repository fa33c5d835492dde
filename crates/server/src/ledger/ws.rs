//! A membership chain, and what the server asks of it.

use withheld_team::Verdict;
use withheld_team::api::Position;
use withheld_team::chain::Chain;
use withheld_team::id::{DeviceId, WorkspaceId};

/// A workspace, as far as its links were judged.
#[derive(Clone)]
pub(crate) struct Ws {
    pub(crate) chain: Chain,
}

impl Ws {
    pub(crate) fn begin(ws: WorkspaceId, genesis: &[u8]) -> Result<Self, Verdict> {
        let chain = Chain::begin(ws, genesis)?;
        Ok(Self { chain })
    }

    /// Takes the next link. Nothing changes when it is refused.
    pub(crate) fn apply(&mut self, link: &[u8]) -> Result<(), Verdict> {
        self.chain.apply(link)
    }

    /// Whether this is its head.
    pub(crate) fn is_at(&self, head: &Position) -> bool {
        let own = self.chain.head();
        (own.seq, own.hash) == (head.seq, head.hash)
    }

    /// How many invitations can be used now.
    pub(crate) fn open_invites(&self, now: u64) -> usize {
        let known = self.chain.invitations();
        known.filter(|(id, _)| self.chain.is_open(id, now)).count()
    }

    /// Whether the device is one of the workspace now.
    pub(crate) fn is_live(&self, device: &DeviceId) -> bool {
        let device = self.chain.device(device);
        device.is_some_and(|device| device.until.is_none())
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> u32 {
        const LINK_BYTES: u64 = 256;
        const DEVICE_BYTES: u64 = 2_048;
        let links = self.chain.head().seq.saturating_mul(LINK_BYTES);
        let devices = self.chain.devices().count() as u64;
        let bytes = links.saturating_add(devices.saturating_mul(DEVICE_BYTES));
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}
