//! The rogue itself: it joins, asks and sends as a member does, and can do as an honest one would.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::crypto::random;
use super::device::{link, signed};
use super::known::{Known, known_by};
use super::request::{Keyed, request};
use super::shown::unhex;
use super::version::slot;
use super::{Device, Entry, EpochKey, Hash, Id, Invite, Item, Line, Shown, Version, letter};
use crate::encode::{base64url, hex};
use crate::http::Reply;
use crate::items;

/// A member whose keys are at hand.
#[derive(Clone)]
pub struct Rogue {
    /// Who it is.
    pub member: Id,
    /// Its device.
    pub device: Device,
    /// How it came in.
    pub invite: Invite,
    ws: Hash,
    server: SocketAddr,
    /// What was fetched already: a server answers only so often.
    seen: RefCell<Shown>,
    keys: RefCell<BTreeMap<(Id, u64), EpochKey>>,
    known: RefCell<BTreeMap<Id, (String, Known)>>,
}

impl Rogue {
    /// Joins by this line at this server, honestly.
    ///
    /// # Panics
    /// When it is not let in.
    #[track_caller]
    pub fn joins(server: SocketAddr, line: &Line) -> Self {
        let (device, invite) = (Device::fresh(), Invite::of(line.secret));
        let rogue = Self {
            member: random(),
            device,
            invite,
            ws: line.ws,
            server,
            seen: RefCell::new(Shown::of(line.ws)),
            keys: RefCell::default(),
            known: RefCell::default(),
        };
        let by = Keyed {
            id: format!("i:{}", hex(&rogue.invite.id)),
            hand: rogue.invite.hand(),
        };
        let mut shown = Shown::of(line.ws);
        shown.links = rogue.links(1, &by);
        let body = rogue.join(&shown).encode();
        let (device, invite) = (&rogue.device, &rogue.invite);
        let hands = [device.ops(), device.admin(), invite.hand()];
        rogue.sends_join(&link(&body, &hands)).is(200);
        rogue
    }

    /// Somebody else, with this invitation and not in yet.
    pub fn guest(&self, invite: &Invite) -> Self {
        Self {
            member: random(),
            device: Device::fresh(),
            invite: invite.clone(),
            ..self.clone()
        }
    }

    /// The link by which it joins, not signed yet.
    pub fn join(&self, shown: &Shown) -> Item {
        let op = items![5, items![self.invite.id, self.member, &self.device.public]];
        shown.next(self.device.id, op)
    }

    /// The server was started again, here.
    pub fn goes_to(&mut self, server: SocketAddr) {
        self.server = server;
    }

    /// Sends a join. The server's answer.
    pub fn sends_join(&self, link: &[u8]) -> Reply {
        let bundle = json!({"links": [base64url(link)]});
        self.request("POST", "/join", &bundle.to_string(), None)
    }

    /// The chains as the server has them.
    pub fn shown(&self) -> Shown {
        let mut seen = self.seen.borrow_mut();
        let heads = self.get("/heads");
        let seq = |head: &Value| head["seq"].as_u64().expect("a position");
        if seq(&heads["w"]) > seen.head().0 {
            let links = self.links(seen.head().0 + 1, &self.keyed());
            seen.links.extend(links);
        }
        for head in heads["envs"].as_array().expect("environments") {
            let env = head["env"].as_str().expect("an id");
            let commits = seen.commits.entry(unhex(env)).or_default();
            let from = commits.len() + 1;
            if seq(head) >= from as u64 {
                let page = self.get(&format!("/envs/{env}/commits?from={from}&limit=500"));
                commits.extend(blobs(&page["commits"]));
            }
        }
        seen.clone()
    }

    /// The key of an epoch that it was given.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn key(&self, env: Id, n: u64) -> EpochKey {
        let mut keys = self.keys.borrow_mut();
        if !keys.contains_key(&(env, n)) {
            for envelope in blobs(&self.get("/envelopes?since=0")["envelopes"]) {
                let key = letter::opened(&envelope, &self.device);
                keys.insert((key.env, key.n), key);
            }
        }
        let key = keys.get(&(env, n));
        key.unwrap_or_else(|| panic!("no key of epoch {n}")).clone()
    }

    /// Every live secret of an environment, by name. Of one that does not open, what was known before.
    pub fn secrets(&self, shown: &Shown, key: &EpochKey) -> BTreeMap<String, Known> {
        let state = shown.state(key.env);
        let live: Vec<_> = state.iter().filter(|it| it.1.slot.is_some()).collect();
        let ids: Vec<_> = live
            .iter()
            .map(|(rid, entry)| json!([hex(&rid[..]), entry.ver]))
            .collect();
        let question = json!({"ids": ids, "parts": ["meta", "slot"]});
        let got = self.asks(key.env, &question);
        assert_eq!(got.len(), live.len(), "every secret");
        let mut known = self.known.borrow_mut();
        for ((rid, entry), got) in live.iter().zip(&got) {
            match known_by(**rid, **entry, got, key) {
                Some(opened) => drop(known.insert(**rid, opened)),
                None => known.get_mut(*rid).expect("a secret of before").1.entry = **entry,
            }
        }
        let live = live.iter().map(|(rid, _)| known[*rid].clone());
        live.collect()
    }

    /// All that the server has of one version of a secret.
    ///
    /// # Panics
    /// When it has nothing of it.
    #[track_caller]
    pub fn parts(&self, env: Id, rid: Id, ver: u64) -> Value {
        let question = json!({"ids": [[hex(&rid), ver]], "parts": ["meta", "value", "slot"]});
        let got = self.asks(env, &question);
        got.first().expect("this version").clone()
    }

    /// A commit with these versions, signed by itself, and what it needs to be stored.
    pub fn commits(&self, shown: &Shown, key: &EpochKey, versions: &[Version]) -> (Vec<u8>, Value) {
        let mut versions = versions.to_vec();
        versions.sort_by_key(|version| version.rid);
        let entries = versions
            .iter()
            .map(|version| (version.rid, version.entry()));
        let changes = Entry::changes(&entries.collect::<Vec<_>>());
        let body = shown.next_commit(key.env, self.device.id, key.n, changes);
        let commit = signed("commit", &body, &self.device.ops());
        let parts: Vec<_> = versions.iter().map(Version::parts).collect();
        let slots: Vec<_> = parts.iter().map(|part| part["slot"].clone()).collect();
        let records: Vec<_> = parts.into_iter().map(without_slot).collect();
        let stored = json!({
            "env": hex(&key.env), "commit": base64url(&commit), "records": records, "slots": slots
        });
        (commit, stored)
    }

    /// Has a commit stored.
    pub fn sends_commit(&self, env: Id, stored: &Value) -> Reply {
        self.post(&format!("/envs/{}/commits", hex(&env)), stored)
    }

    /// Has a bundle stored.
    pub fn sends(&self, links: &[Vec<u8>], envelopes: &[Vec<u8>], commits: &[Value]) -> Reply {
        let all = |blobs: &[Vec<u8>]| blobs.iter().map(|it| base64url(it)).collect::<Vec<_>>();
        let bundle = json!({
            "links": all(links), "envelopes": all(envelopes), "commits": commits
        });
        self.post("/links", &bundle)
    }

    /// Has envelopes stored.
    pub fn sends_envelopes(&self, envelopes: &[Vec<u8>]) -> Reply {
        let envelopes: Vec<_> = envelopes.iter().map(|it| base64url(it)).collect();
        self.post("/envelopes", &json!({ "envelopes": envelopes }))
    }

    /// Every live slot under another key: the commit that says so, and what it needs to be stored.
    pub fn rewraps(&self, shown: &Shown, from: &EpochKey, to: &EpochKey) -> (Vec<u8>, Value) {
        let known = self.secrets(shown, from);
        let mut slots: Vec<_> = known
            .values()
            .map(|it| (it.rid, slot(to, (it.rid, it.entry.ver), &it.deks).encode()))
            .collect();
        slots.sort();
        let changes: Vec<_> = slots
            .iter()
            .map(|(rid, slot)| items![*rid, super::hash("slot", slot)])
            .collect();
        let changes = items![1, items![changes]];
        let body = shown.next_commit(to.env, self.device.id, to.n, changes);
        let commit = signed("commit", &body, &self.device.ops());
        let slots: Vec<_> = slots.iter().map(|(_, slot)| base64url(slot)).collect();
        let stored = json!({
            "env": hex(&to.env), "commit": base64url(&commit), "records": [], "slots": slots
        });
        (commit, stored)
    }

    fn asks(&self, env: Id, question: &Value) -> Vec<Value> {
        let path = format!("/envs/{}/records:get", hex(&env));
        let got = self.post(&path, question).is(200).json();
        got["records"].as_array().expect("records").clone()
    }

    fn links(&self, from: u64, by: &Keyed) -> Vec<Vec<u8>> {
        let target = format!("/links?from={from}&limit=500");
        let reply = self.request("GET", &target, "", Some(by));
        blobs(&reply.is(200).json()["links"])
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.request("GET", path, "", Some(&self.keyed()));
        reply.is(200).json()
    }

    fn post(&self, path: &str, document: &Value) -> Reply {
        let document = document.to_string();
        self.request("POST", path, &document, Some(&self.keyed()))
    }

    fn keyed(&self) -> Keyed {
        let hand = self.device.ops();
        let id = format!("d:{}", hex(&self.device.id));
        Keyed { id, hand }
    }

    fn request(&self, method: &str, target: &str, body: &str, by: Option<&Keyed>) -> Reply {
        let target = format!("/v1/ws/{}{target}", hex(&self.ws));
        request(self.server, method, &target, body, by)
    }
}

fn without_slot(mut parts: Value) -> Value {
    parts.as_object_mut().expect("parts").remove("slot");
    parts
}

pub(super) fn unblob(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap_or_else(|| panic!("no bytes: {text}"));
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn blobs(list: &Value) -> Vec<Vec<u8>> {
    let list = list.as_array().expect("a list");
    list.iter().map(unblob).collect()
}
