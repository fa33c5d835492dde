//! A join: sent by somebody who is nobody here yet. Whoever has not got an open invitation learns nothing
//! of the workspace, and whoever has learns where the own link stands.

use withheld_team::api::{Bundle, Heads, Position, ProblemCode};
use withheld_team::chain::Chain;
use withheld_team::id::{Hash, WorkspaceId};
use withheld_team::label::Label;
use withheld_team::links::{Body, Link, Op, Signer};

use super::Ledger;
use crate::office::Fault;
use crate::problem::{Answer, Refused};

impl Ledger {
    /// Appends a join, or finds it where it stands already.
    ///
    /// # Errors
    /// `malformed` for what is no join; `conflict`, without heads, or the rule that it breaks.
    pub(crate) async fn join(
        &self,
        ws: &WorkspaceId,
        bundle: Bundle,
        now: u64,
    ) -> Result<Heads, Fault> {
        let (link, body) = the_join(&bundle)?;
        let known = self.ws(ws).await?;
        let stored = only_link(body.seq, link.hash());
        if known.chain.hash_at(body.seq) == Some(link.hash()) {
            return Ok(stored);
        }
        // Before its place is judged: a refusal for that says that the chain has moved.
        is_invited(&known.chain, &link, &body, now)?;
        match self.append(ws, None, bundle, now).await {
            Ok(_) => Ok(stored),
            Err(Fault::Refused(it)) if it.code() == ProblemCode::Conflict => {
                Err(Refused::of(ProblemCode::Conflict).into())
            }
            Err(fault) => Err(fault),
        }
    }
}

fn the_join(bundle: &Bundle) -> Answer<(Link, Body)> {
    let malformed = || Refused::of(ProblemCode::Malformed);
    let [link] = &bundle.links[..] else {
        return Err(malformed());
    };
    if !bundle.commits.is_empty() || !bundle.envelopes.is_empty() {
        return Err(malformed());
    }
    let read = Link::read(&link.0).and_then(|link| Ok((Body::read(&link.body)?, link)));
    let (body, link) = read.map_err(|it| Refused::verdict(it, None))?;
    match body.op {
        Op::Join { .. } => Ok((link, body)),
        _ => Err(malformed()),
    }
}

/// Whether an open invitation signed it.
fn is_invited(chain: &Chain, link: &Link, body: &Body, now: u64) -> Answer<()> {
    let Op::Join { invite, .. } = &body.op else {
        return Err(Refused::of(ProblemCode::Malformed));
    };
    let known = chain.invite(invite).filter(|_| chain.is_open(invite, now));
    let mut signed = link.signatures.iter();
    let signed = signed.find(|(signer, _)| *signer == Signer::Invite(*invite));
    let holds = known.zip(signed).is_some_and(|(known, (_, signature))| {
        let judged = known.key.verify(Label::SIG_WLINK, &link.body, signature);
        judged.is_ok()
    });
    match holds {
        true => Ok(()),
        false => Err(Refused::invalid("a join without an open invitation", None)),
    }
}

/// Of a workspace, only where one link stands.
pub(super) fn only_link(seq: u64, hash: Hash) -> Heads {
    Heads {
        w: Position { seq, hash },
        envs: Vec::new(),
        rev: 0,
    }
}
