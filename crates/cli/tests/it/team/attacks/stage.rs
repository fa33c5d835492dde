//! A team of two built clients and a rogue admin. The founder is away: whatever is signed from here on,
//! the rogue signs, or the member to whom the server lies.

use withheld_testkit::rogue::{
    Entry, EpochKey, Hand, Id, Invite, Item, Known, Line, Rogue, Shown, Version, envelope, link,
    now_ms, random, signed,
};
use withheld_testkit::{Canary, Reply, items};

use super::Lie;
use crate::team::liar::Liar;
use crate::team::two::{Two, asked, away};

pub(super) const MEMBER: u64 = 1;
pub(super) const ADMIN: u64 = 2;
pub(super) const READ: u64 = 2;
pub(super) const WRITE: u64 = 3;
pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;

pub(super) struct Stage {
    pub(super) liar: Liar,
    /// An admin, who may write `default/dev` and cannot read `prod`.
    pub(super) boss: Rogue,
    pub(super) dev: Id,
    pub(super) prod: Id,
    /// What a lie would put into the place of `KEY`.
    evil: Canary,
}

impl Stage {
    /// Nothing where this machine cannot hold their worlds.
    pub(super) fn new() -> Option<Self> {
        let mut two = Two::new()?;
        let (evil, hidden) = (two.value(), two.value());
        let set = ["set", "PROD_KEY", "--stdin", "--no-input", "-e", "prod"];
        two.lead.owner(&set).typing(hidden.bytes()).succeeds();
        two.lead.owner(&["push", "-e", "prod"]).succeeds();
        let invite = ["team", "invite", "boss", "--no-input", "--json"];
        let invite = two.lead.owner(&invite);
        let invited = invite.args(&["--role", "admin", "--to", "dev:write"]);
        let line = invited.succeeds().data()["invitation"].clone();
        let line = Line::read(line.as_str().unwrap());
        let boss = Rogue::joins(two.post.server.address(), &line);
        // The founder hands over the key, and goes.
        asked(&two.lead, &["pull"]);
        away(&two.lead);
        let shown = boss.shown();
        let rights = shown.people().rights_of(boss.member);
        let [(dev, WRITE)] = rights[..] else {
            panic!("{rights:?}")
        };
        let others = |env: &Id| ![dev, [0; 16]].contains(env);
        let prod = *shown.commits.keys().find(|env| others(env)).unwrap();
        let mut stage = Self {
            liar: Liar::new(two),
            boss,
            dev,
            prod,
            evil,
        };
        let (shown, key) = stage.now();
        let other = stage.liar.two.value();
        let version = stage.version(&shown, &key, "OTHER_KEY", other.bytes());
        stage.stores(&shown, &key, &[version]).is(200);
        asked(&stage.liar.two.newdev, &["pull"]);
        Some(stage)
    }

    /// The server shows what it has now, whatever it is sent from here on.
    pub(super) fn still(&self) {
        let shown = self.boss.shown();
        let script = move |exchange: &_| shown.answer(exchange);
        self.liar.two.post.tap.script(script);
    }

    /// The server shows all that it has, and the member sees it.
    pub(super) fn is_seen(&self) {
        self.liar.two.post.tap.honest();
        asked(&self.liar.two.newdev, &["pull"]);
    }

    /// What the server has, and the newest key.
    pub(super) fn now(&self) -> (Shown, EpochKey) {
        let shown = self.boss.shown();
        let key = self.boss.key(self.dev, shown.epoch(self.dev));
        (shown, key)
    }

    /// A new version of `KEY`, written and sealed as an honest member does. Where there is a new key and
    /// nothing under it yet, the built client wraps all of it anew first.
    pub(super) fn writes(&mut self) -> (Canary, u64) {
        let (mut shown, mut key) = self.now();
        if shown.epoch_of_slots(self.dev) != key.n {
            self.is_seen();
            (shown, key) = self.now();
        }
        let value = self.liar.two.value();
        let version = self.version(&shown, &key, "KEY", value.bytes());
        let ver = version.ver;
        self.stores(&shown, &key, &[version]).is(200);
        (value, ver)
    }

    /// The next version of a secret, or its first, by the rogue.
    pub(super) fn version(
        &self,
        shown: &Shown,
        key: &EpochKey,
        name: &str,
        value: &[u8],
    ) -> Version {
        self.version_by(&self.boss.device.ops(), shown, key, name, value)
    }

    /// The same, by somebody else.
    pub(super) fn version_by(
        &self,
        hand: &Hand,
        shown: &Shown,
        key: &EpochKey,
        name: &str,
        value: &[u8],
    ) -> Version {
        let known = self.boss.secrets(shown, key).remove(name);
        let known = known.as_ref();
        let rid = known.map_or_else(random, |known| known.rid);
        let bindings = known.and_then(|known| known.bindings.as_ref());
        let entry = known.map(|known| known.entry);
        Version::new(key, rid, entry, hand, (name, bindings), value)
    }

    /// The version of `KEY` that must not be applied.
    pub(super) fn evil(&self, shown: &Shown, key: &EpochKey) -> Version {
        self.version(shown, key, "KEY", self.evil.bytes())
    }

    pub(super) fn evil_bytes(&self) -> &[u8] {
        self.evil.bytes()
    }

    pub(super) fn key_now(&self, shown: &Shown, key: &EpochKey) -> Known {
        self.boss.secrets(shown, key).remove("KEY").unwrap()
    }

    /// Has versions stored in one commit.
    pub(super) fn stores(&self, shown: &Shown, key: &EpochKey, versions: &[Version]) -> Reply {
        let (_, stored) = self.boss.commits(shown, key, versions);
        self.boss.sends_commit(self.dev, &stored)
    }

    /// A link that the rogue signs.
    pub(super) fn says(&self, shown: &Shown, op: Item) -> Vec<u8> {
        let body = shown.next(self.boss.device.id, op).encode();
        link(&body, &[self.boss.device.admin()])
    }

    /// The lie of these links on top of what there is, and of an evil commit after them.
    pub(super) fn links(&self, links: &[Vec<u8>]) -> Lie {
        let (mut shown, key) = self.now();
        shown.links.extend(links.iter().cloned());
        let reply = match links {
            [join] if shown.body(shown.links.len()).at(6).at(0).int() == 5 => {
                self.boss.sends_join(join)
            }
            links => self.boss.sends(links, &[], &[]),
        };
        self.evil_commit(&mut shown, &key);
        Lie::of(shown, Some(reply))
    }

    /// Adds a commit that would bring the evil version, were it not for what stands before it.
    pub(super) fn evil_commit(&self, shown: &mut Shown, key: &EpochKey) {
        let version = self.evil(&self.boss.shown(), key);
        let changes = Entry::changes(&[(version.rid, version.entry())]);
        let body = shown.next_commit(self.dev, self.boss.device.id, key.n, changes);
        shown.commit(self.dev, signed("commit", &body, &self.boss.device.ops()));
        shown.show(self.dev, (version.rid, version.ver), version.parts());
    }

    /// An invitation that the rogue makes, and the server keeps.
    pub(super) fn invites(&self, right: u64) -> Invite {
        let invite = Invite::of(random());
        let op = invitation(&invite, MEMBER, &[(self.dev, right)], now_ms() + DAY);
        let link = self.says(&self.boss.shown(), op);
        self.boss.sends(&[link], &[], &[]).is(200);
        invite
    }

    /// Somebody who comes in by such an invitation.
    pub(super) fn hires(&self, right: u64) -> Rogue {
        let invite = self.invites(right);
        let guest = self.boss.guest(&invite);
        let body = guest.join(&self.boss.shown()).encode();
        let device = &guest.device;
        let hands = [device.ops(), device.admin(), invite.hand()];
        self.boss.sends_join(&link(&body, &hands)).is(200);
        guest
    }

    /// Removes a writer, and rotates the key, in one bundle. What the server had before.
    pub(super) fn fires(&self, gone: &Rogue) -> Shown {
        let (before, key) = self.now();
        let mut shown = before.clone();
        let (seq, hash) = before.commit_head(self.dev);
        let op = items![8, items![gone.member, items![items![self.dev, seq, hash]]]];
        shown.links.push(self.says(&shown, op));
        let next = key.next();
        self.rotates(&shown, &key, &next, 1).is(200);
        before
    }

    /// Begins this epoch after these links, the last `new` of which the server has not, with a key for
    /// everybody and every secret under it.
    pub(super) fn rotates(
        &self,
        shown: &Shown,
        key: &EpochKey,
        next: &EpochKey,
        new: usize,
    ) -> Reply {
        let mut shown = shown.clone();
        let op = self.epoch(&shown, key, next);
        shown.links.push(self.begins(&shown, op));
        let envelopes = self.envelopes(&shown, next);
        let (_, stored) = self.boss.rewraps(&shown, key, next);
        let from = shown.links.len() - 1 - new;
        self.boss.sends(&shown.links[from..], &envelopes, &[stored])
    }

    /// The operation that begins an epoch, for all who may read.
    pub(super) fn epoch(&self, shown: &Shown, key: &EpochKey, next: &EpochKey) -> Item {
        let people = shown.people();
        let readers: Vec<Id> = people
            .readers(self.dev)
            .iter()
            .map(|it| it.device)
            .collect();
        next.begin(&readers, key)
    }

    /// The link that begins it.
    pub(super) fn begins(&self, shown: &Shown, op: Item) -> Vec<u8> {
        let body = shown.next(self.boss.device.id, op).encode();
        link(&body, &[self.boss.device.ops()])
    }

    /// The key for everybody who may read.
    pub(super) fn envelopes(&self, shown: &Shown, key: &EpochKey) -> Vec<Vec<u8>> {
        let people = shown.people();
        let readers = people.readers(self.dev).into_iter();
        readers
            .map(|person| envelope(key, person, &self.boss.device))
            .collect()
    }

    /// The founder's device, and the member's to whom the server lies.
    pub(super) fn built(&self, shown: &Shown) -> [withheld_testkit::rogue::Person; 2] {
        let all = shown.people().all;
        [all[0].clone(), all[1].clone()]
    }
}

impl Lie {
    pub(super) fn of(shown: Shown, reply: Option<Reply>) -> Self {
        Self {
            shown: Some(shown),
            reply,
            beside: None,
        }
    }

    /// A lie that the honest server tells too, because it cannot see it.
    pub(super) fn stored(reply: Reply) -> Self {
        Self {
            shown: None,
            reply: Some(reply),
            beside: None,
        }
    }
}

/// The operation that invites.
pub(super) fn invitation(invite: &Invite, role: u64, rights: &[(Id, u64)], expires: u64) -> Item {
    let rights: Vec<_> = rights
        .iter()
        .map(|(env, right)| items![*env, *right])
        .collect();
    let card: &[u8] = b"";
    items![
        4,
        items![invite.id, invite.key, role, rights, expires, false, card]
    ]
}
