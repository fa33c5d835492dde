//! The values of a pull: fetched, and checked against what their authors signed.

use std::collections::BTreeMap;

use withheld_core::name::SecretName;
use withheld_core::{Moment, Refusal};
use withheld_secret::SecretValue;
use withheld_team::Verdict;
use withheld_team::api::{Get, Got, Part};
use withheld_team::id::{EnvId, RecordId};

use super::Team;
use super::draft::locked;
use super::env_state::{EnvState, Shown};
use super::files::impossible;
use super::formats::Quarantined;
use super::links::{Stop, proof};
use super::state::State;
use super::tags::Tags;
use crate::intake;
use crate::team::post::Post;
use crate::team::{Broken, Unopened, sealed};

/// Values that are asked for at once: with the longest ones the answer is still one that is read.
const VALUES: usize = 200;

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
        let mut wanted: Vec<(RecordId, u64)> = Vec::new();
        for (_, rid) in take {
            let shown = here.records.get(rid).ok_or_else(impossible)?;
            wanted.push((*rid, shown.kept.ver));
        }
        while !wanted.is_empty() {
            let question = Get {
                ids: wanted[..wanted.len().min(VALUES)].to_vec(),
                parts: vec![Part::Value],
            };
            let got: Got = line.ask(&path, &question)?;
            let before = wanted.len();
            for record in got.records.into_iter().take(VALUES) {
                let asked = wanted.iter().position(|id| *id == (record.rid, record.ver));
                let (Some(asked), Some(value)) = (asked, record.value) else {
                    continue;
                };
                let signed = here.records.get(&record.rid).ok_or_else(impossible)?;
                let same = signed.record.parts(None, Some(&value.0));
                same.map_err(|verdict| proof(&mut line, Some(env), verdict))?;
                wanted.swap_remove(asked);
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
