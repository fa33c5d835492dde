//! The policy document: every binding, allowed host and agent record, signed by the owner as one.
//!
//! The file `policy` is a line `withheld-policy/1 BASE64_SIGNATURE` and the JSON bytes that were
//! signed, after a label and a zero byte. They are verified as they are read and never serialised
//! again. A counter that only rises tells an older document from the current one.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::binding::Binding;
use crate::name::{AgentId, Environment, SecretName, Workspace};
use crate::record::{AgentRecord, AllowedHost};
use crate::refusal::{Code, Refusal};

const FIRST_LINE: &str = "withheld-policy/1 ";
const LABEL: &[u8] = b"withheld/policy/1\0";
/// The largest document that is read, in bytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What the owner signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyContent {
    /// Rises by one with each change.
    pub counter: u64,
    /// The workspace it is for.
    pub workspace: Workspace,
    /// Where secrets may go.
    pub bindings: Vec<Binding>,
    /// Hosts that every agent may reach without a secret.
    pub allowed: Vec<AllowedHost>,
    /// What each agent may do.
    pub agents: Vec<AgentRecord>,
}

impl PolicyContent {
    /// The first document of a machine: nothing bound, and the built-in agent.
    #[must_use]
    pub fn first() -> Self {
        Self {
            counter: 1,
            workspace: Workspace::local(),
            bindings: Vec::new(),
            allowed: Vec::new(),
            agents: vec![AgentRecord::local()],
        }
    }

    /// The bytes to sign and to keep.
    ///
    /// # Errors
    /// `internal` where the document cannot be written, which its types rule out.
    pub fn to_json(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self).map_err(|_| {
            Refusal::new(
                Code::Internal,
                "the policy document cannot be written",
                "report this, with: withheld doctor --json",
            )
        })
    }

    /// The message that the owner's key signs for these bytes.
    #[must_use]
    pub fn signed_message(json: &[u8]) -> Vec<u8> {
        [LABEL, json].concat()
    }

    /// The file for these bytes and their signature.
    #[must_use]
    pub fn file(json: &[u8], signature: &[u8; 64]) -> Vec<u8> {
        let line = format!("{FIRST_LINE}{}\n", STANDARD.encode(signature));
        [line.as_bytes(), json].concat()
    }

    /// The record of an agent.
    #[must_use]
    pub fn agent(&self, agent: &AgentId) -> Option<&AgentRecord> {
        self.agents.iter().find(|record| record.agent == *agent)
    }
}

/// A policy document whose signature was verified. There is no other way to have one, so nothing is
/// decided by a document that the owner did not sign.
#[derive(Debug)]
pub struct Policy {
    content: PolicyContent,
    bindings: Vec<Arc<Binding>>,
    /// The numbers of the bindings of each secret.
    of: BTreeMap<Environment, BTreeMap<SecretName, Vec<usize>>>,
}

impl Policy {
    /// Verifies the bytes of the file.
    ///
    /// `floor` is the highest counter seen so far; a lower one is an older document.
    ///
    /// # Errors
    /// `signature_invalid`, `rollback_detected`, or `store_corrupt` where it is no such file.
    pub fn verify(file: &[u8], owner_key: &[u8; 32], floor: u64) -> Result<Self, Refusal> {
        let (signature, json) = split(file).ok_or_else(|| {
            broken(
                Code::StoreCorrupt,
                "the file `policy` is not a policy document",
            )
        })?;
        let forged = || {
            broken(
                Code::SignatureInvalid,
                "the file `policy` is not what the owner signed",
            )
        };
        VerifyingKey::from_bytes(owner_key)
            .and_then(|key| key.verify_strict(&PolicyContent::signed_message(json), &signature))
            .map_err(|_| forged())?;
        let content: PolicyContent = serde_json::from_slice(json).map_err(|_| {
            broken(
                Code::StoreCorrupt,
                "the file `policy` was signed by a version of Withheld that this one cannot read",
            )
        })?;
        if content.counter < floor {
            return Err(broken(
                Code::RollbackDetected,
                "the file `policy` is older than the one that was signed last",
            ));
        }
        let bindings = content.bindings.iter().cloned().map(Arc::new).collect();
        let mut of: BTreeMap<_, BTreeMap<_, Vec<usize>>> = BTreeMap::new();
        for (number, binding) in content.bindings.iter().enumerate() {
            let names = of.entry(binding.environment.clone()).or_default();
            let numbers = names.entry(binding.secret.clone()).or_default();
            numbers.push(number);
        }
        Ok(Self {
            content,
            bindings,
            of,
        })
    }

    /// The document.
    #[must_use]
    pub fn content(&self) -> &PolicyContent {
        &self.content
    }

    /// Every binding of a secret.
    pub fn bindings_of<'a>(
        &'a self,
        environment: &'a Environment,
        secret: &'a SecretName,
    ) -> impl Iterator<Item = &'a Arc<Binding>> {
        let names = self.of.get(environment);
        let numbers = names.and_then(|names| names.get(secret));
        let numbers = numbers.into_iter().flatten();
        numbers.filter_map(|number| self.bindings.get(*number))
    }

    /// Every binding.
    #[must_use]
    pub fn bindings(&self) -> &[Arc<Binding>] {
        &self.bindings
    }
}

fn split(file: &[u8]) -> Option<(Signature, &[u8])> {
    if file.len() > MAX_BYTES {
        return None;
    }
    let end = file.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&file[..end]).ok()?;
    let signature = STANDARD.decode(line.strip_prefix(FIRST_LINE)?).ok()?;
    Some((Signature::from_slice(&signature).ok()?, &file[end + 1..]))
}

fn broken(code: Code, message: &'static str) -> Refusal {
    Refusal::new(
        code,
        message,
        "stop and look at who changed it; put back the newest `policy` from a backup",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    fn signed(content: &PolicyContent, key: &SigningKey) -> Vec<u8> {
        let json = content.to_json().unwrap();
        let signature = key.sign(&PolicyContent::signed_message(&json));
        PolicyContent::file(&json, &signature.to_bytes())
    }

    #[test]
    fn x10_only_the_owners_newest_document_is_a_policy() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let public = key.verifying_key().to_bytes();
        let mut content = PolicyContent::first();
        content.counter = 7;
        let file = signed(&content, &key);
        assert_eq!(
            *Policy::verify(&file, &public, 7).unwrap().content(),
            content
        );
        let code = |file: &[u8], floor| Policy::verify(file, &public, floor).unwrap_err().code;
        assert_eq!(code(&file, 8), Code::RollbackDetected);
        for index in 0..file.len() {
            let mut other = file.clone();
            other[index] ^= 1;
            let code = code(&other, 7);
            assert!(
                matches!(code, Code::SignatureInvalid | Code::StoreCorrupt),
                "{index}: {code}"
            );
        }
        for length in 0..file.len() {
            assert!(
                Policy::verify(&file[..length], &public, 7).is_err(),
                "{length}"
            );
        }
        let stranger = SigningKey::from_bytes(&[6; 32]);
        assert_eq!(
            code(&signed(&content, &stranger), 7),
            Code::SignatureInvalid
        );
    }
}
