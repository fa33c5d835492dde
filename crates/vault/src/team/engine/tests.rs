#![allow(clippy::unwrap_used, reason = "tests")]

mod acts;
mod answers;
mod begun;
mod bindings;
mod busy;
mod cards;
mod coming_back;
mod crash;
mod drift;
mod elsewhere;
mod exposure;
mod faults;
mod files;
mod hostile;
mod interrupted;
mod leased;
mod lost_envelopes;
mod namesakes;
mod outbox;
mod patience;
mod pull;
mod push;
mod random;
mod shelf;
mod spoilt_bindings;
mod spoilt_epoch;
mod story;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use withheld_core::api::VaultKind;
use withheld_core::name::{Environment, PersonName, SecretName, Workspace};
use withheld_core::team::{Access, Right, Role};
use withheld_core::{BindingDraft, Code, Moment, Refusal};
use withheld_secret::SecretValue;
use withheld_team::VERSION;
use withheld_team::id::{EnvId, Hash, RecordId};
use withheld_team::record::{Header, Kind};

use super::draft::{Draft, New};
use super::env_state::{EnvState, Opened};
use super::{Create, Invite, Team};
use crate::home::Home;
use crate::origin::Origin;
use crate::owner::OwnerProof;
use crate::team::Post;
use crate::team::meta::Meta;
use crate::team::sealed::{self, NewRecord};
use crate::test_values::{Folder, value};
use crate::vault::{Unlocked, Vault};
use shelf::{Carrier, Shelf, Trouble};

const HOUR_MS: i64 = 60 * 60 * 1000;

fn hour(number: i64) -> Moment {
    Moment::from_ms(1_795_539_600_000 + number * HOUR_MS)
}

fn environment(written: &str) -> Environment {
    written.parse().unwrap()
}

fn person(written: &str) -> PersonName {
    written.parse().unwrap()
}

fn secret(written: &str) -> SecretName {
    written.parse().unwrap()
}

/// What one secret may be used for.
fn bound(
    environment: &Environment,
    secret: &SecretName,
    drafts: &[BindingDraft],
) -> BTreeMap<(Environment, SecretName), Vec<BindingDraft>> {
    BTreeMap::from([((environment.clone(), secret.clone()), drafts.to_vec())])
}

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

fn right(written: &str, right: Right) -> Access {
    Access {
        environment: environment(written),
        right,
    }
}

/// An installation, and its way to the shelf.
struct Person {
    // Goes last.
    team: Option<Team>,
    vault: Arc<Unlocked>,
    proof: OwnerProof,
    post: Carrier,
    home: Home,
    _folder: Folder,
}

impl Person {
    fn new(shelf: &Arc<Mutex<Shelf>>) -> Self {
        let folder = Folder::new();
        let home = Home::at(&folder.path().join("home")).unwrap();
        let passphrase = value(b"correct horse battery");
        let (vault, proof) =
            Vault::create(&home, VaultKind::File, false, &passphrase, hour(0)).unwrap();
        Self {
            team: None,
            vault: Arc::new(vault),
            proof,
            post: Carrier::to(shelf),
            home,
            _folder: folder,
        }
    }

    /// With a secret in `billing/prod`, as founder of a team.
    fn founder(shelf: &Arc<Mutex<Shelf>>) -> Self {
        let mut person = Self::new(shelf);
        let items = [(secret("STRIPE_KEY"), value(b"whCANARYstripe"))];
        let prod = environment("billing/prod");
        person
            .vault
            .store(&prod, &items, Origin::Owner, hour(0))
            .unwrap();
        person.create().unwrap();
        person
    }

    fn create(&mut self) -> Result<(), Refusal> {
        let create = Create {
            workspace: Workspace::parse("acme").unwrap(),
            server: "https://team.example.com".to_owned(),
            founder: person("anna"),
        };
        let team = Team::create(&self.vault, &self.proof, &mut self.post, &create, hour(1))?;
        self.team = Some(team);
        Ok(())
    }

    fn team(&self) -> &Team {
        self.team.as_ref().unwrap()
    }

    fn sync(&mut self, now: Moment) -> Result<super::Synced, Refusal> {
        self.team.as_ref().unwrap().sync(&mut self.post, now)
    }

    fn invite(&mut self, name: &str, role: Role, rights: &[Access]) -> SecretValue {
        let invite = Invite {
            member: person(name),
            role,
            rights: rights.to_vec(),
            expires: hour(26),
        };
        let team = self.team.as_ref().unwrap();
        team.invite(&self.proof, &mut self.post, &invite, hour(2))
            .unwrap()
            .0
    }

    fn join(&mut self, line: &SecretValue, now: Moment) -> Result<(), Refusal> {
        let team = Team::join(&self.vault, &self.proof, line, &mut self.post, now)?;
        self.team = Some(team);
        Ok(())
    }

    fn set(&mut self, name: &str, rights: &[Access], role: Option<Role>) -> Result<(), Refusal> {
        let team = self.team.as_ref().unwrap();
        team.set(
            &self.proof,
            &mut self.post,
            &person(name),
            rights,
            role,
            hour(5),
        )
    }

    fn remove(&mut self, name: &str) -> Result<super::Removed, Refusal> {
        let team = self.team.as_ref().unwrap();
        team.remove(&self.proof, &mut self.post, &person(name), hour(6))
    }

    /// As after a start of the process.
    fn restart(&mut self) -> Result<(), Refusal> {
        self.team = None;
        self.team = Team::open(&self.vault)?;
        Ok(())
    }

    fn env(&self, name: &str) -> EnvId {
        self.team().state().env_named(&environment(name)).unwrap()
    }

    fn here(&self, env: &EnvId) -> Arc<EnvState> {
        Arc::clone(&self.team().state().envs[env])
    }

    /// The number of the newest epoch, if its key is here.
    fn epoch(&self, env: &EnvId) -> Option<u64> {
        let state = self.team().state();
        let key = state.envs.get(env)?.newest_key(&state.chain)?;
        Some(key.id().n)
    }

    /// Commits a secret as a push would.
    fn put(&mut self, env: &EnvId, rid: u8, name: &str, plain: &[u8]) {
        self.put_all(env, [(rid, name.to_owned(), plain.to_vec())]);
    }

    /// Commits secrets, one commit each, in one bundle.
    fn put_all(
        &mut self,
        env: &EnvId,
        secrets: impl IntoIterator<Item = (u8, String, Vec<u8>)> + Clone,
    ) {
        let team = self.team.as_ref().unwrap();
        let put = team.change(&mut self.post, hour(4), |state| {
            let mut draft = Draft::on(state, &team.seed, None, hour(4));
            draft.refresh(env)?;
            for (rid, name, plain) in secrets.clone() {
                let secret = (RecordId::of([rid; 16]), &*name, &value(&plain));
                put(team, &mut draft, env, secret, |_| {})?;
            }
            Ok((draft, ()))
        });
        put.unwrap();
    }

    /// The same, with something about it that is not as it must be.
    fn put_with(&mut self, env: &EnvId, rid: u8, name: &str, change: fn(&mut NewRecord)) {
        let team = self.team.as_ref().unwrap();
        let put = team.change(&mut self.post, hour(4), |state| {
            let mut draft = Draft::on(state, &team.seed, None, hour(4));
            let secret = (RecordId::of([rid; 16]), name, &value(b"whCANARYvalue"));
            put(team, &mut draft, env, secret, change)?;
            Ok((draft, ()))
        });
        put.unwrap();
    }

    /// The names in an environment.
    fn names(&self, env: &EnvId) -> Vec<String> {
        let here = self.here(env);
        let names = here
            .records
            .values()
            .filter_map(|shown| match &shown.opened {
                Opened::Names(meta) => Some(meta.name.clone()),
                _ => None,
            });
        names.collect()
    }
}

fn put(
    team: &Team,
    draft: &mut Draft<'_>,
    env: &EnvId,
    (rid, name, plain): (RecordId, &str, &SecretValue),
    change: impl Fn(&mut NewRecord),
) -> Result<(), Refusal> {
    let here = &draft.next.envs[env];
    let key = here.newest_key(&draft.next.chain).unwrap();
    let before = here.chain.entry(&rid);
    let header = Header {
        v: VERSION,
        ws: draft.next.file.ws,
        env: *env,
        rid,
        ver: before.map_or(1, |before| before.ver + 1),
        prev: before.map_or(Hash::ZERO, |before| before.record),
        author: draft.next.file.device,
        kind: Kind::Value,
    };
    let ver = header.ver;
    let meta = Meta::new(name, &rid, plain, None, key)?;
    let mut new = sealed::seal_record(header, &meta, plain, key, &team.seed)?;
    change(&mut new);
    let new = New::Value(Box::new(new));
    let entry = new.entry(rid, ver);
    draft.records(env, vec![(entry, new)])
}

/// Anna has founded a team, Bob has joined it and has his keys.
fn two() -> (Person, Person) {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let rights = [
        right("dev", Right::Write),
        right("billing/prod", Right::Read),
    ];
    let line = anna.invite("bob", Role::Member, &rights);
    let mut bob = Person::new(&shelf);
    bob.join(&line, hour(3)).unwrap();
    anna.sync(hour(3)).unwrap();
    bob.sync(hour(3)).unwrap();
    (anna, bob)
}

#[test]
fn a_team_is_used_from_several_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Team>();
}

impl Team {
    /// Fetches and applies, as who pulls does.
    fn pull(
        &self,
        post: &mut dyn Post,
        environment: &Environment,
        names: Option<&[SecretName]>,
        take_remote: bool,
        now: Moment,
    ) -> Result<super::Pulled, Refusal> {
        loop {
            let fetched = self.fetch(post, environment, names, take_remote, now)?;
            if let Some(pulled) = self.apply(fetched, now)? {
                return Ok(pulled);
            }
        }
    }
}
