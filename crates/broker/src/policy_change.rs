//! Changing the policy: a new document, signed by the owner, in force as soon as it is on the disk.

use withheld_audit::OwnerAct;
use withheld_core::name::{Environment, SecretName};
use withheld_core::policy_doc::{Policy, PolicyContent};
use withheld_core::{Refusal, text};
use withheld_vault::{OwnerProof, Unlocked};

use crate::house::House;
use crate::team_room::TeamState;

/// A signed document that is not in force yet.
pub(crate) struct Draft {
    file: Vec<u8>,
    pub(crate) policy: Policy,
}

impl House {
    /// Changes the document. The act is in the log first, the document on the disk before the floors
    /// rise, and the floors before it decides: killed anywhere between, the next start finds the old
    /// one or the new one.
    ///
    /// # Errors
    /// What `edit` refuses; `audit_unavailable`, `store_unavailable`: then nothing has changed.
    pub(crate) fn change_policy(
        &self,
        vault: &Unlocked,
        proof: &OwnerProof,
        act: OwnerAct,
        edit: impl FnOnce(&mut PolicyContent) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let draft = self.draft(vault, proof, edit)?;
        self.log()?.owner(act)?;
        self.arm_for(vault, &[&draft.policy, &*self.policy()?], None)?;
        self.enact(vault, draft)
    }

    /// Signs a changed document. It is not in force yet.
    ///
    /// # Errors
    /// What `edit` refuses; `internal`.
    pub(crate) fn draft(
        &self,
        vault: &Unlocked,
        proof: &OwnerProof,
        edit: impl FnOnce(&mut PolicyContent) -> Result<(), Refusal>,
    ) -> Result<Draft, Refusal> {
        let mut content = self.policy()?.content().clone();
        edit(&mut content)?;
        content.counter = content.counter.saturating_add(1);
        signed(vault, proof, &content)
    }

    /// Puts a document in force. Sessions are armed for it already.
    ///
    /// # Errors
    /// `store_unavailable`: the one before stays in force, or, where the file is written and only its
    /// counter could not be noted, the new one is: what is on the disk and what decides never differ.
    pub(crate) fn enact(&self, vault: &Unlocked, draft: Draft) -> Result<(), Refusal> {
        let counter = draft.policy.content().counter;
        self.home.write(&self.home.policy(), &draft.file)?;
        self.set_policy(draft.policy);
        self.log()?.raise_policy_counter(counter)?;
        vault.raise_policy_floor(counter)
    }

    /// Signs what secrets may be used for once more, for the team: it travels with them at the next
    /// push, when the owner is not there.
    ///
    /// # Errors
    /// `store_unavailable`, `keychain_unavailable`, why the team's copy here cannot be used: what was
    /// done before this is done.
    pub(crate) fn tell_team(
        &self,
        proof: &OwnerProof,
        environment: &Environment,
        names: &[SecretName],
    ) -> Result<(), Refusal> {
        let room = self.team.load();
        let team = match &**room {
            TeamState::Here(team) => team,
            TeamState::None => return Ok(()),
            TeamState::Broken(refusal) => return Err(untold(refusal)),
        };
        let policy = self.policy()?;
        let content = policy.content();
        let bound = names.iter().map(|name| {
            let bound = policy.bindings_of(environment, name);
            let drafts = bound.map(|binding| binding.terms.clone()).collect();
            ((environment.clone(), name.clone()), drafts)
        });
        team.sign_bindings(proof, &bound.collect(), content.counter)
            .map_err(|refusal| untold(&refusal))
    }

    /// Signs the first document, where there is none: at `init`, or after one that was killed.
    ///
    /// # Errors
    /// `audit_unavailable`, `store_unavailable`.
    pub(crate) fn first_policy(&self, vault: &Unlocked, proof: &OwnerProof) -> Result<(), Refusal> {
        if self.policy().is_ok() {
            return Ok(());
        }
        let first = signed(vault, proof, &PolicyContent::first())?;
        self.arm_for(vault, &[&first.policy], None)?;
        self.enact(vault, first)
    }
}

/// The owner need not do it again here.
fn untold(refusal: &Refusal) -> Refusal {
    let mut untold = refusal.clone();
    untold.message = text!(
        "this is done here, and not signed for the team: {}",
        refusal.message
    );
    untold
}

/// What we write, we can read.
fn signed(vault: &Unlocked, proof: &OwnerProof, content: &PolicyContent) -> Result<Draft, Refusal> {
    let file = proof.sign_policy(content)?;
    let policy = Policy::verify(&file, &vault.facts().owner_public, content.counter)?;
    Ok(Draft { file, policy })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use withheld_core::{Code, Refusal};

    use crate::team_room::TeamState;
    use crate::test_house::{Case, name};

    /// A copy of the team that cannot be used takes nothing from the owner here, and is not passed over.
    #[test]
    fn a_broken_team_is_said_after_what_was_done() {
        let case = Case::open();
        case.store("A_KEY");
        let broken = Refusal::new(Code::RollbackDetected, "the copy is old", "put it back");
        let broken = TeamState::Broken(broken);
        case.house.team.store(Arc::new(broken));
        let bind = json!({"do": "bind", "environment": "dev", "names": ["A_KEY"],
            "bindings": [{"host": "api.test", "port": 443, "place": "bearer"}]});
        let remove = json!({"do": "remove", "environment": "dev", "names": ["A_KEY"]});
        let ask = |request| case.ask(request, "proof").err().unwrap();
        let environment = withheld_core::name::Environment::dev();
        let bound = || {
            let policy = case.house.policy().unwrap();
            policy.bindings_of(&environment, &name("A_KEY")).count()
        };
        assert_eq!(bound(), 1);
        for (request, then) in [(bind, 2), (remove, 0)] {
            let refusal = ask(request);
            assert_eq!(refusal.code, Code::RollbackDetected);
            assert_eq!(
                refusal.message.as_str(),
                "this is done here, and not signed for the team: the copy is old"
            );
            assert_eq!(bound(), then);
        }
        let vault = case.house.unlocked().unwrap();
        assert!(!vault.holds(&environment, &name("A_KEY")));
    }
}
