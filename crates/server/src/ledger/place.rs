//! Where a bundle belongs in the chains, before any rule is judged: the next place, a place where it
//! stands already, or one that somebody else was faster to take.

use std::collections::BTreeSet;

use withheld_team::api::{Bundle, Heads, ProblemCode};
use withheld_team::chain::Chain;
use withheld_team::commit::Commit;
use withheld_team::id::EnvId;
use withheld_team::links::{Body, Link};

use crate::problem::{Answer, Refused};

/// Where a bundle belongs.
pub(super) enum Place {
    /// At the heads.
    Next,
    /// Before them: its links are stored, and so is the bundle if these commits are.
    Before(Vec<(EnvId, u64, Vec<u8>)>),
    /// Neither.
    Elsewhere,
}

/// Where a bundle belongs.
///
/// # Errors
/// `malformed` for an empty one, `invalid` or `unknown` for what cannot be read.
pub(super) fn of(bundle: &Bundle, chain: &Chain, heads: &Heads) -> Answer<Place> {
    if bundle.links.is_empty() && bundle.commits.is_empty() && bundle.envelopes.is_empty() {
        return Err(Refused::of(ProblemCode::Malformed));
    }
    let commits = read_commits(bundle)?;
    let stored = || {
        let pairs = commits.iter().zip(&bundle.commits);
        pairs
            .map(|(read, sent)| (read.body.env, read.body.seq, sent.commit.0.clone()))
            .collect()
    };
    let links = links(bundle, chain)?;
    if links == Some(Where::Before) {
        return Ok(Place::Before(stored()));
    }
    let mut seen = BTreeSet::new();
    let firsts = commits.iter().filter(|commit| seen.insert(commit.body.env));
    let places: BTreeSet<Where> = links
        .into_iter()
        .chain(firsts.map(|commit| commit_at(commit, heads)))
        .collect();
    // Envelopes alone have a place of their own each, so they are always next.
    Ok(match places.iter().copied().collect::<Vec<_>>()[..] {
        [] | [Where::Next] => Place::Next,
        [Where::Before] => Place::Before(stored()),
        _ => Place::Elsewhere,
    })
}

/// The environments that the commits of a bundle change, each once.
pub(super) fn touched(bundle: &Bundle) -> BTreeSet<EnvId> {
    bundle.commits.iter().map(|parts| parts.env).collect()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    Next,
    Before,
    Elsewhere,
}

fn read_commits(bundle: &Bundle) -> Answer<Vec<Commit>> {
    let read = bundle.commits.iter().map(|parts| {
        let commit = Commit::read(&parts.commit.0).map_err(|it| Refused::verdict(it, None))?;
        if commit.body.env == parts.env {
            Ok(commit)
        } else {
            let seq = Some(commit.body.seq);
            Err(Refused::invalid("a commit of another environment", seq))
        }
    });
    read.collect()
}

fn links(bundle: &Bundle, chain: &Chain) -> Answer<Option<Where>> {
    let read = bundle.links.iter().map(|sent| {
        let link = Link::read(&sent.0)?;
        Ok((Body::read(&link.body)?, link.hash()))
    });
    let read: Result<Vec<_>, _> = read.collect();
    let read = read.map_err(|it| Refused::verdict(it, None))?;
    let Some((first, _)) = read.first() else {
        return Ok(None);
    };
    let head = chain.head();
    let is_stored = |(body, hash): &(Body, _)| chain.hash_at(body.seq) == Some(*hash);
    Ok(Some(
        if (first.seq, first.prev) == (head.seq + 1, head.hash) {
            Where::Next
        } else if read.iter().all(is_stored) {
            Where::Before
        } else {
            Where::Elsewhere
        },
    ))
}

/// Where the first commit of an environment belongs. An environment that the links of the same bundle
/// make has no head yet.
fn commit_at(commit: &Commit, heads: &Heads) -> Where {
    let body = &commit.body;
    match heads.envs.iter().find(|head| head.env == body.env) {
        None => Where::Next,
        Some(head) if (body.seq, body.prev) == (head.seq + 1, head.hash) => Where::Next,
        Some(head) if body.seq <= head.seq => Where::Before,
        Some(_) => Where::Elsewhere,
    }
}
