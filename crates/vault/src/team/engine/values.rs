//! The values of a pull: fetched, and checked against what their authors signed.

use std::collections::BTreeMap;

use withheld_core::name::SecretName;
use withheld_core::{Code, Moment, Refusal};
use withheld_secret::SecretValue;
use withheld_team::Verdict;
use withheld_team::api::{Get, Got, Part};
use withheld_team::id::{EnvId, RecordId};

use super::Team;
use super::draft::locked;
use super::env_state::{EnvState, Shown};
use super::files::impossible;
use super::formats::{Fault, Quarantined};
use super::links::{Stop, proof};
use super::state::State;
use super::tags::Tags;
use crate::intake;
use crate::team::post::Post;
use crate::team::{Broken, Unopened, sealed};

/// Values that are asked for at once: with the longest ones the answer is still one that is read.
const VALUES: usize = 200;

/// Bytes of sealed values that one pull may bring. They are in memory until all of them are applied.
pub(super) const ROOM: usize = 64 << 20;

/// What came of fetching values.
#[derive(Default)]
pub(super) struct Values {
    /// In the order in which they were asked for.
    pub(super) good: Vec<SecretValue>,
    /// What is to be set aside.
    pub(super) bad: Vec<(SecretName, Quarantined)>,
}

impl Team {
    /// The values of these records, each checked against what its author signed and against its tag, in
    /// order; and those that are to be set aside.
    pub(super) fn values_of(
        &self,
        post: &mut dyn Post,
        before: &State,
        env: &EnvId,
        take: &[(SecretName, RecordId)],
        now: Moment,
    ) -> Result<Values, Refusal> {
        let here = before.envs.get(env).ok_or_else(impossible)?;
        let fetched = match self.fetch_sealed(post, here, take, now) {
            Ok(fetched) => fetched,
            Err(Stop::Refused(refusal)) => return Err(refusal),
            Err(Stop::Proof(proof)) => {
                self.convict(before, &proof)?;
                return Err(proof.verdict.into());
            }
        };
        self.forget_faults_of(env, &fetched)?;
        let mut tags = Tags::new(here, &before.chain);
        let mut values = Values::default();
        for (name, rid) in take {
            let shown = here.records.get(rid).ok_or_else(impossible)?;
            let bytes = fetched.get(rid).ok_or_else(impossible)?;
            match opened(here, shown, bytes, &mut tags) {
                Ok(value) => values.good.push(value),
                Err(Unopened::Refused(refusal)) => return Err(refusal),
                Err(Unopened::Broken(why)) => {
                    values.bad.push((name.clone(), shown.set_aside(why)));
                }
            }
        }
        Ok(values)
    }

    /// What was held against the server for values that it has handed out as they were signed after all.
    fn forget_faults_of(
        &self,
        env: &EnvId,
        fetched: &BTreeMap<RecordId, Vec<u8>>,
    ) -> Result<(), Refusal> {
        let before = self.state();
        let is_good = |fault: &Fault| {
            let value = fault.value.filter(|_| fault.env == Some(*env));
            value.is_some_and(|(rid, _)| fetched.contains_key(&rid))
        };
        if !before.file.faults.iter().any(is_good) {
            return Ok(());
        }
        let mut next = State::clone(&before);
        next.file.faults.retain(|fault| !is_good(fault));
        self.keep(next).map(drop)
    }

    /// The sealed values. One that is not what its author signed is evidence against the server.
    fn fetch_sealed(
        &self,
        post: &mut dyn Post,
        here: &EnvState,
        take: &[(SecretName, RecordId)],
        now: Moment,
    ) -> Result<BTreeMap<RecordId, Vec<u8>>, Stop> {
        let env = here.file.env;
        let path = format!("/v1/ws/{}/envs/{env}/records:get", self.state().file.ws);
        let mut line = self.line(post, now);
        let mut fetched = BTreeMap::new();
        let mut bytes = 0;
        let mut wanted: BTreeMap<RecordId, u64> = BTreeMap::new();
        for (_, rid) in take {
            let shown = here.records.get(rid).ok_or_else(impossible)?;
            wanted.insert(*rid, shown.kept.ver);
        }
        while !wanted.is_empty() {
            let ids = wanted.iter().take(VALUES);
            let question = Get {
                ids: ids.map(|(rid, ver)| (*rid, *ver)).collect(),
                parts: vec![Part::Value],
            };
            let got: Got = line.ask(&path, &question)?;
            let before = wanted.len();
            for record in got.records.into_iter().take(VALUES) {
                let is_wanted = wanted.get(&record.rid) == Some(&record.ver);
                let Some(value) = record.value.filter(|_| is_wanted) else {
                    continue;
                };
                let signed = here.records.get(&record.rid).ok_or_else(impossible)?;
                let same = signed.record.parts(None, Some(&value.0));
                same.map_err(|verdict| {
                    proof(&mut line, Some(env), verdict).about((record.rid, record.ver))
                })?;
                bytes += value.0.len();
                if bytes > self.room {
                    return Err(Stop::Refused(too_much()));
                }
                wanted.remove(&record.rid);
                fetched.insert(record.rid, value.0);
            }
            if wanted.len() == before {
                let missing = Verdict::Unverified("a value that the signed state names");
                return Err(Stop::Refused(missing.into()));
            }
        }
        Ok(fetched)
    }
}

/// More than is taken in one step.
fn too_much() -> Refusal {
    Refusal::new(
        Code::TooLarge,
        "these values are more than 64 MiB, which is more than one pull takes",
        "name the secrets, some of them at a time: withheld pull NAME…",
    )
}

/// The value of a record, if it is the one that the names are about, and one that can be used.
fn opened(
    here: &EnvState,
    shown: &Shown,
    bytes: &[u8],
    tags: &mut Tags<'_>,
) -> Result<SecretValue, Unopened> {
    let meta = shown.meta().ok_or_else(impossible)?;
    let slot = shown.slot.as_ref().ok_or_else(impossible)?;
    let key = here.slot_key().ok_or_else(locked)?;
    let value = sealed::open_value(&shown.record, slot, bytes, key)?;
    let key = tags.key(meta.epoch)?.ok_or(Broken::Tag)?;
    meta.check_tag(&shown.kept.rid, &value, &key)?;
    intake::fits(value.len()).map_err(|_| Broken::Size)?;
    Ok(value)
}
