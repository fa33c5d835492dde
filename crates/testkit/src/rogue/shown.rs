//! What a server shows: the chains as they are, or whatever was put into their place. It is a script of a
//! tap, and writes what would come next.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::now_ms;
use super::{Device, Hash, Id, Item, People, device, hash, random};
use crate::encode::{base64url, hex};
use crate::items;
use crate::tap::{Changed, Exchange};

/// What an environment's state says of one secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its version.
    pub ver: u64,
    /// Hash of the record.
    pub record: Hash,
    /// Hash of the slot; none where the secret is deleted.
    pub slot: Option<Hash>,
}

impl Entry {
    /// What a commit says that brings these.
    pub fn changes(entries: &[(Id, Self)]) -> Item {
        let mut entries = entries.to_vec();
        entries.sort_by_key(|(rid, _)| *rid);
        let changes: Vec<_> = entries
            .iter()
            .map(|(rid, entry)| entry.item(*rid))
            .collect();
        items![0, items![changes]]
    }

    /// As a commit and a state name it.
    pub fn item(&self, rid: Id) -> Item {
        let mut item = vec![rid.into(), self.ver.into(), self.record.into()];
        item.extend(self.slot.map(Item::from));
        item.into()
    }
}

/// What a server shows of a workspace.
#[derive(Clone)]
pub struct Shown {
    /// The workspace.
    pub ws: Hash,
    /// The membership chain.
    pub links: Vec<Vec<u8>>,
    /// The environments' chains.
    pub commits: BTreeMap<Id, Vec<Vec<u8>>>,
    records: BTreeMap<(Id, Id, u64), Value>,
    /// The envelopes to whoever asks; the server's own where there are none.
    pub envelopes: Option<Vec<Vec<u8>>>,
}

impl Shown {
    pub(super) fn of(ws: Hash) -> Self {
        Self {
            ws,
            links: Vec::new(),
            commits: BTreeMap::new(),
            records: BTreeMap::new(),
            envelopes: None,
        }
    }

    /// A workspace that this device founds, with this about its genesis changed.
    pub fn founded(founder: &Device, change: impl FnOnce(Item) -> Item) -> Self {
        let salt: Id = random();
        let op = items![0, items![1, random::<16>(), &founder.public, salt]];
        let zero = [0; 32];
        let body = items![0, zero, 1, zero, now_ms(), founder.id, op];
        let body = change(body).encode();
        let mut shown = Self::of(hash("wlink", &body));
        shown.links.push(device::link(&body, &[founder.admin()]));
        shown.commits.insert(super::DIRECTORY, Vec::new());
        shown
    }

    /// The body of a link, by its position.
    pub fn body(&self, seq: usize) -> Item {
        Item::decode(Item::decode(&self.links[seq - 1]).at(0).blob())
    }

    /// The link that comes next, not signed yet: of this author, doing this.
    pub fn next(&self, author: Id, op: Item) -> Item {
        let (seq, hash) = self.head();
        items![0, self.ws, seq + 1, hash, now_ms(), author, op]
    }

    /// The last link's position and hash.
    pub fn head(&self) -> (u64, Hash) {
        let hash = self.links.last().map_or([0; 32], |link| link_hash(link));
        (self.links.len() as u64, hash)
    }

    /// An environment's last commit, and its position.
    pub fn commit_head(&self, env: Id) -> (u64, Hash) {
        let commits = self.commits.get(&env).map_or(&[][..], Vec::as_slice);
        let hash = commits.last().map_or_else(
            || env_genesis(self.ws, env),
            |commit| hash("commit", Item::decode(commit).at(0).blob()),
        );
        (commits.len() as u64, hash)
    }

    /// Who is in it.
    pub fn people(&self) -> People {
        People::of(self)
    }

    /// The last epoch of an environment that its links begin; 0 for none.
    pub fn epoch(&self, env: Id) -> u64 {
        let bodies = (1..=self.links.len()).map(|seq| self.body(seq).at(6).clone());
        let begun = bodies.filter(|op| op.at(0).int() == 9);
        let mut numbers = begun.filter(|op| op.at(1).at(0).bytes() == env);
        numbers.next_back().map_or(0, |op| op.at(1).at(1).int())
    }

    /// The epoch under which an environment's slots are.
    ///
    /// # Panics
    /// When nothing was committed.
    #[track_caller]
    pub fn epoch_of_slots(&self, env: Id) -> u64 {
        let last = self.commits[&env].last().expect("a commit");
        Item::decode(Item::decode(last).at(0).blob()).at(7).int()
    }

    /// What an environment holds, by its commits.
    pub fn state(&self, env: Id) -> BTreeMap<Id, Entry> {
        let mut state = BTreeMap::new();
        for commit in self.commits.get(&env).into_iter().flatten() {
            let body = Item::decode(Item::decode(commit).at(0).blob());
            apply(&mut state, body.at(10));
        }
        state
    }

    /// The commit that comes next, not signed yet: by this author, under this epoch, with these changes.
    pub fn next_commit(&self, env: Id, author: Id, epoch: u64, changes: Item) -> Item {
        let ((seq, prev), (w_seq, w_hash)) = (self.commit_head(env), self.head());
        let mut state = self.state(env);
        apply(&mut state, &changes);
        items![
            0,
            self.ws,
            env,
            seq + 1,
            prev,
            w_seq,
            w_hash,
            epoch,
            now_ms(),
            author,
            changes,
            root(&state)
        ]
    }

    /// Adds a commit to an environment.
    pub fn commit(&mut self, env: Id, commit: Vec<u8>) {
        self.commits.entry(env).or_default().push(commit);
    }

    /// Shows these parts for a version of a secret, whatever the server has.
    pub fn show(&mut self, env: Id, (rid, ver): (Id, u64), parts: Value) {
        self.records.insert((env, rid, ver), parts);
    }

    /// What whoever asked is given. Nothing where the server's own answer will do.
    pub fn answer(&self, exchange: &Exchange) -> Option<Changed> {
        let path: Vec<&str> = exchange.path.split('/').skip(4).collect();
        let from = query(exchange, "from").unwrap_or(1) - 1;
        let document = match (exchange.method.as_str(), path.as_slice()) {
            ("GET", ["heads"]) => self.heads(),
            ("GET", ["links"]) => json!({"links": page(&self.links, from), "next": null}),
            ("GET", ["envs", env, "commits"]) => {
                let commits = self.commits.get(&unhex(env)).map_or(&[][..], Vec::as_slice);
                json!({"commits": page(commits, from), "next": null})
            }
            ("POST", ["envs", env, "records:get"]) => self.records(unhex(env), exchange),
            ("GET", ["envelopes"]) => {
                let since = query(exchange, "since").unwrap_or_default();
                let all = self.envelopes.as_deref()?;
                let rest = if since == 0 { all } else { &[] };
                json!({"envelopes": page(rest, 0), "rev": since + 1})
            }
            _ => return None,
        };
        let body = document.to_string();
        Some(Changed::bytes(200, "application/json", body))
    }

    fn heads(&self) -> Value {
        let at = |(seq, hash): (u64, Hash)| json!({"seq": seq, "hash": hex(&hash)});
        let envs = self.commits.keys().map(|env| {
            let mut head = at(self.commit_head(*env));
            head["env"] = json!(hex(env));
            head
        });
        let envs: Vec<_> = envs.collect();
        json!({"w": at(self.head()), "envs": envs, "rev": 1})
    }

    fn records(&self, env: Id, exchange: &Exchange) -> Value {
        let asked: Value = serde_json::from_slice(&exchange.body).expect("a question");
        let own = exchange.status() == Some(200);
        let own = own.then(|| exchange.json()["records"].clone());
        let own = own.as_ref().and_then(Value::as_array);
        let mut records = Vec::new();
        for id in asked["ids"].as_array().expect("ids") {
            let (rid, ver) = (&id[0], &id[1]);
            let of = (
                env,
                unhex(rid.as_str().expect("an id")),
                ver.as_u64().expect("a version"),
            );
            let stored = own.and_then(|own| {
                own.iter()
                    .find(|one| (&one["rid"], &one["ver"]) == (rid, ver))
            });
            if let Some(record) = self.records.get(&of).or(stored) {
                let mut record = record.clone();
                record["rid"] = rid.clone();
                record["ver"] = ver.clone();
                records.push(record);
            }
        }
        json!({ "records": records })
    }
}

/// What the first commit of an environment names as the one before it.
pub fn env_genesis(ws: Hash, env: Id) -> Hash {
    hash("env-genesis", &items![ws, env].encode())
}

/// The hash that a state is signed by.
pub fn root(state: &BTreeMap<Id, Entry>) -> Hash {
    let entries: Vec<_> = state.iter().map(|(rid, entry)| entry.item(*rid)).collect();
    hash("state", &Item::Array(entries).encode())
}

fn apply(state: &mut BTreeMap<Id, Entry>, changes: &Item) {
    for change in changes.at(1).at(0).items() {
        let rid = change.at(0).bytes();
        if changes.at(0).int() == 1 {
            let entry = state.get_mut(&rid).expect("a secret that is there");
            entry.slot = Some(change.at(1).bytes());
            continue;
        }
        let entry = Entry {
            ver: change.at(1).int(),
            record: change.at(2).bytes(),
            slot: change.items().get(3).map(Item::bytes),
        };
        state.insert(rid, entry);
    }
}

fn link_hash(link: &[u8]) -> Hash {
    hash("wlink", Item::decode(link).at(0).blob())
}

fn page(all: &[Vec<u8>], from: usize) -> Vec<String> {
    let rest = all.iter().skip(from);
    rest.map(|bytes| base64url(bytes)).collect()
}

fn query(exchange: &Exchange, name: &str) -> Option<usize> {
    let pairs = exchange
        .query
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(known, _)| *known == name)?.1;
    Some(value.parse().expect("a number"))
}

pub(super) fn unhex(text: &str) -> Id {
    std::array::from_fn(|at| {
        u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("an id in hex")
    })
}
