//! How far a server must say that it is before it is believed that it keeps what was sent. Whoever stands
//! on the way says that all is well, too.

use withheld_core::Refusal;
use withheld_team::api::{Bundle, CommitParts, Heads};
use withheld_team::chain::Head;
use withheld_team::commit::Commit;
use withheld_team::id::{EnvId, Hash};
use withheld_team::links::{Body, Link};

use super::files::impossible;

/// The heads of what was sent.
#[derive(Default)]
pub(super) struct Reached {
    w: Option<Head>,
    envs: Vec<(EnvId, Head)>,
}

impl Reached {
    /// By a bundle, as it is sent.
    ///
    /// # Errors
    /// `internal` for bytes that are none.
    pub(super) fn by_bundle(sent: &[u8]) -> Result<Self, Refusal> {
        let bundle: Bundle = serde_json::from_slice(sent).map_err(|_| impossible())?;
        let w = bundle.links.last().map(|link| {
            let link = Link::read(&link.0)?;
            let seq = Body::read(&link.body)?.seq;
            Ok::<_, Refusal>(Head {
                seq,
                hash: link.hash(),
            })
        });
        let mut reached = Self {
            w: w.transpose()?,
            envs: Vec::new(),
        };
        for parts in &bundle.commits {
            reached.add(parts)?;
        }
        Ok(reached)
    }

    /// By a commit, as it is sent.
    ///
    /// # Errors
    /// `internal` for bytes that are none.
    pub(super) fn by_commit(sent: &[u8]) -> Result<Self, Refusal> {
        let parts: CommitParts = serde_json::from_slice(sent).map_err(|_| impossible())?;
        let mut reached = Self::default();
        reached.add(&parts)?;
        Ok(reached)
    }

    fn add(&mut self, parts: &CommitParts) -> Result<(), Refusal> {
        let commit = Commit::read(&parts.commit.0)?;
        let head = Head {
            seq: commit.body.seq,
            hash: commit.hash,
        };
        self.envs.retain(|(env, _)| *env != parts.env);
        self.envs.push((parts.env, head));
        Ok(())
    }

    /// Whether these heads are heads of what was sent, or of something after it.
    pub(super) fn is_in(&self, heads: &Heads) -> bool {
        let is_in = |(env, head): &(EnvId, Head)| {
            let mut shown = heads.envs.iter();
            let shown = shown.find(|shown| shown.env == *env);
            shown.is_some_and(|shown| is_past(head, shown.seq, shown.hash))
        };
        let w = self.w.as_ref();
        w.is_none_or(|head| is_past(head, heads.w.seq, heads.w.hash)) && self.envs.iter().all(is_in)
    }
}

/// Whether a position is this one, or may be one after it.
fn is_past(head: &Head, seq: u64, hash: Hash) -> bool {
    seq > head.seq || (seq == head.seq && hash == head.hash)
}
