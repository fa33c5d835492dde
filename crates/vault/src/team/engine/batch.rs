//! Sealed versions, as many as one commit takes.

use withheld_core::Refusal;
use withheld_core::name::{Environment, SecretName};
use withheld_team::VERSION;
use withheld_team::commit::{Entry, MAX_RECORDS};
use withheld_team::id::{EnvId, Hash, RecordId};
use withheld_team::record::{Header, Kind};

use super::Team;
use super::bindings::bindings_for;
use super::draft::{New, locked};
use super::env_state::Shown;
use super::files::impossible;
use super::formats::Row;
use super::push_plan::Change;
use super::state::State;
use crate::team::Broken;
use crate::team::meta::Meta;
use crate::team::sealed::{self, NewRecord};

/// Bytes of records in a commit, from which on the next one is begun: written as JSON it is still less
/// than a server takes.
const FULL: usize = 4 << 20;

/// A commit that is to be sent.
pub(super) struct Batch {
    pub(super) records: Vec<(Entry, New)>,
    pub(super) rows: Vec<Row>,
    pub(super) bytes: usize,
}

impl Team {
    /// Seals as much as fits into a commit; `None` where a value was changed meanwhile.
    pub(super) fn seal(
        &self,
        before: &State,
        env: &EnvId,
        environment: &Environment,
        changes: Vec<Change>,
    ) -> Result<Option<Batch>, Refusal> {
        let here = before.envs.get(env).ok_or_else(impossible)?;
        let mut batch = Batch {
            records: Vec::new(),
            rows: Vec::new(),
            bytes: 0,
        };
        let own = before.own_bindings();
        for change in changes {
            let more = 1 + change.doubles.len();
            if batch.bytes > FULL || batch.records.len() + more > MAX_RECORDS {
                break;
            }
            let header = header(before, env, change.rid, change.before.as_ref());
            match change.local {
                None => batch.delete(header, &change.name, self)?,
                Some(version) => {
                    let (value, current) = self.vault.current(environment, &change.name)?;
                    if current != version {
                        return Ok(None);
                    }
                    let key = here.newest_key(&before.chain).ok_or_else(locked)?;
                    let theirs = here.records.get(&change.rid);
                    // Bindings for which it is set aside are not passed on.
                    let theirs =
                        theirs.filter(|shown| here.fault_of(shown) != Some(Broken::Bindings));
                    let theirs = theirs.and_then(Shown::meta);
                    let bindings = bindings_for(&own, environment, &change.name, theirs);
                    let name = change.name.as_str();
                    let meta = Meta::new(name, &change.rid, &value, bindings, key)?;
                    let new = sealed::seal_record(header.clone(), &meta, &value, key, &self.seed)?;
                    batch.value(header, &change.name, version, (&meta, new));
                }
            }
            for double in &change.doubles {
                let header = self::header(before, env, *double, here.chain.entry(double));
                batch.delete_double(header, self)?;
            }
        }
        Ok(Some(batch))
    }
}

impl Batch {
    fn value(
        &mut self,
        header: Header,
        name: &SecretName,
        local: u64,
        (meta, new): (&Meta, NewRecord),
    ) {
        self.bytes += new.record.len() + new.meta.len() + new.value.len();
        self.rows.push(Row {
            name: name.clone(),
            rid: header.rid,
            ver: header.ver,
            record: new.hash,
            tag: Some(meta.tag),
            epoch: meta.epoch,
            local,
        });
        let new = New::Value(Box::new(new));
        self.records.push((new.entry(header.rid, header.ver), new));
    }

    fn delete(&mut self, header: Header, name: &SecretName, team: &Team) -> Result<(), Refusal> {
        let (rid, ver) = (header.rid, header.ver);
        let record = self.delete_double(header, team)?;
        self.rows.push(Row {
            name: name.clone(),
            rid,
            ver,
            record,
            tag: None,
            epoch: 0,
            local: 0,
        });
        Ok(())
    }

    fn delete_double(&mut self, header: Header, team: &Team) -> Result<Hash, Refusal> {
        let (rid, ver) = (header.rid, header.ver);
        let (record, hash) = sealed::seal_deletion(header, &team.seed)?;
        self.bytes += record.len();
        let new = New::Deletion { record, hash };
        self.records.push((new.entry(rid, ver), new));
        Ok(hash)
    }
}

/// The header of the version after this one.
fn header(state: &State, env: &EnvId, rid: RecordId, before: Option<&Entry>) -> Header {
    Header {
        v: VERSION,
        ws: state.file.ws,
        env: *env,
        rid,
        ver: before.map_or(0, |before| before.ver) + 1,
        prev: before.map_or(Hash::ZERO, |before| before.record),
        author: state.file.device,
        kind: Kind::Value,
    }
}
