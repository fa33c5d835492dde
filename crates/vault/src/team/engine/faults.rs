//! How long what did not verify is held against the server. A server that shows two histories shows the
//! honest one again as soon as it was met: that alone takes nothing back.

use withheld_core::Code;
use withheld_team::id::EnvId;
use withheld_team::links::Right;

use super::formats::Fault;
use super::state::State;

impl State {
    /// After a round in which all verified: forgets what it has taken back.
    pub(super) fn forget_faults(&mut self) {
        let faults = std::mem::take(&mut self.file.faults);
        let stays = |fault: &Fault| !self.takes_back(fault);
        self.file.faults = faults.into_iter().filter(stays).collect();
    }

    /// Something that was missing is there again. A value was fetched, or there is a newer one. Another
    /// history, and bytes that nobody signed, are outweighed by signed ones that go on from what was here,
    /// whoever wrote them; every commit names the membership chain that it saw, so it goes on from that too.
    fn takes_back(&self, fault: &Fault) -> bool {
        match (fault.env, fault.value) {
            (Some(env), _) if self.my_right(&env) < Right::Read => true,
            (Some(env), Some((rid, ver))) => {
                let here = self.envs.get(&env).and_then(|here| here.chain.entry(&rid));
                here.is_none_or(|entry| entry.ver != ver)
            }
            _ if fault.code() == Code::RollbackDetected => true,
            (env, None) => self.reached(env) > fault.after,
            (None, Some(_)) => false,
        }
    }

    /// How many commits of an environment are verified; without one, how many links and commits of all.
    /// Neither is ever fewer than it was.
    pub(super) fn reached(&self, env: Option<EnvId>) -> u64 {
        let head = |env: &EnvId| {
            let here = self.envs.get(env);
            here.map_or(0, |here| here.chain.head().seq)
        };
        match env {
            Some(env) => head(&env),
            None => self.chain.head().seq + self.envs.keys().map(head).sum::<u64>(),
        }
    }
}
