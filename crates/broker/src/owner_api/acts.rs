//! The vault itself: made, opened, closed.

use std::sync::Arc;

use withheld_audit::{Act, OwnerAct};
use withheld_core::api::VaultKind;
use withheld_core::{Code, Refusal, plain};
use withheld_vault::Vault;

use super::proof::{Proven, Sealed, proven};
use crate::answer::Answer;
use crate::clock;
use crate::house::{House, VaultState};

plain! {
    struct State {
        vault: &'static str,
        kind: VaultKind,
    }

    struct Closed {
        vault: &'static str,
    }
}

pub(super) fn init(
    house: &Arc<House>,
    kind: VaultKind,
    auto_unlock: bool,
    passphrase: Sealed<'_>,
) -> Result<Answer, Refusal> {
    if !matches!(*house.vault_state(), VaultState::Absent) {
        return Err(Refusal::new(
            Code::Conflict,
            "there is a vault here already",
            "look at it: withheld status; another one: withheld init --home DIR",
        )
        .for_good());
    }
    let passphrase = house
        .intake
        .open(passphrase.deposit, passphrase.purpose()?)?;
    let (unlocked, proof) =
        Vault::create(&house.home, kind, auto_unlock, &passphrase, clock::now())?;
    house.open_log(unlocked.facts())?;
    house.log()?.owner(OwnerAct::of(Act::Init))?;
    let vault = house.open_up(unlocked)?;
    house.first_policy(&vault, &proof)?;
    state(&vault)
}

pub(super) fn unlock(house: &Arc<House>, proof: Sealed<'_>) -> Result<Answer, Refusal> {
    let Proven { vault, .. } = proven(house, proof)?;
    // The owner is here: what ended the standing session was seen, or will be now.
    house.sessions.revive_local();
    state(&vault)
}

pub(super) fn change_passphrase(
    house: &Arc<House>,
    proof: Sealed<'_>,
    new: Sealed<'_>,
) -> Result<Answer, Refusal> {
    let Proven { vault, proof } = proven(house, proof)?;
    let new = house.intake.open(new.deposit, new.purpose()?)?;
    house.log()?.owner(OwnerAct::of(Act::ChangePassphrase))?;
    proof.change_passphrase(&vault, &new)?;
    state(&vault)
}

pub(super) fn lock(house: &Arc<House>) -> Result<Answer, Refusal> {
    // Locking does not wait for the log: keys go first.
    house.lock_up()?;
    house.log()?.owner(OwnerAct::of(Act::Lock))?;
    Answer::of("withheld.lock/1", &Closed { vault: "locked" })
}

fn state(vault: &withheld_vault::Unlocked) -> Result<Answer, Refusal> {
    let state = State {
        vault: "unlocked",
        kind: vault.facts().kind,
    };
    Answer::of("withheld.unlock/1", &state)
}
