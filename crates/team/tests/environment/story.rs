//! One honest workspace: seventeen links, and eight commits of one environment. The attacks are tried
//! at its positions.

use std::collections::BTreeMap;

use withheld_team::commit::Changes;
use withheld_team::id::{EnvId, RecordId};
use withheld_team::links::{Cut, Op, Position, Right, Role};

use crate::common::{Book, DAY, Device, Invitation, START};
use crate::pages::Pages;
use crate::version::Version;

pub(crate) const DEV: EnvId = EnvId::of([0xd0; 16]);
/// Only Olga is in it.
pub(crate) const OTHER: EnvId = EnvId::of([0xd1; 16]);
pub(crate) const DIRECTORY: EnvId = EnvId::of([0; 16]);

pub(crate) const S1: RecordId = RecordId::of([0xa1; 16]);
pub(crate) const S2: RecordId = RecordId::of([0xa2; 16]);
pub(crate) const S3: RecordId = RecordId::of([0xa3; 16]);
pub(crate) const S4: RecordId = RecordId::of([0xa4; 16]);
/// A secret that the story never has.
pub(crate) const S5: RecordId = RecordId::of([0xa5; 16]);

pub(crate) struct Story {
    /// Owner; writes everything.
    pub(crate) olga: Device,
    /// Member; writes `DEV` until 17, reads it then.
    pub(crate) adam: Device,
    /// Member; reads `DEV` until 15.
    pub(crate) mia: Device,
    /// Member; wrote `DEV`, removed at 13.
    pub(crate) rita: Device,
    /// Never a member.
    pub(crate) eve: Device,
    pub(crate) book: Book,
    /// `DEV` after so many commits.
    pub(crate) dev: Vec<Pages>,
    pub(crate) versions: BTreeMap<(RecordId, u64), Version>,
    pub(crate) other: Pages,
    pub(crate) directory: Pages,
}

impl Story {
    pub(crate) fn new() -> Self {
        let olga = Device::new(1, 0x11);
        let book = Book::begin(&olga, 7, START);
        let ws = book.ws;
        let mut story = Self {
            olga,
            adam: Device::new(2, 0x12),
            mia: Device::new(3, 0x13),
            rita: Device::new(4, 0x14),
            eve: Device::new(5, 0x15),
            book,
            dev: vec![Pages::begin(ws, DEV)],
            versions: BTreeMap::new(),
            other: Pages::begin(ws, OTHER),
            directory: Pages::begin(ws, DIRECTORY),
        };
        story.beginnings();
        story.first_commits();
        story.removal();
        story.lowerings();
        story
    }

    /// A link as an anchor.
    pub(crate) fn anchor(&self, seq: usize) -> Position {
        Position {
            seq: seq as u64,
            hash: self.book.until(seq).head(),
        }
    }

    /// The environment now.
    pub(crate) fn now(&self) -> &Pages {
        self.dev.last().unwrap()
    }

    /// A version of a secret that the story has.
    pub(crate) fn version(&self, rid: RecordId, ver: u64) -> &Version {
        &self.versions[&(rid, ver)]
    }

    /// The version after the one that is there after so many commits.
    pub(crate) fn next(&self, commits: usize, rid: RecordId, author: &Device) -> Version {
        let before = self.dev[commits].entries.get(&rid);
        Version::after(&self.dev[commits], before, rid, author)
    }

    fn say(&mut self, author: &Device, op: Op) {
        let draft = self.book.say(author, op);
        self.book.push(&draft);
    }

    fn welcome(&mut self, n: u8, new: &Device, right: Right) {
        let invitation = Invitation::new(n);
        let until = self.book.ts + DAY;
        let op = invitation.op(Role::Member, &[(DEV, right)], until);
        self.say(&self.olga.clone(), op);
        let join = self.book.join(&invitation, new);
        self.book.push(&join);
    }

    fn epoch(&mut self, author: &Device, env: EnvId, n: u64, to: &[&Device]) {
        let draft = self.book.epoch(author, env, n, to);
        self.book.push(&draft);
    }

    /// Links 2 to 12.
    fn beginnings(&mut self) {
        let (olga, adam) = (self.olga.clone(), self.adam.clone());
        let (mia, rita) = (self.mia.clone(), self.rita.clone());
        self.say(&olga, Op::EnvCreate { env: DEV });
        self.say(&olga, Op::EnvCreate { env: OTHER });
        self.welcome(0x32, &adam, Right::Write);
        self.welcome(0x33, &mia, Right::Read);
        self.welcome(0x34, &rita, Right::Write);
        let all = [&olga, &adam, &mia, &rita];
        self.epoch(&olga, DEV, 1, &all);
        self.epoch(&olga, OTHER, 1, &[&olga]);
        self.epoch(&olga, DIRECTORY, 1, &all);
    }

    /// Commits 1 to 4, all in sight of link 12.
    fn first_commits(&mut self) {
        let (olga, adam, rita) = (self.olga.clone(), self.adam.clone(), self.rita.clone());
        self.commit(12, 1, &olga, &[S1, S2, S3]);
        self.commit(12, 1, &adam, &[S1]);
        self.commit(12, 1, &rita, &[S4]);
        let gone = self.next(3, S3, &olga).deleted();
        self.commit_versions(12, 1, &olga, vec![gone]);
        let anchor = self.anchor(12);
        for pages in [&mut self.other, &mut self.directory] {
            let version = Version::after(pages, None, S1, &olga).under(1);
            let changes = Changes::Records(vec![version.entry()]);
            let draft = pages.say(anchor, &olga, 1, changes);
            pages.push(&draft);
        }
    }

    /// Links 13 and 14, commits 5 and 6.
    fn removal(&mut self) {
        let (olga, adam, mia) = (self.olga.clone(), self.adam.clone(), self.mia.clone());
        let Position { seq, hash } = self.now().head;
        let op = Op::MemberRemove {
            member: self.rita.member,
            cuts: vec![Cut {
                env: DEV,
                seq,
                hash,
            }],
        };
        self.say(&olga, op);
        self.epoch(&adam, DEV, 2, &[&olga, &adam, &mia]);
        self.rewrap(14, 2, &adam);
        self.commit(14, 2, &adam, &[S2]);
    }

    /// Links 15 and 16, commits 7 and 8; link 17.
    fn lowerings(&mut self) {
        let (olga, adam, mia) = (self.olga.clone(), self.adam.clone(), self.mia.clone());
        let grant = self.book.grant(&olga, &mia, DEV, Right::None);
        self.book.push(&grant);
        self.epoch(&olga, DEV, 3, &[&olga, &adam]);
        self.rewrap(16, 3, &olga);
        self.commit(16, 3, &olga, &[S1, S3]);
        let op = Op::Grant {
            member: adam.member,
            env: DEV,
            right: Right::Read,
            cut: Some(self.now().head),
        };
        self.say(&olga, op);
    }

    fn commit(&mut self, anchor: usize, epoch: u64, author: &Device, rids: &[RecordId]) {
        let commits = self.dev.len() - 1;
        let next = |rid: &RecordId| self.next(commits, *rid, author).under(epoch);
        let versions = rids.iter().map(next).collect();
        self.commit_versions(anchor, epoch, author, versions);
    }

    fn commit_versions(&mut self, anchor: usize, epoch: u64, author: &Device, all: Vec<Version>) {
        let changes = Changes::Records(all.iter().map(Version::entry).collect());
        for version in all {
            let header = &version.body.header;
            self.versions.insert((header.rid, header.ver), version);
        }
        self.push(anchor, epoch, author, changes);
    }

    fn rewrap(&mut self, anchor: usize, epoch: u64, author: &Device) {
        let changes = self.now().rewrap(epoch);
        self.push(anchor, epoch, author, changes);
    }

    fn push(&mut self, anchor: usize, epoch: u64, author: &Device, changes: Changes) {
        let mut pages = self.now().clone();
        let draft = pages.say(self.anchor(anchor), author, epoch, changes);
        pages.push(&draft);
        self.dev.push(pages);
    }
}
