//! Builds commits for tests. Hashes are made of SHA-256, written-out
//! labels and written-out CBOR, never by the code under test.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use withheld_team::commit::{self, Changes, Entry};
use withheld_team::id::{EnvId, Hash, RecordId, WorkspaceId};
use withheld_team::links::Position;

use crate::common::{Device, START, labelled, nothing_committed, sign};
use crate::version::{slot, slot_hash};

/// An array of these bytes, and a signature over them under a label.
pub(crate) fn sealed(body: &[u8], key: &SigningKey, label: &str) -> Vec<u8> {
    let signature = sign(key, label, body);
    let mut bytes = vec![0x82];
    bytes.extend(head(0x40, body.len()));
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(&[0x58, 64]);
    bytes.extend_from_slice(signature.as_bytes());
    bytes
}

/// The first bytes of a CBOR item of this kind and length.
fn head(kind: u8, len: usize) -> Vec<u8> {
    let all = len.to_be_bytes();
    let [.., a, b, c, d] = all;
    match len {
        0..24 => vec![kind | d],
        24..256 => vec![kind | 24, d],
        256..65_536 => vec![kind | 25, c, d],
        65_536..0x1_0000_0000 => vec![kind | 26, a, b, c, d],
        _ => [&[kind | 27], &all[..]].concat(),
    }
}

/// The root of a state.
pub(crate) fn state_root<'a>(entries: impl ExactSizeIterator<Item = &'a Entry>) -> Hash {
    let mut bytes = head(0x80, entries.len());
    for entry in entries {
        bytes.push(if entry.slot.is_some() { 0x84 } else { 0x83 });
        bytes.push(0x50);
        bytes.extend_from_slice(entry.rid.as_bytes());
        bytes.extend(head(0x00, usize::try_from(entry.ver).unwrap()));
        for hash in [Some(entry.record), entry.slot].into_iter().flatten() {
            bytes.extend_from_slice(&[0x58, 32]);
            bytes.extend_from_slice(hash.as_bytes());
        }
    }
    Hash::of(labelled("withheld/v0/state", &bytes))
}

/// An environment that is being written.
#[derive(Clone)]
pub(crate) struct Pages {
    pub(crate) ws: WorkspaceId,
    pub(crate) env: EnvId,
    pub(crate) commits: Vec<Vec<u8>>,
    pub(crate) head: Position,
    pub(crate) entries: BTreeMap<RecordId, Entry>,
}

impl Pages {
    pub(crate) fn begin(ws: WorkspaceId, env: EnvId) -> Self {
        Self {
            ws,
            env,
            commits: Vec::new(),
            head: nothing_committed(&ws, env),
            entries: BTreeMap::new(),
        }
    }

    pub(crate) fn say(
        &self,
        anchor: Position,
        author: &Device,
        epoch: u64,
        changes: Changes,
    ) -> Draft {
        let root = state_root(self.after(&changes).values());
        let body = commit::Body {
            v: 0,
            ws: self.ws,
            env: self.env,
            seq: self.head.seq + 1,
            prev: self.head.hash,
            w_seq: anchor.seq,
            w_hash: anchor.hash,
            epoch,
            ts: START,
            author: author.id,
            changes,
            root,
        };
        Draft {
            body,
            key: author.ops.clone(),
        }
    }

    /// A new slot for every live secret.
    pub(crate) fn rewrap(&self, epoch: u64) -> Changes {
        let live = self.entries.values().filter(|entry| entry.slot.is_some());
        let anew = |entry: &Entry| {
            let slot = slot(self.env, entry.rid, entry.ver, epoch);
            (entry.rid, slot_hash(&slot))
        };
        Changes::Rewrap(live.map(anew).collect())
    }

    pub(crate) fn push(&mut self, draft: &Draft) {
        self.entries = self.after(&draft.body.changes);
        self.head = draft.position();
        self.commits.push(draft.seal());
    }

    pub(crate) fn after(&self, changes: &Changes) -> BTreeMap<RecordId, Entry> {
        let mut entries = self.entries.clone();
        match changes {
            Changes::Records(records) => {
                entries.extend(records.iter().map(|entry| (entry.rid, *entry)));
            }
            Changes::Rewrap(slots) => {
                for (rid, slot) in slots {
                    if let Some(entry) = entries.get_mut(rid) {
                        entry.slot = Some(*slot);
                    }
                }
            }
        }
        entries
    }

    /// The state as a server shows it.
    pub(crate) fn state(&self) -> Vec<Entry> {
        self.entries.values().copied().collect()
    }
}

/// A commit that is being written.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) body: commit::Body,
    pub(crate) key: SigningKey,
}

impl Draft {
    pub(crate) fn seal(&self) -> Vec<u8> {
        sealed(&self.body.to_bytes(), &self.key, "withheld/v0/sig/commit")
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut commit::Body)) -> Self {
        change(&mut self.body);
        self
    }

    pub(crate) fn signed_by(mut self, key: &SigningKey) -> Self {
        self.key = key.clone();
        self
    }

    pub(crate) fn position(&self) -> Position {
        Position {
            seq: self.body.seq,
            hash: Hash::of(labelled("withheld/v0/commit", &self.body.to_bytes())),
        }
    }
}
