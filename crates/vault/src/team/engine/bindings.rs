//! Bindings travel with their secret, signed with the owner key of whoever made them. Here they are
//! signed and kept until a push takes them along, and those of others are verified before they are
//! shown to anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use sha2::{Digest as _, Sha256};
use withheld_core::name::{Environment, SecretName};
use withheld_core::{BindingDraft, Refusal};
use withheld_team::cbor;
use withheld_team::chain::Chain;
use withheld_team::id::{DeviceId, EnvId, Hash};

use super::Team;
use super::env_state::{EnvState, Shown};
use super::formats::{KeptBindings, Quarantined, SeenBindings};
use super::state::State;
use crate::owner::OwnerProof;
use crate::team::Broken;
use crate::team::meta::{BoundTo, Meta, SignedBindings};

impl Team {
    /// Signs what secrets may be used for; empty for nothing, which takes back what was signed before.
    /// It goes along with the next push. `n` is the counter of the owner's policy; the same bindings once
    /// more change nothing. Waits for nobody who talks to the server.
    ///
    /// # Errors
    /// `store_unavailable`, `keychain_unavailable`: then nothing was signed.
    pub fn sign_bindings(
        &self,
        proof: &OwnerProof,
        bound: &BTreeMap<(Environment, SecretName), Vec<BindingDraft>>,
        n: u64,
    ) -> Result<(), Refusal> {
        let mut saying = self.say();
        let before = Arc::clone(saying.before());
        let own = before.own_bindings();
        let mut new = Vec::new();
        for ((environment, secret), drafts) in bound {
            let known = own.get(&(environment, secret));
            let known = known.and_then(|row| row.read());
            let same = match &known {
                Some(known) => known.drafts().as_ref() == Ok(drafts),
                // Nothing to take back.
                None => drafts.is_empty() && !before.carries_bindings(environment, secret),
            };
            if same {
                continue;
            }
            let of = BoundTo {
                ws: before.file.ws,
                environment,
                secret,
            };
            let known = known.map_or(0, |known| known.n());
            let newest = known.max(before.seen_of_own(environment, secret));
            let n = n.max(newest.saturating_add(1));
            let signed = SignedBindings::sign(proof, before.file.device, of, n, drafts)?;
            new.push(KeptBindings {
                environment: environment.clone(),
                secret: secret.clone(),
                signed: ByteVec::from(cbor::encode(&signed)),
                pushed: false,
            });
        }
        if new.is_empty() {
            return Ok(());
        }
        let names: BTreeSet<_> = new.iter().map(KeptBindings::of).collect();
        let rows = &mut saying.next.file.bindings;
        rows.retain(|row| !names.contains(&row.of()));
        drop(names);
        rows.extend(new);
        saying.keep()
    }
}

impl KeptBindings {
    fn of(&self) -> (&Environment, &SecretName) {
        (&self.environment, &self.secret)
    }

    fn read(&self) -> Option<SignedBindings> {
        cbor::decode(&self.signed).ok()
    }
}

/// The bindings that were signed here.
pub(super) type Own<'a> = BTreeMap<(&'a Environment, &'a SecretName), &'a KeptBindings>;

/// The bindings that the next version of a secret carries: those that were signed here since the last
/// push, else those that the team has; for a secret that the team does not have, the last that were
/// signed here.
pub(super) fn bindings_for(
    own: &Own<'_>,
    environment: &Environment,
    secret: &SecretName,
    theirs: Option<&Meta>,
) -> Option<SignedBindings> {
    let own = own.get(&(environment, secret));
    match theirs {
        Some(meta) if own.is_none_or(|own| own.pushed) => meta.bindings.clone(),
        _ => own.and_then(|own| own.read()),
    }
}

impl State {
    /// Whether the team has bindings for a secret.
    fn carries_bindings(&self, environment: &Environment, secret: &SecretName) -> bool {
        let env = self.env_named(environment);
        let here = env.and_then(|env| self.envs.get(&env));
        let mut live = here.into_iter().flat_map(|here| here.records.values());
        live.any(|shown| {
            let meta = shown.meta();
            meta.is_some_and(|meta| meta.name == secret.as_str() && meta.bindings.is_some())
        })
    }

    /// Names whose bindings were signed here and are not with the team yet.
    pub(super) fn unpushed<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> impl Iterator<Item = &'a SecretName> {
        let rows = self.file.bindings.iter();
        rows.filter(|row| !row.pushed && row.environment == *environment)
            .map(|row| &row.secret)
    }

    /// The bindings that were signed here.
    pub(super) fn own_bindings(&self) -> Own<'_> {
        let rows = self.file.bindings.iter();
        rows.map(|row| (row.of(), row)).collect()
    }

    /// The counter of the newest bindings by this device that anybody showed, whatever is kept here.
    fn seen_of_own(&self, environment: &Environment, secret: &SecretName) -> u64 {
        let env = self.env_named(environment);
        let here = env.and_then(|env| self.envs.get(&env));
        let rows = here.into_iter().flat_map(|here| &here.file.bindings);
        let own = rows.filter(|row| row.by == self.file.device && row.secret == *secret);
        own.map(|row| row.n).max().unwrap_or(0)
    }

    /// Notes which bindings of this installation are with the team.
    pub(super) fn note_pushed(&mut self, env: &EnvId) {
        let (Some(environment), Some(here)) = (self.name_of(env).cloned(), self.envs.get(env))
        else {
            return;
        };
        let theirs: BTreeSet<(SecretName, Vec<u8>)> = names(here)
            .filter_map(|(_, meta, name)| Some((name, cbor::encode(meta.bindings.as_ref()?))))
            .collect();
        for row in &mut self.file.bindings {
            row.pushed |= row.environment == environment
                && theirs.contains(&(row.secret.clone(), row.signed.to_vec()));
        }
    }

    /// Judges what only a reader can: that a record's name is the name of a secret, and that its
    /// bindings are signed by somebody who may, and not older than others by the same. A record that
    /// breaks this is set aside.
    pub(super) fn judge_records(&mut self) {
        let envs: Vec<EnvId> = self.envs.keys().copied().collect();
        for env in envs.into_iter().filter(|env| *env != EnvId::DIRECTORY) {
            let (Some(environment), Some(here)) = (self.name_of(&env), self.envs.get(&env)) else {
                continue;
            };
            let judged = judge(&self.chain, here, environment);
            if judged.bad.is_empty() && judged.seen.is_empty() {
                continue;
            }
            let file = &mut self.env_mut(&env).file;
            file.quarantine.extend(judged.bad);
            let stays = |row: &SeenBindings| {
                let newer = (row.secret.clone(), row.by);
                !judged.seen.contains_key(&newer)
            };
            file.bindings.retain(stays);
            file.bindings.extend(judged.seen.into_values());
        }
    }
}

/// The newest bindings of each secret by each signer that were verified here.
pub(super) struct Verified<'a>(BTreeMap<(&'a SecretName, DeviceId), &'a SeenBindings>);

impl<'a> Verified<'a> {
    pub(super) fn of(here: &'a EnvState) -> Self {
        let rows = here.file.bindings.iter();
        Self(rows.map(|row| ((&row.secret, row.by), row)).collect())
    }

    /// Whether these were.
    pub(super) fn has(&self, secret: &SecretName, signed: &SignedBindings) -> bool {
        let newest = self.0.get(&(secret, signed.by()));
        newest.is_some_and(|newest| newest.hash == hash_of(signed))
    }

    /// Whether these are newer than any by the same owner.
    fn are_before(&self, secret: &SecretName, signed: &SignedBindings) -> bool {
        let newest = self.0.get(&(secret, signed.by()));
        newest.is_none_or(|newest| newest.n < signed.n())
    }
}

/// The live records whose names can be read.
pub(super) fn names(here: &EnvState) -> impl Iterator<Item = (&Shown, &Meta, SecretName)> {
    let shown = here.records.values();
    shown.filter_map(|shown| {
        let meta = shown.meta()?;
        Some((shown, meta, meta.name.parse().ok()?))
    })
}

#[derive(Default)]
struct Judged {
    bad: Vec<Quarantined>,
    /// The newest of each signer: of two records of one name, the order says nothing.
    seen: BTreeMap<(SecretName, DeviceId), SeenBindings>,
}

impl Judged {
    fn saw(&mut self, row: SeenBindings) {
        let known = self.seen.entry((row.secret.clone(), row.by));
        let newest = known.or_insert_with(|| row.clone());
        if newest.n < row.n {
            *newest = row;
        }
    }
}

fn judge(chain: &Chain, here: &EnvState, environment: &Environment) -> Judged {
    let mut judged = Judged::default();
    let known = Verified::of(here);
    for shown in here.records.values() {
        let Some(meta) = shown.meta().filter(|_| here.fault_of(shown).is_none()) else {
            continue;
        };
        let Ok(name) = meta.name.parse::<SecretName>() else {
            judged.bad.push(shown.set_aside(Broken::Meta));
            continue;
        };
        let Some(signed) = &meta.bindings else {
            continue;
        };
        if known.has(&name, signed) {
            continue;
        }
        let verified = signed.verified(chain, here.file.env, (environment, &name));
        if verified.is_ok() && known.are_before(&name, signed) {
            judged.saw(SeenBindings {
                secret: name,
                by: signed.by(),
                n: signed.n(),
                hash: hash_of(signed),
            });
        } else {
            judged.bad.push(shown.set_aside(Broken::Bindings));
        }
    }
    judged
}

fn hash_of(signed: &SignedBindings) -> Hash {
    Hash::of(Sha256::digest(cbor::encode(signed)).into())
}
