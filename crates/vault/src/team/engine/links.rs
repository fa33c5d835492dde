//! The membership chain as the server shows it, page by page, and what a page that does not verify
//! means.

use std::sync::Arc;

use minicbor::bytes::ByteVec;
use withheld_core::Refusal;
use withheld_team::Verdict;
use withheld_team::api::{Heads, Links};
use withheld_team::chain::Chain;
use withheld_team::id::{EnvId, RecordId, WorkspaceId};

use super::state::State;
use super::talk::Line;

/// Links that are asked for at once; a longer page is not read.
const PAGE: usize = 500;

/// Why a round ended.
pub(super) enum Stop {
    /// It could not go on; nothing is proven against the server.
    Refused(Refusal),
    /// What the server showed does not verify.
    Proof(Proof),
}

/// What does not verify, and where.
pub(super) struct Proof {
    /// Without an environment it is the membership chain.
    pub(super) env: Option<EnvId>,
    pub(super) verdict: Verdict,
    /// The version whose value it is, where it is only that.
    pub(super) value: Option<(RecordId, u64)>,
    /// The answer that shows it.
    pub(super) bytes: Vec<u8>,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Stop {
    /// That it is only about the value of one version.
    pub(super) fn about(mut self, value: (RecordId, u64)) -> Self {
        if let Self::Proof(proof) = &mut self {
            proof.value = Some(value);
        }
        self
    }
}

/// What a verdict on the last answer means: evidence, or only that something is missing.
pub(super) fn proof(line: &mut Line<'_>, env: Option<EnvId>, verdict: Verdict) -> Stop {
    match verdict {
        Verdict::Unknown(_) | Verdict::Unverified(_) => Stop::Refused(verdict.into()),
        Verdict::Invalid(_) | Verdict::Rollback | Verdict::Fork => Stop::Proof(Proof {
            env,
            verdict,
            value: None,
            bytes: line.take_last(),
        }),
    }
}

/// The links up to a position, or beyond.
pub(super) fn fetch_links(line: &mut Line<'_>, next: &mut State, until: u64) -> Result<(), Stop> {
    let ws = next.file.ws;
    while next.chain.head().seq < until {
        let page = page_of_links(line, &ws, next.chain.head().seq + 1)?;
        for link in page {
            let taken = Arc::make_mut(&mut next.chain).apply(&link);
            taken.map_err(|verdict| proof(line, None, verdict))?;
            next.file.links.push(ByteVec::from(link));
        }
    }
    Ok(())
}

/// The whole chain of a workspace, for who has nothing of it.
pub(super) fn fetch_chain(
    line: &mut Line<'_>,
    ws: WorkspaceId,
) -> Result<(Chain, Vec<ByteVec>), Stop> {
    let heads: Heads = line.get(&format!("/v1/ws/{ws}/heads"))?;
    let mut links = page_of_links(line, &ws, 1)?;
    let mut kept = Vec::new();
    let mut chain: Option<Chain> = None;
    loop {
        for link in links {
            let taken = match &mut chain {
                None => Chain::begin(ws, &link).map(|begun| chain = Some(begun)),
                Some(chain) => chain.apply(&link),
            };
            taken.map_err(|verdict| proof(line, None, verdict))?;
            kept.push(ByteVec::from(link));
        }
        let Some(begun) = chain.take() else {
            return Err(proof(line, None, Verdict::Rollback));
        };
        if begun.head().seq >= heads.w.seq {
            return match begun.hash_at(heads.w.seq) {
                Some(hash) if hash == heads.w.hash => Ok((begun, kept)),
                _ => Err(proof(line, None, Verdict::Fork)),
            };
        }
        links = page_of_links(line, &ws, begun.head().seq + 1)?;
        chain = Some(begun);
    }
}

/// A page that brings something.
fn page_of_links(line: &mut Line<'_>, ws: &WorkspaceId, from: u64) -> Result<Vec<Vec<u8>>, Stop> {
    let page: Links = line.get(&format!("/v1/ws/{ws}/links?from={from}&limit={PAGE}"))?;
    if page.links.is_empty() || page.links.len() > PAGE {
        return Err(proof(line, None, Verdict::Rollback));
    }
    Ok(page.links.into_iter().map(|link| link.0).collect())
}
