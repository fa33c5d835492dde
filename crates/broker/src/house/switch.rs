//! The switch of the vault: opened, locked, opened again. What belongs to an open vault comes and goes with
//! it: the team, the needles, the leaves.

use std::sync::Arc;

use withheld_core::{Code, Refusal};
use withheld_vault::{Locked, Unlocked, Vault};

use super::{House, locked_meanwhile, no_vault};
use crate::anchor;
use crate::clock;
use crate::team_room::TeamState;

/// The switch of the vault.
pub(crate) enum VaultState {
    /// Before `init`.
    Absent,
    Locked(Arc<Locked>),
    Unlocked(Arc<Unlocked>),
    /// Locked when its files could not be read; they are looked at again when it is asked for.
    Shut,
}

impl House {
    /// The vault is open from now on: it vouches for the log, its floor judges the policy once more,
    /// and every session is armed.
    ///
    /// # Errors
    /// `rollback_detected`, `signature_invalid`, `log_broken`: then the vault stays locked.
    pub(crate) fn open_up(&self, unlocked: Unlocked) -> Result<Arc<Unlocked>, Refusal> {
        let unlocked = Arc::new(unlocked);
        let log = self.log()?;
        // The copy of the anchor judges the log before anything may replace that copy.
        if let Some(kept) = anchor::kept(&unlocked)? {
            log.holds(&kept)?;
        }
        self.sealer.attach(&unlocked);
        self.anchor.attach(&unlocked);
        log.certify()?;
        let floor = unlocked.policy_floor().max(log.policy_counter());
        self.load_policy(unlocked.facts(), floor)?;
        self.raise_floors(&unlocked)?;
        // Opened here, where somebody waits anyway, and not by the first tunnel.
        unlocked.authority(clock::now())?;
        self.vouch_for_sessions(&unlocked)?;
        self.sessions.revive_local();
        let team = Arc::new(TeamState::of(&unlocked));
        // A lock comes before all of this or after it.
        let _switching = self.switching();
        self.vault
            .store(Arc::new(VaultState::Unlocked(Arc::clone(&unlocked))));
        if self.policy.load().is_some() {
            self.arm_all(&unlocked)?;
        }
        self.team.store(team);
        Ok(unlocked)
    }

    /// A document that is in force is the floor from now on. A kill may have come between the two.
    fn raise_floors(&self, unlocked: &Unlocked) -> Result<(), Refusal> {
        let Some(policy) = self.policy.load_full() else {
            return Ok(());
        };
        let content = policy.content();
        self.sessions.keep_those_of(content);
        unlocked.raise_policy_floor(content.counter)?;
        self.log()?.raise_policy_counter(content.counter)
    }

    /// Drops the keys and everything that was made of values, whatever the files are like and whoever
    /// has the owner's turn.
    ///
    /// # Errors
    /// Where the vault's files cannot be read: then it is locked all the same.
    pub(crate) fn lock_up(&self) -> Result<(), Refusal> {
        let _switching = self.switching();
        if !matches!(**self.vault.load(), VaultState::Absent) {
            self.shut(VaultState::Shut);
        }
        self.look_again()
    }

    /// There is no open vault from now on. Who still works with the one that there was does not write
    /// any more, and waits no longer for the network. The caller holds `switching`.
    fn shut(&self, next: VaultState) {
        let before = self.vault.swap(Arc::new(next));
        self.team.store(Arc::default());
        self.locks
            .send_modify(|count| *count = count.wrapping_add(1));
        self.wire.retain(|_| false);
        self.leaves.forget();
        if let VaultState::Unlocked(vault) = &*before {
            vault.close();
        }
    }

    /// Looks at the files of a vault that is shut.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub(crate) fn reopen(&self) -> Result<(), Refusal> {
        if !matches!(**self.vault.load(), VaultState::Shut) {
            return Ok(());
        }
        let _switching = self.switching();
        self.look_again()
    }

    /// The same. The caller holds `switching`.
    fn look_again(&self) -> Result<(), Refusal> {
        if !matches!(**self.vault.load(), VaultState::Shut) {
            return Ok(());
        }
        let state = match Vault::open(&self.home)? {
            Some(locked) => VaultState::Locked(Arc::new(locked)),
            None => VaultState::Absent,
        };
        self.vault.store(Arc::new(state));
        Ok(())
    }

    pub(crate) fn vault_state(&self) -> Arc<VaultState> {
        // Where they still cannot be read it stays shut, and `unlock` says why.
        let _ = self.reopen();
        self.vault.load_full()
    }

    /// The open vault.
    ///
    /// # Errors
    /// `vault_locked`, or `not_found` before `init`.
    pub(crate) fn unlocked(&self) -> Result<Arc<Unlocked>, Refusal> {
        match &**self.vault.load() {
            VaultState::Unlocked(unlocked) => Ok(Arc::clone(unlocked)),
            VaultState::Locked(_) | VaultState::Shut => Err(Refusal::new(
                Code::VaultLocked,
                "the vault is locked",
                "the owner runs: withheld unlock",
            )),
            VaultState::Absent => Err(no_vault()),
        }
    }

    /// The open vault, if it is still this one: who waited may meet another one since, or none.
    ///
    /// # Errors
    /// `vault_locked`.
    pub(crate) fn still(&self, vault: &Unlocked) -> Result<Arc<Unlocked>, Refusal> {
        let now = self.unlocked()?;
        if std::ptr::eq(&*now, vault) {
            return Ok(now);
        }
        Err(locked_meanwhile())
    }

    /// Writes down what became of the sessions, finishes the log and drops the keys. Called once
    /// everybody has left.
    pub(crate) fn close(&self) {
        // Their last replies may have ended some. A locked vault vouches for nothing: then what was
        // written last stays.
        let _ = self.save_sessions();
        {
            let _switching = self.switching();
            self.shut(VaultState::Absent);
        }
        if let Some(log) = self.log.get() {
            log.shutdown();
        }
    }
}
