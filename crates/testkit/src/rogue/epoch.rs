//! The key of an environment's epoch, and what is wrapped with it.

use super::crypto::{derive, half, labelled, mac, open, random, seal};
use super::{Hash, Id, Item};
use crate::items;

/// The key of an epoch.
#[derive(Clone)]
pub struct EpochKey {
    pub(super) ws: Hash,
    /// The environment.
    pub env: Id,
    /// The epoch's number.
    pub n: u64,
    /// The key itself.
    pub root: Hash,
}

impl EpochKey {
    /// The key that is said to be an epoch's.
    pub fn of(ws: Hash, env: Id, n: u64, root: Hash) -> Self {
        Self { ws, env, n, root }
    }

    /// Another key that is said to be this epoch's.
    #[must_use]
    pub fn forged(&self) -> Self {
        Self::of(self.ws, self.env, self.n, random())
    }

    /// The key of the epoch after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        Self::of(self.ws, self.env, self.n + 1, random())
    }

    /// The operation that begins this epoch after `before`, for these recipients.
    pub fn begin(&self, recipients: &[Id], before: &Self) -> Item {
        let mut set: Vec<_> = recipients.to_vec();
        set.sort_unstable();
        let set: Vec<_> = set.into_iter().map(|id| items![id, 2]).collect();
        let recipients = super::hash("recipients", &Item::Array(set).encode());
        let meta = self.key("epoch/meta");
        items![
            9,
            items![
                self.env,
                self.n,
                recipients,
                self.key("epoch/commit-root"),
                derive(&meta, "epoch/commit-meta", &self.context()),
                before.n,
                self.wrap_before(before),
            ]
        ]
    }

    /// An earlier key, wrapped under this one.
    pub fn wrap_before(&self, before: &Self) -> Vec<u8> {
        let aad = items![0, self.ws, self.env, self.n, before.n].encode();
        let aad = labelled("aad/slot-prev", &aad);
        seal(&self.key("epoch/prev-wrap"), &aad, &before.root)
    }

    /// The key of one part of a record, wrapped: `meta` or `value`.
    pub fn wrap(&self, part: &str, of: (Id, u64), dek: &Hash) -> Vec<u8> {
        seal(&self.part(part), &self.place(part, of), dek)
    }

    pub(super) fn unwrap(&self, part: &str, of: (Id, u64), wrapped: &[u8]) -> Option<Hash> {
        let dek = open(&self.part(part), &self.place(part, of), wrapped)?;
        dek.try_into().ok()
    }

    pub(super) fn tag(&self, rid: Id, value: &[u8]) -> [u8; 16] {
        let place = [&self.env[..], &rid].concat();
        let message = [&labelled("value-tag", &place)[..], value].concat();
        half(mac(&self.key("epoch/compare"), &message))
    }

    fn part(&self, part: &str) -> Hash {
        self.key(&format!("epoch/{part}"))
    }

    fn place(&self, part: &str, (rid, ver): (Id, u64)) -> Vec<u8> {
        let place = items![0, self.ws, self.env, rid, ver, self.n].encode();
        labelled(&format!("aad/slot-{part}"), &place)
    }

    fn key(&self, label: &str) -> Hash {
        derive(&self.root, label, &self.context())
    }

    fn context(&self) -> Vec<u8> {
        [&self.ws[..], &self.env, &self.n.to_be_bytes()].concat()
    }
}
