//! What people do with secrets.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::*;
use crate::team::engine::{NamedVersion, Pulled, Pushed};
use crate::team::epoch::EpochKey;
use crate::test_values::bytes;
use withheld_team::drift::State as Drift;

/// When all of it happens.
pub(super) fn now() -> Moment {
    hour(7)
}

pub(super) fn secrets(names: &[&str]) -> Vec<SecretName> {
    names.iter().map(|name| secret(name)).collect()
}

pub(super) fn versions(rows: &[(&str, u64)]) -> Vec<NamedVersion> {
    let row = |(name, version): &(&str, u64)| NamedVersion {
        name: secret(name),
        version: *version,
    };
    rows.iter().map(row).collect()
}

impl Person {
    /// Stores a value, as its owner.
    pub(super) fn keep(&self, env: &str, name: &str, plain: &[u8]) {
        self.keep_as(env, name, plain, Origin::Owner);
    }

    pub(super) fn keep_as(&self, env: &str, name: &str, plain: &[u8], origin: Origin) {
        let items = [(secret(name), value(plain))];
        let stored = self.vault.store(&environment(env), &items, origin, now());
        stored.unwrap();
    }

    pub(super) fn drop_value(&self, env: &str, name: &str) {
        self.vault
            .remove(&environment(env), &[secret(name)])
            .unwrap();
    }

    /// The value that a request would get.
    pub(super) fn held(&self, env: &str, name: &str) -> Option<Vec<u8>> {
        let environment = environment(env);
        let holds = self.vault.holds(&environment, &secret(name));
        holds.then(|| bytes(&self.vault.value(&environment, &secret(name)).unwrap()))
    }

    pub(super) fn pull(&mut self, env: &str) -> Result<Pulled, Refusal> {
        let team = self.team.as_ref().unwrap();
        team.pull(&mut self.post, &environment(env), None, false, now())
    }

    pub(super) fn pull_of(
        &mut self,
        env: &str,
        names: &[&str],
        take: bool,
    ) -> Result<Pulled, Refusal> {
        let team = self.team.as_ref().unwrap();
        let names = secrets(names);
        team.pull(&mut self.post, &environment(env), Some(&names), take, now())
    }

    pub(super) fn push(&mut self, env: &str) -> Result<Pushed, Refusal> {
        let team = self.team.as_ref().unwrap();
        team.push(&mut self.post, &environment(env), None, false, now())
    }

    pub(super) fn push_of(
        &mut self,
        env: &str,
        names: &[&str],
        take: bool,
    ) -> Result<Pushed, Refusal> {
        let team = self.team.as_ref().unwrap();
        let names = secrets(names);
        team.push(&mut self.post, &environment(env), Some(&names), take, now())
    }

    /// Every name of an environment and how it stands.
    pub(super) fn drift(&self, env: &str) -> Vec<(String, Drift)> {
        let rows = self.team().drift(&environment(env), now());
        rows.iter()
            .map(|row| (row.name.as_str().to_owned(), row.state))
            .collect()
    }

    /// How one name stands.
    pub(super) fn state_of(&self, env: &str, name: &str) -> Option<Drift> {
        let rows = self.drift(env);
        rows.into_iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// Commits a record with these names, whatever they are.
    pub(super) fn put_meta(
        &mut self,
        env: &EnvId,
        rid: u8,
        plain: &[u8],
        meta: impl Fn(&RecordId, &EpochKey) -> Meta,
    ) {
        let rid = RecordId::of([rid; 16]);
        self.put_rid(env, rid, plain, meta);
    }

    pub(super) fn put_rid(
        &mut self,
        env: &EnvId,
        rid: RecordId,
        plain: &[u8],
        meta: impl Fn(&RecordId, &EpochKey) -> Meta,
    ) {
        let team = self.team.as_ref().unwrap();
        let put = team.change(&mut self.post, hour(4), |state| {
            let mut draft = Draft::on(state, &team.seed, None, hour(4));
            let here = &draft.next.envs[env];
            let key = here.newest_key(&draft.next.chain).unwrap();
            let before = here.chain.entry(&rid);
            let header = Header {
                v: VERSION,
                ws: state.file.ws,
                env: *env,
                rid,
                ver: before.map_or(1, |before| before.ver + 1),
                prev: before.map_or(Hash::ZERO, |before| before.record),
                author: state.file.device,
                kind: Kind::Value,
            };
            let ver = header.ver;
            let meta = meta(&rid, key);
            let new = sealed::seal_record(header, &meta, &value(plain), key, &team.seed)?;
            let new = New::Value(Box::new(new));
            let entry = new.entry(rid, ver);
            draft.records(env, vec![(entry, new)])?;
            Ok((draft, ()))
        });
        put.unwrap();
    }

    /// The same home in another folder, with a shelf of its own.
    pub(super) fn copied(&self) -> Self {
        let folder = Folder::new();
        copy(&self.home.team().join(".."), &folder.path().join("home"));
        let shelf = Arc::new(Mutex::new(self.post.shelf().clone()));
        Self::opened(folder, Carrier::to(&shelf))
    }

    /// As after a start of the broker: nothing is left but what is on the disk.
    pub(super) fn reopened(self) -> Self {
        let Self {
            team,
            vault,
            post,
            _folder: folder,
            ..
        } = self;
        drop((team, vault));
        Self::opened(folder, Carrier::to(&post.shelf))
    }

    fn opened(folder: Folder, post: Carrier) -> Self {
        let home = Home::at(&folder.path().join("home")).unwrap();
        let passphrase = value(b"correct horse battery");
        let vault = Vault::open(&home)
            .unwrap()
            .unwrap()
            .unlock(&passphrase)
            .unwrap();
        let proof = vault.prove(&passphrase).unwrap();
        let vault = Arc::new(vault);
        Self {
            team: Team::open(&vault).unwrap(),
            vault,
            proof,
            post,
            home,
            _folder: folder,
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
