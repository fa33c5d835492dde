//! Which invitations somebody can join by now.

use super::rules::live;
use super::{Chain, people};
use crate::id::InviteId;

impl Chain {
    /// Whether an invitation can be used at this time, in milliseconds since 1970: nobody has, it has not
    /// ended, and who made it is still here and may still give what it gives.
    #[must_use]
    pub fn is_open(&self, invite: &InviteId, ts: u64) -> bool {
        let unused = self.invites.get(invite).filter(|it| it.used.is_none());
        unused.is_some_and(|invite| {
            ts <= invite.expires
                && live(self, &invite.by).is_some_and(|inviter| {
                    people::may_invite(self, inviter, invite.role, &invite.rights).is_ok()
                })
        })
    }
}
