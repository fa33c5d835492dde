//! What must be changed where it is used, because somebody could read it who may not any more. Nobody
//! stores this list: every client computes the same one from the two chains.

use std::collections::BTreeMap;

use crate::chain::{Chain, Member};
use crate::commit::{Came, EnvChain};
use crate::drift::Cause;
use crate::id::{EnvId, MemberId, RecordId};
use crate::links::Right;

/// A live version that somebody could read who may not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The version.
    pub ver: u64,
    /// Who could read it, and why they may not any more.
    pub to: BTreeMap<MemberId, Cause>,
}

/// Every exposed secret of an environment. A version is exposed to whoever lost the right to read at a
/// link that its commit had not seen: until then it was wrapped under a key that they have. It is off
/// the list with the next version. The directory holds nothing that is used elsewhere.
///
/// Where the history was skipped, what may be older than a loss counts as exposed: a value that is
/// changed in vain costs less than one that is not changed.
#[must_use]
pub fn exposed(w: &Chain, e: &EnvChain) -> BTreeMap<RecordId, Exposed> {
    let env = e.env();
    if env == EnvId::DIRECTORY {
        return BTreeMap::new();
    }
    let losses: Vec<Loss> = w
        .members()
        .filter_map(|member| loss(w, &env, member))
        .collect();
    let mut exposed = BTreeMap::new();
    for (entry, came) in e.live() {
        let of = losses.iter().filter(|loss| loss.covers(came));
        let to: BTreeMap<MemberId, Cause> = of.map(|loss| (loss.member, loss.cause)).collect();
        if !to.is_empty() {
            exposed.insert(entry.rid, Exposed { ver: entry.ver, to });
        }
    }
    exposed
}

/// That somebody may not read an environment any more.
struct Loss {
    member: MemberId,
    /// The link that took the right away.
    at: u64,
    cause: Cause,
}

impl Loss {
    fn covers(&self, came: Came) -> bool {
        match came {
            Came::At(w_seq) => w_seq < self.at,
            Came::AtOrBefore(_) => true,
        }
    }
}

fn loss(w: &Chain, env: &EnvId, member: &Member) -> Option<Loss> {
    let could_read = |seq: &u64| w.right_at(&member.id, env, *seq) >= Right::Read;
    let last = (member.joined..=w.head().seq).rev().find(could_read)?;
    (last < w.head().seq).then(|| Loss {
        member: member.id,
        at: last + 1,
        cause: match member.removed {
            Some(_) => Cause::MemberRemoved,
            None => Cause::RightLowered,
        },
    })
}
