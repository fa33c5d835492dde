//! How somebody is removed: the link that removes, the cuts that pin where every environment was, and the
//! new keys, in one bundle.

use withheld_core::name::{Environment, PersonName};
use withheld_core::{Moment, Refusal, plain};
use withheld_team::chain::Chain;
use withheld_team::id::{EnvId, MemberId};
use withheld_team::links::{Cut, Op, Right};

use super::Team;
use super::directory::Meant;
use super::draft::Draft;
use super::state::State;
use super::words::Exposed;
use crate::owner::OwnerProof;
use crate::team::post::Post;

plain! {
    /// What a removal did.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Removed {
        /// Environments that have a new key, which the one who was removed does not get.
        pub environments: Vec<Environment>,
        /// Secrets that were wrapped anew.
        pub secrets: u64,
        /// Devices of the one who was removed.
        pub devices: u64,
        /// Secrets that the one who was removed could read: change them where they are used.
        pub exposed: Vec<Exposed>,
    }
}

impl Team {
    /// What a removal would do, told from the local copy.
    ///
    /// # Errors
    /// `not_found`.
    pub fn look_at_removal(&self, member: &PersonName, now: Moment) -> Result<Removed, Refusal> {
        let state = self.state();
        let id = state.find(member)?.id;
        let could_read = |env: &&EnvId| state.chain.right(&id, env) >= Right::Read;
        let mut would = Removed {
            environments: Vec::new(),
            secrets: 0,
            devices: state.live_devices(&id),
            exposed: Vec::new(),
        };
        let named = state.envs.keys().filter(could_read);
        for env in named.filter(|env| **env != EnvId::DIRECTORY) {
            would.environments.extend(state.name_of(env).cloned());
            would
                .exposed
                .extend(state.secrets_of(env).map(|(name, environment)| Exposed {
                    name,
                    environment,
                    who: member.clone(),
                    since: now,
                }));
        }
        would.secrets = would.exposed.len() as u64;
        Ok(would)
    }

    /// Removes somebody with all their devices. With the same bundle, every environment that they could
    /// open gets a new key, as far as the owner of this device may write it; colleagues who may do the
    /// rest.
    ///
    /// # Errors
    /// `not_found`, `no_grant`; as [`Team::sync`].
    pub fn remove(
        &self,
        proof: &OwnerProof,
        post: &mut dyn Post,
        member: &PersonName,
        now: Moment,
    ) -> Result<Removed, Refusal> {
        let _talking = self.talk(post)?;
        let meant = Meant::by(member);
        let closing = |state: &State| {
            let member = meant.in_team(state)?;
            Ok(writable(&state.chain, &member).collect())
        };
        let (id, mut removed) = self.change_closing(post, now, closing, |state| {
            let member = meant.in_team(state)?;
            let mut draft = Draft::on(state, &self.seed, Some(proof), now);
            let cuts = cuts(&draft, &member)?;
            draft.link(Op::MemberRemove { member, cuts })?;
            let environments = rekey(&mut draft)?;
            let slots = draft
                .bundle
                .commits
                .iter()
                .map(|parts| parts.slots.len() as u64);
            let removed = Removed {
                environments,
                secrets: slots.sum(),
                devices: state.live_devices(&member),
                exposed: Vec::new(),
            };
            Ok((draft, (member, removed)))
        })?;
        removed.environments.extend(self.finish(post, now));
        removed.exposed = self.state().exposed_to(|member| *member == id);
        Ok(removed)
    }
}

/// Every environment that somebody may write.
fn writable(chain: &Chain, member: &MemberId) -> impl Iterator<Item = EnvId> {
    chain
        .envs()
        .filter(|env| chain.right(member, env) == Right::Write)
}

/// The head of each of them.
fn cuts(draft: &Draft<'_>, member: &MemberId) -> Result<Vec<Cut>, Refusal> {
    let cut = |env| {
        draft.cut(&env).map(|head| Cut {
            env,
            seq: head.seq,
            hash: head.hash,
        })
    };
    writable(&draft.next.chain, member).map(cut).collect()
}

/// A new key for every environment whose key somebody has who lost access, as far as this device may
/// write it and the bundle has room; the others are seen by everybody, and done after it.
pub(super) fn rekey(draft: &mut Draft<'_>) -> Result<Vec<Environment>, Refusal> {
    let head = draft.next.chain.head().seq;
    let stale: Vec<EnvId> = draft
        .next
        .chain
        .envs()
        .filter(|env| draft.next.chain.is_stale(env, head))
        .collect();
    let mut done = Vec::new();
    for env in stale {
        if draft.next.can_refresh(&env) && !draft.is_full() {
            draft.rotate(&env)?;
            done.extend(draft.next.name_of(&env).cloned());
        }
    }
    Ok(done)
}
