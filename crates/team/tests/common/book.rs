//! Links and chains that are being written.

use ed25519_dalek::SigningKey;
use withheld_team::id::{EnvId, Hash, WorkspaceId};
use withheld_team::links::{Body, Link, Op, Right, Signer};

use super::{Device, Invitation, MINUTE, link_hash, recipients, sign};

/// A link that is being written: everything of it can be changed before it is sealed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) body: Body,
    pub(crate) by: Vec<(Signer, SigningKey)>,
}

impl Draft {
    pub(crate) fn seal(&self) -> Vec<u8> {
        seal(self.body.to_bytes(), &self.by, "withheld/v0/sig/wlink")
    }

    /// As [`Self::seal`], with something about the body changed.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Body)) -> Self {
        change(&mut self.body);
        self
    }

    pub(crate) fn signed_by(mut self, by: &[(Signer, SigningKey)]) -> Self {
        self.by = by.to_vec();
        self
    }

    pub(crate) fn and_by(mut self, by: (Signer, SigningKey)) -> Self {
        self.by.push(by);
        self
    }
}

/// A link of these bytes, signed under a label.
pub(crate) fn seal(body: Vec<u8>, by: &[(Signer, SigningKey)], label: &str) -> Vec<u8> {
    let signatures = by
        .iter()
        .map(|(signer, key)| (*signer, sign(key, label, &body)));
    let signatures = signatures.collect();
    Link::of(body, signatures)
}

/// A chain that is being written, one minute a link.
#[derive(Clone)]
pub(crate) struct Book {
    pub(crate) ws: WorkspaceId,
    pub(crate) links: Vec<Vec<u8>>,
    heads: Vec<Hash>,
    pub(crate) ts: u64,
}

impl Book {
    pub(crate) fn begin(founder: &Device, salt: u8, ts: u64) -> Self {
        let genesis = genesis(founder, salt, ts);
        let hash = link_hash(&genesis.body.to_bytes());
        Self {
            ws: hash.into(),
            links: vec![genesis.seal()],
            heads: vec![hash],
            ts,
        }
    }

    /// The chain as it was at a position.
    pub(crate) fn until(&self, seq: usize) -> Self {
        let mut book = self.clone();
        book.links.truncate(seq);
        book.heads.truncate(seq);
        book.ts -= MINUTE * (self.links.len() - seq) as u64;
        book
    }

    pub(crate) fn seq(&self) -> u64 {
        self.links.len() as u64
    }

    pub(crate) fn head(&self) -> Hash {
        self.heads[self.heads.len() - 1]
    }

    /// The next link, signed by its author's admin key.
    pub(crate) fn say(&self, author: &Device, op: Op) -> Draft {
        let body = Body {
            v: 0,
            ws: self.ws,
            seq: self.seq() + 1,
            prev: self.head(),
            ts: self.ts + MINUTE,
            author: author.id,
            op,
        };
        Draft {
            body,
            by: vec![author.by_admin()],
        }
    }

    pub(crate) fn join(&self, invitation: &Invitation, new: &Device) -> Draft {
        let op = Op::Join {
            invite: invitation.id,
            member: new.member,
            device: new.public.clone(),
        };
        let by = [new.by_ops(), new.by_admin(), invitation.by()];
        self.say(new, op).signed_by(&by)
    }

    pub(crate) fn device_add(&self, author: &Device, new: &Device) -> Draft {
        let op = Op::DeviceAdd {
            member: new.member,
            device: new.public.clone(),
        };
        let draft = self.say(author, op);
        draft.and_by(new.by_ops()).and_by(new.by_admin())
    }

    /// An epoch that wraps the key of the one before.
    pub(crate) fn epoch(&self, author: &Device, env: EnvId, n: u64, to: &[&Device]) -> Draft {
        let byte = u8::try_from(n).unwrap();
        let op = Op::Epoch {
            env,
            n,
            recipients: recipients(to),
            commit_root: Hash::of([byte; 32]),
            commit_meta: Hash::of([byte | 0x80; 32]),
            prev_n: n - 1,
            prev_wrap: (n > 1).then(|| [byte; 72].into()),
        };
        self.say(author, op).signed_by(&[author.by_ops()])
    }

    pub(crate) fn grant(&self, author: &Device, to: &Device, env: EnvId, right: Right) -> Draft {
        let member = to.member;
        let cut = None;
        let op = Op::Grant {
            member,
            env,
            right,
            cut,
        };
        self.say(author, op)
    }

    pub(crate) fn push(&mut self, draft: &Draft) {
        self.heads.push(link_hash(&draft.body.to_bytes()));
        self.links.push(draft.seal());
        self.ts = draft.body.ts;
    }

    /// This chain and one link more.
    pub(crate) fn and(mut self, draft: &Draft) -> Self {
        self.push(draft);
        self
    }
}

pub(crate) fn genesis(founder: &Device, salt: u8, ts: u64) -> Draft {
    let op = Op::Genesis {
        suite: 1,
        member: founder.member,
        device: founder.public.clone(),
        salt: [salt; 16].into(),
    };
    let body = Body {
        v: 0,
        ws: WorkspaceId::of([0; 32]),
        seq: 1,
        prev: Hash::ZERO,
        ts,
        author: founder.id,
        op,
    };
    Draft {
        body,
        by: vec![founder.by_admin()],
    }
}
