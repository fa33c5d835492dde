//! The key of an environment's epoch, and what comes of it: a key for names, one for values, one to
//! compare values, one for the epoch before. The chain carries commitments, so that a key is known to be
//! the epoch's own before anything is opened with it.

use withheld_core::Refusal;
use withheld_secret::{Expose as _, SecretValue};
use withheld_team::chain::{Chain, Epoch};
use withheld_team::id::{EnvId, Hash, RecordId, ValueTag, WorkspaceId};
use withheld_team::label::Label;
use withheld_team::slot::WRAP;
use withheld_team::{VERSION, Verdict, cbor};

use super::cipher;
use super::keys::{derive, mac};
use crate::key::Key;

/// Which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpochId {
    pub(crate) ws: WorkspaceId,
    pub(crate) env: EnvId,
    /// Counts from 1 in each environment.
    pub(crate) n: u64,
}

impl EpochId {
    fn context(&self) -> Vec<u8> {
        [
            &self.ws.as_bytes()[..],
            &self.env.as_bytes()[..],
            &self.n.to_be_bytes(),
        ]
        .concat()
    }

    /// What stands of this epoch on the chain.
    fn committed<'a>(&self, chain: &'a Chain) -> Result<&'a Epoch, Verdict> {
        chain
            .env(&self.env)
            .filter(|_| chain.ws() == self.ws)
            .and_then(|env| env.epochs.iter().find(|epoch| epoch.n == self.n))
            .ok_or(Verdict::Invalid("an epoch that is not on the chain"))
    }
}

/// The key of an epoch.
pub(crate) struct EpochKey {
    id: EpochId,
    root: Key,
    /// Wraps the keys of names.
    pub(super) meta: Key,
    /// Wraps the keys of values.
    pub(super) value: Key,
    compare: Key,
    commit_root: Hash,
    commit_meta: Hash,
}

impl EpochKey {
    /// The key of a new epoch.
    ///
    /// # Errors
    /// `internal` without randomness, `store_unavailable` without locked memory.
    pub(crate) fn random(id: EpochId) -> Result<Self, Refusal> {
        Self::of(id, Key::random()?)
    }

    /// The key that is said to be an epoch's.
    pub(super) fn of(id: EpochId, root: Key) -> Result<Self, Refusal> {
        let context = id.context();
        let from = |key: &Key, label| key.look(|key| derive(key, label, &context));
        let meta = from(&root, Label::EPOCH_META)?;
        Ok(Self {
            id,
            value: from(&root, Label::EPOCH_VALUE)?,
            compare: from(&root, Label::EPOCH_COMPARE)?,
            commit_root: from(&root, Label::EPOCH_COMMIT_ROOT)?.look(|key| Hash::of(*key)),
            commit_meta: from(&meta, Label::EPOCH_COMMIT_META)?.look(|key| Hash::of(*key)),
            meta,
            root,
        })
    }

    /// Which epoch's it is.
    pub(crate) fn id(&self) -> EpochId {
        self.id
    }

    /// The commitment to the key.
    pub(crate) fn commit_root(&self) -> Hash {
        self.commit_root
    }

    /// The commitment to the key for names.
    pub(crate) fn commit_meta(&self) -> Hash {
        self.commit_meta
    }

    /// The key itself, to be sealed to a device.
    pub(super) fn root(&self) -> &Key {
        &self.root
    }

    /// This key, if it is the one that the chain committed to.
    ///
    /// # Errors
    /// `Invalid`.
    pub(super) fn proven(self, chain: &Chain) -> Result<Self, Verdict> {
        let committed = self.id.committed(chain)?;
        if (self.commit_root, self.commit_meta) == (committed.commit_root, committed.commit_meta) {
            Ok(self)
        } else {
            Err(Verdict::Invalid("a key that is not the one of its epoch"))
        }
    }

    /// What shows to holders of this key whether two values of one record are equal.
    ///
    /// # Errors
    /// As [`EpochKey::random`].
    #[expect(
        clippy::disallowed_methods,
        reason = "a MAC reads the value where it lies; what comes out tells nothing without the key"
    )]
    pub(crate) fn value_tag(
        &self,
        rid: &RecordId,
        value: &SecretValue,
    ) -> Result<ValueTag, Refusal> {
        let place = [&self.id.env.as_bytes()[..], &rid.as_bytes()[..]].concat();
        let head = Label::VALUE_TAG.before(&place);
        let mac = value.expose(|value| mac(&self.compare, &[&head, value]))?;
        Ok(ValueTag::of(Hash::of(mac).first_half()))
    }

    /// The key of an earlier epoch, wrapped under this one, for the link that begins this epoch.
    ///
    /// # Errors
    /// As [`EpochKey::random`].
    pub(crate) fn wrap_prev(&self, previous: &Self) -> Result<[u8; WRAP], Refusal> {
        cipher::wrap(
            &self.prev_key()?,
            &self.prev_aad(previous.id.n),
            &previous.root,
        )
    }

    /// The key of the epoch that this one names as the one before; `None` for the first.
    ///
    /// # Errors
    /// `signature_invalid` where what is wrapped is not that epoch's key.
    pub(crate) fn unwrap_prev(&self, chain: &Chain) -> Result<Option<Self>, Refusal> {
        const BAD: Verdict = Verdict::Invalid("a wrapped key of an earlier epoch");
        let link = self.id.committed(chain)?;
        let Some(wrap) = &link.prev_wrap else {
            return Ok(None);
        };
        let aad = self.prev_aad(link.prev_n);
        let key = cipher::unwrap(&self.prev_key()?, &aad, &wrap[..])?.map_err(|_| BAD)?;
        let id = EpochId {
            n: link.prev_n,
            ..self.id
        };
        Ok(Some(Self::of(id, key)?.proven(chain)?))
    }

    fn prev_key(&self) -> Result<Key, Refusal> {
        let context = self.id.context();
        self.root
            .look(|root| derive(root, Label::EPOCH_PREV, &context))
    }

    fn prev_aad(&self, prev_n: u64) -> Vec<u8> {
        let EpochId { ws, env, n } = self.id;
        Label::AAD_SLOT_PREV.before(&cbor::encode(&(VERSION, ws, env, n, prev_n)))
    }
}

#[cfg(test)]
#[path = "epoch_tests.rs"]
mod tests;
