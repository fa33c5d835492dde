//! A membership chain, and which invitations it has.

use withheld_team::Verdict;
use withheld_team::api::Position;
use withheld_team::chain::{Chain, Invited};
use withheld_team::id::{DeviceId, InviteId, WorkspaceId};
use withheld_team::links::{Body, Link, Op};

/// A workspace, as far as its links were judged.
#[derive(Clone)]
pub(crate) struct Ws {
    pub(crate) chain: Chain,
    invites: Vec<InviteId>,
}

impl Ws {
    pub(crate) fn begin(ws: WorkspaceId, genesis: &[u8]) -> Result<Self, Verdict> {
        Ok(Self {
            chain: Chain::begin(ws, genesis)?,
            invites: Vec::new(),
        })
    }

    /// Takes the next link. Nothing changes when it is refused.
    pub(crate) fn apply(&mut self, link: &[u8]) -> Result<(), Verdict> {
        self.chain.apply(link)?;
        let body = Body::read(&Link::read(link)?.body)?;
        if let Op::Invite { invite, .. } = body.op {
            self.invites.push(invite);
        }
        Ok(())
    }

    /// Whether this is its head.
    pub(crate) fn is_at(&self, head: &Position) -> bool {
        let own = self.chain.head();
        (own.seq, own.hash) == (head.seq, head.hash)
    }

    /// How many invitations can be used now.
    pub(crate) fn open_invites(&self, now: u64) -> usize {
        let known = self.invites.iter().filter_map(|id| self.chain.invite(id));
        known.filter(|invite| is_open(invite, now)).count()
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

/// Whether an invitation can be used now.
pub(crate) fn is_open(invite: &Invited, now: u64) -> bool {
    invite.used.is_none() && now <= invite.expires
}
