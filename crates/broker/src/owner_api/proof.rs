//! The owner's proof: the passphrase, sealed to the key that this broker made when it started, and
//! for one call. It is good for no other command and for no second time.

use std::sync::Arc;
use std::time::Instant;

use withheld_audit::{Act, OwnerAct};
use withheld_core::api::{Deposit, OwnerCall};
use withheld_core::{Code, Refusal, text};
use withheld_vault::intake::{Purpose, misused};
use withheld_vault::{OwnerProof, Unlocked};

use crate::house::{House, VaultState, bug, no_vault};

/// What the passphrases of one call have to be sealed for.
pub(crate) struct Seal(Option<Vec<u8>>);

impl Seal {
    /// Reads it off the call. Its nonce is used from now on, whatever comes of the call.
    ///
    /// # Errors
    /// `internal`: the types rule it out.
    pub(crate) fn of(house: &House, call: &OwnerCall) -> Result<Self, Refusal> {
        let own = |nonce: &&_| house.nonces.take(nonce);
        let nonce = call.nonce.as_ref().filter(own);
        let context = nonce.map(|nonce| call.request.proof_context(nonce));
        Ok(Self(context.transpose().map_err(|_| bug())?))
    }

    /// A passphrase of the call.
    pub(crate) fn on<'a>(&'a self, deposit: &'a Deposit) -> Sealed<'a> {
        Sealed {
            deposit,
            context: self.0.as_deref(),
        }
    }
}

/// A passphrase as it came.
#[derive(Clone, Copy)]
pub(crate) struct Sealed<'a> {
    pub(crate) deposit: &'a Deposit,
    context: Option<&'a [u8]>,
}

impl<'a> Sealed<'a> {
    /// What it has to be sealed for.
    ///
    /// # Errors
    /// `conflict` where the call has no nonce, or one that was used or is not of this broker.
    pub(crate) fn purpose(self) -> Result<Purpose<'a>, Refusal> {
        self.context.map(Purpose::Passphrase).ok_or_else(misused)
    }
}

/// An open vault and the owner's proof, for one command.
pub(crate) struct Proven {
    pub(crate) vault: Arc<Unlocked>,
    pub(crate) proof: OwnerProof,
}

/// Proves that the owner is here. A locked vault is unlocked by it.
///
/// # Errors
/// `wrong_passphrase`, after which the next try has to wait; `conflict` where the proof was made for
/// another call, which is no try; what unlocking refuses.
pub(crate) fn proven(house: &Arc<House>, proof: Sealed<'_>) -> Result<Proven, Refusal> {
    if let Err(wait_s) = house.passphrases.may_try(Instant::now()) {
        let message = "a passphrase was wrong a moment ago, and this one was not tried";
        return Err(later(message, wait_s));
    }
    let passphrase = house.intake.open(proof.deposit, proof.purpose()?)?;
    let proven = match &*house.vault_state() {
        VaultState::Absent => Err(no_vault()),
        VaultState::Shut => house.reopen().and(Err(no_vault())),
        VaultState::Unlocked(vault) => vault.prove(&passphrase).map(|proof| Proven {
            vault: Arc::clone(vault),
            proof,
        }),
        VaultState::Locked(locked) => {
            locked
                .unlock_with_proof(&passphrase)
                .and_then(|(unlocked, proof)| {
                    house.log()?.owner(OwnerAct::of(Act::Unlock))?;
                    let vault = house.open_up(unlocked)?;
                    Ok(Proven { vault, proof })
                })
        }
    };
    match proven {
        Ok(proven) => {
            house.passphrases.right();
            house.first_policy(&proven.vault, &proven.proof)?;
            Ok(proven)
        }
        Err(refusal) if refusal.code == Code::WrongPassphrase => {
            let wait_s = house.passphrases.wrong(Instant::now());
            // The command is refused whether the log takes it or not.
            let _ = house
                .log()
                .and_then(|log| log.owner(OwnerAct::of(Act::WrongPassphrase)));
            Err(later("that passphrase does not open this vault", wait_s))
        }
        Err(refusal) => Err(refusal),
    }
}

fn later(message: &'static str, wait_s: u64) -> Refusal {
    let hint = match wait_s {
        0 => text!("type the passphrase of this vault again"),
        _ => text!("next try in {} s", wait_s),
    };
    Refusal::new(Code::WrongPassphrase, message, hint)
}
