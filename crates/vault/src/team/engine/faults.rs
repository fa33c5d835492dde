//! How long what did not verify is held against the server. A server that shows two histories shows the
//! honest one again as soon as it was met: that alone takes nothing back.

use withheld_core::Code;
use withheld_team::id::EnvId;
use withheld_team::links::Right;

use super::formats::Fault;
use super::state::State;

impl State {
    /// After a round in which all verified: forgets what it has taken back.
    pub(super) fn forget_faults(&mut self, before: &Self) {
        let faults = std::mem::take(&mut self.file.faults);
        let stays = |fault: &Fault| !self.takes_back(before, fault);
        self.file.faults = faults.into_iter().filter(stays).collect();
    }

    /// Something that was missing is there again. A value was fetched, or there is a newer one. Another
    /// history, and bytes that nobody signed, are outweighed by signed ones that go on from what was here;
    /// every commit names the membership chain that it saw, so it goes on from that too.
    fn takes_back(&self, before: &Self, fault: &Fault) -> bool {
        let is_longer = |env: &EnvId| self.head_of(env) > before.head_of(env);
        match (fault.env, fault.value) {
            (Some(env), _) if self.my_right(&env) < Right::Read => true,
            (Some(env), Some((rid, ver))) => {
                let here = self.envs.get(&env).and_then(|here| here.chain.entry(&rid));
                here.is_none_or(|entry| entry.ver != ver)
            }
            _ if fault.code() == Code::RollbackDetected => true,
            (Some(env), None) => is_longer(&env),
            (None, _) => {
                self.chain.head().seq > before.chain.head().seq || self.envs.keys().any(is_longer)
            }
        }
    }

    fn head_of(&self, env: &EnvId) -> u64 {
        let here = self.envs.get(env);
        here.map_or(0, |here| here.chain.head().seq)
    }
}
