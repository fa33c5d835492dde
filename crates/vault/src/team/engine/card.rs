//! The card in an invitation: names for the guest, who may not read the directory before the join. The
//! server carries it and cannot read it: it is sealed under the invitation's secret.

use minicbor::{Decode, Encode};
use withheld_core::Refusal;
use withheld_core::name::{Environment, PersonName, Workspace};
use withheld_team::Verdict;
use withheld_team::cbor;
use withheld_team::id::{InviteId, WorkspaceId};
use withheld_team::links::Right;

use super::formats::as_text;
use crate::fault;
use crate::key::Key;
use crate::team::cipher;

/// What a card is padded to: most fit the first, the longest the second.
const SIZES: [usize; 2] = [512, 1024];

/// What the guest is told.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Names {
    #[n(0)]
    #[cbor(with = "as_text")]
    pub(super) workspace: Workspace,
    /// What the guest will be called.
    #[n(1)]
    #[cbor(with = "as_text")]
    pub(super) member: PersonName,
    #[n(2)]
    #[cbor(with = "as_text")]
    pub(super) inviter: PersonName,
    /// In the order of the rights in the invitation; as many of them as there was room for.
    #[n(3)]
    pub(super) rights: Vec<NamedRight>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct NamedRight {
    #[n(0)]
    #[cbor(with = "as_text")]
    pub(super) environment: Environment,
    #[n(1)]
    pub(super) right: Right,
}

impl Names {
    /// The card of an invitation, `card` being the key that comes of its secret. Where not all rights
    /// fit, the last are left out: the chain says them all.
    ///
    /// # Errors
    /// `internal` without randomness.
    pub(super) fn seal(
        mut self,
        card: &Key,
        ws: &WorkspaceId,
        invite: &InviteId,
    ) -> Result<Vec<u8>, Refusal> {
        loop {
            let plain = cbor::encode(&self);
            let least = SIZES.iter().map(|size| size - cipher::OVERHEAD);
            let Some(size) = least.into_iter().find(|size| plain.len() + PREFIX <= *size) else {
                self.rights
                    .pop()
                    .ok_or_else(|| fault::internal("a card has no room"))?;
                continue;
            };
            let mut room = vec![0; size];
            let len = u16::try_from(plain.len()).map_err(|_| fault::internal("a long card"))?;
            room[..PREFIX].copy_from_slice(&len.to_be_bytes());
            room[PREFIX..PREFIX + plain.len()].copy_from_slice(&plain);
            return cipher::seal(card, &aad(ws, invite), &room);
        }
    }

    /// Reads a card.
    ///
    /// # Errors
    /// `Invalid` for one that was not made by whoever made the invitation.
    pub(super) fn open(
        sealed: &[u8],
        card: &Key,
        ws: &WorkspaceId,
        invite: &InviteId,
    ) -> Result<Self, Verdict> {
        const BAD: Verdict = Verdict::Invalid("a card that is not the invitation's own");
        let len = sealed.len().checked_sub(cipher::OVERHEAD).ok_or(BAD)?;
        let mut room = vec![0; len];
        cipher::open_into(card, &aad(ws, invite), sealed, &mut room).map_err(|_| BAD)?;
        let (prefix, rest) = room.split_first_chunk::<PREFIX>().ok_or(BAD)?;
        let len = usize::from(u16::from_be_bytes(*prefix));
        cbor::decode(rest.get(..len).ok_or(BAD)?)
    }
}

const PREFIX: usize = 2;

/// What the card is: that of this invitation to this workspace.
fn aad(ws: &WorkspaceId, invite: &InviteId) -> Vec<u8> {
    withheld_team::label::Label::INVITE_CARD.before(&cbor::encode(&(ws, invite)))
}
